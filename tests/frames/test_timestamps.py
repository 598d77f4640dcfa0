"""The time in a file name is parsed in its zone; the fast parser agrees with strptime."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from radar_cleaner.frames.timestamps import NameFormat, read_exactly
from radar_cleaner.storage.shards import parse_time, to_datetime

NAMES = NameFormat(r"(\d{12})(?=\D*$)", "%Y%m%d%H%M", "UTC")


@given(st.integers(0, 4_102_444_800), st.text("ab_-.", max_size=8))
def test_the_time_in_a_name_is_parsed_between_any_other_text(time, text):
    time -= time % 60
    name = f"{text}20_{to_datetime(time):%Y%m%d%H%M}{text}.png"
    assert NAMES.read(name) == time


@pytest.mark.parametrize(
    ("pattern", "time_format", "zone", "name", "time"),
    [
        (r"(\d{12})", "%Y%m%d%H%M", "Asia/Bangkok", "NKM202407111900.gif", "2024-07-11T12:00Z"),
        (r"\d{8}-\d{4}", "%Y%m%d-%H%M", "UTC", "a20240711-1200.png", "2024-07-11T12:00Z"),
        (r"(\d{10})", "%y%m%d%H%M", "America/Halifax", "2407110900.jpg", "2024-07-11T12:00Z"),
        (r"(\d{10})", "%y%m%d%H%M", "America/Halifax", "2401110800.jpg", "2024-01-11T12:00Z"),
        (r"_(.+)\.png", "%Y%m%dT%H%M%z", "Asia/Bangkok", "x_20240711T1400+0200.png", "2024-07-11T12:00Z"),
    ],
)
def test_names_of_other_services_are_read_in_their_zone(pattern, time_format, zone, name, time):
    assert NameFormat(pattern, time_format, zone).read(name) == parse_time(time)


@pytest.mark.parametrize(
    ("pattern", "name", "reason"),
    [
        (r"(\d{12})", "latest.png", "nothing matches"),
        (r"(\d{12})", "r202407119900.png", "'202407119900' is not %Y%m%d%H%M"),
        (r"(\d{12})?latest", "latest.png", "is not %Y%m%d%H%M"),
    ],
)
def test_a_name_without_a_time_is_refused_with_a_reason(pattern, name, reason):
    with pytest.raises(ValueError, match=f"no time in the name: .*{reason}"):
        NameFormat(pattern, "%Y%m%d%H%M").read(name)


def test_a_pattern_of_folders_is_known_by_its_slash():
    names = NameFormat(r"(\d{4}/\d\d/\d\d/\d{4})", "%Y/%m/%d/%H%M")
    assert names.of_path and not NAMES.of_path
    assert names.read("2024/07/11/1206.png") == parse_time("2024-07-11T12:06Z")


@pytest.mark.parametrize("text", ["000101010000", "999912312359", "099912312359"])
def test_a_year_without_a_shard_is_refused(text):
    with pytest.raises(ValueError, match="is of the year"):
        NAMES.read(f"{text}.png")


FORMATS = [
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%y%m%d-%H%M",
    "%Y%j%H%M",
    "%H%M_%d.%m.%Y",
    "%M%Y%m%d%H",
    "%S%Y%M%m%H%d",
    "%Y/%m/%d/%H%M",
    "%Y %m %d %H %M",
    "%Y%%%m%d%H%M",
    "%d%b%Y%H%M",
    "%Y%m%d%I%M%p",
    "%Y%m%dT%H%M%z",
]
ZONES = ["UTC", "Asia/Bangkok", "America/Halifax", "Australia/Lord_Howe", "Africa/Monrovia", "Asia/Kathmandu"]
times = st.integers(-4_000_000_000, 4_102_444_800)


def both(text, time_format, zone):
    """Return the times of the fast reader, twice because it learns, and of strptime; `None` for no time."""
    found = []
    names = NameFormat("(?s)^(.*)$", time_format, zone)
    for read in (names.read, names.read, lambda text: read_exactly(text, time_format, ZoneInfo(zone))):
        try:
            found.append(read(text))
        except ValueError:
            found.append(None)
    return found


@given(times, times, st.sampled_from(FORMATS), st.sampled_from(ZONES))
@example(1_711_900_000, 0, "%Y%m%d%H%M", "Australia/Lord_Howe")
@example(63_593_070, 0, "%Y%m%d%H%M", "Africa/Monrovia")  # 1972: the clock goes on by 44 minutes and 30 seconds
def test_the_fast_parser_agrees_with_strptime(time, other, time_format, zone):
    for moment in (time, time - time % 86400, time + 3600, other):  # of the known day, and of others
        text = datetime.fromtimestamp(moment, UTC).strftime(time_format)
        quick, again, exact = both(text, time_format, zone)
        assert quick == again == exact


@given(
    times,
    st.sampled_from(FORMATS),
    st.sampled_from(ZONES),
    st.integers(0, 20),
    st.sampled_from(["", " ", "0", "9", "x", "\u0664", "%", "\n"]),
    st.booleans(),
)
def test_broken_texts_are_refused_or_parsed_as_by_strptime(time, time_format, zone, place, text, inserted):
    whole = datetime.fromtimestamp(time, UTC).strftime(time_format)
    both(whole, time_format, zone)  # its day is known now
    broken = whole[:place] + text + whole[place + (not inserted) :]
    quick, again, exact = both(broken, time_format, zone)
    assert quick == again == exact


@given(st.integers(0, 4_102_444_800))
def test_seconds_and_milliseconds_since_1970_are_read(time):
    assert NameFormat(r"_(\d+)\.", "%s").read(f"radar_{time}.png") == time
    assert NameFormat(r"_(\d+)\.", "%s").read(f"radar_{time + 10**9}{time % 1000:03d}.png") == time + 10**9


def test_a_text_that_is_not_a_number_of_seconds_is_refused():
    for text in ("noon", "9" * 30):
        with pytest.raises(ValueError, match="no time in the name"):
            NameFormat(r"_(\w+)\.", "%s").read(f"radar_{text}.png")


@given(
    st.floats(0, 4e9),
    st.sampled_from([1.0, 5.0, 6.0, 7.5, 10.0, 15.0, 60.0]),
    st.floats(0.01, 0.5),
)
def test_a_time_near_a_slot_gets_it_and_any_other_stays(time, cadence, share):
    names = NameFormat("()", "%s", slot_minutes=cadence, snap_minutes=share * cadence)
    settled, offset = names.settle(time)
    if settled % (60 * cadence) == 0:
        assert abs(offset) <= 60 * share * cadence + 1
        assert abs(settled + offset - time) <= 1
    else:
        distance = min(time % (60 * cadence), -time % (60 * cadence))
        assert settled == int(time) and offset == 0 and distance > 60 * share * cadence - 1
