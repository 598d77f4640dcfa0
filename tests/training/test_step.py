"""A step's gradients, however its batch is parted, and what happens when memory does not suffice."""

import logging
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from learning_cases import (
    START,
    augmentation,
    config,
    holes,
    injection,
    radar_frames,
    running,
    small_cache,
    training,
)

from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.errors import ModelError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.step import CropDataset, Steps, count_errors

HOW = augmentation(flips=True, prefer_echo=0.8, input_noise_dbz=2.0)
UNSCALED = torch.amp.GradScaler("cpu", enabled=False)


def make_steps(how=HOW, hidden=None, model=None, **run):
    cache, samples = small_cache()
    hidden = hidden or holes(hole_fraction=0.7)
    options = training(how, model, hidden, injection=injection(0.7), global_batch_size=4)
    made = build_model(options.config)
    draw_weights(made, 3)
    return Steps(options, running(**run), CropDataset(options, cache, samples), made, Processes())


def gradients(steps, items=(0, 1, 2, 3), epoch=0):
    sums = steps.gradients(items, epoch, UNSCALED).read()
    return torch.cat([weight.grad.reshape(-1) for weight in steps.model.parameters()]), sums


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_gradients_of_parts_sum_up_to_those_of_the_batch(size):
    whole, sums = gradients(make_steps())
    parted, part_sums = gradients(make_steps(micro_batch_size=size))
    assert whole.abs().max() > 1e-3
    assert torch.allclose(parted, whole, rtol=1e-4, atol=1e-6)
    assert part_sums == pytest.approx(sums, rel=1e-5)


