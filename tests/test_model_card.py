"""The model card says which weights these are, how good, how large, and from what."""

import itertools
import math

import pytest

from radar_cleaner.bank import Sample
from radar_cleaner.model_card import write_card
from radar_cleaner.model_summary import ModelSummary

SUMMARY = ModelSummary(parameters=117_154, trainable=117_000, megabytes=0.469, gflop_per_sample=0.6249)
START = 1720656000


def history(*losses, splits=("train", "val", "ema_val", "swa_val")):
    scores = ("focal", "mask_f1", "meteorological_kept", "non_meteorological_removed", "reflectivity_mae_dbz")
    return [
        {"epoch": epoch + 1, "learning_rate": 0.006}
        | {f"{split}_{name}": math.nan for split in splits for name in scores}
        | {f"{split}_loss": loss + index / 100 for index, split in enumerate(splits)}
        for epoch, loss in enumerate(losses)
    ]


def card(best_epoch=2, best_weights="raw", val=2, notes=(), **changes):
    samples = [Sample(START + 360 * index, "CASGO") for index in range(5)]
    values = {"parameters": {"model": "tiny_unet", "epochs": 2, "atlas": "mask"}, "history": history(0.9, 0.5)}
    values |= changes
    return write_card(
        values["parameters"],
        samples[val:],
        samples[:val],
        SUMMARY,
        values["history"],
        best_epoch,
        best_weights,
        notes,
    )


@pytest.mark.parametrize(
    ("weights", "loss", "words"),
    [("raw", "0.5100", "as they were then"), ("ema", "0.5200", "(EMA)"), ("swa", "0.5300", "(SWA)")],
)
def test_it_says_which_weights_the_model_is_and_gives_their_scores(weights, loss, words):
    text = card(best_weights=weights)
    assert f"| validation loss | {loss} |" in text and "| training loss | 0.5000 |" in text
    assert [words in text for words in ("as they were then", "(EMA)", "(SWA)")].count(True) == 1
    assert words in text


def test_it_says_how_large_the_network_is():
    text = card()
    for row in ("weights | 117154", "trainable weights | 117000", "MB | 0.47", "GFLOP | 0.625"):
        assert row in text


def test_it_says_what_it_was_made_from():
    text = card()
    assert "| training | CASGO | 3 |" in text and "| validation | CASGO | 2 |" in text
    assert "| atlas | mask |" in text and "epoch 2 of 2 (least validation loss)" in text


def test_without_validation_it_says_that_the_last_epoch_was_taken():
    assert "the last: there are no validation samples" in card(val=0)


def test_notes_are_told_where_there_are_any():
    assert "## Notes" not in card()
    text = card(notes=["bf16 is not supported here: trained in fp32", "stopped early"])
    assert "## Notes\n\n- bf16 is not supported here: trained in fp32\n- stopped early\n" in text


def test_it_is_well_formed_markdown():
    lines = card(notes=["one"]).split("\n")
    assert lines[0].startswith("# ") and lines[-1] == "" and lines[-2]
    assert all(not lines[index + 1] for index, line in enumerate(lines[:-1]) if line.startswith("#"))
    assert not any(one == two == "" for one, two in itertools.pairwise(lines))
