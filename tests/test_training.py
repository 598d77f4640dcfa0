"""The training loop on a bank in memory."""

import math

import numpy as np
import pytest
import torch
from learning_cases import augmentation, inputs, small_bank, training

from radar_cleaner.checkpoints import load_state, save_state
from radar_cleaner.dataset import cut, make_batch, whole_frame
from radar_cleaner.distributed import Processes, join_processes
from radar_cleaner.errors import ModelError
from radar_cleaner.losses import TERMS
from radar_cleaner.models import apply_padded
from radar_cleaner.training import COUNTS, count_pixels, summarize, train


@pytest.fixture(autouse=True)
def deterministic():
    with join_processes(1):
        yield
    torch.use_deterministic_algorithms(False)


def run(tmp_path, bank, samples, val, digest="sha256:a", name="current.pt", **changes):
    return train(training(**changes), bank, samples, val, Processes(), tmp_path / name, digest)


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_a_few_samples_by_heart(tmp_path):
    bank, samples = small_bank(3)
    how = augmentation(crop=32)
    trained = run(tmp_path, bank, samples, samples, how=how, epochs=60, learning_rate=5e-3, crops_per_sample=2)
    last = trained.history[-1]
    assert last["val_loss"] < 0.15 * trained.history[0]["val_loss"]
    assert last["val_mask_f1"] > 0.97
    assert last["val_non_meteorological_removed"] > 0.9
    assert last["val_reflectivity_mae_dbz"] < 4


def test_equal_runs_are_equal_to_the_bit_and_others_are_not(tmp_path):
    bank, samples = small_bank()
    how = augmentation(flips=True, drop_neighbours=0.3, hole_fraction=0.5, prefer_echo=0.5)
    first = run(tmp_path, bank, samples[:3], samples[3:], name="1.pt", how=how)
    second = run(tmp_path, bank, samples[:3], samples[3:], name="2.pt", how=how)
    other = run(tmp_path, bank, samples[:3], samples[3:], name="3.pt", how=how, seed=8)
    assert same(first.best, second.best) and first.history == second.history
    assert not same(first.best, other.best)
    assert (tmp_path / "1.pt").read_bytes() == (tmp_path / "2.pt").read_bytes()


def test_a_run_that_stopped_after_an_epoch_ends_as_one_that_did_not(tmp_path, monkeypatch):
    bank, samples = small_bank()
    whole = run(tmp_path, bank, samples, samples, name="whole.pt", epochs=3)

    def stop(path, digest, state):
        save_state(path, digest, state)
        if state["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("radar_cleaner.training.save_state", stop)
        run(tmp_path, bank, samples, samples, epochs=3)
    assert load_state(tmp_path / "current.pt", "sha256:a")["epoch"] == 2
    resumed = run(tmp_path, bank, samples, samples, epochs=3)
    assert same(whole.best, resumed.best) and whole.history == resumed.history
    assert (tmp_path / "whole.pt").read_bytes() == (tmp_path / "current.pt").read_bytes()


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch):
    bank, samples = small_bank()
    first = run(tmp_path, bank, samples, samples)
    monkeypatch.setattr("radar_cleaner.training._train_epoch", lambda *_: pytest.fail("it trained"))
    again = run(tmp_path, bank, samples, samples)
    assert same(first.best, again.best) and first.history == again.history


def test_the_best_epoch_has_the_least_validation_loss(tmp_path):
    bank, samples = small_bank()
    trained = run(tmp_path, bank, samples[:2], samples[2:], epochs=4, learning_rate=0.05)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == 4


def test_without_validation_the_last_epoch_is_the_best(tmp_path):
    bank, samples = small_bank()
    trained = run(tmp_path, bank, samples, [], epochs=3)
    assert trained.best_epoch == 3
    assert all(math.isnan(row["val_loss"]) and math.isfinite(row["train_loss"]) for row in trained.history)
    state = load_state(tmp_path / "current.pt", "sha256:a")
    assert same(trained.best, state["model"])


def test_validation_does_not_depend_on_training_s_draws(tmp_path):
    bank, samples = small_bank()
    plain = run(tmp_path, bank, samples[:2], samples[2:], name="1.pt", epochs=1, learning_rate=1e-12)
    varied = augmentation(flips=True, hole_fraction=1, drop_others=1, drop_neighbours=1)
    other = run(tmp_path, bank, samples[:2], samples[2:], name="2.pt", epochs=1, learning_rate=1e-12, how=varied)
    for name in plain.history[0]:
        if name.startswith("val_"):
            assert other.history[0][name] == pytest.approx(plain.history[0][name], rel=1e-4)
    assert other.history[0]["train_loss"] != pytest.approx(plain.history[0]["train_loss"], rel=1e-3)


def test_a_loss_that_is_not_finite_names_the_sample(tmp_path, monkeypatch):
    bank, samples = small_bank()

    def spoil(model, x_BCHW, pad_mode):
        logit, scaled = apply_padded(model, x_BCHW, pad_mode)
        return logit * torch.tensor([1.0, math.nan])[: len(logit), None, None], scaled

    monkeypatch.setattr("radar_cleaner.training.apply_padded", spoil)
    with pytest.raises(ModelError, match=r"not finite for CASGO at 2024-07-11T\d\d:\d\d:00Z; lower"):
        run(tmp_path, bank, samples, [])


def test_the_learning_rate_rises_falls_and_knows_only_the_step():
    schedule = training(learning_rate=0.01).schedule
    rates = [schedule.rate(step, 200) for step in range(200)]
    assert max(rates) == pytest.approx(0.01) and rates[0] == pytest.approx(0.001)
    top = rates.index(max(rates))
    assert all(np.diff(rates[:top]) > 0) and all(np.diff(rates[top + 1 :]) < 0)
    assert rates[-1] == pytest.approx(1e-4, rel=0.05)


def test_scores_count_known_own_echoes_and_dbz():
    bank, samples = small_bank(1)
    batch = make_batch(
        cut(bank, samples, [whole_frame(bank["CASGO"].grid, inputs())], inputs()),
        inputs(),
        torch.device("cpu"),
    )
    rain, own = batch.mask > 0.5, batch.own_echo
    truth = torch.where(rain, 5.0, -5.0)
    sums = count_pixels(truth, batch.reflectivity + 0.05, batch)
    assert sums["kept"] == rain.sum() and sums["removed"] == (own & ~rain).sum() > 0
    assert sums["lost"] == sums["passed"] == 0
    scores = summarize(dict.fromkeys(TERMS, 0.0) | sums, 1)
    assert scores["mask_f1"] == scores["meteorological_kept"] == scores["non_meteorological_removed"] == 1
    assert scores["reflectivity_mae_dbz"] == pytest.approx(4, abs=1e-3)
    assert math.isnan(summarize(dict.fromkeys(TERMS + COUNTS, 0.0), 0)["mask_f1"])
