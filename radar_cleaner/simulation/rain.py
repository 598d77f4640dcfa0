"""Rain that moves, grows and decays.

A Gaussian field with a power-law spectrum is carried by a steady wind; each scale decorrelates in its own time,
small ones first (Seed, 2003, Journal of Applied Meteorology 42, has the same idea in a cascade). Where the field
exceeds a threshold it rains, in proportion to the excess: the rain rate is nearly log-normal, its spectrum steep.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import require
from radar_cleaner.simulation.spectra import Field, frequencies, power_law, to_field, white_noise

DRY_DBZ = -np.inf
EDGE_DBZ = 2.0  # threshold of rain
DBZ_PER_DEVIATION = 13.0
DBZ_PER_SQUARE = 3.0  # raises cores above a linear relation
HIGHEST_DBZ = 62.0
LIFETIME_EXPONENT = 0.8  # of the scale


@dataclass(frozen=True)
class RainStyle:
    """Statistics of the rain. Raise ConfigError where a value is impossible.

    share: of the plane where it rains, in the long-term mean. slope: how steeply the power spectrum falls with
    the wave number. outer_km: where it begins to fall. lifetime_minutes: of structures of that size; those
    of a tenth of it live about a sixth as long. elongation: length over width. speed_kmh, degrees: of the
    wind, and where it blows to, clockwise from north.
    """

    share: float = 0.25
    slope: float = 3.0
    outer_km: float = 120.0
    lifetime_minutes: float = 150.0
    elongation: float = 1.6
    speed_kmh: float = 40.0
    degrees: float = 70.0

    def __post_init__(self) -> None:
        require("rain", self.share, 0.01, 0.9)
        require("speed_kmh", self.speed_kmh, 0, 200)
        require("degrees", self.degrees, 0, 360)

    def dbz(self, field: NDArray[Any]) -> Field:
        """Return the reflectivity in dBZ of field values (any shape); `DRY_DBZ` where it does not rain."""
        excess = np.asarray(field, dtype=np.float32) - np.float32(NormalDist().inv_cdf(1 - self.share))
        rain = np.minimum(EDGE_DBZ + DBZ_PER_DEVIATION * excess + DBZ_PER_SQUARE * excess**2, HIGHEST_DBZ)
        return np.where(excess > 0, rain, DRY_DBZ).astype(np.float32)


class RainField:
    """The field on a periodic plane of (height, width) pixels, row 0 north; `advance` moves it in time."""

    def __init__(
        self, shape: tuple[int, int], km_per_pixel: float, style: RainStyle, generator: np.random.Generator
    ) -> None:
        self.minutes = 0.0
        self._shape, self._style, self._generator = shape, style, generator
        across_wind = np.deg2rad(style.degrees) + np.pi / 2  # the direction of fronts
        self._amplitude = power_law(
            shape, km_per_pixel, style.slope, style.outer_km, elongation=style.elongation, direction=across_wind
        )
        self._down, self._right = frequencies(shape, km_per_pixel)
        scale = np.minimum(1 / np.maximum(np.hypot(self._down, self._right), 1e-9), style.outer_km)
        self._lifetime = style.lifetime_minutes * (scale / style.outer_km) ** LIFETIME_EXPONENT
        self._noise = white_noise(shape, generator)

    def advance(self, minutes: float) -> None:
        """Advance the field by `minutes`."""
        kept = np.exp(-minutes / self._lifetime)
        fresh = white_noise(self._shape, self._generator)
        self._noise = kept * self._noise + np.sqrt(1 - kept**2) * fresh
        self.minutes += minutes

    def field(self) -> Field:
        """Return the field (height, width): about standard normal with mean 0."""
        km = self._style.speed_kmh * self.minutes / 60
        angle = np.deg2rad(self._style.degrees)
        cycles = self._right * (km * np.sin(angle)) - self._down * (km * np.cos(angle))
        return to_field(self._noise * self._amplitude * np.exp(-2j * np.pi * cycles), self._shape)
