"""Pictures of a known service are recognized by names, size, box and colours, and need few keys of the user."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from service_scenes import START, Scene, draw_legend

from radar_cleaner.config.services import CATALOGUE
from radar_cleaner.inspection.colours import read_palette_colours
from radar_cleaner.inspection.first_config import FirstConfig, Given, draft_config
from radar_cleaner.inspection.sources import read_source

PALETTES = {str(path): read_palette_colours(path) for path in sorted(CATALOGUE.glob("palettes/*.csv"))}
FIVE = {
    "bom_128km": ["radars[0].latitude", "radars[0].longitude"],
    "chmi_maxz": [],
    "hko_256km": ["radars[0].grid.crs"],
    "kma_composite": [],
    "smhi_sweden": [],
}


def draft(folder: Path) -> FirstConfig:
    return draft_config(read_source(folder, int(START.timestamp())), PALETTES, Given())


def only_proposed(first: FirstConfig, name: str) -> str:
    """Return the line on a service that may be that of the pictures; no service is taken."""
    assert not any(key.name == "service" and key.active for radar in first.radars for key in radar.entry)
    (line,) = [line for line in first.services if f"service {name} " in line]
    assert "not taken" in line
    return line


@pytest.mark.parametrize(("name", "unknown"), FIVE.items())
def test_pictures_of_a_service_need_only_what_it_leaves_to_the_user(
    name: str, unknown: list[str], tmp_path: Path
) -> None:
    Scene(name, count=4).write(tmp_path)
    first = draft(tmp_path)
    (line,) = first.services
    assert f"service {name} (taken)" in line and "names" in line and "colours of the pictures fit" in line
    assert f"service: {name}" in first.text(read_source(tmp_path, 0), tmp_path / "radar.yaml")
    assert first.unknown == unknown


@pytest.mark.parametrize("name", ["kma_composite"])
def test_a_service_of_the_same_size_and_colours_is_only_proposed_for_pictures_with_other_names(
    name: str, tmp_path: Path
) -> None:
    Scene(name, count=4).write(tmp_path, "%Y%m%d%H%M.png")
    assert "size and colours of the pictures fit" in only_proposed(draft(tmp_path), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bom_128km", "chmi_maxz", "hko_256km"])
def test_another_product_with_the_names_and_the_size_of_a_service_is_not_taken_for_it(
    name: str, tmp_path: Path
) -> None:
    scene = Scene(name, count=4)
    # Doppler velocities: greens towards the radar, reds away from it, none of them near a class.
    half = len(scene.palette.colours) // 2
    velocities = [
        (7, 40 + 4 * (n % 40), 23) if n < half else (90 + 3 * (n % 40), 13, 50) for n in range(2 * half + 1)
    ]
    before = scene.frames.copy()
    for colour, other in zip(scene.palette.colours, velocities, strict=False):
        scene.frames[(before[..., :3] == colour).all(axis=-1), :3] = other
    scene.write(tmp_path)
    assert "% of the colours that move are of its classes" in only_proposed(draft(tmp_path), name)


def test_a_map_with_other_edges_is_not_that_of_the_service(tmp_path: Path) -> None:
    scene = Scene("kma_composite", count=4)
    scene.frames = np.roll(scene.frames, 24, axis=1)  # a title that is higher
    scene.frames[:, :44] = (250, 250, 250, 255)
    scene.write(tmp_path)
    assert "its plot box is [0, 20, 596, 620]" in only_proposed(draft(tmp_path), "kma_composite")


@pytest.mark.slow
def test_names_of_several_services_of_one_size_are_not_decided(tmp_path: Path) -> None:
    Scene("iem_n0q_guam", count=2).write(tmp_path)
    first = draft(tmp_path)
    for name in ("iem_n0q_guam", "iem_n0q_puerto_rico"):
        assert "other services have the same" in only_proposed(first, name)


def test_pictures_of_another_service_of_the_same_size_are_not_recognized(tmp_path: Path) -> None:
    scene = Scene("rainviewer", count=4)  # joined tiles, 512 x 512 px as the pictures of the Bureau of Meteorology
    assert scene.size == (512, 512)
    scene.write(tmp_path, "IDR_%Y%m%d%H%M.png")
    assert draft(tmp_path).services == []


def test_names_alone_are_not_enough(tmp_path: Path) -> None:
    Scene("ims_israel", count=2).write(tmp_path)  # a service whose size and colours are not stated
    assert "neither their size nor their colours" in only_proposed(draft(tmp_path), "ims_israel")


def test_a_legend_beside_the_map_is_cut_off_where_the_service_has_none(tmp_path: Path) -> None:
    scene = Scene("bom_128km", count=4)
    scene.frames[:, :, 440:] = (250, 250, 250, 255)
    for frame in scene.frames:
        draw_legend(frame, (448, 60, 464, 440), scene.palette)
    scene.write(tmp_path)
    first = draft(tmp_path)
    boxes = [key.value for section in first.keys if section.name == "frames" for key in section.value]
    assert "bom_128km (taken)" in first.services[0]
    assert any(isinstance(box, list) and box[0] == 0 and abs(box[2] - 440) <= 1 for box in boxes)


def test_dry_pictures_are_recognized_by_names_and_size(tmp_path: Path) -> None:
    scene = Scene("smhi_sweden", count=3)
    scene.frames[:] = 0
    scene.write(tmp_path)
    (line,) = draft(tmp_path).services
    assert "smhi_sweden (taken)" in line and "names and size of the pictures fit" in line


def test_times_and_cadence_beside_the_service_are_right(tmp_path: Path) -> None:
    Scene("bom_128km", count=4).write(tmp_path)
    first = draft(tmp_path)
    frames = next(key for key in first.keys if key.name == "frames")
    assert {key.name: key.value for key in frames.value}["cadence_minutes"] == 5
    reading = first.radars[0].series.readings[0].read
    assert min(reading) == int(datetime(2025, 5, 1, 12).timestamp())
