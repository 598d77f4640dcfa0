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
from radar_cleaner.georeference.grid import Grid, RadarGeometry, distance_km

# A pixel exactly at the range, or at the edge, stays inside if rounding moves it.
TOLERANCE_PX = 1e-3


def warp_grid(target: Grid, radar: RadarGeometry) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Find the position of each pixel of a target grid in the plot box of a radar.

    Returns `grid` (y, x, 2), the column and row in the plot box of each target pixel centre, and `coverage`
    (y, x), the pixels within the radar's box and range. Without coverage the grid has arbitrary finite numbers.
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

    `grid` and `coverage` are those of `warp_grid`, `attrs` those of `warp_attrs`.
    """
    away = np.hypot(*np.moveaxis(grid - np.float32(attrs["radar_center_px"]), -1, 0))
    range_px = np.float32(attrs["radar_range_km"] * 1000 / attrs["radar_metres_per_pixel"])
    return np.where(coverage, away / range_px, np.float32(np.nan))


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


def warp_attrs(name: str, target: Grid, radar: RadarGeometry) -> dict[str, object]:
    """Return the attributes of a warp store: target, radar and their distance."""
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
    """Return the target grid of a warp store from its attributes and the (rows, columns) of its arrays."""
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
    """Round to whole pixels. Halves are rounded up, so that all source pixels are equally wide."""
    limit = np.float64(2**31)  # positions of far points exceed any integer
    return np.floor(np.clip(grid.astype(np.float64), -limit, limit) + 0.5).astype(np.int64)
