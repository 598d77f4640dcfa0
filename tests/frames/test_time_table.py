"""Times come from a table or the dates of files; what is missing or wrong in a table is named."""

import os
import zipfile

import pytest

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.shards import format_time


def named(table, zone="UTC"):
    return NameFormat(r"(\d{12})", "%Y%m%d%H%M", zone, time_from=str(table))


@pytest.fixture
def folder(tmp_path):
    for name in ("one.png", "deep/two.png", "three.png"):
        path = tmp_path / "frames" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_row_is_found_by_the_path_below_the_source_or_by_the_name(folder):
    (folder / "t.csv").write_text("file,time,more\none.png,2024-07-11 12:00,x\ntwo.png,2024-07-11T12:06:30Z,x\n")
    listing = list_frames(folder / "frames", named(folder / "t.csv", "Asia/Bangkok"))
    times = [format_time(frame.time) for frame in listing.frames]
    assert times == ["2024-07-11T05:00:00Z", "2024-07-11T12:06:30Z"]
    assert listing.unplaced == [("three.png", f"no time in {folder / 't.csv'}: it has no row of this file")]


@pytest.mark.parametrize("divider", [";", "\t"])
def test_columns_may_be_divided_by_semicolons_or_tabs(folder, divider):
    (folder / "t.csv").write_text("file,time\none.png,2024-07-11 12:00\n".replace(",", divider))
    (frame,) = list_frames(folder / "frames", named(folder / "t.csv")).frames
    assert format_time(frame.time) == "2024-07-11T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,time\na,2024\n", "has name, time; it needs the columns file, time"),
        ("", "has no rows"),
        ("file\none.png,2024-07-11\n", "has file, None; it needs"),
        ("file,time\na.png,noon\n", "line 2: 'noon' is not a time"),
        ("file,time\na.png,2024-07-11\na.png,2024-07-12\n", "line 3: a.png has two times"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(folder, text, message):
    (folder / "t.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        list_frames(folder / "frames", named(folder / "t.csv"))


def test_a_missing_table_is_refused(folder):
    with pytest.raises(ConfigError, match="cannot be read"):
        list_frames(folder / "frames", named(folder / "t.csv"))


def test_a_changed_table_is_read_again(folder):
    table = folder / "t.csv"
    for hour in (1, 2):
        table.write_text(f"file,time\none.png,2024-07-11T0{hour}:00\n")
        os.utime(table, (hour, hour))
        (frame,) = list_frames(folder / "frames", named(table)).frames
        assert format_time(frame.time)[11:13] == f"0{hour}"


def test_dates_of_files_in_an_archive_are_refused(folder):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("x.png", b"")
    with pytest.raises(ConfigError, match="mtime is the date of a file"):
        list_frames(folder / "a.zip", named("mtime"))
