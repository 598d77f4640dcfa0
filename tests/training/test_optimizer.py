"""The optimizer's groups and the learning rate's curves."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import config

from radar_cleaner.config.training import Schedule
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.optimizer import Rates, make_optimizer

TOP = 0.02


def options(**changes):
    return Schedule().model_copy(update=changes)


def make_rates(how, steps, *averaged):
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimizer = torch.optim.AdamW([weight], lr=TOP)
    return optimizer, Rates(optimizer, how, steps, *averaged)


def curve(how, steps, *averaged):
    optimizer, rates = make_rates(how, steps, *averaged)
    found = []
    for _ in range(steps):
        found.append(rates.rate)
        optimizer.step()
        rates.after_step()
    return found


@given(steps=st.integers(1, 300), warmup=st.floats(0, 1), last=st.floats(1e-4, 1))
def test_cosine_is_a_line_up_and_half_a_wave_down(steps, warmup, last):
    rising = max(1, round(warmup * steps))
    falling = max(1, steps - rising)
    wanted = [TOP * (step + 1) / rising for step in range(min(rising, steps))]
    wanted += [
        TOP * (last + (1 - last) * math.cos(math.pi * step / falling / 2) ** 2) for step in range(steps - rising)
    ]
    assert curve(options(warmup=warmup, last=last), steps) == pytest.approx(wanted, rel=1e-6)


def test_where_weights_are_averaged_the_cosine_gives_way_to_a_constant():
    found = curve(options(), 100, 60, 0.05)
    assert found[:60] == pytest.approx(curve(options(), 60), rel=1e-9)
    assert found[60:] == [0.05 * TOP] * 40


@given(steps=st.integers(1, 300), warmup=st.floats(0.01, 0.9), last=st.floats(1e-4, 0.9))
def test_one_cycle_is_two_half_waves(steps, warmup, last):
    length = max(4, steps + 1)
    peak = min(max(warmup, 2 / length), 1 - 1 / length) * length - 1

    def wave(start, end, share):
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    wanted = [
        wave(TOP / 25, TOP, step / peak)
        if step <= peak
        else wave(TOP, TOP * last, (step - peak) / (length - 1 - peak))
        for step in range(steps)
    ]
    assert curve(options(name="one_cycle", warmup=warmup, last=last), steps) == pytest.approx(wanted, rel=1e-6)


def test_on_a_plateau_the_rate_falls_after_so_many_epochs_without_progress():
    optimizer, rates = make_rates(options(name="plateau", warmup=0.25, plateau_patience=1), 16)
    found = []
    for loss in (1.0, 0.8, 0.9, 0.9, 0.7, 0.75, 0.75, 0.75):  # an epoch of two steps each
        for _ in range(2):
            found.append(rates.rate / TOP)
            optimizer.step()
            rates.after_step()
        rates.after_epoch(loss)
    rising = [0.25, 0.5, 0.75, 1.0]
    # 0.9 twice is more than one epoch of patience, and so is 0.75 twice.
    assert found == pytest.approx(rising + [1.0] * 4 + [0.5] * 6 + [0.25, 0.25])
    assert rates.rate / TOP == pytest.approx(0.25)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "plateau"])
def test_a_curve_resumes_where_it_was_left(schedule):
    how = options(name=schedule, plateau_patience=0, plateau_factor=0.3)
    whole = make_rates(how, 40)
    parted = make_rates(how, 40)
    for step in range(40):
        if step == 17:
            states = [part.state_dict() for part in parted]
            json.dumps(states[1])  # plain types: it is read with weights_only=True
            parted = make_rates(how, 40)
            for part, state in zip(parted, states, strict=True):
                part.load_state_dict(state)
        for optimizer, rates in (whole, parted):
            optimizer.step()
            rates.after_step()
            if step % 5 == 0:
                rates.after_epoch(1.0)
        assert parted[1].rate == whole[1].rate


def test_biases_and_norms_do_not_decay_and_all_weights_are_trained():
    model = build_model(config())
    decaying, plain = make_optimizer(model, 0.1, 0.03).param_groups
    assert (decaying["weight_decay"], plain["weight_decay"]) == (0.03, 0.0)
    names = {id(weight): name for name, weight in model.named_parameters()}
    kept = {names[id(weight)] for weight in plain["params"]}
    norms = {name for name, module in model.named_modules() if isinstance(module, torch.nn.GroupNorm)}
    assert kept == {name for name in names.values() if name.endswith("bias") or name.rpartition(".")[0] in norms}
    assert {names[id(weight)] for weight in decaying["params"]} == set(names.values()) - kept


def test_without_a_gradient_only_what_decays_shrinks():
    model = build_model(config())
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = make_optimizer(model, 0.1, 0.5)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for name, weight in model.named_parameters():
        share = 1 - 0.1 * 0.5 if weight.ndim > 1 else 1.0
        assert torch.allclose(weight, share * before[name]), name
