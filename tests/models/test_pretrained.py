"""The model that comes with the workflow: what it is, and that it does what a user takes it for."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from workflow_cases import REPOSITORY

from radar_cleaner.conventions import NODATA, UNDETECT, encode_dbz
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.predictor import Predictor, load_predictor

FOLDER = REPOSITORY / "resources/pretrained"
Picture = NDArray[np.float32]
SIZE, CENTER, RANGE = 240, (120.0, 120.0), 118.0
NO_CLUTTER = np.zeros((SIZE, SIZE), np.uint8)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return load_predictor(FOLDER / "best.pt", 1)


def coded(dbz: Picture) -> NDArray[np.uint8]:
    """Codes of reflectivity, NaN where there is no echo."""
    return np.where(np.isnan(dbz), UNDETECT, encode_dbz(np.nan_to_num(dbz))).astype(np.uint8)


def judged(predictor: Predictor, own: NDArray[np.uint8], others: NDArray[np.uint8] | None = None) -> Picture:
    """Probabilities, of codes (time, y, x). Where the others' are not given there is one radar alone."""
    beside = np.full_like(own, NODATA) if others is None else others
    return predictor.predict(FrameInputs(own, beside, CENTER, RANGE, 1720699200, NO_CLUTTER)).probability


def rain(dbz: float = 30.0) -> Picture:
    """A round field of rain 40 km to the south-east, 60 km wide, stronger in its middle."""
    row, column = np.indices((SIZE, SIZE))
    away = np.hypot(row - 160, column - 160)
    return np.where(away < 30, dbz - away / 3, np.nan).astype(np.float32)


def test_it_is_small_and_belongs_to_its_card() -> None:
    content = (FOLDER / "best.pt").read_bytes()
    assert len(content) < 10e6
    assert hashlib.sha256(content).hexdigest() in (FOLDER / "README.md").read_text()


def test_it_has_learned_from_the_training_block_alone() -> None:
    rows = re.findall(
        r"^\| (?:training|validation) \| .*\| (\S+) \| (\S+) \|$", (FOLDER / "card.md").read_text(), re.M
    )
    assert len(rows) == 4
    for first, last in rows:
        assert datetime(2024, 7, 10, 19, tzinfo=UTC) <= datetime.fromisoformat(first)
        assert datetime.fromisoformat(last) < datetime(2024, 7, 11, 12, tzinfo=UTC)


def test_it_needs_nothing_that_a_new_users_config_does_not_make(predictor: Predictor) -> None:
    inputs = predictor.inputs_for([-15, 0, 15])
    assert inputs.atlas == "channel" and not inputs.fields


def test_it_keeps_rain_and_removes_specks_and_a_spoke(predictor: Predictor) -> None:
    scene = rain()
    specks = np.zeros(scene.shape, bool)
    specks[20:100:16, 20:100:16] = True
    spoke = np.zeros(scene.shape, bool)
    spoke[30:110:2, 120] = True  # to the north, dashed
    scene[specks | spoke] = 15
    probability = judged(predictor, np.stack([coded(scene)] * 3))
    assert (probability[~np.isnan(rain())] > 0.5).mean() > 0.98
    assert (probability[specks] < 0.5).mean() > 0.9
    assert (probability[spoke] < 0.5).mean() > 0.9


def test_it_keeps_rain_also_where_a_second_radar_sees_it_and_where_frames_are_missing(
    predictor: Predictor,
) -> None:
    codes, missing = coded(rain()), np.full((SIZE, SIZE), NODATA, np.uint8)
    here = ~np.isnan(rain())
    still = np.stack([codes] * 3)
    assert (judged(predictor, still, still)[here] > 0.5).mean() > 0.98
    assert (judged(predictor, np.stack([missing, codes, missing]))[here] > 0.5).mean() > 0.95
