"""A folder of pictures becomes a list of times; nothing named like a picture is passed over."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.shards import parse_time, to_datetime
from radar_cleaner.sources import FrameFile, NameFormat, list_frames

NAMES = NameFormat(r"(\d{12})(?=\D*$)", "%Y%m%d%H%M", "UTC")


@given(st.integers(0, 4_102_444_800), st.text("ab_-.", max_size=8))
def test_the_time_in_a_name_is_read_whatever_stands_about_it(time, text):
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
def test_a_name_without_a_time_says_why(pattern, name, reason):
    with pytest.raises(ValueError, match=f"no time in the name: .*{reason}"):
        NameFormat(pattern, "%Y%m%d%H%M").read(name)


def test_pictures_are_listed_in_time_order_with_what_is_wrong_with_them(tmp_path):
    for name in ("b_202407110006.png", "a_202407110006.PNG", "c_202407110000.jpeg", "notes_202407110000.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".b_202407110012.png").write_bytes(b"")
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "d_202407110003.bmp").write_bytes(b"")
    (tmp_path / "folder_202407110018.png").mkdir()
    (tmp_path / "folder_202407110018.png" / "inside_202407110021.png").write_bytes(b"")
    (tmp_path / "link_202407110024.gif").symlink_to("nowhere.gif")
    (tmp_path / "good_202407110027.gif").symlink_to(tmp_path / "b_202407110006.png")
    os.mkfifo(tmp_path / "pipe_202407110030.png")
    (tmp_path / "latest.png").write_bytes(b"")
    listing = list_frames(tmp_path, NAMES)
    found = [(frame.path.relative_to(tmp_path).as_posix(), frame.problem) for frame in listing.frames]
    assert found == [
        ("c_202407110000.jpeg", ""),
        ("deep/deeper/d_202407110003.bmp", ""),
        ("a_202407110006.PNG", ""),
        ("b_202407110006.png", ""),
        ("folder_202407110018.png", "a folder, not a picture"),
        ("link_202407110024.gif", "a link without target"),
        ("good_202407110027.gif", ""),
        ("pipe_202407110030.png", "not a regular file"),
    ]
    assert [path.name for path, _ in listing.unplaced] == ["latest.png"]
    assert [frame.time for frame in listing.frames] == sorted(frame.time for frame in listing.frames)
    assert all(isinstance(frame, FrameFile) for frame in listing.frames)


def test_a_link_that_leads_in_a_circle_is_a_problem_not_a_hang(tmp_path):
    (tmp_path / "a_202407110000.png").symlink_to(tmp_path / "b_202407110006.png")
    (tmp_path / "b_202407110006.png").symlink_to(tmp_path / "a_202407110000.png")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    listing = list_frames(tmp_path, NAMES)
    assert [frame.problem for frame in listing.frames] == ["a link without target"] * 2


def test_a_link_to_a_folder_above_lists_no_frame_twice(tmp_path):
    frames = tmp_path / "archive" / "frames"
    (frames / "day").mkdir(parents=True)
    (frames / "day" / "a_202407110000.png").write_bytes(b"")
    (frames / "day" / "up").symlink_to("..")
    (frames / "aside").symlink_to("day")
    (tmp_path / "archive" / "b_202407110006.png").write_bytes(b"")
    listing = list_frames(frames, NAMES)
    assert [frame.path for frame in listing.frames] == [frames / "day" / "a_202407110000.png"]
    (frames / "root").symlink_to(tmp_path)
    listing = list_frames(frames, NAMES)
    assert [frame.path for frame in listing.frames] == [
        frames / "day" / "a_202407110000.png",
        frames / "root" / "archive" / "b_202407110006.png",
    ]


def test_links_to_folders_elsewhere_are_followed_by_the_first_name(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "2024"
    elsewhere.mkdir(parents=True)
    (elsewhere / "a_202407110000.png").write_bytes(b"")
    frames = tmp_path / "frames"
    frames.mkdir()
    for name in ("z", "old", "new"):
        (frames / name).symlink_to(elsewhere.parent)
    listing = list_frames(frames, NAMES)
    assert [frame.path for frame in listing.frames] == [frames / "new" / "2024" / "a_202407110000.png"]
