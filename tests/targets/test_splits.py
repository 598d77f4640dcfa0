"""Samples and their split: what is complete, and what training and validation may never share."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.targets.splits import Sample, complete_samples, read_samples, sample_table, split

START = 1720656000
MINUTE = 60

times_of_radars = st.dictionaries(
    st.sampled_from(["CASGO", "CASCM", "NKM"]),
    st.sets(st.integers(0, 150).map(lambda step: START + 6 * MINUTE * step), max_size=120),
    min_size=1,
)
windows = st.lists(st.sampled_from([-12, -6, 0, 6, 12, 30]), min_size=1, max_size=4)
how_to_split = st.fixed_dictionaries(
    {
        "validation": st.sampled_from([0, 0.05, 0.1, 0.2, 0.34, 0.5]),
        "block_minutes": st.sampled_from([6, 30, 60, 97, 180]),
        "purge_minutes": st.integers(0, 90),
    }
)


def reads(samples: list[Sample], minutes: list[int]) -> set[int]:
    return {time + minute * MINUTE for time, _ in samples for minute in minutes}


@given(times=times_of_radars, minutes=windows)
def test_a_sample_has_a_frame_of_its_radar_at_each_time(times: dict[str, set[int]], minutes: list[int]) -> None:
    samples = complete_samples(times, minutes)
    assert samples == sorted(set(samples))
    every = range(START - 3600, START + 151 * 6 * MINUTE + 3600, 6 * MINUTE)
    expected = {
        (time, radar)
        for radar, own in times.items()
        for time in every
        if all(time + minute * MINUTE in own for minute in minutes)
    }
    assert set(samples) == expected


def test_nothing_is_paired_by_tolerance() -> None:
    times = {"CASGO": [START, START + 360, START + 721]}
    assert complete_samples(times, [-6, 0, 6]) == []
    assert complete_samples(times, [0, 6]) == [(START, "CASGO")]


@given(times=times_of_radars, minutes=windows, how=how_to_split)
def test_training_and_validation_never_come_near_each_other(
    times: dict[str, set[int]], minutes: list[int], how: dict[str, float]
) -> None:
    samples = complete_samples(times, minutes)
    train, val = split(samples, minutes, **how)  # type: ignore[arg-type]
    trained, validated = reads(train, minutes), reads(val, minutes)
    assert not trained & validated
    merged = sorted([(time, 0) for time in trained] + [(time, 1) for time in validated])
    for (time, side), (later, other) in pairwise(merged):
        assert side == other or later - time >= how["purge_minutes"] * MINUTE
    assert set(train) <= set(samples) and set(val) <= set(samples)
    assert train == sorted(train) and val == sorted(val)


@given(times=times_of_radars, minutes=windows, how=how_to_split)
def test_the_split_is_a_function_of_the_samples(
    times: dict[str, set[int]], minutes: list[int], how: dict[str, float]
) -> None:
    samples = complete_samples(times, minutes)
    first = split(samples, minutes, **how)  # type: ignore[arg-type]
    again = split(list(samples), list(reversed(minutes)), **how)  # type: ignore[arg-type]
    assert first == again


@given(times=times_of_radars, minutes=windows, how=how_to_split)
def test_new_frames_later_leave_old_validation_samples_where_they_are(
    times: dict[str, set[int]], minutes: list[int], how: dict[str, float]
) -> None:
    middle = START + 75 * 6 * MINUTE
    early = {radar: {time for time in own if time < middle} for radar, own in times.items()}
    _, before = split(complete_samples(early, minutes), minutes, **how)  # type: ignore[arg-type]
    _, after = split(complete_samples(times, minutes), minutes, **how)  # type: ignore[arg-type]
    assert set(before) <= set(after)


def test_two_days_split_near_the_given_share() -> None:
    times = {"CASGO": range(START, START + 2 * 86400, 360)}
    samples = complete_samples(times, [-6, 0, 6])
    train, val = split(samples, [-6, 0, 6], validation=0.2, block_minutes=60, purge_minutes=30)
    assert 0.1 < len(val) / len(samples) < 0.2
    assert len(train) / len(samples) > 0.6
    blocks = {time // 3600 for time, _ in val}
    assert all(later - block == 5 for block, later in pairwise(sorted(blocks)))


def test_without_validation_everything_trains() -> None:
    samples = complete_samples({"CASGO": range(START, START + 7200, 360)}, [-6, 0, 6])
    assert split(samples, [-6, 0, 6], validation=0, block_minutes=60, purge_minutes=30) == (samples, [])


def test_no_samples_split_into_none() -> None:
    assert split([], [0], validation=0.2, block_minutes=60, purge_minutes=0) == ([], [])


@pytest.mark.parametrize(("validation", "block", "purge"), [(-0.1, 60, 0), (1, 60, 0), (0.2, 0, 0), (0.2, 60, -1)])
def test_impossible_settings_are_refused(validation: float, block: int, purge: int) -> None:
    with pytest.raises(ConfigError, match="samples:"):
        split([(START, "R")], [0], validation=validation, block_minutes=block, purge_minutes=purge)


@given(
    samples=st.sets(st.tuples(st.integers(0, 4 * 10**9), st.sampled_from(["CASGO", "CASCM", "radar, with comma"])))
)
def test_a_table_reads_back_as_written(tmp_path_factory: pytest.TempPathFactory, samples: set[Sample]) -> None:
    path = tmp_path_factory.mktemp("table") / "train.csv"
    write_csv(path, sample_table(samples))
    assert read_samples(path) == sorted(samples)
    assert path.read_text().splitlines()[0] == "time,radar"


def test_times_are_written_in_utc_to_the_second(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", sample_table([(START + 43560, "CASGO")]))
    assert (tmp_path / "a.csv").read_text() == "time,radar\n2024-07-11T12:06:00Z,CASGO\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the columns are 'nothing'"),
        ("radar,time\n", "line 1: the columns are 'radar,time', expected 'time,radar'"),
        ("time,radar\n2024-07-11T12:06:00Z,CASGO\nnoon,CASGO\n", "line 3: 'noon,CASGO' is not a sample"),
        ("time,radar\n2024-07-11T12:06:00Z\n", "line 2: '2024-07-11T12:06:00Z' is not a sample"),
        ("time,radar\n2024-07-11T12:06:00Z,\n", "line 2: no radar"),
        ("time,radar\n" + "2024-07-11T12:06:00Z,CASGO\n" * 2, "line 3: the same sample as in line 2"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.csv"
    path.write_text(text)
    with pytest.raises(SampleError, match=message) as error:
        read_samples(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_missing_or_binary_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="the table of samples is missing; run snakemake"):
        read_samples(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"time,radar\n\xff\xfe\x00")
    with pytest.raises(SampleError, match="not readable as a table"):
        read_samples(tmp_path / "binary.csv")


def test_a_radar_that_is_left_out_is_validated_only_and_never_near_a_training_sample() -> None:
    times = {"CASGO": range(START, START + 86400, 360), "CASCM": range(START, START + 86400, 720)}
    times["FAR"] = range(START + 10 * 86400, START + 10 * 86400 + 3600, 360)
    samples = complete_samples(times, [0])
    how = {"validation": 0.0, "block_minutes": 60, "purge_minutes": 0}
    train, val = split(samples, [0], **how, validation_radars=["CASCM"])  # type: ignore[arg-type]
    assert {radar for _, radar in val} == {"CASCM"} and len(val) == 120
    assert not {time for time, _ in train} & {time for time, _ in val}
    assert {radar for _, radar in train} == {"CASGO", "FAR"} and len(train) == 120 + 10
