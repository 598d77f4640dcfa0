"""The bands that scores are told by, of distance from the radar and of reflectivity, alone and both together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError

ALL = "all"  # the name of all bands together


@dataclass(frozen=True)
class Bands:
    """Edges of the bands, which increase: reflectivity in dBZ, distance in km. And the holes' sides in pixels.

    Arrays by band are (range, dBZ); with totals (`with_totals`) 0 of either is all of them. Raises ConfigError.
    """

    dbz: tuple[float, ...]
    range_km: tuple[float, ...] = ()
    holes_px: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for key, values, such in (
            ("dbz_bands", self.dbz, [20, 35, 50]),
            ("range_bands_km", self.range_km, [60, 120, 180]),
            ("hole_sizes_px", self.holes_px, [8, 16, 32, 64]),
        ):
            if sorted(set(values)) != list(values):
                raise ConfigError(f"evaluation.{key} {list(values)}: the numbers must increase, as in {such}")
        if any(value <= 0 for value in (*self.range_km, *self.holes_px)):
            raise ConfigError("evaluation.range_bands_km and hole_sizes_px: the numbers must be above 0")

    @property
    def shape(self) -> tuple[int, int]:
        """How many bands there are of distance and of reflectivity."""
        return len(self.range_km) + 1, len(self.dbz) + 1

    @property
    def count(self) -> int:
        """How many pairs of bands there are."""
        return self.shape[0] * self.shape[1]

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """Of all and of each band: of distance, of reflectivity."""
        return [ALL, *range_names(self.range_km)], [ALL, *band_names(self.dbz)]

    def of(self, dbz: NDArray[np.floating], range_km: NDArray[np.floating]) -> NDArray[np.int64]:
        """The number of the pair of bands of pixels (any shape), 0..count - 1, that `shape` unravels."""
        return band_of(range_km, self.range_km) * self.shape[1] + band_of(dbz, self.dbz)

    def rows(self) -> Iterator[tuple[int, int, str, str]]:
        """Index and name of range and of band in arrays with totals, in the order of the tables."""
        for place, range_name in enumerate(self.names[0]):
            for band, band_name in enumerate(self.names[1]):
                yield place, band, range_name, band_name


def band_of(values: NDArray[np.floating], edges: Sequence[float]) -> NDArray[np.int64]:
    """Band 0..len(edges) of values (any shape): below the first edge, between, from the last up."""
    return np.asarray(np.digitize(values, np.asarray(edges, dtype=np.float64)), dtype=np.int64)


def band_names(edges: Sequence[float]) -> list[str]:
    """Names of the len(edges) + 1 bands that increasing edges in dBZ make."""
    if not edges:
        return ["any dBZ"]
    middle = [f"{low:g} to {high:g} dBZ" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g} dBZ", *middle, f"{edges[-1]:g} dBZ and more"]


def range_names(edges: Sequence[float]) -> list[str]:
    """Names of the len(edges) + 1 bands that increasing edges in km make."""
    if not edges:
        return ["any range"]
    middle = [f"{low:g} to {high:g} km" for low, high in pairwise(edges)]
    return [f"within {edges[0]:g} km", *middle, f"{edges[-1]:g} km and beyond"]


def with_totals(values: NDArray[np.number], axis: int) -> NDArray[np.number]:
    """An array by range and band, at `axis` and the next, with the sum over all before each."""
    for along in (axis, axis + 1):
        values = np.concatenate([values.sum(axis=along, keepdims=True), values], axis=along)
    return values
