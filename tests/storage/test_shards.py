"""Names of shards: they contain their times, sort in time order, and are written in few words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.errors import ConfigError
from radar_cleaner.storage.shards import (
    FORMATS,
    decode_stores,
    encode_stores,
    format_time,
    next_shard,
    parse_time,
    shard_end,
    shard_of,
    shard_start,
    to_datetime,
)

times = st.integers(0, 4_102_444_800)  # 1970 to 2100
grains = st.sampled_from(sorted(FORMATS))


@given(times, grains)
def test_a_shard_contains_its_times_and_no_gap_follows(time, grain):
    name = shard_of(time, grain)
    assert shard_start(name) <= time < shard_end(name)
    following = next_shard(name)
    assert following > name
    assert shard_start(following) == shard_end(name)
    assert shard_of(shard_end(name) - 1, grain) == name


@given(times, times, grains)
def test_names_sort_in_time_order(first, second, grain):
    early, late = sorted([first, second])
    assert shard_of(early, grain) <= shard_of(late, grain)


@given(times)
def test_a_time_is_read_as_it_is_written(time):
    assert parse_time(format_time(time)) == time
    assert to_datetime(time).tzinfo is UTC


def test_times_without_a_zone_are_utc_and_zones_are_heeded():
    noon = int(datetime(2024, 7, 11, 12, tzinfo=UTC).timestamp())
    assert parse_time("2024-07-11 12:00") == parse_time("2024-07-11T19:00+07:00") == noon
    assert parse_time("2024-07-11") == noon - 12 * 3600


@given(
    st.dictionaries(
        st.text("ABCXYZ0189_-", min_size=1, max_size=6),
        st.tuples(grains, st.lists(st.integers(0, 40), max_size=30), times),
        max_size=3,
    )
)
def test_stores_packed_for_a_command_line_come_back_the_same(drawn):
    stores = {}
    for radar, (grain, steps, start) in drawn.items():
        name, line = shard_of(start, grain), []
        for _ in range(41):
            line.append(name)
            name = next_shard(name)
        stores[radar] = [line[step] for step in steps]
    decoded = decode_stores(encode_stores(stores))
    assert decoded == {radar: sorted(set(names)) for radar, names in stores.items()}


def test_a_year_of_days_is_one_run():
    names = [shard_of(1_704_067_200 + 86_400 * day, "day") for day in range(366)]
    assert encode_stores({"CASGO": names}) == ["CASGO=20240101..20241231"]


def test_runs_end_where_a_shard_is_missing():
    stores = {"B": ["202407", "202409", "202408"], "A": ["20240711T23", "20240712T00", "20240712T02"]}
    assert encode_stores(stores) == ["A=20240711T23..20240712T00,20240712T02", "B=202407..202409"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20240711", "write RADAR=SHARD"),
        ("=20240711", "write RADAR=SHARD"),
        ("A=2024071", "'2024071' is not a shard"),
        ("A=20240732", "'20240732' is not a shard"),
        ("A=202407..20240731", "not a run of shards"),
        ("A=20240712..20240711", "not a run of shards"),
    ],
)
def test_what_names_no_stores_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        decode_stores([text])


def test_a_text_that_is_not_a_time_is_refused_with_an_example():
    with pytest.raises(ConfigError, match="'noon' is not a time; write it as 2024"):
        parse_time("noon")
