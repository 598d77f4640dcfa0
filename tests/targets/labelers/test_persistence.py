"""Neighbours in time confirm echo that moved, and not echo that flickers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labeler_cases import (
    CODE,
    Codes,
    blob,
    evidence_of,
)
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, UNDETECT, is_echo
from radar_cleaner.targets.labelers.base import Echoes
from radar_cleaner.targets.labelers.persistence import MovingFrame, persistence_log_odds


def confirmed(codes: Codes, *neighbours: Codes) -> NDArray[np.float32]:
    """Return the evidence of neighbours in time for a frame."""
    now, echoes = MovingFrame.of(codes), Echoes.of(codes)
    return evidence_of(
        persistence_log_odds, codes, [now.confirmed_by(MovingFrame.of(other), echoes) for other in neighbours]
    )


@given(right=st.integers(-9, 9), down=st.integers(-9, 9), seed=st.integers(0, 99))
def test_the_motion_of_an_echo_is_found(right: int, down: int, seed: int) -> None:
    field = cv2.GaussianBlur(np.random.default_rng(seed).random((240, 240)).astype(np.float32), (0, 0), 8)
    codes = np.where(field > np.quantile(field, 0.7), CODE, UNDETECT).astype(np.uint8)
    now, later = codes[20:-20, 20:-20], codes[20 - down : 220 - down, 20 - right : 220 - right]
    motion = MovingFrame.of(now).motion_to(MovingFrame.of(later))
    inside = is_echo(now)[2::4, 2::4][5:-5, 5:-5]
    assert np.abs(np.median(motion[5:-5, 5:-5][inside], axis=0) - (right, down)).max() < 1.5


def test_the_motion_does_not_depend_on_the_number_of_threads() -> None:
    frames = [MovingFrame.of(blob(80, 80 + shift, 20) | blob(140, 60 - shift, 15)) for shift in (0, 6)]
    before = cv2.getNumThreads()
    try:
        motions = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            motions.append(frames[0].motion_to(frames[1]))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(motion, motions[0]) for motion in motions)


def test_what_moves_is_confirmed_and_what_flickers_is_not() -> None:
    before, now, after = (blob(100, 70 + shift, 18) for shift in (-6, 0, 6))
    now[30:34, 150:154] = CODE  # a flash
    found = confirmed(now, before, after)
    assert (found[30:34, 150:154] == -1).all()
    assert (found[blob(100, 70, 18) == CODE] == 1).mean() > 0.97


def test_a_fast_shower_that_meets_no_pixel_of_its_neighbours_is_confirmed() -> None:
    before, now, after = (blob(100, 100 + shift, 5) for shift in (-12, 0, 12))
    assert not (is_echo(now) & (is_echo(before) | is_echo(after))).any()
    assert (confirmed(now, before, after)[is_echo(now)] == 1).all()


def test_one_neighbour_is_half_the_evidence_and_two_that_differ_are_none() -> None:
    shower, dry = blob(100, 100), blob(100, 100, 0)
    assert confirmed(shower, shower)[100, 100] == 0.5
    assert confirmed(shower, dry)[100, 100] == -0.5
    assert confirmed(shower, dry, shower)[100, 100] == 0
    assert not confirmed(shower).any()


def test_a_neighbour_without_data_there_is_no_evidence() -> None:
    codes, hidden = blob(100, 100), blob(100, 100, 0)
    hidden[80:120, 80:120] = NODATA
    assert not confirmed(codes, hidden).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (9, 9), (31, 12)])
def test_small_pictures_have_neighbours_too(size: tuple[int, int]) -> None:
    codes = np.full(size, CODE, np.uint8)
    assert (confirmed(codes, codes) == 0.5).all()
