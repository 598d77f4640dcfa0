"""Bins of the scores: distance from the radar, reflectivity, and both together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

NO_RANGE = "no range"  # the name of the band of a mosaic's pixels
ALL = "all"  # the name of all bands together


@dataclass(frozen=True)
class Bands:
    """Increasing edges of the bands of reflectivity (dBZ) and distance (km); sides of inpainting masks (pixels).

    Arrays by band are (range, dBZ). With totals (`with_totals`) index 0 of each is the sum of all bands. `mosaics`
    adds a band of the pixels without a range, whose distance is NaN.
    """

    dbz: tuple[float, ...]
    range_km: tuple[float, ...] = ()
    holes_px: tuple[int, ...] = ()
    mosaics: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """The number of bands of distance and of reflectivity."""
        return len(self.range_km) + 1 + self.mosaics, len(self.dbz) + 1

    @property
    def count(self) -> int:
        """The number of pairs of bands."""
        return self.shape[0] * self.shape[1]

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """Names of all and of each band: of distance, of reflectivity."""
        ranges = range_names(self.range_km) + [NO_RANGE] * self.mosaics
        return [ALL, *ranges], [ALL, *band_names(self.dbz)]

    def of(self, dbz: NDArray[np.floating], range_km: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the pair of bands of pixels (any shape) as a number 0..count - 1, which `shape` unravels."""
        ranges = band_of(range_km, self.range_km)
        if self.mosaics:
            ranges = np.where(np.isnan(range_km), len(self.range_km) + 1, ranges)
        return ranges * self.shape[1] + band_of(dbz, self.dbz)

    def rows(self) -> Iterator[tuple[int, int, str, str]]:
        """Yield index and name of range and of band in arrays with totals, in the order of the tables."""
        for place, range_name in enumerate(self.names[0]):
            for band, band_name in enumerate(self.names[1]):
                yield place, band, range_name, band_name


def band_of(values: NDArray[np.floating], edges: Sequence[float]) -> NDArray[np.int64]:
    """Return the band 0..len(edges) of values (any shape), 0 below the first edge."""
    return np.asarray(np.digitize(values, np.asarray(edges, dtype=np.float64)), dtype=np.int64)


def band_names(edges: Sequence[float]) -> list[str]:
    """Name the len(edges) + 1 bands of increasing edges in dBZ."""
    if not edges:
        return ["any dBZ"]
    middle = [f"{low:g} to {high:g} dBZ" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g} dBZ", *middle, f"{edges[-1]:g} dBZ and more"]


def range_names(edges: Sequence[float]) -> list[str]:
    """Name the len(edges) + 1 bands of increasing edges in km."""
    if not edges:
        return ["any range"]
    middle = [f"{low:g} to {high:g} km" for low, high in pairwise(edges)]
    return [f"within {edges[0]:g} km", *middle, f"{edges[-1]:g} km and beyond"]


def with_totals(values: NDArray[np.number], axis: int) -> NDArray[np.number]:
    """Put the sums over all before each of two axes, `axis` (range) and the next (band)."""
    for along in (axis, axis + 1):
        values = np.concatenate([values.sum(axis=along, keepdims=True), values], axis=along)
    return values
