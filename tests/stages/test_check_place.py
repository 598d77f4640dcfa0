"""The place of a radar's pictures goes into a table, a picture, the log, and the last lines of the run."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.coast_pictures import draw_ground, find_place
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.planning.closing import closing_lines
from radar_cleaner.reflectivity.colour_space import ColourSpace
from radar_cleaner.reflectivity.picture import Picture, picture_attrs, picture_variables
from radar_cleaner.stages.check_place import check_place
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

Pixels, Mask = NDArray[np.uint8], NDArray[np.bool_]
BOX = (30, 10, 190, 170)  # of frames of 200 x 180 px


def learned_picture(ground: Pixels, known: Mask, overlay: Mask, nodata: Mask) -> Picture:
    """Return a picture with a ground (y, x, 3) that is `known` in a part."""
    return Picture(
        ground=np.stack([ground, 0 * ground, 0 * ground]),
        ground_share=np.stack([known, 0 * known, 0 * known]).astype(np.float32),
        overlay=overlay,
        nodata=nodata,
        ground_colours=(),
        colours=(),
        tolerance=20.0,
        opacity=1.0,
        softness=0.0,
        space=ColourSpace(),
        frames=8,
        enough=True,
    )


def make(results: Path, offset: tuple[float, float], hidden: bool = False, frames: int = 3) -> RadarGeometry:
    """Write a picture moved by `offset` from its place, and its frames; the ground of a part is not known."""
    rng = np.random.default_rng(7)
    grid = find_place(rng, (BOX[2] - BOX[0], BOX[3] - BOX[1]))
    ground = draw_ground(rng, grid, "flat", offset, plain=True)
    known = np.full(grid.shape, not hidden)
    known[:30] = False
    layout, nowhere = Layout(results), np.zeros(grid.shape, bool)
    picture = learned_picture(ground, known, nowhere, nowhere)
    attrs = {"radar": "R", **picture_attrs(picture)}
    with StoreWriter(layout.picture("R"), static=picture_variables(picture), attrs=attrs):
        pass
    with StoreWriter(layout.rgb("R", "20240711"), variables=RGB.frame_variables((180, 200, 3))) as store:
        for time in range(frames):
            frame = np.full((180, 200, 3), 40, np.uint8)
            frame[BOX[1] : BOX[3], BOX[0] : BOX[2]] = ground
            store.append(time, rgb=frame, alpha=np.full((180, 200), 255, np.uint8))
    return RadarGeometry("R", grid, None, None, None)


def test_overlay_counts_as_ground_that_looks_as_in_a_frame() -> None:
    overlay = np.eye(3, dtype=bool)
    nodata = np.zeros((3, 3), bool)
    nodata[2, 2] = True
    learned = learned_picture(np.full((3, 3, 3), 200, np.uint8), np.tri(3, dtype=bool), overlay, nodata)
    seen, known = learned.seen_ground(np.full((3, 3, 3), 9, np.uint8))
    np.testing.assert_array_equal(seen[..., 0], np.where(overlay, 9, np.tri(3) * 200))
    np.testing.assert_array_equal(known, np.tri(3, dtype=bool) & ~nodata)


def check(results: Path, geometry: RadarGeometry) -> dict[str, object]:
    layout = Layout(results)
    check_place(
        geometry=geometry,
        picture=layout.picture("R"),
        rgb=layout.rgb("R", "20240711"),
        plot_box=BOX,
        output=layout.place("R"),
        figure=layout.place_figure("R"),
    )
    return dict(json.loads(layout.place("R").read_text()))


def test_a_moved_picture_is_a_warning_in_log_table_and_the_last_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        found = check(tmp_path, make(tmp_path, (5, -3)))
    assert found["warns"] and found["east_px"] == pytest.approx(5, abs=1)
    assert "too far east" in caplog.text and "north" in caplog.text and "WARNING" in caplog.text
    (line,) = closing_lines(tmp_path, {"R": [], "not made": []}, [])
    assert line.startswith("WARNING R: the picture is") and line.endswith("place/R.png")
    with Image.open(Layout(tmp_path).place_figure("R")) as figure:
        assert figure.width > 200


@pytest.mark.parametrize("hidden", [False, True])
def test_a_picture_in_its_place_or_without_known_ground_is_no_warning(tmp_path: Path, hidden: bool) -> None:
    found = check(tmp_path, make(tmp_path, (0, 0), hidden, frames=0 if hidden else 3))
    assert found["found"] != hidden and not found["warns"]
    assert closing_lines(tmp_path, {"R": []}, []) == []
