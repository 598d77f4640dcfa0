"""The training loop on a frame cache in memory."""

import logging
import math
import signal

import numpy as np
import pytest
import torch
from learning_cases import augmentation, config, environment, holes, running, small_cache, training

from radar_cleaner.errors import Interrupted, ModelError
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.training.checkpoints import load_state, save_state
from radar_cleaner.training.loop import train
from radar_cleaner.training.precision import set_determinism
from radar_cleaner.training.step import CropDataset

HOLES = holes(hole_fraction=0.7, hole_shapes=("blocks", "pixels", "sectors"))
VARIED = augmentation(flips=True, drop_neighbours=0.3, prefer_echo=0.5, input_noise_dbz=2.0)
# All that has a state, or draws, at once.
EVERYTHING = {
    "how": VARIED,
    "holes": HOLES,
    "model": config(dropout=0.3, normalize=True),
    "ema": 0.9,
    "swa": 0.5,
    "epochs": 4,
}


@pytest.fixture(autouse=True)
def deterministic():
    set_determinism(True)
    torch.set_num_threads(1)
    yield
    torch.use_deterministic_algorithms(False)


def run(tmp_path, cache, samples, val, name="current.pt", run=None, interruption=None, **changes):
    where = environment(tmp_path / name, interruption=interruption)
    return train(training(**changes), running(**(run or {})), cache, samples, val, where)


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow  # sixty epochs
def test_it_overfits_a_few_samples(tmp_path):
    cache, samples = small_cache(3)
    how = augmentation(crop=32)
    trained = run(tmp_path, cache, samples, samples, how=how, epochs=60, learning_rate=5e-3, crops_per_sample=2)
    last = trained.history[-1]
    assert last["val_loss"] < 0.15 * trained.history[0]["val_loss"]
    assert last["val_mask_f1"] > 0.97
    assert last["val_non_meteorological_removed"] > 0.9
    assert last["val_reflectivity_mae_dbz"] < 4


def test_equal_runs_are_equal_to_the_bit_and_others_are_not(tmp_path):
    cache, samples = small_cache()
    first = run(tmp_path, cache, samples[:3], samples[3:], name="1.pt", **EVERYTHING)
    torch.rand(3)  # earlier draws must not matter
    second = run(tmp_path, cache, samples[:3], samples[3:], name="2.pt", **EVERYTHING)
    other = run(tmp_path, cache, samples[:3], samples[3:], name="3.pt", seed=8, **EVERYTHING)
    assert same(first.best, second.best) and repr(first.history) == repr(second.history)
    assert not same(first.best, other.best)
    assert (tmp_path / "1.pt").read_bytes() == (tmp_path / "2.pt").read_bytes()


class Stopping:
    """An interruption at the n-th check."""

    patient = False

    def __init__(self, looks):
        self.looks = looks

    @property
    def asked(self):
        self.looks -= 1
        return "SIGUSR1" if self.looks < 0 else ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        EVERYTHING,
        {"schedule": "one_cycle", "ema": 0.5},
        {"schedule": "plateau", "plateau_patience": 0, "epochs": 3, "learning_rate": 0.05},
        {"precision": "fp16"},
        {"precision": "bf16", "gradient_checkpointing": True, "channels_last": False},
    ],
    ids=["plain", "everything", "one_cycle", "plateau", "fp16", "bf16"],
)
def test_a_run_stopped_at_any_step_ends_as_one_that_was_not(tmp_path, changes):
    cache, samples = small_cache(7)
    whole = run(tmp_path, cache, samples[:5], samples[5:], name="whole.pt", run={"micro_batch_size": 1}, **changes)
    looks, stops, resumed = iter([1, 5, 3, 9, 14, 2, 25, 7]), 0, None
    while resumed is None:
        try:
            resumed = run(
                tmp_path,
                cache,
                samples[:5],
                samples[5:],
                run={"micro_batch_size": 1},
                interruption=Stopping(next(looks, 1000)),
                **changes,
            )
        except Interrupted as stop:
            stops += 1
            assert "start the training again to resume" in str(stop)
    assert stops >= 3
    assert same(whole.best, resumed.best) and repr(whole.history) == repr(resumed.history)
    assert (whole.best_epoch, whole.best_weights) == (resumed.best_epoch, resumed.best_weights)
    assert (tmp_path / "whole.pt").read_bytes() == (tmp_path / "current.pt").read_bytes()


