"""Pictures of a known service are recognized by their names, size and colours, and need few keys of the user."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from service_cases import Imitation, frame_name

from radar_cleaner.config.services import CATALOGUE, find_service
from radar_cleaner.inspection.colours import read_palette_colours
from radar_cleaner.inspection.first_config import FirstConfig, Given, draft_config
from radar_cleaner.inspection.sources import read_folder

NOON = datetime(2025, 5, 1, 12)


def draft(folder: Path, name: str, rename: str | None = None) -> FirstConfig:
    """Write imitated frames of a service, and draft a config for them."""
    minutes, frame = find_service(name).cadence_minutes or 5, Image.fromarray(Imitation(name).pixels())
    for number in range(3):
        time = NOON + timedelta(minutes=minutes * number)
        described = frame_name(name, time)
        assert described is not None
        text = described if rename is None else time.strftime(rename)
        frame.save(folder / f"{text.removesuffix('.png')}.png")
    palettes = CATALOGUE.glob("palettes/*.csv")
    return draft_config(
        read_folder(folder, int(NOON.timestamp())),
        {str(path): read_palette_colours(path) for path in palettes},
        Given(),
    )


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("arso_slovenia", ["radars[0].grid.crs"]),
        ("bom_128km", ["radars[0].latitude", "radars[0].longitude"]),
        ("chmi_maxz", []),
        ("kma_composite", []),
        ("smhi_sweden", []),
    ],
)
def test_imitated_frames_of_a_service_need_only_what_it_leaves_to_the_user(
    name: str, unknown: list[str], tmp_path: Path
) -> None:
    first = draft(tmp_path, name)
    assert f"service: {name}" in first.text(read_folder(tmp_path, int(NOON.timestamp())), tmp_path / "radar.yaml")
    assert first.unknown == unknown


def test_a_service_of_the_same_size_and_colours_is_only_proposed_for_frames_with_other_names(
    tmp_path: Path,
) -> None:
    first = draft(tmp_path, "smhi_sweden", rename="%Y%m%d%H%M")
    text = first.text(read_folder(tmp_path, int(NOON.timestamp())), tmp_path / "radar.yaml")
    assert "# service: smhi_sweden" in text and first.unknown[-1].endswith("range_km")
