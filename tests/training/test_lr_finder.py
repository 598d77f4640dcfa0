"""The learning-rate finder, on curves with a known answer, on a quadratic and on a small frame cache."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from learning_cases import augmentation, environment, running, small_cache, training

from radar_cleaner.errors import ModelError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import train
from radar_cleaner.training.lr_finder import STEPS, find_rate, suggest_rate
from radar_cleaner.training.step import CropDataset


@pytest.mark.parametrize("knee", [1e-3, 1e-2, 1e-1])
def test_the_rate_is_where_the_fast_fall_of_the_loss_ends(knee):
    rates = np.geomspace(1e-5, 1, 80)
    # Flat, then falling in a line over the logarithm for two decades up to the knee, then slowly, then up.
    losses = 2 - np.clip(np.log10(rates / knee) + 2, 0, 2) * 0.7 - 0.05 * np.clip(np.log10(rates / knee), 0, 1)
    losses += 3 * np.clip(np.log10(rates / knee) - 1, 0, None)
    assert suggest_rate(rates, losses) == pytest.approx(knee, rel=0.6)
    noisy = losses + np.random.default_rng(0).normal(0, 0.02, 80)
    assert suggest_rate(rates, noisy) == pytest.approx(knee, rel=0.8)
    losses[:8] += 1.5 * np.exp(-np.arange(8) / 2)  # the first batches happen to be hard ones
    assert suggest_rate(rates, losses) == pytest.approx(knee, rel=0.6)


def test_a_handful_of_tries_still_give_a_rate():
    assert suggest_rate([1e-5], [1.0]) == pytest.approx(1e-5)
    assert suggest_rate([1e-5, 1e-3], [1.0, 0.9]) == pytest.approx(1e-4)


def make(tmp_path, **changes):
    cache, samples = small_cache()
    how = training(augmentation(crop=32), learning_rate="find", **changes)
    model = build_model(how.config)
    draw_weights(model, 3)
    return how, CropDataset(how, cache, samples), model, environment(tmp_path / "current.pt")


def test_it_leaves_the_model_as_it_was_and_tries_rising_rates(tmp_path):
    how, crops, model, _ = make(tmp_path)
    before = copy.deepcopy(model.state_dict())
    found = find_rate(how, running(), crops, model, Processes())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert len(found.rates) == len(found.losses) <= STEPS
    ratios = np.diff(np.log(found.rates))
    assert found.rates[0] == pytest.approx(1e-5) and ratios == pytest.approx(ratios[0])
    assert found.rates[0] < found.rate < found.rates[-1]
    assert found == find_rate(how, running(), crops, model, Processes())


def test_it_stops_where_the_loss_blows_up_and_fails_only_where_no_rate_is_to_blame(tmp_path, monkeypatch):
    how, crops, model, _ = make(tmp_path)
    calls = []

    def spoil(*arguments, good):
        logit, scaled = apply_padded(*arguments)
        calls.append(len(calls))
        return logit * (1.0 if len(calls) <= good else math.nan), scaled

    monkeypatch.setattr("radar_cleaner.training.step.apply_padded", lambda *given: spoil(*given, good=30))
    assert len(find_rate(how, running(), crops, model, Processes()).rates) == 30
    monkeypatch.setattr("radar_cleaner.training.step.apply_padded", lambda *given: spoil(*given, good=0))
    with pytest.raises(ModelError, match="not finite"):
        find_rate(how, running(), crops, model, Processes())


def test_a_found_rate_is_kept_by_a_resumed_run(tmp_path, monkeypatch):
    how, crops, _, where = make(tmp_path)
    first = train(how, running(), crops.cache, crops.samples, crops.samples, where)
    monkeypatch.setattr("radar_cleaner.training.loop.find_rate", lambda *_: pytest.fail("it looked again"))
    again = train(how, running(), crops.cache, crops.samples, crops.samples, where)
    assert again.learning_rate == first.learning_rate
    assert again.rates == first.rates and len(first.rates) > 10


@pytest.mark.parametrize("curvature", [3, 30, 300])
def test_on_a_quadratic_it_is_within_a_factor_of_5_of_the_best_of_a_sweep(curvature):
    """Gradient descent on a quadratic of 50 curvatures, which diverges above a rate of 2 / curvature."""
    curvatures = np.geomspace(curvature / 100, curvature, 50)
    rates, losses, weights = np.geomspace(1e-5, 1, STEPS), [], np.ones(50)
    for rate in rates:
        losses.append((curvatures * weights**2).mean() / 2)
        if losses[-1] > 3 * min(losses):
            break
        weights = weights * (1 - rate * curvatures)
    found = suggest_rate(rates[: len(losses)], losses)
    sweep = np.geomspace(1e-4, 1, 41)
    best = min(sweep, key=lambda rate: (curvatures * (1 - rate * curvatures) ** 40).sum())
    assert best / 5 < found < min(5 * best, 2 / curvature)
