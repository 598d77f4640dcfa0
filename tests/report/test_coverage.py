"""Coverage counts are exact on archives whose gaps and rejects are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.report.coverage import NO_DAY, ShardFrames, count_coverage, missing_slots
from radar_cleaner.storage.shards import parse_time

NOON = parse_time("2024-07-11 12:00")


def slots(start, count, leave_out=()):
    return [parse_time(start) + 360 * index for index in range(count) if index not in leave_out]


def table(shards, unplaced=None, period=()):
    found = count_coverage({"A": shards}, unplaced or {}, 6, period)
    return {row.day: (row.found, row.read, row.rejected, row.missing) for row in found.itertuples()}


def test_gaps_within_and_between_shards_are_missing():
    shards = [
        ShardFrames("20240711T12", slots("2024-07-11 12:00", 10, {3, 4}), 2),  # 12:54 is missing too
        ShardFrames("20240711T13", slots("2024-07-11 13:06", 2), 0),  # and 13:00
    ]
    assert table(shards) == {"2024-07-11": (12, 10, 2, 3)}


def test_an_hour_without_any_frame_is_missing():
    shards = [
        ShardFrames("20240711T12", slots("2024-07-11 12:00", 10), 0),
        ShardFrames("20240711T14", slots("2024-07-11 14:00", 10), 0),
    ]
    assert table(shards) == {"2024-07-11": (20, 20, 0, 10)}


def test_frames_outside_the_period_are_not_counted():
    period = [(NOON, NOON + 3600), (NOON + 3 * 3600, NOON + 5 * 3600)]
    shards = [
        ShardFrames("20240711T12", slots("2024-07-11 12:06", 9), 0),  # 12:00 is missing
        ShardFrames("20240711T15", slots("2024-07-11 15:00", 9), 0),  # 15:54 and all of 16 are
    ]
    assert table(shards, period=period) == {"2024-07-11": (18, 18, 0, 1 + 1 + 10)}


def test_a_radar_without_a_frame_misses_the_whole_period():
    period = [(NOON, NOON + 3600)]
    assert table([ShardFrames("20240711T12", [], 2)], period=period) == {"2024-07-11": (2, 0, 2, 10)}


def test_missing_slots_fall_on_their_own_day():
    shards = [
        ShardFrames("20240710", slots("2024-07-10 23:30", 3), 1),
        ShardFrames("20240711", slots("2024-07-11 00:12", 3), 0),
    ]
    assert table(shards) == {"2024-07-10": (4, 3, 1, 2), "2024-07-11": (3, 3, 0, 2)}


def test_a_frame_a_little_off_its_slot_holds_it():
    assert missing_slots([0, 360 + 100, 720 - 100, 1440], 360) == [1080]


def test_an_empty_shard_and_a_shard_of_rejects_have_no_missing_slots():
    assert table([ShardFrames("20240711", [], 0)]) == {}
    assert table([ShardFrames("20240711", [], 3)]) == {"2024-07-11": (3, 0, 3, 0)}


def test_pictures_without_a_time_have_a_row_of_their_own():
    found = table([ShardFrames("20240711", [NOON], 0)], {"A": 2, "B": 5})
    assert found == {"2024-07-11": (1, 1, 0, 0), NO_DAY: (2, 0, 2, 0)}


def test_rejects_of_a_month_belong_to_no_known_day():
    assert table([ShardFrames("202407", [NOON], 4)]) == {
        "2024-07": (4, 0, 4, 0),
        "2024-07-11": (1, 1, 0, 0),
    }


def test_radars_are_counted_apart():
    found = count_coverage(
        {"B": [ShardFrames("20240711", [NOON], 0)], "A": [ShardFrames("20240711", [NOON], 1)]}, {}, 6
    )
    assert found["radar"].tolist() == ["A", "B"]
    assert found["rejected"].tolist() == [1, 0]


@given(st.sets(st.integers(0, 60), min_size=1), st.integers(-200, 200), st.integers(1, 200))
def test_missing_slots_are_in_the_period_in_step_and_fill_it(indices, shift, length):
    times = [NOON + index * 360 for index in indices]
    start, end = NOON + 37 * shift, NOON + 37 * (shift + length)
    missing = missing_slots(times, 360, [(start, end)])
    wanted = {time for time in range(NOON - 10_000 * 360, NOON + 10_000 * 360, 360) if start <= time < end}
    assert set(missing) == wanted - set(times)


@given(st.sets(st.integers(0, 60), min_size=1), st.sampled_from([60, 360, 900]))
def test_read_and_missing_fill_the_slots_from_the_first_to_the_last(indices, cadence):
    times = [NOON + index * cadence for index in indices]
    missing = missing_slots(times, cadence)
    assert sorted([*missing, *times]) == list(range(min(times), max(times) + 1, cadence))
    assert not np.intersect1d(missing, times).size
