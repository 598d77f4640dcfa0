"""Random fields with a power-law spectrum on a periodic plane, by numpy's FFT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Spectrum = NDArray[np.complex128]
Array = NDArray[np.float64]


def frequencies(shape: tuple[int, int], km_per_pixel: float) -> tuple[Array, Array]:
    """Return cycles per km along rows (height, 1) and along columns (1, width // 2 + 1) of the half spectrum."""
    down: Array = np.fft.fftfreq(shape[0], km_per_pixel).astype(np.float64)
    right: Array = np.fft.rfftfreq(shape[1], km_per_pixel).astype(np.float64)
    return down[:, None], right[None, :]


def power_law(
    shape: tuple[int, int],
    km_per_pixel: float,
    slope: float,
    outer_km: float,
    *,
    elongation: float = 1.0,
    direction: float = 0.0,
) -> Array:
    """Return amplitudes of the half spectrum that give white noise of variance 1 a power spectrum like k^-slope.

    The spectrum is flat above the outer scale. The variance of the field is 1 over many draws, its mean
    exactly 0. `elongation` stretches structures along `direction` (radians clockwise from north).
    """
    down, right = frequencies(shape, km_per_pixel)
    north, east = -down, right
    along = north * np.cos(direction) + east * np.sin(direction)
    across = east * np.cos(direction) - north * np.sin(direction)
    cycles = np.hypot(along * np.sqrt(elongation), across / np.sqrt(elongation))
    amplitude: Array = (1 + (cycles * outer_km) ** 2) ** (-slope / 4)
    amplitude[0, 0] = 0
    # Each column of the half spectrum represents two of the whole one, except the first and the middle one.
    weight = np.full(amplitude.shape[1], 2.0)
    weight[0] = 1
    if shape[1] % 2 == 0:
        weight[-1] = 1
    variance = (weight * amplitude**2).sum() / (shape[0] * shape[1])
    return np.asarray(amplitude / np.sqrt(variance))


def white_noise(shape: tuple[int, int], generator: np.random.Generator) -> Spectrum:
    """Return the half spectrum of a field of independent standard normal numbers."""
    return np.asarray(np.fft.rfft2(generator.standard_normal(shape)))


def to_field(spectrum: Spectrum, shape: tuple[int, int]) -> Field:
    """Return the (height, width) field of a half spectrum."""
    return np.fft.irfft2(spectrum, s=shape).astype(np.float32)
