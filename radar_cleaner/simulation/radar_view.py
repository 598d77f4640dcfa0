"""Simulate a radar's measurement of the rain in polar coordinates.

The beam widens and rises with range, and the detection limit grows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, UNDETECT, encode_dbz
from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.planes import GEOD
from radar_cleaner.georeference.polar import polar_coordinates
from radar_cleaner.simulation.rain import DRY_DBZ, RainStyle
from radar_cleaner.simulation.spectra import Field

RAYS = 360
SUBRAYS = 4  # samples of the rain within a ray
BEAM_DEGREES = 1.0  # width at half power, there and back, as the antenna turns
ELEVATION_DEGREES = 0.7
HALF_BEAM_DEGREES = 0.5
EFFECTIVE_EARTH_KM = 4 / 3 * 6371.0
# Above this height echo decreases with height: snow, then the top of the cloud.
PROFILE_KM = 1.5
PROFILE_DB_PER_KM = 3.0
WEAKEST_DBZ_AT_100_KM = 8.0
NOISE_DB = 0.7

Codes = NDArray[np.uint8]


def beam_height_km(range_km: NDArray[np.float64], elevation_degrees: float) -> NDArray[np.float64]:
    """Return the height of a beam above the antenna (any shape), with standard refraction: 4/3 Earth radius."""
    sine, earth = np.sin(np.deg2rad(elevation_degrees)), EFFECTIVE_EARTH_KM
    height: NDArray[np.float64] = np.sqrt(range_km**2 + earth**2 + 2 * range_km * earth * sine) - earth
    return height


def weakest_dbz(range_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weakest echo above the receiver's noise (any shape): 6 dB more at twice the range."""
    least: NDArray[np.float64] = WEAKEST_DBZ_AT_100_KM + 20 * np.log10(range_km / 100)
    return least


class RadarView:
    """A radar in a world: its rays and gates, and their positions on the world's plane and in its picture.

    Ray i covers i to i + 1 degrees clockwise from north; a gate is as long as a pixel of the picture.
    """

    def __init__(self, radar: RadarGeometry, world: Grid) -> None:
        self.radar = radar
        gate_km = radar.grid.pixel_width / 1000
        assert radar.max_range_km is not None, "a simulated radar has a range"
        gates = int(np.ceil(radar.max_range_km / gate_km))
        self.shape = (RAYS, gates)
        self.range_km = (np.arange(gates, dtype=np.float64) + 0.5) * gate_km
        self._loss_db = PROFILE_DB_PER_KM * np.maximum(
            beam_height_km(self.range_km, ELEVATION_DEGREES) - PROFILE_KM, 0
        )
        self._weakest = weakest_dbz(self.range_km)
        offsets = (np.arange(3 * SUBRAYS) + 0.5) / SUBRAYS - 1.5  # degrees from the middle of a ray
        weights = np.exp(-4 * np.log(2) * (offsets / BEAM_DEGREES) ** 2)
        self._weights = (weights / weights.sum()).astype(np.float32)
        azimuths = (np.arange(RAYS * SUBRAYS) + 0.5) / SUBRAYS
        self._places = _places(radar, world, azimuths, self.range_km)
        grid = radar.grid
        distance, azimuth = polar_coordinates(grid.shape, grid.origin_px, grid.pixel_width)
        self.within = distance <= radar.max_range_km
        self._ray = (np.rad2deg(azimuth) % 360).astype(np.int64) % RAYS
        self._gate = np.minimum((distance / gate_km).astype(np.int64), gates - 1)
        column, row = world.pixel_of(*grid.longitude_latitude())
        self._pixels = column.astype(np.float32), row.astype(np.float32)

    def look_up(self, plane: Field) -> Field:
        """Return (rays, gates) values of a field of the world's plane at the middles of the bins."""
        places = [np.ascontiguousarray(values[SUBRAYS // 2 :: SUBRAYS]) for values in self._places]
        return _sample(plane, places[0], places[1])

    def look_up_pixels(self, plane: Field) -> Field:
        """Return (height, width) values of a field of the world's plane at the pixels of the radar's box."""
        return _sample(plane, *self._pixels)

    def observe(self, field: Field, style: RainStyle, generator: np.random.Generator) -> Field:
        """Return (rays, gates) dBZ that the radar measures of the rain; `DRY_DBZ` where it detects none.

        `field` is the rain's on the world's plane.
        """
        power = 10 ** (style.dbz(_sample(field, *self._places)) / 10)  # none where it is dry
        around = np.concatenate([power[-SUBRAYS:], power, power[:SUBRAYS]])
        rays = sum(
            weight * around[first : first + SUBRAYS * RAYS : SUBRAYS] for first, weight in enumerate(self._weights)
        )
        with np.errstate(divide="ignore"):
            measured = 10 * np.log10(rays) - self._loss_db
        measured += NOISE_DB * generator.standard_normal(self.shape)
        return np.where(measured >= self._weakest, measured, DRY_DBZ).astype(np.float32)

    def to_codes(self, polar: Field) -> Codes:
        """Return (height, width) packed reflectivity of (rays, gates) dBZ: nearest bin, `nodata` beyond range."""
        codes = np.where(np.isfinite(polar), encode_dbz(np.where(np.isfinite(polar), polar, 0)), UNDETECT)
        picture = codes.astype(np.uint8)[self._ray, self._gate]
        return np.where(self.within, picture, np.uint8(NODATA))


def _places(
    radar: RadarGeometry, world: Grid, azimuths: NDArray[np.float64], ranges_km: NDArray[np.float64]
) -> tuple[Field, Field]:
    """Return column and row on the world's plane, both (azimuths, ranges)."""
    azimuth, metres = np.meshgrid(azimuths, ranges_km * 1000, indexing="ij")
    longitude, latitude, _ = GEOD.fwd(
        np.full(azimuth.shape, radar.longitude), np.full(azimuth.shape, radar.latitude), azimuth, metres
    )
    column, row = world.pixel_of(np.asarray(longitude), np.asarray(latitude))
    return column.astype(np.float32), row.astype(np.float32)


def _sample(plane: Field, columns: Field, rows: Field) -> Field:
    """Bilinear values of a periodic plane."""
    sampled = cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(sampled, dtype=np.float32)
