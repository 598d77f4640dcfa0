"""Each labeler says what its evidence is worth, on echo alone, and is silent where it knows nothing."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNDETECT,
    UNKNOWN,
    is_echo,
)
from radar_cleaner.targets.labelers import (
    FLOOR,
    DensityJudge,
    Echoes,
    MovingFrame,
    SpokeJudge,
    judge_area,
    judge_atlas,
    judge_colour,
    judge_others,
    judge_persistence,
    judge_reference,
    view_of,
    widen,
)

SIZE, CENTER, RANGE = (200, 200), (100.0, 99.0), 100.0
CODE = 110
Codes = NDArray[np.uint8]
some_codes = arrays(np.uint8, (9, 8), elements=st.sampled_from([UNDETECT, NODATA, 1, CODE, 254]))
some_classes = arrays(np.uint8, (9, 8), elements=st.integers(0, 3))


def polar() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Range in pixels and azimuth in degrees, 0..360, of the pixels."""
    rows, columns = np.indices(SIZE)
    east, north = columns - CENTER[0], CENTER[1] - rows
    return np.hypot(east, north), np.degrees(np.arctan2(east, north)) % 360


DISTANCE, AZIMUTH = polar()
OBSERVED = DISTANCE <= RANGE


def picture(echo: NDArray[np.bool_]) -> Codes:
    return np.where(OBSERVED, np.where(echo, CODE, UNDETECT), NODATA).astype(np.uint8)


def off(azimuth: float) -> NDArray[np.float64]:
    """Degrees away from an azimuth."""
    return np.abs((AZIMUTH - azimuth + 180) % 360 - 180)


def spoke(azimuth: float, degrees: float = 0.6) -> NDArray[np.bool_]:
    return (off(azimuth) < degrees) & (DISTANCE > 30)


def blob(row: float, column: float, radius: float = 12, size: tuple[int, int] = SIZE) -> Codes:
    rows, columns = np.indices(size)
    return np.where(np.hypot(rows - row, columns - column) < radius, CODE, UNDETECT).astype(np.uint8)


def said(judge: Callable[..., NDArray[np.float32]], codes: Codes, *others: Any) -> NDArray[np.float32]:
    """What a labeler says of the echoes, as a picture (y, x)."""
    echoes = Echoes.of(codes)
    evidence = judge(echoes, *others)
    assert evidence.dtype == np.float32 and evidence.shape == echoes.places.shape
    assert np.isfinite(evidence).all()
    return echoes.spread(evidence)


def density(codes: Codes) -> NDArray[np.float32]:
    return said(DensityJudge(codes != NODATA), codes)


def spokes(codes: Codes) -> NDArray[np.float32]:
    return said(SpokeJudge(OBSERVED, CENTER, RANGE), codes)


def confirmed(codes: Codes, *neighbours: Codes) -> NDArray[np.float32]:
    """What neighbours in time say of a frame."""
    now, echoes = MovingFrame.of(codes), Echoes.of(codes)
    return said(
        judge_persistence, codes, [now.confirmed_by(MovingFrame.of(other), echoes) for other in neighbours]
    )


@given(codes=some_codes)
def test_echoes_are_taken_from_a_picture_and_put_back(codes: Codes) -> None:
    echoes = Echoes.of(codes)
    assert np.array_equal(echoes.take(codes), codes[is_echo(codes)])
    assert np.array_equal(echoes.spread(echoes.take(codes)), np.where(is_echo(codes), codes, 0))


@given(codes=some_codes, classes=some_classes)
def test_every_labeler_says_a_finite_number_of_each_echo(codes: Codes, classes: Codes) -> None:
    view = np.ones(codes.shape, np.float32)
    assert said(judge_colour, codes)[is_echo(codes)].tolist() == [0.5] * int(is_echo(codes).sum())
    density(codes)
    said(SpokeJudge(codes != NODATA, (4, 4), 4), codes)
    said(judge_area, codes, classes)
    said(judge_atlas, codes, np.full(codes.shape, 0.7, np.float32))
    said(judge_others, codes, codes[::-1], view)
    said(judge_reference, codes, classes)
    confirmed(codes, codes[::-1], codes)


# Density.


@given(codes=some_codes)
def test_density_is_the_logarithm_of_the_share_of_echo_in_two_windows(codes: Codes) -> None:
    found = density(codes)
    for row, column in zip(*np.nonzero(is_echo(codes)), strict=True):
        wanted = 0.0
        for window, weight, even in ((5, 3.0, 0.27), (17, 1.8, 0.32)):
            reach = window // 2
            top, left = max(0, row - reach), max(0, column - reach)
            part = codes[top : row + reach + 1, left : column + reach + 1]
            share = is_echo(part).sum() / (part != NODATA).sum()
            wanted += weight * (log(share + FLOOR) - log(even))
        assert found[row, column] == pytest.approx(wanted, abs=1e-4)


@given(codes=some_codes, more=arrays(np.bool_, (9, 8)))
def test_more_echo_around_an_echo_never_speaks_against_it(codes: Codes, more: NDArray[np.bool_]) -> None:
    fuller = np.where(more & (codes == UNDETECT), np.uint8(CODE), codes)
    echo = is_echo(codes)
    assert (density(fuller)[echo] >= density(codes)[echo] - 1e-5).all()


