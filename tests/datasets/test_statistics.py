"""Mean and spread of the channels over the training samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import NO_HOLES, START, inputs, radar_frames, sampler, small_cache

from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.statistics import MAX_SAMPLES, channel_statistics
from radar_cleaner.targets.splits import Sample


def all_values(cache, samples, how):
    """(channel, pixel) of whole frames."""
    values = []
    for sample in samples:
        draw = sampler(None, NO_HOLES, how, 0).validation(cache, sample, 0)
        batch = make_batch(cut_crops(cache, [sample], [draw], how), how, torch.device("cpu"))
        values.append(batch.channels[0].flatten(1).double())
    return torch.cat(values, dim=1)


@pytest.mark.parametrize("atlas", ["none", "channel"])
def test_normalized_channels_have_mean_0_and_deviation_1(atlas):
    times = [START + 360 * number for number in range(12)]
    frequency = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
    other = radar_frames(times, (12, 50), seed=7, echo_frequency=np.zeros((12, 50), np.uint8))
    cache = {"CASGO": radar_frames(times, echo_frequency=frequency), "CASCM": other}
    samples = [Sample(time, radar) for time in times[1:-1] for radar in cache]
    how = inputs(atlas=atlas)
    mean, std = channel_statistics(cache, samples, how)
    assert mean.shape == std.shape == (len(how.names),) and mean.dtype == std.dtype == torch.float32
    normalized = (all_values(cache, samples, how) - mean[:, None]) / std[:, None]
    assert normalized.mean(dim=1).abs().max() < 1e-5
    assert normalized.std(dim=1, correction=0).tolist() == pytest.approx([1.0] * len(how.names), abs=1e-4)


@given(place=st.floats(-2, 2), spread=st.floats(1e-3, 1))
def test_a_small_spread_about_a_large_mean_is_kept(place, spread):
    field = (place + spread * np.sin(np.arange(32 * 32))).astype(np.float32).reshape(1, 32, 32)
    times = [START + 360 * number for number in range(3)]
    cache = {"CASGO": radar_frames(times, fields=field)}
    how = inputs(static=("terrain",))
    mean, std = channel_statistics(cache, [Sample(times[1], "CASGO")], how)
    assert float(mean[-1]) == pytest.approx(field.mean(dtype=np.float64), abs=1e-6)
    assert float(std[-1]) == pytest.approx(field.std(dtype=np.float64), rel=1e-4)


@given(value=st.floats(-1000, 1000, width=32))
def test_a_channel_that_does_not_vary_is_only_shifted(value):
    times = [START + 360 * number for number in range(3)]
    cache = {"CASGO": radar_frames(times, fields=np.full((1, 32, 32), value, np.float32))}
    how = inputs(static=("terrain",))
    mean, std = channel_statistics(cache, [Sample(times[1], "CASGO")], how)
    assert float(std[-1]) == 1 and float(mean[-1]) == pytest.approx(value, rel=1e-6)


def test_of_many_samples_a_few_are_taken_evenly_from_first_to_last():
    count = 2 * MAX_SAMPLES
    times = [START + 360 * number for number in range(count)]
    cache = {"CASGO": radar_frames(times, (4, 4))}
    # The code of a frame's echo is its place in the sequence.
    codes = (80 + np.arange(count) * 100 // count).astype(np.uint8)
    cache["CASGO"].variables[:, 0] = codes[:, None, None]
    samples = [Sample(time, "CASGO") for time in times]
    how = inputs(input_minutes=(0,))
    mean, _ = channel_statistics(cache, samples, how)
    first_half, _ = channel_statistics(cache, samples[:MAX_SAMPLES], how)
    assert float(mean[0]) == pytest.approx(float(all_values(cache, samples, how)[0].mean()), abs=2e-3)
    assert float(first_half[0]) < float(mean[0]) - 0.05


def test_masks_and_noise_do_not_enter_and_the_order_of_samples_does_not_matter():
    cache, samples = small_cache()
    mean, std = channel_statistics(cache, samples, inputs())
    again = channel_statistics(cache, samples[::-1], inputs())
    assert torch.allclose(mean, again[0]) and torch.allclose(std, again[1])
    wanted = all_values(cache, samples, inputs())
    assert torch.allclose(mean.double(), wanted.mean(dim=1), atol=1e-6)