def test_a_run_that_died_while_saving_resumes_from_the_state_before(tmp_path, monkeypatch, caplog):
    cache, samples = small_cache()
    whole = run(tmp_path, cache, samples, samples, name="whole.pt", epochs=3)

    def die(path, digest, state):
        save_state(path, digest, state)
        if state["epoch"] == 2:
            path.write_bytes(path.read_bytes()[:-100])
            raise KeyboardInterrupt

    (tmp_path / "again").mkdir()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("radar_cleaner.training.loop.save_state", die)
        run(tmp_path / "again", cache, samples, samples, epochs=3)
    with caplog.at_level(logging.INFO):
        resumed = run(tmp_path / "again", cache, samples, samples, epochs=3)
    assert "resumes after epoch 1 and 0 step(s)" in caplog.text
    assert "current.pt is not resumed: it cannot be read: its content is damaged" in caplog.text
    assert same(whole.best, resumed.best) and repr(whole.history) == repr(resumed.history)


def test_within_a_long_epoch_states_are_saved_by_the_clock(tmp_path, monkeypatch):
    cache, samples = small_cache()
    saved = []
    monkeypatch.setattr(
        "radar_cleaner.training.loop.save_state", lambda path, digest, state: saved.append(state["step"])
    )
    run(tmp_path, cache, samples, samples, epochs=1, global_batch_size=1, run={"checkpoint_minutes": 1e-9})
    assert saved == [1, 2, 3, 4, 0]


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch):
    cache, samples = small_cache()
    first = run(tmp_path, cache, samples, samples)
    monkeypatch.setattr("radar_cleaner.training.loop._Loop.train_epoch", lambda *_: pytest.fail("it trained"))
    again = run(tmp_path, cache, samples, samples)
    assert same(first.best, again.best) and repr(first.history) == repr(again.history)


def test_the_best_epoch_has_the_least_validation_loss(tmp_path):
    cache, samples = small_cache()
    trained = run(tmp_path, cache, samples[:2], samples[2:], epochs=4, learning_rate=0.05)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == 4


def test_without_validation_the_last_epoch_is_the_best(tmp_path):
    cache, samples = small_cache()
    trained = run(tmp_path, cache, samples, [], epochs=3)
    assert trained.best_epoch == 3
    assert all(math.isnan(row["val_loss"]) and math.isfinite(row["train_loss"]) for row in trained.history)
    state = load_state(tmp_path / "current.pt", "sha256:a")
    assert same(trained.best, state["parts"]["model"])


def test_validation_does_not_depend_on_training_s_draws(tmp_path):
    cache, samples = small_cache()
    plain = run(tmp_path, cache, samples[:2], samples[2:], name="1.pt", epochs=1, learning_rate=1e-12)
    varied = augmentation(flips=True, drop_others=1, drop_neighbours=1, input_noise_dbz=3)
    other = run(tmp_path, cache, samples[:2], samples[2:], name="2.pt", epochs=1, learning_rate=1e-12, how=varied)
    # Where the logit of an untrained network is 0, a rate of 1e-12 changes the decision at 0.5.
    decided = {"val_mask_f1", "val_meteorological_kept", "val_non_meteorological_removed"}
    for name in plain.history[0].keys() - decided:
        if name.startswith("val_") and not math.isnan(plain.history[0][name]):
            assert other.history[0][name] == pytest.approx(plain.history[0][name], rel=1e-4)
    assert other.history[0]["train_loss"] != pytest.approx(plain.history[0]["train_loss"], rel=1e-3)


def test_a_loss_that_is_not_finite_names_the_sample(tmp_path, monkeypatch):
    cache, samples = small_cache()

    def spoil(*arguments):
        logit, scaled = apply_padded(*arguments)
        return logit * torch.tensor([1.0, math.nan])[: len(logit), None, None, None], scaled

    monkeypatch.setattr("radar_cleaner.training.step.apply_padded", spoil)
    with pytest.raises(ModelError, match=r"not finite for CASGO at 2024-07-11T\d\d:\d\d:00Z; lower"):
        run(tmp_path, cache, samples, [])


def test_validation_has_the_same_inpainting_masks_each_epoch(tmp_path):
    cache, samples = small_cache()
    hidden = holes(hole_fraction=0.1, hole_shapes=("pixels",), hole_pixels=0.9)
    trained = run(tmp_path, cache, samples[:2], samples[2:], epochs=2, learning_rate=1e-12, holes=hidden)
    first, second = ([row[f"val_{name}"] for name in ("inpainting", "loss")] for row in trained.history)
    assert first == pytest.approx(second, rel=1e-6) and first[0] > 0
    plain = run(tmp_path, cache, samples[:2], samples[2:], epochs=2, learning_rate=1e-12, name="plain.pt")
    assert plain.history[0]["val_inpainting"] == 0
    assert math.isnan(plain.history[0]["val_inpainting_mae_dbz"])


