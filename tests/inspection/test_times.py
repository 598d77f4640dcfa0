"""The time in the names of pictures is found again, or the names are reported as ambiguous."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_cleaner.config.frames import FileNames
from radar_cleaner.inspection.times import find_cadence, read_times

LATEST = int(datetime(2026, 12, 2, tzinfo=UTC).timestamp())
DATES = ["%Y{s}%m{s}%d", "%y%m%d", "%d{s}%m{s}%Y", "%m{s}%d{s}%Y", "%Y%j", "%d%b%Y", "%Y{s}%b{s}%d", "%d%m%y"]
CLOCKS = ["%H{c}%M", "%H{c}%M{c}%S"]
WORDS = st.text("abcRXZ", min_size=1, max_size=6)


@st.composite
def archives(draw):
    """Draw names of one radar, with the times in them."""
    date = draw(st.sampled_from(DATES)).format(s=draw(st.sampled_from(["", "-", "_", "."])))
    clock = draw(st.sampled_from(CLOCKS)).format(c=draw(st.sampled_from(["", "-", "."])))
    between = draw(st.sampled_from(["", "_", "T", "-", " ", "_at_"]))
    if date in ("%y%m%d", "%d%m%y", "%d%b%Y", "%Y%j") or clock[2] != "%":
        between = between or "_"
    head = draw(st.sampled_from(["", "IDR033.T.", "r2_"])) or f"{draw(WORDS)}_"
    tail = draw(st.sampled_from(["", "_v06", "Z"]))
    step = draw(st.sampled_from([5, 6, 10, 15]))
    start = datetime(draw(st.integers(1990, 2025)), 1, 1, tzinfo=UTC) + timedelta(
        minutes=step * draw(st.integers(0, 30_000))
    )
    times = [start + timedelta(minutes=step * i) for i in range(draw(st.integers(1, 30)))]
    names = [f"{head}{time.strftime(date + between + clock)}{tail}.png" for time in times]
    return names, [int(time.timestamp()) for time in times]


@settings(deadline=None)
@given(archives())
def test_times_are_found_again_and_a_single_reading_is_never_wrong(archive):
    names, times = archive
    readings = [list(reading.times) for reading in read_times(names, LATEST)]
    assert times in readings


@given(archives())
@settings(max_examples=20, deadline=None)
def test_a_reading_is_accepted_by_the_config(archive):
    for reading in read_times(archive[0], LATEST):
        FileNames(pattern=reading.names.pattern, time_format=reading.names.time_format)


@pytest.mark.parametrize(
    ("names", "formats"),
    [
        (["CASGO_202407111118.png"], ["%Y%m%d%H%M"]),
        (["KTLX20240711_111800_V06.png", "KTLX20240711_112345_V06.png"], ["%Y%m%d_%H%M%S"]),
        (["2024/07/11/CASGO_1118.png", "2024/07/12/CASGO_0006.png"], ["%Y/%m/%d/CASGO_%H%M"]),
        (["2024/7/1/9_8.png", "2024/7/12/12_18.png"], ["%Y/%m/%d/%H_%M"]),
        (["11-07-2024_11-18.png", "11-07-2024_11-24.png"], ["%d-%m-%Y_%H-%M", "%m-%d-%Y_%H-%M"]),
        (["31-07-2024_11-18.png"], ["%d-%m-%Y_%H-%M"]),
        (["1118_20240711.gif"], ["%H%M_%Y%m%d"]),
        (["r0331202407111118.gif", "r0331202407111124.gif"], ["%Y%m%d%H%M"]),
        (["radar_1720696680.gif", "radar_1720697040.gif"], ["%s"]),
        (["radar_1720696680123.gif"], ["%s"]),
        (["latest.gif"], []),
        (["r_209907111118.gif"], []),
    ],
)
def test_names_of_many_kinds_are_read(names, formats):
    assert sorted(reading.names.time_format for reading in read_times(names, LATEST)) == formats


def test_day_and_month_are_told_apart_by_an_archive_without_gaps():
    days = [datetime(2024, 7, 5, tzinfo=UTC) + timedelta(hours=6 * i) for i in range(12)]
    readings = read_times([f"{day:%d%m%Y%H%M}.png" for day in days], LATEST)
    assert [reading.names.time_format for reading in readings] == ["%d%m%Y%H%M"]


def test_two_times_in_a_name_are_two_readings():
    names = [f"r_{20240711_1100 + i}_{20240711_1105 + i}.png" for i in (0, 10, 20)]
    names = [name.replace("20240711", "20240711", 1) for name in names]
    assert len(read_times(names, LATEST)) == 2


def test_one_damaged_name_of_many_does_not_hide_the_format():
    names = [f"a_2024071111{minute:02d}.png" for minute in range(0, 60)] + ["a_202407119900.png"]
    (reading,) = read_times(names, LATEST)
    assert reading.times[-1] is None and len(reading.read) == 60


def test_the_cadence_is_the_commonest_difference_of_all_radars():
    first = [0, 360, 720, 1800, 2160]
    cadence = find_cadence([first, [time + 20 for time in first[:3]]])
    assert (cadence.minutes, cadence.off_slot_minutes) == (6, pytest.approx(1 / 3))
    assert cadence.share == pytest.approx(5 / 6)
    assert find_cadence([[0], []]) is None


def test_frames_that_begin_late_in_the_hour_are_on_their_slots():
    assert find_cadence([[120 + 360 * i for i in range(5)]]).off_slot_minutes == 0


@pytest.mark.parametrize(
    ("names", "time_format", "zone", "first"),
    [
        (["R_20240711T1118Z.png", "R_20240711T1128Z.png"], "%Y%m%dT%H%M", "Z", "2024-07-11T11:18"),
        (["R_20240711_1118_UTC.png", "R_20240711_1128_UTC.png"], "%Y%m%d_%H%M", "UTC", "2024-07-11T11:18"),
        (["R_20240711_1118CEST.png", "R_20240711_1128CEST.png"], "%Y%m%d_%H%M", "CEST", "2024-07-11T11:18"),
        (["R_20240711T1118+0200.png", "R_20240711T1128+0200.png"], "%Y%m%dT%H%M%z", "", "2024-07-11T09:18"),
        (["R_20240711T1118-05:30.png", "R_20240711T1128-05:30.png"], "%Y%m%dT%H%M%z", "", "2024-07-11T16:48"),
        (["R_202407111118-0001.png", "R_202407111128-0002.png"], "%Y%m%d%H%M", "", "2024-07-11T11:18"),
        (["R_202407111118_Zone.png", "R_202407111128_Zone.png"], "%Y%m%d%H%M", "", "2024-07-11T11:18"),
    ],
)
def test_a_zone_in_the_names_is_used_or_noted(names, time_format, zone, first):
    (reading,) = read_times(names, LATEST)
    assert reading.names.time_format == time_format
    assert reading.zone == zone
    assert reading.times[0] == datetime.fromisoformat(f"{first}+00:00").timestamp()
    FileNames(pattern=reading.names.pattern, time_format=reading.names.time_format)
