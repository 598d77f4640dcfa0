"""The counts of validation, and the scores from them."""

import math

import pytest
import torch
from learning_cases import (
    environment,
    holes,
    inputs,
    running,
    sampler,
    small_cache,
    training,
)

from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.calibration import HIGHEST_TEMPERATURE, Calibration, fit_calibration, weigh_radars
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import train
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.step import ERRORS, count_errors
from radar_cleaner.training.validation import (
    ECHOES,
    SUMS,
    Validation,
    count_echoes,
    mean_losses,
    scores,
)


def frame(hidden):
    cache, samples = small_cache(1)
    draw = sampler(None, hidden, inputs(), seed=1).validation(cache, samples[0], item=0)
    return make_batch(cut_crops(cache, samples, [draw], inputs()), inputs(), torch.device("cpu"))


def test_known_own_echoes_are_counted_by_class_and_decision():
    batch = frame(holes())
    rain, own = batch.mask > 0.5, batch.echo
    right = dict(zip(ECHOES, count_echoes(torch.where(rain, 5.0, -5.0), batch).tolist(), strict=True))
    assert right["kept"] == rain.sum() > 0 and right["removed"] == (own & ~rain).sum() > 0
    assert right["lost"] == right["passed"] == 0
    wrong = dict(zip(ECHOES, count_echoes(torch.where(rain, -5.0, 5.0), batch).tolist(), strict=True))
    assert (wrong["lost"], wrong["passed"]) == (right["kept"], right["removed"])


def test_echoes_that_masks_hide_are_not_scored():
    hidden = holes(hole_fraction=1, hole_shapes=("pixels",), hole_pixels=0.9)
    whole, parted = (count_echoes(torch.ones(1, 32, 32), frame(how)).sum() for how in (holes(), hidden))
    batch = frame(hidden)
    assert parted == whole - (batch.hidden & batch.echo & (batch.weight > 0)).sum() < whole


def test_perfect_sums_are_perfect_scores_in_dbz_too():
    batch = frame(holes())
    truth = torch.where(batch.mask > 0.5, 5.0, -5.0)
    sums = dict.fromkeys(SUMS, 0.0)
    sums |= zip(ERRORS, count_errors(batch.reflectivity + 0.05, batch).tolist(), strict=True)
    sums |= zip(ECHOES, count_echoes(truth, batch).tolist(), strict=True)
    found = scores(sums, 1)
    assert found["mask_f1"] == found["meteorological_kept"] == found["non_meteorological_removed"] == 1
    assert found["reflectivity_mae_dbz"] == pytest.approx(4, abs=1e-3)  # a twentieth of 80 dBZ


def test_what_was_never_counted_is_nan_not_zero():
    found = scores(dict.fromkeys(SUMS, 0.0), 0)
    assert all(math.isnan(value) for value in found.values())
    assert math.isnan(mean_losses(dict.fromkeys(SUMS, 0.0), 3)["inpainting_mae_dbz"])


def test_a_signal_ends_it_and_is_named():
    cache, samples = small_cache(3)
    model = build_model(training().config)
    draw_weights(model, 1)
    interruption = Interruption()
    whole = Validation(training(), cache, samples, Processes(), interruption).sums(model)
    interruption.asked = "SIGTERM"
    stopped = Validation(training(), cache, samples, Processes(), interruption).sums(model)
    assert whole["asked"] == 0 < whole["kept"] + whole["lost"]
    assert stopped["asked"] == 1 and stopped["loss"] == 0


def test_the_calibration_of_a_training_is_the_likeliest_over_the_echoes_of_its_validation_samples(tmp_path):
    cache, samples = small_cache(6)
    how = training(epochs=3, learning_rate=3e-3)
    found = train(how, running(), cache, samples[:4], samples[4:], environment(tmp_path / "current.pt"))
    model = build_model(how.config)
    model.load_state_dict(found.best)
    counted = Validation(how, cache, samples[4:], Processes(), Interruption()).logits(model)
    assert counted is not None and found.calibration == pytest.approx(
        fit_calibration(*weigh_radars(*counted)), rel=1e-6
    )
    assert found.calibration != Calibration()
    logits, rain = [], []
    with torch.inference_mode():
        for item, sample in enumerate(samples[4:]):
            draw = sampler(None, how.learning.holes, inputs(), how.learning.seed).validation(cache, sample, item)
            batch = make_batch(cut_crops(cache, [sample], [draw], inputs()), inputs(), torch.device("cpu"))
            known = (batch.weight > 0) & batch.echo & ~batch.hidden
            logits.append(model.eval()(batch.channels)[0][:, 0][known])
            rain.append(batch.mask[known])
    logit, came = torch.cat(logits).double(), torch.cat(rain).double()
    assert counted[0][0].sum(axis=1).tolist() == [came.sum(), (1 - came).sum()]
    temperature, bias = found.calibration

    def unlikely(temperature, bias):
        return float(torch.nn.functional.binary_cross_entropy_with_logits(logit / temperature + bias, came))

    best = unlikely(temperature, bias)
    others = (temperature * 0.9, min(temperature * 1.1, HIGHEST_TEMPERATURE))
    assert best <= min(unlikely(other, bias) for other in others) + 1e-9
    assert best < min(unlikely(temperature, bias + shift) for shift in (-0.1, 0.1))
    assert best < unlikely(1.0, 0.0)
