"""The model card names the weights, their scores, size and data."""

import itertools
import math

import numpy as np
import pytest
from learning_cases import config, training

from radar_cleaner.models.summary import ModelSummary
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Calibration,
    fit_calibration,
)
from radar_cleaner.training.model_card import write_card
from radar_cleaner.training.settings import Trained

SUMMARY = ModelSummary(parameters=117_154, trainable=117_000, megabytes=0.469, gflop_per_sample=0.6249)
START = 1720656000


def history(*losses, splits=("train", "val", "ema_val", "swa_val"), ahead=()):
    scores = ("focal", "mask_f1", "meteorological_kept", "non_meteorological_removed", "reflectivity_mae_dbz")
    return [
        {"epoch": epoch + 1, "learning_rate": 0.006}
        | {f"{split}_{name}": math.nan for split in splits for name in scores}
        | {f"{split}_loss": loss + index / 100 for index, split in enumerate(splits)}
        | {
            f"{split}_forecast_{score}_{lead}min": base + lead / 1000 + index / 10
            for index, split in enumerate(splits[1:])
            for score, base in (("csi", 0.3), ("mae_dbz", 6.0))
            for lead in ahead
        }
        for epoch, loss in enumerate(losses)
    ]


FITTED = Calibration(1.37, -2.5)


def card(best_epoch=2, best_weights="raw", val=2, notes=(), calibration=FITTED, points=None, ahead=(), **changes):
    samples = [Sample(START + 360 * index, "CASGO") for index in range(5)]
    leads = {"input_minutes": (-6, 0), "lead_minutes": (0, *ahead)} if ahead else {}
    of_training = training(model=config("rate_net" if ahead else "tiny_unet", **leads))
    trained = Trained(
        {}, best_epoch, best_weights, history(0.9, 0.5, ahead=ahead), 0.006, calibration, points or {}, notes=notes
    )
    parameters = {"model": {"inputs": {"atlas": "mask"}}, "learning": {"epochs": 2}}
    return write_card(of_training, parameters, samples[val:], samples[:val], SUMMARY, trained)


@pytest.mark.parametrize(
    ("weights", "loss", "words"),
    [("raw", "0.5100", "the weights of that epoch"), ("ema", "0.5200", "(EMA)"), ("swa", "0.5300", "(SWA)")],
)
def test_it_names_the_weights_of_the_model_and_gives_their_scores(weights, loss, words):
    text = card(best_weights=weights)
    assert f"| validation loss | {loss} |" in text and "| training loss | 0.5000 |" in text
    assert [words in text for words in ("the weights of that epoch", "(EMA)", "(SWA)")].count(True) == 1
    assert words in text


def test_it_states_the_size_of_the_network():
    text = card()
    for row in ("weights | 117154", "trainable weights | 117000", "MB | 0.47", "GFLOP | 0.625"):
        assert row in text


def test_it_names_what_it_was_made_from():
    text = card()
    assert "| training | CASGO | 3 |" in text and "| validation | CASGO | 2 |" in text
    assert "| model.inputs.atlas | mask |" in text and "epoch 2 of 2 (smallest validation loss)" in text


def test_without_validation_it_states_that_the_last_epoch_was_taken():
    assert "the last: there are no validation samples" in card(val=0)


FORECASTS = {"ahead": (6, 12, 18)}


def test_a_forecast_models_card_describes_the_forecasts_and_their_scores():
    text = card(best_weights="ema", **FORECASTS)
    assert "It also forecasts the probability" in text and "\n6, 12 and 18 minutes ahead.\n" in text
    rows = [line for line in text.splitlines() if line.startswith(("| 6 ", "| 12 ", "| 18 "))]
    assert rows == ["| 6 | 0.4060 | 6.1060 |", "| 12 | 0.4120 | 6.1120 |", "| 18 | 0.4180 | 6.1180 |"]
    one = card(ahead=(6,))
    assert "\n6 minutes ahead.\n" in one and "| 6 | 0.3060 | 6.0060 |" in one


def test_the_card_of_a_model_that_only_cleans_mentions_no_forecast():
    text = card()
    assert "forecast" not in text and "minutes ahead" not in text


@pytest.mark.parametrize(
    ("calibration", "val", "words"),
    [
        (Calibration(1.37, -2.5), 2, "Its temperature is 1.37, its bias -2.5: logit / temperature + bias gives"),
        (Calibration(HIGHEST_TEMPERATURE, 1), 2, "the highest temperature allowed."),
        (Calibration(LOWEST_TEMPERATURE, 1), 2, "the lowest temperature allowed."),
        (Calibration(), 2, "no calibration, because the validation samples lack a class of echo"),
        (Calibration(), 0, "no calibration, because there are no validation samples"),
    ],
)
def test_the_card_describes_the_calibration(calibration, val, words):
    text = card(calibration=calibration, val=val)
    assert words in text and ("gives calibrated" in text) is (calibration.temperature == 1.37)


def test_the_card_reports_a_fit_at_a_bound_and_an_impossible_one():
    counts = np.zeros((2, 2))
    counts[0], counts[1] = [10, 11], [11, 10]  # no better than a guess, at confident logits
    sure = np.array([-15.0, 15.0])
    assert "are still too confident" in card(calibration=fit_calibration(counts, sure))
    right = np.array([[0.0, 9.0], [9.0, 0.0]])
    assert "are still too unconfident" in card(calibration=fit_calibration(right, np.array([-0.1, 0.1])))
    assert "lack a class of echo" in card(calibration=fit_calibration(right * [[1], [0]], sure))


def test_notes_are_written_where_there_are_any():
    assert "## Notes" not in card()
    text = card(notes=["bf16 is not supported here: trained in fp32", "stopped early"])
    assert "## Notes\n\n- bf16 is not supported here: trained in fp32\n- stopped early\n" in text


@pytest.mark.parametrize("changes", [{}, FORECASTS, {"temperature": 1.0}, {"temperature": 20.0}])
def test_it_is_well_formed_markdown(changes):
    lines = card(notes=["one"], **changes).split("\n")
    assert lines[0].startswith("# ") and lines[-1] == "" and lines[-2]
    assert all(not lines[index + 1] for index, line in enumerate(lines[:-1]) if line.startswith("#"))
    assert not any(one == two == "" for one, two in itertools.pairwise(lines))


def test_the_card_gives_the_operating_points():
    text = card(points={"gentle": -2.0, "normal": 0.0, "strong": 1.0})
    assert "| normal | 0.0759 | 0.5 | 99 % |" in text and "| gentle | 0.0187 | 0.119 | 99.7 % |" in text
    assert "cleaning.strength" not in card()
