"""What validation counts, and the scores that follow."""

import math

import pytest
import torch
from learning_cases import holes, inputs, small_bank, training

from radar_cleaner.cutting import cut
from radar_cleaner.dataset import make_batch
from radar_cleaner.distributed import Processes
from radar_cleaner.draws import draw_validation
from radar_cleaner.interruption import Interruption
from radar_cleaner.models import draw_weights
from radar_cleaner.steps import ERRORS, count_errors
from radar_cleaner.validation import ECHOES, SUMS, count_echoes, mean_losses, scores, validate


def frame(hidden):
    bank, samples = small_bank(1)
    draw = draw_validation(bank, samples[0], hidden, inputs(), seed=1, item=0)
    return make_batch(cut(bank, samples, [draw], inputs()), inputs(), torch.device("cpu"))


def test_known_own_echoes_are_counted_by_kind_and_judgement():
    batch = frame(holes())
    rain, own = batch.mask > 0.5, batch.own_echo
    right = dict(zip(ECHOES, count_echoes(torch.where(rain, 5.0, -5.0), batch).tolist(), strict=True))
    assert right["kept"] == rain.sum() > 0 and right["removed"] == (own & ~rain).sum() > 0
    assert right["lost"] == right["passed"] == 0
    wrong = dict(zip(ECHOES, count_echoes(torch.where(rain, -5.0, 5.0), batch).tolist(), strict=True))
    assert (wrong["lost"], wrong["passed"]) == (right["kept"], right["removed"])


def test_echoes_that_holes_hide_are_not_judged():
    hidden = holes(hole_fraction=1, hole_shapes=("pixels",), hole_pixels=0.9)
    whole, parted = (count_echoes(torch.ones(1, 32, 32), frame(how)).sum() for how in (holes(), hidden))
    batch = frame(hidden)
    assert parted == whole - (batch.hole & batch.own_echo & (batch.weight > 0)).sum() < whole


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


def test_a_signal_ends_it_and_is_told():
    bank, samples = small_bank(3)
    model = training().config.build()
    draw_weights(model, 1)
    interruption = Interruption()
    whole = validate(training(), bank, samples, model, Processes(), interruption)
    interruption.asked = "SIGTERM"
    stopped = validate(training(), bank, samples, model, Processes(), interruption)
    assert whole["asked"] == 0 < whole["kept"] + whole["lost"]
    assert stopped["asked"] == 1 and stopped["loss"] == 0
