"""The learning-rate finder, on curves with a known answer, on a toy bank and on real frames."""

from __future__ import annotations

import copy
import math

import numpy as np
import pandas as pd
import pytest
import torch
from learning_cases import augmentation, place, running, small_bank, train_flags, train_here, training
from workflow_cases import SAMPLE, SMOKE, make_workspace

from radar_cleaner.errors import ModelError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import read_model_provenance
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import build_model
from radar_cleaner.storage.shards import encode_stores
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import train
from radar_cleaner.training.lr_finder import STEPS, find_rate, suggest_rate
from radar_cleaner.training.step import Crops


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
    bank, samples = small_bank()
    how = training(augmentation(crop=32), learning_rate="find", **changes)
    model = build_model(how.config)
    draw_weights(model, 3)
    return how, Crops(how, bank, samples), model, place(tmp_path / "current.pt")


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


def test_a_found_rate_is_kept_by_a_run_that_goes_on(tmp_path, monkeypatch):
    how, crops, _, where = make(tmp_path)
    first = train(how, running(), crops.bank, crops.samples, crops.samples, where)
    monkeypatch.setattr("radar_cleaner.training.loop.find_rate", lambda *_: pytest.fail("it looked again"))
    again = train(how, running(), crops.bank, crops.samples, crops.samples, where)
    assert again.learning_rate == first.learning_rate
    assert again.rates == first.rates and len(first.rates) > 10


@pytest.mark.slow
@pytest.mark.timeout(1500)  # a look and three trainings, in one thread beside other tests
def test_on_real_frames_it_is_within_a_factor_of_3_of_the_best_of_a_sweep(tmp_path) -> None:
    evening = ["2024-07-10 19:00", "2024-07-11 00:00"]
    config = {name: part for name, part in SMOKE.items() if name != "evaluation"}
    config |= {"frames": {**SMOKE["frames"], "period": evening}, "training": {"period": evening}, "samples": {}}
    config |= {
        "radars": [{**radar, "frames": str(SAMPLE / radar["frames"])} for radar in SMOKE["radars"]],
        "atlas": {},
    }
    work = make_workspace(tmp_path / "work", config)
    work.run("results/samples/train.csv", "results/samples/val.csv", "prepare")
    shards = {radar: [f"20240710T{hour}" for hour in range(19, 24)] for radar in ("CASGO", "CASCM")}
    flags = train_flags(
        work.root / "results", encode_stores(shards), threads=1, options='{"base_width": 16, "depth": 3}'
    )
    flags |= {"epochs": 4, "global_batch_size": 8, "crop": 128, "crops_per_sample": 1, "hole_size": 24}
    flags |= {"weight_decay": 0.01, "drop_neighbours": 0.15, "drop_others": 0.25, "seed": 1}
    flags |= {"inpainting_weight": 0.5}
    losses = {}
    for rate in ("find", 5e-4, 6e-3, 6e-2):
        outputs = ("best", "history", "curves", "card", "checkpoint", "runs")
        here = {name: tmp_path / str(rate) / flags[name].name for name in outputs}
        if rate == "find":  # it looks before the first epoch, whatever their number
            here |= {name: tmp_path / f"{name}.csv" for name in ("rates", "rates_figure")} | {"epochs": 1}
        train_here({**flags, **here, "learning_rate": rate})
        losses[rate] = pd.read_csv(here["history"]).val_loss.min()
    found = read_model_provenance(tmp_path / "find/best.pt")["learning_rate"]
    losses.pop("find")
    best = min(losses, key=losses.__getitem__)
    assert losses[best] < 0.8 * max(losses.values())  # the rate matters
    assert best / 3 <= found <= best * 3, (found, losses)
