"""The picture of a sample: targets below channels, one scale for all reflectivities, colours as the legend's."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from radar_cleaner.plotting import samples as sample_figures
from radar_cleaner.plotting.samples import MASK_COLOURS, sample_figure

PLANE = np.linspace(0, 1, 64).reshape(8, 8)
CHANNELS = {"own_reflectivity_0": PLANE, "own_availability_0": PLANE, "range": 3 * PLANE}


def targets(now: float = 20.0, ahead: float = 45.0) -> dict[str, Any]:
    nothing = np.full((8, 8), np.nan)
    mask = np.zeros((8, 8), int)
    mask[0, :3] = 1, 2, 3
    return {
        "mask": mask,
        "weight": PLANE,
        "reflectivity, dBZ": np.where(PLANE > 0.5, now, np.nan),
        "hole": PLANE > 0.9,
        "rain in 6 min": np.where(PLANE > 0.5, 1.0, np.where(PLANE > 0.2, 0.0, np.nan)),
        "reflectivity in 6 min, dBZ": np.where(PLANE > 0.5, ahead, np.nan),
        "rain in 12 min": nothing,
        "reflectivity in 12 min, dBZ": nothing,
    }


def panels(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The figure, and its panels by their titles."""
    monkeypatch.setattr(sample_figures, "to_png", lambda figure, **_: figure)
    figure: Any = sample_figure("sample", CHANNELS, found)
    return figure, {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def test_targets_begin_on_a_new_row(monkeypatch: pytest.MonkeyPatch) -> None:
    _, drawn = panels(monkeypatch, targets())
    row = {title: axes.get_subplotspec().rowspan.start for title, axes in drawn.items()}
    column = {title: axes.get_subplotspec().colspan.start for title, axes in drawn.items()}
    assert {row[name] for name in CHANNELS} == {0}
    assert (row["target: mask"], column["target: mask"]) == (1, 0)
    assert {row[f"target: {name}"] for name in targets() if " in " in name} == {2}


@pytest.mark.parametrize(("now", "ahead", "span"), [(20, 45, (20, 45)), (30, -8, (-8, 30)), (30, 30, (30, 35))])
def test_all_reflectivities_have_one_scale(
    monkeypatch: pytest.MonkeyPatch, now: float, ahead: float, span: tuple[float, float]
) -> None:
    _, drawn = panels(monkeypatch, targets(now, ahead))
    limits = {
        axes.images[0].get_clim() for title, axes in drawn.items() if "reflectivity" in title and "dBZ" in title
    }
    assert limits == {span}
    values = drawn["target: reflectivity in 6 min, dBZ"].images[0].get_array()
    assert values.compressed().tolist() == [ahead] * 32  # also where it is below 0 dBZ


def test_unknown_rain_differs_from_no_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    figure, drawn = panels(monkeypatch, targets())
    image = drawn["target: rain in 6 min"].images[0]
    colours = image.cmap(image.norm(image.get_array()))[..., :3]
    seen = {tuple(np.round(colours[place], 3)) for place in ((0, 0), (3, 0), (7, 7))}
    assert len(seen) == 3
    known = {text.get_text(): patch.get_facecolor()[:3] for text, patch in legend_of(figure)}
    assert tuple(np.round(colours[0, 0], 3)) == tuple(np.round(known["not known"], 3))
    without, _ = panels(monkeypatch, {name: plane for name, plane in targets().items() if " in " not in name})
    assert [text.get_text() for text, _ in legend_of(without)] == [label for label, _ in MASK_COLOURS.values()]


def legend_of(figure: Any) -> list[tuple[Any, Any]]:
    (legend,) = figure.legends
    return list(zip(legend.get_texts(), legend.get_patches(), strict=True))


def test_the_figure_has_the_colour_of_each_class_however_rare() -> None:
    with Image.open(io.BytesIO(sample_figure("sample", CHANNELS, targets()))) as picture:
        seen = {colour for _, colour in picture.convert("RGB").getcolors(2**24)}  # type: ignore[union-attr]
    for label, colour in MASK_COLOURS.values():
        assert tuple(round(255 * part) for part in to_rgb(colour)) in seen, label
