"""Pictures are divided among radars, and each radar has a folder or a glob of its own."""

import os
from datetime import UTC, datetime

import pytest

from radar_cleaner.errors import ConfigError
from radar_cleaner.inspection.sources import divide, read_source

NOW = 1_796_000_000
TIMES = ["202407111118", "202407111124", "202407111130"]


def _write(folder, paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")


@pytest.mark.parametrize(
    ("form", "ids"),
    [
        ("{radar}/{time}.png", ["KTLX", "NJK"]),
        ("{radar}_{time}.png", ["KTLX", "NJK"]),
        ("{time}_{radar}.gif", ["KTLX", "NJK"]),
        ("2024/07/11/{radar}/{time}.png", ["KTLX", "NJK"]),
        ("{radar}/2024/07/11/x{time}.png", ["KTLX_x", "NJK_x"]),
        ("one/{time}.png", ["one"]),
        ("{time}.png", ["RADAR1"]),
    ],
)
def test_radars_are_found_with_a_source_each(tmp_path, form, ids):
    paths = {form.format(radar=radar, time=time) for radar in ("KTLX", "NJK") for time in TIMES}
    _write(tmp_path, paths)
    contents = read_source(tmp_path, NOW)
    assert [one.id for one in contents.series] == ids
    assert all(one.source is not None for one in contents.series)
    assert {path for one in contents.series for path in one.paths} == paths


def test_a_prefix_of_another_prefix_gets_a_glob_of_its_own(tmp_path):
    _write(tmp_path, [f"{radar}_{time}.png" for radar in ("A", "A_B") for time in TIMES])
    assert len({one.source for one in read_source(tmp_path, NOW).series} - {None}) == 2


def test_a_station_number_is_part_of_the_id():
    paths = [f"IDR{station}.T.{time}.png" for station in ("023", "033") for time in TIMES]
    assert [one.id for one in divide("F", paths, NOW).series] == ["IDR023_T", "IDR033_T"]


def test_a_counter_in_the_name_makes_no_radars():
    paths = [f"f_{number:04d}_{time}.png" for number, time in enumerate(TIMES)]
    (series,) = divide("F", paths, NOW).series
    assert (series.id, series.paths) == ("f", tuple(paths))


def test_random_letters_in_the_names_make_no_radars():
    paths = [f"{letters}_{time}.png" for letters, time in zip(("xa", "b", "cq"), TIMES, strict=True)]
    paths += ["dd_202407111136.png", "e_202407111142.png"]
    assert len(divide("F", paths, NOW).series) == 1


def test_pictures_without_a_time_are_listed_apart():
    contents = divide("F", [*(f"a_{time}.png" for time in TIMES), "legend.png"], NOW)
    assert contents.timeless == ("legend.png",)
    assert len(contents.series) == 1


def test_pictures_without_any_time_are_one_radar_without_a_reading():
    (series,) = divide("F", ["a.png", "b.png"], NOW).series
    assert series.names is None and not series.readings


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no picture in it"):
        read_source(tmp_path, NOW)
    with pytest.raises(ConfigError, match="there is no folder"):
        read_source(tmp_path / "none", NOW)


def test_the_dates_of_the_files_decide_between_two_readings(tmp_path):
    paths = [f"r_250603_{hour}00.png" for hour in (10, 11, 12)]
    _write(tmp_path, paths)
    assert len(read_source(tmp_path, NOW).series[0].readings) == 2  # written now: neither 2025 nor 2003
    for hour, path in zip((10, 11, 12), paths, strict=True):
        written = datetime(2025, 6, 3, hour, 7, tzinfo=UTC).timestamp()
        os.utime(tmp_path / path, (written, written))
    (series,) = read_source(tmp_path, NOW).series
    assert series.by_dates and series.names.time_format == "%y%m%d_%H%M"
