"""In which projection is the echo of the sample drawn? The two radars' echo, laid over each other in both.

    .venv/bin/python -m benchmarks.sample_planes

The echo of Chipman is taken to the grid of Gore, once as azimuthal equidistant pictures and once as plate carrée
ones about each radar, and correlated with Gore's where both observe. The frames have echo of 23 dBZ or more on at
least 2 % of the pixels of both.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.place_check import sample_radars
from radar_cleaner.conventions import decode_dbz
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.palette import parse_palette

FRAMES = Path("resources/maritimes/frames")
PALETTE = Path("config/palettes/eccc.csv")
EVERY = 8  # of the frames
RANGE_PX = 235
LEAST_DBZ, LEAST_SHARE = 23.0, 0.02
SHIFTS_PX = (-4, -2, 0, 2, 4)
Field = NDArray[np.float32]


def main() -> None:
    grids = {radar: grid for radar, (grid, _) in sample_radars().items()}
    gore, chipman = grids["CASGO"], grids["CASCM"]
    planes = {
        "azimuthal equidistant": (gore, chipman),
        "plate carrée": (_plate_carree(gore), _plate_carree(chipman)),
    }
    ways = {name: _way(*pair) for name, pair in planes.items()}
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in planes}
    for file in sorted((FRAMES / "CASGO").glob("*.png"))[::EVERY]:
        other = FRAMES / "CASCM" / file.name.replace("CASGO", "CASCM")
        if not other.exists():
            continue
        here, there = _echo(file), _echo(other)
        if min((here >= LEAST_DBZ).mean(), (there >= LEAST_DBZ).mean()) < LEAST_SHARE:
            continue
        for name, (column, row) in ways.items():
            found[name].append(_correlations(here, there, column, row, chipman))
    print(f"{len(found['plate carrée'])} frames; correlation, by pixels that Chipman is moved east and south")
    for name, values in found.items():
        mean = np.mean(values, axis=0)
        south, east = np.unravel_index(mean.argmax(), mean.shape)
        best = f"best {mean.max():.3f} at {SHIFTS_PX[east]:+d}, {SHIFTS_PX[south]:+d}"
        print(f"{name}: {mean[2, 2]:.3f} unmoved; {best}")


def _plate_carree(grid: Grid) -> Grid:
    """Return the grid with the same pixels in plate carrée projection about its radar."""
    column, row = (np.array([at]) for at in grid.origin_px)
    longitude, latitude = (float(part[0]) for part in grid.degrees_of(column, row))
    crs = f"+proj=eqc +lat_ts={latitude} +lat_0={latitude} +lon_0={longitude} +datum=WGS84"
    return Grid(crs, grid.pixel_width, grid.pixel_height, grid.width, grid.height, grid.origin_px)


def _way(here: Grid, there: Grid) -> tuple[Field, Field]:
    """Return the (column, row) of `there` at each pixel of `here`."""
    column, row = there.pixel_of(*here.longitude_latitude())
    return column.astype(np.float32), row.astype(np.float32)


def _echo(file: Path) -> Field:
    """Return the reflectivity of a frame's plot box in dBZ, 0 without echo."""
    table = ColourTable(parse_palette(PALETTE.read_text(), str(PALETTE)).scale(20.0))
    pixels = np.array(Image.open(file).convert("RGB"))[:, 100:]
    observed = np.zeros(pixels.shape[:2], bool)
    observed[3:-3, 3:-3] = True  # a red border is drawn around it
    dbz = decode_dbz(pack_echoes(table(pixels), observed, 5.0))
    return np.maximum(np.nan_to_num(dbz, nan=0.0), 0).astype(np.float32)


def _correlations(here: Field, there: Field, column: Field, row: Field, grid: Grid) -> NDArray[np.float64]:
    """Return the correlation (south, east) for each shift of the other radar's picture."""
    rows, columns = np.indices(here.shape)
    middle = grid.origin_px
    both = np.hypot(columns - middle[0], rows - middle[1]) < RANGE_PX
    both &= np.hypot(column - middle[0], row - middle[1]) < RANGE_PX
    smooth, other = (cv2.GaussianBlur(field, (0, 0), 1) for field in (here, there))
    moved = [
        [cv2.remap(other, column - east, row - south, cv2.INTER_LINEAR)[both] for east in SHIFTS_PX]
        for south in SHIFTS_PX
    ]
    return np.array([[np.corrcoef(smooth[both], one)[0, 1] for one in line] for line in moved])


if __name__ == "__main__":
    main()
