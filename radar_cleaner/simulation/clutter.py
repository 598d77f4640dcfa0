"""Simulate echoes that are not rain: hills, transmitters, and specks of birds and waves.

Each kind is computed in polar coordinates and returns, scan by scan, (rays, gates) dBZ, `DRY_DBZ` without echo.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.simulation.radar_view import (
    ELEVATION_DEGREES,
    HALF_BEAM_DEGREES,
    RAYS,
    RadarView,
    beam_height_km,
)
from radar_cleaner.simulation.rain import DRY_DBZ
from radar_cleaner.simulation.spectra import Field

ANTENNA_KM = 0.02
# Ground clutter: the part that the filter of moving echoes leaves.
LEFT_BY_FILTER, PATCH_BINS = 0.25, 1.2
HILL_DBZ, HILL_DBZ_PER_KM, FLICKER_DB = 8.0, 40.0, 4.0
HIGHEST_DBZ = 55.0
BENDING_KM, BENDING_MINUTES = 0.08, 120.0  # how far, and for how long, the air bends the beam
# Interference.
EMITTERS = 2  # sources that last for about an hour; others appear once
EMITTER_MINUTES = 60.0
EMITTED_DBZ_AT_100_KM = (6.0, 20.0)
DASH_GATES, GAP_GATES = 4.0, 5.0
# Specks.
FLOCKS, FLOCK_MINUTES, SPECKS_A_FLOCK, LONE_SPECKS = 6.0, 60.0, 14.0, 15.0
SPECK_DBZ = (5.0, 20.0)


class GroundClutter:
    """Echo of hills that reach into the beam: at fixed places, of varying strength, more in bending air."""

    def __init__(self, view: RadarView, land: Field, amount: float, generator: np.random.Generator) -> None:
        self._generator = generator
        height = view.look_up(land)
        site = float(height[:, 0].mean()) + ANTENNA_KM
        lower_edge = beam_height_km(view.range_km, ELEVATION_DEGREES - HALF_BEAM_DEGREES)
        self._above_km = height - (site + lower_edge).astype(np.float32)
        # In patches: the filter fails where the trees are.
        patches = cv2.GaussianBlur(generator.standard_normal(view.shape), (0, 0), PATCH_BINS)
        self._left = patches > np.quantile(patches, 1 - min(LEFT_BY_FILTER * amount, 1))
        self._roughness = generator.normal(0, 5.0, view.shape)
        self._bending = generator.standard_normal()

    def scan(self, minutes: float) -> Field:
        """Return the clutter `minutes` after the previous scan."""
        kept = np.exp(-minutes / BENDING_MINUTES)
        self._bending = kept * self._bending + np.sqrt(1 - kept**2) * self._generator.standard_normal()
        above = self._above_km + BENDING_KM * self._bending
        flicker = FLICKER_DB * self._generator.standard_normal(above.shape)
        dbz = HILL_DBZ + HILL_DBZ_PER_KM * above + self._roughness + flicker
        return _where((above > 0) & self._left, np.minimum(dbz, HIGHEST_DBZ))


class Spokes:
    """Interference: dashed rays to the edge, stronger with range, as the receiver corrects for spreading."""

    def __init__(self, view: RadarView, amount: float, generator: np.random.Generator) -> None:
        self._shape, self._amount, self._generator = view.shape, amount, generator
        self._gain_db = 20 * np.log10(view.range_km / 100)
        self._azimuths = generator.integers(0, RAYS, EMITTERS)
        self._on = generator.random(EMITTERS) < min(amount / 2, 1)

    def scan(self, minutes: float) -> Field:
        """Return the interference `minutes` after the previous scan."""
        generator = self._generator
        forget = generator.random(EMITTERS) > np.exp(-minutes / EMITTER_MINUTES)
        self._on = np.where(forget, generator.random(EMITTERS) < min(self._amount / 2, 1), self._on)
        lasting = self._azimuths[self._on & (generator.random(EMITTERS) < 0.8)]
        single = generator.integers(0, RAYS, generator.poisson(0.4 * self._amount))
        dbz = np.full(self._shape, DRY_DBZ, dtype=np.float32)
        for azimuth in np.concatenate([lasting, single]).tolist():
            first = azimuth + int(generator.integers(-1, 2))
            level = generator.uniform(*EMITTED_DBZ_AT_100_KM)
            start = int(generator.uniform(0.05, 0.6) * self._shape[1])
            for ray in range(first, first + int(generator.choice([1, 1, 1, 2, 3]))):
                shown = self._dashes()
                shown[:start] = False
                spoke = level + self._gain_db + generator.normal(0, 2.0, self._shape[1])
                ray %= RAYS
                dbz[ray] = np.maximum(dbz[ray], _where(shown, spoke))
        return dbz

    def _dashes(self) -> NDArray[np.bool_]:
        """Return (gates,): on and off alternate with random lengths."""
        gates = self._shape[1]
        lengths = self._generator.geometric(1 / np.tile([DASH_GATES, GAP_GATES], gates // 2 + 1))
        on = np.tile([True, False], gates // 2 + 1)
        return np.repeat(on, lengths)[:gates]


class Specks:
    """Weak dots: flocks of them that stay for about an hour, each dot for one scan, and lone ones anywhere."""

    def __init__(self, view: RadarView, amount: float, generator: np.random.Generator) -> None:
        self._shape, self._amount, self._generator = view.shape, amount, generator
        self._flocks = self._settle(generator.poisson(FLOCKS * amount))

    def scan(self, minutes: float) -> Field:
        """Return the specks `minutes` after the previous scan."""
        generator, gates = self._generator, self._shape[1]
        stay = generator.random(len(self._flocks)) < np.exp(-minutes / FLOCK_MINUTES)
        arriving = generator.poisson(FLOCKS * self._amount * (1 - np.exp(-minutes / FLOCK_MINUTES)))
        self._flocks = np.concatenate([self._flocks[stay], self._settle(arriving)])
        self._flocks[:, :2] += generator.normal(0, 0.3, (len(self._flocks), 2))
        members = generator.poisson(SPECKS_A_FLOCK, len(self._flocks))
        of_flocks = np.repeat(self._flocks, members, axis=0)
        spread = of_flocks[:, 2:] * generator.standard_normal((len(of_flocks), 2))
        lone = generator.poisson(LONE_SPECKS * self._amount)
        places = np.concatenate(
            [of_flocks[:, :2] + spread, generator.uniform((0, 2), (RAYS, gates), (lone, 2))]
        ).astype(np.int64)
        places = places[(places[:, 1] >= 2) & (places[:, 1] < gates)]
        dbz = np.full(self._shape, DRY_DBZ, dtype=np.float32)
        dbz[places[:, 0] % RAYS, places[:, 1]] = generator.uniform(*SPECK_DBZ, len(places))
        return dbz

    def _settle(self, count: int) -> NDArray[np.float64]:
        """Return (count, 4) new flocks: ray and gate of the middle, spread in both."""
        gates, generator = self._shape[1], self._generator
        ray, gate = generator.uniform(0, RAYS, count), gates * generator.uniform(0.1, 0.95, count)
        pixels = generator.uniform(3, 9, count)  # spread along the ray, and at that range across it
        across = np.rad2deg(pixels / gate)
        return np.stack([ray, gate, across, pixels], axis=1)


def _where(shown: NDArray[np.bool_], dbz: NDArray[np.floating]) -> Field:
    return np.where(shown, dbz, DRY_DBZ).astype(np.float32)
