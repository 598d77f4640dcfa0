"""From the pixels of a target grid to the pixels of a radar, and frames through that by nearest neighbour.

The way is target pixel -> target plane -> longitude and latitude -> the radar's plane -> radar pixel. A
mere shift within one plane is wrong by several pixels for radars 200 km apart, as north turns between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA
from radar_cleaner.errors import StoreError
from radar_cleaner.georeference.grid import Grid, RadarGeometry, distance_km

# Of a pixel. A pixel just at the range, or the edge, stays there when rounding moves it by nanometres.
TOLERANCE_PX = 1e-3
NOBODY = 255  # no other radar sees a pixel


def warp_grid(target: Grid, radar: RadarGeometry) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where the pixels of a target grid lie in a radar's plot box.

    Returns `grid` (y, x, 2), column and row in the radar's plot box of each target pixel centre, and
    `coverage` (y, x), which of them are in the radar's box and range. Where there is no coverage the
    grid holds some finite numbers.
    """
    longitude, latitude = target.longitude_latitude()
    column, row = radar.grid.pixel_of(longitude, latitude)
    center_x, center_y = radar.center_px
    range_px = radar.range_km * 1000 / radar.metres_per_pixel
    in_range = np.hypot(column - center_x, row - center_y) <= range_px + TOLERANCE_PX
    exact = np.stack([column, row], axis=-1)
    grid = np.where(np.isfinite(exact), exact, -1.0).astype(np.float32)
    nearest = _nearest(grid)
    in_box = (nearest >= 0).all(axis=-1) & (nearest < (radar.width, radar.height)).all(axis=-1)
    return grid, in_range & in_box


@dataclass(frozen=True)
class Gather:
    """A warp made ready for frames of one shape: one flat index a target pixel.

    `index` is (y, x); the number after the last source pixel stands for "not covered".
    """

    index: NDArray[np.intp]
    source_shape: tuple[int, int]

    def apply(self, frame: NDArray[np.uint8], fill: int) -> NDArray[np.uint8]:
        """Warp a frame of `source_shape` by nearest neighbour; `fill` where it covers nothing.

        Raises StoreError for a frame of another shape.
        """
        if frame.shape != self.source_shape:
            raise StoreError(
                f"a frame of {frame.shape} pixels (rows, columns), but the warp is for {self.source_shape};"
                " run snakemake to make the outdated store again"
            )
        source = np.empty(frame.size + 1, np.uint8)
        source[:-1] = frame.reshape(-1)
        source[-1] = fill
        # Every index is valid; "clip" only spares numpy the check, which costs as much as the gather.
        return source.take(self.index, mode="clip")


def nearest_gather(
    grid: NDArray[np.float32], coverage: NDArray[np.bool_], source_shape: tuple[int, int]
) -> Gather:
    """Prepare what `warp_grid` gave for frames of `source_shape` (rows, columns)."""
    height, width = source_shape
    column, row = np.moveaxis(_nearest(grid), -1, 0)
    assert not coverage.any() or (
        0 <= row[coverage].min() <= row[coverage].max() < height
        and 0 <= column[coverage].min() <= column[coverage].max() < width
    ), f"the warp points out of a frame of {source_shape}"
    index = np.where(coverage, row * width + column, height * width)
    return Gather(index.astype(np.intp), source_shape)


def pool(frames: Iterable[NDArray[np.uint8]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The highest reflectivity (y, x) among packed frames that see a pixel; `nodata` where none does.

    What all that see it call `undetect` is `undetect`: looked, saw no echo.
    """
    # One code up, nodata wraps to 0, below undetect; so the maximum prefers whoever sees.
    best = np.zeros(shape, np.uint8)
    one = np.uint8(1)
    for frame in frames:
        np.maximum(best, frame + one, out=best)
    return best - one


def range_share(
    grid: NDArray[np.float32], coverage: NDArray[np.bool_], attrs: Mapping[str, Any]
) -> NDArray[np.float32]:
    """How far target pixels (y, x) lie from a radar, as a share of its range; NaN where it does not cover them.

    All three are a warp store's: what `warp_grid` gave, and `warp_attrs`.
    """
    away = np.hypot(*np.moveaxis(grid - np.float32(attrs["radar_center_px"]), -1, 0))
    range_px = np.float32(attrs["radar_range_km"] * 1000 / attrs["radar_metres_per_pixel"])
    return np.where(coverage, away / range_px, np.float32(np.nan))


def nearest_seer(
    frames: Mapping[int, NDArray[np.uint8]], shares: Sequence[NDArray[np.float32]], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Which of the radars that see a pixel (y, x) is the nearest by its range; NOBODY where none does.

    `frames` are packed frames by a radar's place in `shares`, which is of all radars, also those without a frame.
    """
    nearest, best = np.full(shape, NOBODY, np.uint8), np.full(shape, np.inf, np.float32)
    for number, frame in frames.items():
        closer = (frame != NODATA) & (shares[number] < best)
        np.copyto(nearest, np.uint8(number), where=closer)
        np.copyto(best, shares[number], where=closer)
    return nearest


def warp_attrs(name: str, target: Grid, radar: RadarGeometry) -> dict[str, object]:
    """What a warp store says about itself: both ends of the warp, and how far they lie apart."""
    return {
        "target": name,
        "target_latitude": target.latitude,
        "target_longitude": target.longitude,
        "target_metres_per_pixel": target.metres_per_pixel,
        "target_effective_width_km": target.effective_width_km,
        "target_center_px": list(target.origin_px),
        "target_origin_px": list(target.origin_px),
        **radar.attrs(),
        "radar_shape_px": [radar.height, radar.width],
        "distance_km": distance_km(target, radar),
    }


def target_grid(attrs: Mapping[str, Any], shape: tuple[int, int]) -> Grid:
    """The target grid of a warp store, from its attributes and the (rows, columns) of its arrays."""
    column, row = attrs["target_origin_px"]
    return Grid(
        float(attrs["target_latitude"]),
        float(attrs["target_longitude"]),
        float(attrs["target_metres_per_pixel"]),
        shape[1],
        shape[0],
        (float(column), float(row)),
    )


def _nearest(grid: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole pixels; halves go up, so that each source pixel is as wide as every other."""
    limit = np.float64(2**31)  # far points may lie beyond any integer
    return np.floor(np.clip(grid.astype(np.float64), -limit, limit) + 0.5).astype(np.int64)
