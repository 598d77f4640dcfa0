"""Regrid frames of a radar to a target grid by nearest neighbour.

Pixels are matched by longitude and latitude: target pixel, target plane, degrees, plane of the radar, pixel of the
radar. A shift within one plane would be wrong by several pixels for radars 200 km apart, because north differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NO_RADAR, NODATA
from radar_cleaner.errors import StoreError
from radar_cleaner.georeference.grid import GRID_ATTRS, Grid, RadarGeometry
from radar_cleaner.georeference.polar import geodesic

Array = NDArray[np.float64]
# A pixel of a mosaic is of an unknown radar. Radars of a network are about 0.7 ranges apart.
MOSAIC_SHARE = 0.35
# A pixel exactly at the range, or at the edge, stays inside if rounding moves it.
TOLERANCE_PX = 1e-3


def warp_grid(target: Grid, radar: RadarGeometry) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Find the position of each pixel of a target grid in the plot box of a radar.

    Returns `grid` (y, x, 2), the column and row in the plot box of each target pixel centre, and `coverage`
    (y, x), the pixels within the radar's box and range. Without coverage the grid has arbitrary finite numbers.
    """
    grid, coverage = np.empty((*target.shape, 2), np.float32), np.empty(target.shape, bool)
    for rows in target.row_blocks():
        longitude, latitude = target.longitude_latitude(rows)
        exact = np.stack(radar.grid.pixel_of(longitude, latitude), axis=-1)
        grid[rows] = np.where(np.isfinite(exact), exact, -1.0)
        nearest = _nearest(grid[rows])
        in_box = (nearest >= 0).all(axis=-1) & (nearest < (radar.grid.width, radar.grid.height)).all(axis=-1)
        coverage[rows] = in_box & _in_range(radar, exact, longitude, latitude)
    return grid, coverage


def _in_range(radar: RadarGeometry, place: Array, longitude: Array, latitude: Array) -> NDArray[np.bool_]:
    """Return which points are within a radar's range; `place` (..., 2) is their column and row in its box."""
    if radar.max_range_km is None or radar.position is None or radar.center_px is None:
        return np.ones(longitude.shape, bool)
    if radar.on_own_plane:
        center_x, center_y = radar.center_px
        away = np.hypot(place[..., 0] - center_x, place[..., 1] - center_y)
        return np.asarray(away <= radar.range_px + TOLERANCE_PX)
    range_km, _ = geodesic(radar.position, longitude, latitude)
    return np.asarray(range_km <= radar.max_range_km * (1 + TOLERANCE_PX / radar.range_px))


@dataclass(frozen=True)
class NearestRegridder:
    """Regrids frames of one shape by nearest neighbour, with one flat index per target pixel.

    `index` is (y, x). The number after the last source pixel marks a target pixel without coverage.
    """

    index: NDArray[np.intp]
    source_shape: tuple[int, int]

    def apply(self, frame: NDArray[np.uint8], fill: int) -> NDArray[np.uint8]:
        """Return a frame of `source_shape` on the target grid, with `fill` where there is no coverage.

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
        # Every index is valid. "clip" avoids a check in NumPy that takes as long as the lookup.
        return source.take(self.index, mode="clip")


def nearest_regridder(
    grid: NDArray[np.float32], coverage: NDArray[np.bool_], source_shape: tuple[int, int]
) -> NearestRegridder:
    """Return the regridder for the result of `warp_grid` and frames of `source_shape` (rows, columns)."""
    height, width = source_shape
    column, row = np.moveaxis(_nearest(grid), -1, 0)
    assert not coverage.any() or (
        0 <= row[coverage].min() <= row[coverage].max() < height
        and 0 <= column[coverage].min() <= column[coverage].max() < width
    ), f"the warp points out of a frame of {source_shape}"
    index = np.where(coverage, row * width + column, height * width)
    return NearestRegridder(index.astype(np.intp), source_shape)


def pool(frames: Iterable[NDArray[np.uint8]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the highest reflectivity (y, x) of packed frames; `nodata` where no frame has data.

    A pixel is `undetect` if all frames with data there have `undetect`.
    """
    # One code up, nodata wraps to 0, below undetect. So the maximum prefers frames with data.
    best = np.zeros(shape, np.uint8)
    one = np.uint8(1)
    for frame in frames:
        np.maximum(best, frame + one, out=best)
    return best - one


def range_share(
    grid: NDArray[np.float32], coverage: NDArray[np.bool_], attrs: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Return the range of target pixels (y, x) from a radar as a share of its range; NaN without coverage.

    `grid` and `coverage` are those of `warp_grid`, `attrs` those of `warp_attrs`. A mosaic has MOSAIC_SHARE
    everywhere.
    """
    radar = RadarGeometry.from_attrs(attrs, attrs["radar_shape_px"], "radar_")
    if radar.center_px is None:
        return np.where(coverage, np.float32(MOSAIC_SHARE), np.float32(np.nan))
    away = grid - np.asarray(radar.center_px, np.float32)
    if not radar.on_own_plane:  # to pixels of the mean side, as `range_px` has
        away *= np.asarray(radar.pixel_km, np.float32) / np.float32(radar.mean_side_km)
    range_px = np.float32(radar.range_px)
    return np.where(coverage, np.hypot(*np.moveaxis(away, -1, 0)) / range_px, np.float32(np.nan))


def nearest_radar(
    frames: Mapping[int, NDArray[np.uint8]], shares: Sequence[NDArray[np.float32]], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the number of the nearest radar with data at each pixel (y, x); NO_RADAR without any.

    `frames` are packed frames by the radar's number in `shares`, which has the `range_share` of all radars.
    """
    nearest, best = np.full(shape, NO_RADAR, np.uint8), np.full(shape, np.inf, np.float32)
    for number, frame in frames.items():
        closer = (frame != NODATA) & (shares[number] < best)
        np.copyto(nearest, np.uint8(number), where=closer)
        np.copyto(best, shares[number], where=closer)
    return nearest


def warp_attrs(name: str, target: Grid, radar: RadarGeometry, distance_km: float) -> dict[str, object]:
    """Return the attributes of a warp store: target, radar and their distance."""
    return {
        "target": name,
        **target.attrs("target_"),
        **radar.attrs("radar_"),
        "radar_shape_px": list(radar.grid.shape),
        "distance_km": distance_km,
    }


def grid_of_end(attrs: Mapping[str, Any], end: str) -> dict[str, Any]:
    """Return the grid of the `target` or the `radar` of a warp store, as stores on that grid have it."""
    return {name: attrs[f"{end}_{name}"] for name in GRID_ATTRS}


def _nearest(grid: NDArray[np.float32]) -> NDArray[np.int64]:
    """Round to whole pixels. Halves are rounded up, so that all source pixels are equally wide."""
    limit = np.float64(2**31)  # positions of far points exceed any integer
    return np.floor(np.clip(grid.astype(np.float64), -limit, limit) + 0.5).astype(np.int64)
