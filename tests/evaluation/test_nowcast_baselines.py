"""Extrapolated rain is where it was, or where its motion takes it; edges stay unknown."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from forecast_cases import moving_field
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation import nowcast_baselines as extrapolation
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN, carry_on, find_motion, persist, require_pysteps

SHAPE = (160, 180)
SPEED = (2, -3)


def fields(steps=(-2, -1, 0), speed=SPEED, seed=3):
    return [moving_field(seed, step, SHAPE, speed) for step in steps]


def csi(forecast, truth):
    known = np.isfinite(forecast) & np.isfinite(truth)
    forecast_rain, true_rain = (field[known] > NO_RAIN for field in (forecast, truth))
    return (forecast_rain & true_rain).sum() / (forecast_rain | true_rain).sum()


@pytest.mark.parametrize("past", [(-2, -1, 0), (-1, 0)])
def test_rain_that_moves_at_a_constant_speed_is_followed_and_beats_persistence(past):
    motion = find_motion(fields(past))
    rows, columns = SPEED
    assert np.median(motion[0]) == pytest.approx(columns, abs=0.3)
    assert np.median(motion[1]) == pytest.approx(rows, abs=0.3)
    now = fields()[-1]
    flow = carry_on(now, motion, [1, 2, 3])
    for step, moved, stayed in zip((1, 2, 3), flow, persist(now, 3), strict=True):
        (truth,) = fields((step,))
        assert csi(moved, truth) > 0.9 > csi(stayed, truth) + 0.1
        both = (moved > NO_RAIN) & (truth > NO_RAIN)
        assert np.abs(moved - truth)[both].mean() < 1.5


def test_a_step_is_the_time_between_the_fields_and_may_be_divided():
    """Frames of 12 minutes give the place 6 minutes ahead by half a step."""
    motion = find_motion(fields((-2, 0)))
    half, whole = carry_on(fields()[-1], motion, [0.5, 1])
    assert csi(half, fields((1,))[0]) > 0.9 and csi(whole, fields((2,))[0]) > 0.9


def test_inflow_from_beyond_the_field_is_unknown():
    motion = np.zeros((2, *SHAPE))
    motion[0] = 10
    (moved,) = carry_on(fields()[-1], motion, [2])
    assert np.isnan(moved[:, :20]).all() and np.isfinite(moved[:, 20:]).all()


def test_what_is_not_known_moves_with_the_rain_and_does_not_grow():
    now = fields()[-1]
    now[40:60, 50:80] = np.nan
    motion = np.zeros((2, *SHAPE))
    motion[:] = np.array([7, 5])[:, None, None]
    (moved,) = carry_on(now, motion, [1])
    inside = np.isnan(moved[5:, 7:])
    assert np.array_equal(inside, np.isnan(now[:-5, :-7]))


@given(seed=st.integers(0, 99), rain=st.booleans(), gaps=st.booleans())
def test_without_motion_flow_is_persistence_to_the_bit(seed, rain, gaps):
    random = np.random.default_rng(seed)
    now = np.where(random.random((20, 30)) < (0.3 if rain else 0), random.uniform(5, 60, (20, 30)), NO_RAIN)
    if gaps:
        now[random.random((20, 30)) < 0.1] = np.nan
    now = now.astype(np.float32)
    assert np.array_equal(carry_on(now, np.zeros((2, 20, 30)), [1, 2.5]), persist(now, 2), equal_nan=True)


@pytest.mark.parametrize("dry", [0, 1, 2])
def test_too_little_rain_to_estimate_a_motion_gives_none(dry):
    found = fields()
    found[dry] = np.full(SHAPE, NO_RAIN, np.float32)
    found[dry][10:15, 10:15] = 30
    assert not find_motion(found).any()


def test_a_single_field_has_no_motion():
    assert not find_motion(fields()[-1:]).any()


def test_motion_is_finite_where_features_are_in_one_line_or_all_is_unknown():
    line = np.full(SHAPE, NO_RAIN, np.float32)
    line[80:84, 20:160] = 30
    moved = np.roll(line, 2, axis=0)
    for one in (line, moved):
        one[:40] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(find_motion([line, moved])).all()


def test_without_pysteps_the_remedy_is_named_and_only_where_flow_is_needed(monkeypatch):
    monkeypatch.setattr(extrapolation, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"needs pysteps .*'radar-cleaner\[forecasts\]', or -r envs/requirements"
    ):
        require_pysteps()
    monkeypatch.setitem(sys.modules, "pysteps", None)
    with pytest.raises(ConfigError, match="needs pysteps"):
        find_motion(fields())
    assert not find_motion(fields()[-1:]).any() and persist(fields()[-1], 2).shape == (2, *SHAPE)


@pytest.mark.slow  # a process that imports pysteps
def test_pysteps_prints_nothing_and_writes_nothing_to_the_home_folder(tmp_path):
    code = """
import numpy as np
from radar_cleaner.evaluation.nowcast_baselines import carry_on, find_motion
fields = np.random.default_rng(0).uniform(5, 50, (2, 64, 64)).astype(np.float32)
carry_on(fields[1], find_motion(list(fields)), [1])
"""
    places = {"HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **places}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name for path in tmp_path.iterdir()} <= {"matplotlib"}