def test_density_is_for_the_inside_of_rain_and_against_a_speck() -> None:
    codes = blob(60, 60, 25)
    codes[150, 150] = CODE
    found = density(codes)
    assert found[60, 60] > 4 and found[150, 150] < -6


# Spokes.


@given(azimuth=st.floats(0, 360))
def test_a_spoke_is_judged_alike_in_every_direction(azimuth: float) -> None:
    echo = spoke(azimuth) & OBSERVED & (DISTANCE > 50) & (DISTANCE < 80)
    found = spokes(picture(spoke(azimuth)))[echo]
    assert np.median(found) < -2.5
    assert (found <= -1.5).mean() > 0.95


def test_rain_is_no_spoke_and_a_spoke_that_meets_it_is_judged_outside_alone() -> None:
    rain = (off(90) < 25) & (DISTANCE > 20) & (DISTANCE < 90)
    inside = (off(90) < 15) & (DISTANCE > 40) & (DISTANCE < 70)
    assert (spokes(picture(rain))[inside] > -0.1).all()
    both = spokes(picture(rain | spoke(200)))
    assert (both[inside] > -0.1).all()
    far = spoke(200) & (DISTANCE > 50) & (DISTANCE < 80)
    assert np.median(both[far]) < -2.5


@given(codes=some_codes)
def test_the_labeler_of_spokes_never_speaks_for_an_echo(codes: Codes) -> None:
    found = said(SpokeJudge(codes != NODATA, (4, 4), 5), codes)
    assert (found <= 0).all() and (found >= -3.6).all()  # the bound that docs/explanation/weak_labels.md names


def test_sides_that_nobody_sees_say_nothing() -> None:
    """A radar that sees but a narrow sector cannot tell a spoke."""
    seen = (off(90) < 2) & OBSERVED
    codes = np.where(seen, np.where(spoke(90), CODE, UNDETECT), NODATA).astype(np.uint8)
    assert not said(SpokeJudge(seen, CENTER, RANGE), codes).any()


# Neighbours in time.


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


def test_one_neighbour_says_half_as_much_and_two_that_differ_nothing() -> None:
    shower, dry = blob(100, 100), blob(100, 100, 0)
    assert confirmed(shower, shower)[100, 100] == 0.5
    assert confirmed(shower, dry)[100, 100] == -0.5
    assert confirmed(shower, dry, shower)[100, 100] == 0
    assert not confirmed(shower).any()


def test_a_neighbour_that_did_not_look_there_says_nothing() -> None:
    codes, hidden = blob(100, 100), blob(100, 100, 0)
    hidden[80:120, 80:120] = NODATA
    assert not confirmed(codes, hidden).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (9, 9), (31, 12)])
def test_small_pictures_have_neighbours_too(size: tuple[int, int]) -> None:
    codes = np.full(size, CODE, np.uint8)
    assert (confirmed(codes, codes) == 0.5).all()


# The other radars.


def test_another_radar_confirms_nearby_echo_and_denies_the_less_the_worse_it_sees() -> None:
    codes = np.full((1, 8), CODE, np.uint8)
    others = np.array([[CODE, 0, 0, 0, 0, 0, 0, NODATA]], np.uint8)
    view = np.array([[0.2, 1, 1, 1, 0.5, 0.1, 0, 1]], np.float32)
    assert said(judge_others, codes, others, view)[0].tolist() == pytest.approx([1, 1, 1, -1, -0.5, -0.1, 0, 0])


@given(share=arrays(np.float32, 20, elements=st.floats(0, 2, width=32)))
def test_a_radar_sees_the_worse_the_farther_it_is(share: NDArray[np.float32]) -> None:
    share.sort()
    view = view_of(share)
    assert (np.diff(view) <= 0).all() and (view >= 0).all() and (view <= 1).all()
    assert view_of(np.zeros(1, np.float32))[0] == 1
    assert not view_of(np.array([0.5, 1.0, np.nan], np.float32)).any()


@given(mask=arrays(np.bool_, (7, 9)), radius=st.integers(0, 3))
def test_near_is_at_most_so_many_pixels_away(mask: NDArray[np.bool_], radius: int) -> None:
    wanted = np.zeros_like(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        wanted[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1] = True
    assert np.array_equal(widen(mask, radius), wanted)


# The rest.


@given(codes=some_codes, frequency=arrays(np.float32, (9, 8), elements=st.floats(0, 1, width=32)))
def test_the_atlas_speaks_against_echo_by_how_often_it_echoes_there(
    codes: Codes, frequency: NDArray[np.float32]
) -> None:
    found = said(judge_atlas, codes, frequency)[is_echo(codes)]
    assert np.allclose(found, -8 * frequency[is_echo(codes)])


def test_what_the_atlas_does_not_know_it_does_not_judge() -> None:
    codes = np.full((1, 2), CODE, np.uint8)
    assert said(judge_atlas, codes, np.array([[np.nan, 1]], np.float32)).tolist() == [[0, -8]]


def test_area_and_masks_are_for_or_against_or_silent() -> None:
    codes = np.full((1, 5), CODE, np.uint8)
    classes = np.array([[METEOROLOGICAL, NON_METEOROLOGICAL, NONE, UNKNOWN, 255]], np.uint8)
    assert said(judge_area, codes, classes).tolist() == [[1, -1, 0, 0, 0]]
    assert said(judge_reference, codes, classes).tolist() == [[20, -20, 0, 0, 0]]
