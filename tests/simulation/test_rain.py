"""The spectrum, the motion, the growth and the decay of simulated rain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation_cases import spectrum_slope

from radar_cleaner.errors import ConfigError
from radar_cleaner.simulation.rain import DRY_DBZ, HIGHEST_DBZ, RainField, RainStyle
from radar_cleaner.simulation.spectra import power_law, to_field, white_noise

SHAPE = (256, 320)  # 1 km pixels


def rain_field(seed: int = 0, **style: float) -> RainField:
    return RainField(SHAPE, 1.0, RainStyle(**style), np.random.default_rng(seed))


@pytest.mark.parametrize("slope", [2.5, 3.0])
def test_the_power_spectrum_falls_with_the_given_exponent(slope: float) -> None:
    slopes = [spectrum_slope(rain_field(seed, slope=slope).field(), 1.0, (4, 60)) for seed in range(4)]
    assert np.mean(slopes) == pytest.approx(-slope, abs=0.2)


def test_the_spectrum_of_the_reflectivity_is_as_steep_as_that_of_real_rain() -> None:
    slopes = []
    for seed in range(4):
        dbz = RainStyle().dbz(rain_field(seed).field())
        slopes.append(spectrum_slope(np.where(np.isfinite(dbz), dbz, 0), 1.0, (4, 60)))
    assert -3.2 < np.mean(slopes) < -2.2


def test_a_field_has_mean_0_and_over_many_draws_variance_1() -> None:
    generator = np.random.default_rng(5)
    amplitude = power_law((96, 128), 1.0, 3.0, 30.0, elongation=2.0, direction=0.7)
    fields = [to_field(white_noise((96, 128), generator) * amplitude, (96, 128)) for _ in range(60)]
    assert np.abs(np.mean(fields, axis=(1, 2))).max() < 1e-6
    assert np.var(fields) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shape", [(64, 64), (63, 65), (64, 81)])
def test_white_noise_times_1_comes_back_as_it_was(shape: tuple[int, int]) -> None:
    field = to_field(white_noise(shape, np.random.default_rng(2)), shape)
    np.testing.assert_allclose(field, np.random.default_rng(2).standard_normal(shape), atol=1e-6)


def test_structures_are_longer_along_their_direction() -> None:
    amplitude = power_law((128, 128), 1.0, 3.0, 40.0, elongation=3.0, direction=np.pi / 2)  # east
    field = to_field(white_noise((128, 128), np.random.default_rng(1)) * amplitude, (128, 128))
    along, across = (np.mean((field - np.roll(field, 4, axis)) ** 2) for axis in (1, 0))
    assert along < 0.7 * across


@given(
    speed=st.floats(0, 120),
    degrees=st.floats(0, 360),
    minutes=st.sampled_from([6.0, 12.0]),
    seed=st.integers(0, 99),
)
def test_the_lagged_correlation_peaks_at_the_given_motion(
    speed: float, degrees: float, minutes: float, seed: int
) -> None:
    rain = rain_field(seed, speed_kmh=speed, degrees=degrees)
    before = rain.field()
    rain.advance(minutes)
    correlation = np.fft.irfft2(np.fft.rfft2(rain.field()) * np.conj(np.fft.rfft2(before)), s=SHAPE)
    row, column = np.unravel_index(np.argmax(correlation), SHAPE)
    km, angle = speed * minutes / 60, np.deg2rad(degrees)
    east, north = (column + 160) % 320 - 160, (-row + 128) % 256 - 128
    assert np.hypot(east - km * np.sin(angle), north - km * np.cos(angle)) < 1.5


def test_rain_without_decay_only_moves() -> None:
    rain = rain_field(speed_kmh=60, degrees=90, lifetime_minutes=1e13)
    before = rain.field()
    for _ in range(3):
        rain.advance(10)
    np.testing.assert_allclose(rain.field(), np.roll(before, 30, axis=1), atol=1e-3)


def test_small_structures_decorrelate_before_large_ones_and_the_variance_stays() -> None:
    rain = rain_field(speed_kmh=0)
    fields = [rain.field()]
    for _ in range(10):
        rain.advance(6)
        fields.append(rain.field())
    first, last = (np.fft.rfft2(field) for field in (fields[0], fields[-1]))
    cycles = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(320)[None, :])

    def likeness(low: float, high: float) -> float:
        band = (cycles >= low) & (cycles < high)
        cross = np.real(first[band] * np.conj(last[band])).sum()
        return float(cross / np.sqrt((np.abs(first[band]) ** 2).sum() * (np.abs(last[band]) ** 2).sum()))

    assert likeness(1 / 160, 1 / 60) > 0.4  # after an hour
    assert abs(likeness(1 / 8, 1 / 4)) < 0.1
    assert np.var(fields[-1]) == pytest.approx(np.var(fields[0]), rel=0.6)


def test_the_decorrelation_does_not_depend_on_the_time_step() -> None:
    def likeness(steps: int) -> float:
        found = []
        for seed in range(6):
            rain = rain_field(seed, speed_kmh=0)
            before = rain.field()
            for _ in range(steps):
                rain.advance(30 / steps)
            found.append(np.corrcoef(before.ravel(), rain.field().ravel())[0, 1])
        return float(np.mean(found))

    assert likeness(1) == pytest.approx(likeness(6), abs=0.1)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_it_rains_on_the_given_share_of_the_field(share: float) -> None:
    style = RainStyle(share=share)
    rainy = [np.mean(style.dbz(rain_field(seed, share=share).field()) > DRY_DBZ) for seed in range(12)]
    assert np.mean(rainy) == pytest.approx(share, abs=0.05)


@given(st.lists(st.floats(-6, 6, width=32), min_size=2), st.floats(0.01, 0.9))
def test_a_higher_field_never_rains_less(values: list[float], share: float) -> None:
    dbz = RainStyle(share=share).dbz(np.sort(np.array(values, dtype=np.float32)))
    assert (dbz[1:] >= dbz[:-1]).all()
    assert dbz.max() <= HIGHEST_DBZ and dbz.dtype == np.float32


@pytest.mark.parametrize(("key", "value"), [("share", 0.0), ("share", 1.0), ("speed_kmh", -1), ("degrees", 400)])
def test_an_impossible_style_is_refused(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match="allowed is"):
        RainStyle(**{key: value})