def test_the_best_of_raw_and_averaged_weights_is_taken(tmp_path):
    cache, samples = small_cache()
    # At this high rate the weights jump; their averages are in the middle.
    trained = run(
        tmp_path, cache, samples[:2], samples[2:], epochs=8, learning_rate=0.2, ema=0.8, swa=0.5, swa_rate=1.0
    )
    columns = {"raw": "val_loss", "ema": "ema_val_loss", "swa": "swa_val_loss"}
    losses = {
        (row["epoch"], name): row[column]
        for row in trained.history
        for name, column in columns.items()
        if column in row
    }
    assert (trained.best_epoch, trained.best_weights) == min(losses, key=losses.__getitem__)
    assert ["swa_val_loss" in row for row in trained.history] == [False] * 4 + [True] * 4
    assert all("ema_val_loss" in row for row in trained.history)
    assert trained.best_weights != "raw"


def test_it_stops_early_when_validation_no_longer_gets_better(tmp_path, caplog):
    cache, samples = small_cache()
    with caplog.at_level(logging.INFO):
        trained = run(tmp_path, cache, samples[:2], samples[2:], epochs=40, learning_rate=0.3, early_stopping=2)
    assert len(trained.history) == trained.best_epoch + 2 < 40
    assert f"the best of {len(trained.history)} epochs is {trained.best_epoch}" in caplog.text


def test_a_fast_development_run_reads_two_batches_of_each_kind(tmp_path, monkeypatch):
    cache, samples = small_cache(6)
    cuts, cut = [], CropDataset.batch
    monkeypatch.setattr(CropDataset, "batch", lambda *arguments: cuts.append(len(arguments[1])) or cut(*arguments))
    trained = run(tmp_path, cache, samples, samples, epochs=9, fast_dev_run=True)
    assert cuts == [2, 2, 2, 2] and len(trained.history) == 2
    assert "fast development run" in trained.notes[0]


def test_a_signal_ends_the_step_and_saves(tmp_path):
    cache, samples = small_cache()
    where = environment(tmp_path / "current.pt")
    with where.interruption:
        where.interruption.patient = True
        signal.raise_signal(signal.SIGUSR1)
        with pytest.raises(Interrupted, match="stopped by SIGUSR1 after epoch 0 and 0 step"):
            train(training(), running(), cache, samples, samples, where)
    assert load_state(tmp_path / "current.pt", "sha256:a")["step"] == 0  # the step that was begun is not taken


def test_early_stopping_waits_for_the_late_averages(tmp_path):
    cache, samples = small_cache()
    changes = {"epochs": 12, "learning_rate": 0.3, "early_stopping": 1}
    trained = run(tmp_path, cache, samples[:2], samples[2:], swa=0.25, **changes)
    assert len(trained.history) >= 10 and "swa_val_loss" in trained.history[-1]
    plain = run(tmp_path, cache, samples[:2], samples[2:], name="plain.pt", **changes)
    assert len(plain.history) < len(trained.history)


def test_a_gradient_that_is_not_finite_moves_nothing_and_names_the_batch(tmp_path, monkeypatch):
    cache, samples = small_cache()
    steps, step = [], torch.optim.AdamW.step

    def watched(optimizer, *arguments):
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        before = [weight.detach().clone() for weight in weights]
        step(optimizer, *arguments)
        steps.append(all(torch.equal(old, new) for old, new in zip(before, weights, strict=True)))

    monkeypatch.setattr("torch.optim.AdamW.step", watched)

    def spoil(*arguments):
        logit, scaled = apply_padded(*arguments)
        scaled.register_hook(lambda gradient: gradient * math.nan)
        return logit, scaled

    monkeypatch.setattr("radar_cleaner.training.step.apply_padded", spoil)
    with pytest.raises(
        ModelError, match=r"gradient is not finite; .* the samples of the batch are CASGO at 2024.*, CASGO at"
    ):
        run(tmp_path, cache, samples, [], weight_decay=0.5)
    assert steps and all(steps) and not (tmp_path / "current.pt").exists()


def test_memory_that_ends_in_validation_names_a_key(tmp_path, monkeypatch):
    cache, samples = small_cache()

    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")

    monkeypatch.setattr("radar_cleaner.training.loop.Validation.sums", fail)
    with pytest.raises(ModelError, match=r"whole frames of the validation.* lower training\.model\.base_width"):
        run(tmp_path, cache, samples, samples)
