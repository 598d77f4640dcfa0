"""A radar whose pictures changed their size is one radar: its echo moves on over the change."""

from __future__ import annotations

from typing import Any

import numpy as np
import yaml
from picture_cases import LEGEND_COLOURS, PALETTE, encode
from workflow_cases import Workspace

from radar_cleaner.conventions import is_echo
from radar_cleaner.storage.reader import open_store

STORE = "results/reflectivity/A/20240101.zarr"
LAYOUT: dict[str, Any] = {"size_px": [140, 90], "plot_box_px": [40, 0, 130, 90]}
CONFIG: dict[str, Any] = {
    "radars": [
        {"id": "A", "frames": "pictures", "latitude": 36, "longitude": -84, "range_km": 60, "layouts": [LAYOUT]}
    ],
    "labels": {"method": "palette", "palette": str(PALETTE)},
    "samples": {"atlas": "channel"},
    "cleaning": {"model": "pretrained"},
    "overlap": {},
}
EAST_KM = [-20, -14, -8, -2, 4, 10]


def picture(size: tuple[int, int], box: tuple[int, int, int, int], east_km: float) -> bytes:
    """Draw a disk of echo of 12 km radius, 8 km north of the radar."""
    x0, y0, x1, y1 = box
    side = x1 - x0
    km = 120 / side
    x, y = ((np.arange(side) - (side - 1) / 2) * km for _ in "xy")
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    inside = np.hypot(x[None] - east_km, -y[:, None] - 8) < 12
    pixels[y0:y1, x0:x1][inside] = LEGEND_COLOURS[5]
    return encode(pixels)


def test_frames_of_another_size_are_decoded_onto_the_grid_of_the_radar(scratch: Workspace) -> None:
    folder = scratch.root / "pictures"
    folder.mkdir()
    for number, east in enumerate(EAST_KM):
        old = picture((120, 120), (0, 0, 120, 120), east)
        new = picture((140, 90), (40, 0, 130, 90), east)
        (folder / f"A_2024010112{6 * number:02d}.png").write_bytes(old if number < 3 else new)
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    scratch.snakemake(f"{STORE}/zarr.json", "--cores", "1", config=config)
    store = open_store(scratch.root / STORE, "reflectivity")
    assert store.times.size == len(EAST_KM)
    values = set()
    for index, east in enumerate(EAST_KM):
        codes = store.frame("reflectivity", index)
        row, column = (axis.mean() for axis in np.nonzero(is_echo(codes)))
        assert abs((column - 59.5) - east) < 1.4 and abs((59.5 - row) - 8) < 1.4
        values |= set(codes[is_echo(codes)].tolist())
    assert len(values) == 1
    # After the reflectivity there is one radar; the place is checked in each layout.
    jobs = scratch.dry_run("products", config=config)
    assert {job.rule for job in jobs if "A.1" in job.wildcards} == {"check_place"}
    assert {job.wildcards for job in jobs if job.rule == "clean_frames"} == {"A/20240101"}
