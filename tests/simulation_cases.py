"""Make one small world for the tests of the simulation, and measure its fields."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.simulation.rain import RainStyle
from radar_cleaner.simulation.world import View, World, WorldOptions

# Wet enough for rain with any seed.
SMALL = WorldOptions(seed=3, hours=2, cadence_minutes=30, size=120, range_km=60.0, rain=RainStyle(share=0.4))


@cache
def small_world() -> tuple[World, list[tuple[int, dict[str, View]]]]:
    """Return a world of two radars, 60 km range, 1 km pixels and four times, and all its scenes."""
    world = World(SMALL)
    return world, list(world.scenes())


def spectrum_slope(field: NDArray[np.floating], km_per_pixel: float, wavelengths_km: tuple[float, float]) -> float:
    """Return the exponent of the power spectrum of a periodic field between two wavelengths."""
    power = np.abs(np.fft.fft2(field)) ** 2
    cycles = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side, km_per_pixel) for side in field.shape), indexing="ij"))
    short, long = wavelengths_km
    edges = np.geomspace(1 / long, 1 / short, 13)
    rings = [(cycles >= low) & (cycles < high) for low, high in pairwise(edges)]
    middles = np.sqrt(edges[:-1] * edges[1:])
    return float(np.polyfit(np.log(middles), [np.log(power[ring].mean()) for ring in rings], 1)[0])