def test_dropout_of_an_item_does_not_depend_on_how_the_batch_is_parted():
    whole, _ = gradients(make_steps(model=config(dropout=0.5)))
    parted, _ = gradients(make_steps(model=config(dropout=0.5), micro_batch_size=1))
    plain, _ = gradients(make_steps())
    assert torch.allclose(parted, whole, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(plain, whole, rtol=1e-2, atol=1e-4)


def test_dropout_is_drawn_from_the_item_not_from_what_was_drawn_before():
    first, _ = gradients(make_steps(model=config(dropout=0.5)))
    torch.rand(7)
    again, _ = gradients(make_steps(model=config(dropout=0.5)))
    other, _ = gradients(make_steps(model=config(dropout=0.5)), epoch=1)
    assert torch.equal(first, again) and not torch.equal(first, other)


class Small(torch.nn.Module):
    """A network with a largest number of samples at once."""

    def __init__(self, body, most):
        super().__init__()
        self.body, self.most, self.multiple = body, most, body.multiple
        self.sizes = []

    def forward(self, x):
        self.sizes.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore words")
        return self.body(x)


def test_out_of_memory_halves_what_is_computed_at_once_and_keeps_the_batch(caplog):
    whole, sums = gradients(make_steps())
    steps = make_steps()
    steps.network = Small(steps.model, 1)
    with caplog.at_level(logging.WARNING):
        found, found_sums = gradients(steps)
    assert steps.network.sizes == [4, 2, 1, 1, 1, 1] and steps.part_size == 1
    assert torch.allclose(found, whole, rtol=1e-4, atol=1e-6) and found_sums == pytest.approx(sums, rel=1e-5)
    assert "4 crop(s) of 16 px at once do not fit; continues with 2 at once" in caplog.text
    assert "set training.micro_batch_size to 1" in caplog.text
    gradients(steps)
    assert steps.network.sizes[6:] == [1, 1, 1, 1]  # it does not try again


def test_memory_that_ends_in_the_backward_pass_counts_nothing_twice():
    whole, _ = gradients(make_steps(micro_batch_size=2))
    steps = make_steps(micro_batch_size=4)
    failures = [True]

    def fail_once(grad):
        if failures:
            failures.pop()
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ...")

    handle = next(steps.model.parameters()).register_hook(fail_once)
    found, _ = gradients(steps)
    handle.remove()
    assert steps.part_size == 2 and torch.equal(found, whole)


def test_out_of_memory_can_stop_and_names_the_key_to_lower():
    steps = make_steps(on_out_of_memory="stop")
    steps.network = Small(steps.model, 3)
    with pytest.raises(ModelError, match=r"4 crop\(s\) of 16 px .* set training\.micro_batch_size to 2"):
        gradients(steps)


def test_one_crop_that_does_not_fit_names_the_keys_to_lower():
    steps = make_steps()
    steps.network = Small(steps.model, 0)
    with pytest.raises(ModelError, match=r"1 crop\(s\) .* lower training\.crop_px or training\.model\.base_width"):
        gradients(steps)


def test_other_errors_are_not_taken_for_memory():
    steps = make_steps()
    steps.network = torch.nn.Linear(2, 2)
    steps.network.multiple = 1
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        gradients(steps)


REAL = """
import resource, sys, logging
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
import test_step
from learning_cases import augmentation, config, holes
def make():
    steps = test_step.make_steps(augmentation(crop=256), holes(), config(base_width=16))
    steps.part_size = 64
    return steps
items = [0, 1, 2, 3] * 16
test_step.gradients(make(), items[:2])  # what torch needs anyway
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 1_500_000_000,) * 2)
steps = make()
steps.dataset = type(steps.dataset)(steps.training, steps.dataset.cache, steps.dataset.samples)
test_step.gradients(steps, items)
print("part", steps.part_size)
"""


@pytest.mark.slow  # half a minute
def test_a_batch_that_really_does_not_fit_is_computed_in_parts():
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{REAL}"],
        capture_output=True,
        text=True,
        timeout=200,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "out of memory" in done.stdout and "at once do not fit; continues with" in done.stdout
    assert 1 <= int(done.stdout.split()[-1]) <= 32


def test_errors_are_counted_apart_where_seen_and_where_hidden():
    steps = make_steps(hidden=holes(hole_fraction=1.0, hole_size=16))
    raw = steps.dataset.batch([0, 1, 2, 3], 0)
    batch = make_batch(raw, steps.training.inputs, torch.device("cpu"))
    off = torch.where(batch.hidden, 0.25, 0.05)
    seen, seen_pixels, hidden, hidden_pixels = count_errors(batch.reflectivity + off, batch).tolist()
    assert seen / seen_pixels == pytest.approx(4, abs=1e-3)
    assert hidden / hidden_pixels == pytest.approx(20, abs=1e-3)
    assert seen_pixels + hidden_pixels == (batch.reflectivity_weight > 0).sum() and hidden_pixels > 0


def test_a_loss_that_is_not_finite_names_its_samples_and_no_others():
    steps = make_steps(micro_batch_size=1)
    network = Small(steps.model, 9)
    steps.network = network
    plain = network.body.forward

    def spoilt(x):
        logit, scaled = plain(x)
        return logit * (math.nan if len(network.sizes) in (2, 3) else 1.0), scaled

    network.body.forward = spoilt
    with pytest.raises(ModelError, match="not finite for ") as error:
        gradients(steps)
    named = steps.dataset.sample_names([1, 2], 0)
    assert all(name in str(error.value) for name in named)
    assert not any(name in str(error.value) for name in set(steps.dataset.sample_names([0, 3], 0)) - set(named))


def test_the_next_batch_is_cut_beforehand_and_is_the_next_one_requested():
    steps, plain = make_steps(micro_batch_size=3), make_steps(micro_batch_size=3)
    steps.gradients([0, 1, 2, 3], 0, UNSCALED, following=([1, 3, 0, 2], 1))
    found, sums = gradients(steps, [1, 3, 0, 2], 1)
    wanted, wanted_sums = gradients(plain, [1, 3, 0, 2], 1)
    assert torch.equal(found, wanted) and sums == wanted_sums
    steps.gradients([0, 1, 2, 3], 0, UNSCALED, following=([1, 3, 0, 2], 1))
    found, _ = gradients(steps, [3, 2, 1, 0], 1)  # another one comes after all
    assert torch.equal(found, gradients(plain, [3, 2, 1, 0], 1)[0])


def test_a_step_that_was_asked_to_stop_computes_no_further_part():
    steps = make_steps(micro_batch_size=1)
    steps.network = Small(steps.model, 9)
    sums = steps.gradients([0, 1, 2, 3], 0, UNSCALED, lambda: len(steps.network.sizes) >= 2)
    assert steps.network.sizes == [1, 1] and sums.asked


def test_every_radar_is_drawn_equally_often_whatever_its_number_of_frames():
    times = {"MANY": [START + 360 * number for number in range(60)], "FEW": [START, START + 360, START + 720]}
    frames = {radar: radar_frames(own, (16, 16)) for radar, own in times.items()}
    samples = [Sample(time, radar) for radar, own in times.items() for time in own[1:-1]]
    options = {"crop": 8, "sampling": "radars", "crops_per_sample": 10}
    dataset = CropDataset(training(options), frames, samples)
    items = list(range(len(dataset)))
    drawn = list(dataset.batch(items, 0).samples)
    share = sum(sample.radar == "FEW" for sample in drawn) / len(drawn)
    assert len(drawn) == 10 * len(samples) and 0.42 < share < 0.58
    assert drawn == list(dataset.batch(items, 0).samples) != list(dataset.batch(items, 1).samples)
    assert len(set(drawn)) == len(samples)
