"""A source of pictures becomes a list of times; nothing named like a picture is skipped silently."""

import os
import time
from datetime import UTC, datetime
from glob import iglob as standard

import pytest
from archive_cases import files_of, pack

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.listings import StoredObject, save_objects
from radar_cleaner.frames.sources import FrameFile, list_frames, read_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.shards import parse_time, to_datetime

NAMES = NameFormat(r"(\d{12})(?=\D*$)", "%Y%m%d%H%M", "UTC")


def test_pictures_are_listed_in_time_order_with_their_problems(tmp_path):
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
    found = [(listing.name_of(frame), frame.problem) for frame in listing.frames]
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
    assert [name for name, _ in listing.unplaced] == ["latest.png"]
    assert [frame.time for frame in listing.frames] == sorted(frame.time for frame in listing.frames)
    assert all(isinstance(frame, FrameFile) for frame in listing.frames)


def test_a_circular_link_is_a_problem_not_a_hang(tmp_path):
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
    assert [frame.path for frame in listing.frames] == [str(frames / "day" / "a_202407110000.png")]
    (frames / "root").symlink_to(tmp_path)
    listing = list_frames(frames, NAMES)
    assert [frame.path for frame in listing.frames] == [
        str(frames / "day" / "a_202407110000.png"),
        str(frames / "root" / "archive" / "b_202407110006.png"),
    ]


def test_links_to_one_folder_elsewhere_are_followed_once_by_the_first_name(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "2024"
    elsewhere.mkdir(parents=True)
    (elsewhere / "a_202407110000.png").write_bytes(b"")
    frames = tmp_path / "frames"
    frames.mkdir()
    for name in ("z", "old", "new"):
        (frames / name).symlink_to(elsewhere.parent)
    listing = list_frames(frames, NAMES)
    assert [frame.path for frame in listing.frames] == [str(frames / "new" / "2024" / "a_202407110000.png")]


def names_of(source, names=NAMES, **given):
    listing = list_frames(source, names, **given)
    return [listing.name_of(frame) for frame in listing.frames]


@pytest.mark.parametrize("name", ["{x}_202407110000.png", "<x>_202407110000.png", "{a,b}/x_202407110000.png"])
def test_a_path_that_snakemake_interprets_as_a_pattern_is_a_problem(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    (frame,) = list_frames(tmp_path, NAMES).frames
    assert "cannot carry" in frame.problem
    with pytest.raises(ConfigError, match="cannot carry in paths; rename it"):
        list_frames(tmp_path / name[:3] / "*.png", NAMES)


NO_UTF_8 = [os.fsdecode(b"caf\xe9_202407110000.png"), os.fsdecode(b"\xff.png")]


def test_file_names_that_are_not_utf_8_are_escaped_and_have_a_problem(tmp_path):
    for name in (*NO_UTF_8, "caf\u00e9_202407110006.png"):
        (tmp_path / name).write_bytes(b"")
    listing = list_frames(tmp_path, NAMES)
    assert [listing.name_of(frame) for frame in listing.frames] == [
        "caf\\udce9_202407110000.png",
        "caf\u00e9_202407110006.png",
    ]
    bad, good = listing.frames
    assert "not UTF-8" in bad.problem and not good.problem
    assert [name for name, _ in listing.unplaced] == ["\\udcff.png"]
    ((_, told), _) = read_frames(listing.frames, 1000)
    assert "rename it" in str(told)


def test_member_names_that_are_not_utf_8_are_escaped_and_read(tmp_path):
    pack(tmp_path / "frames.tar", dict.fromkeys(NO_UTF_8, b"x"))
    for _ in ("made", "read"):
        listing = list_frames(tmp_path / "frames.tar", NAMES, tmp_path / "lists")
        (frame,) = listing.frames
        assert listing.name_of(frame) == "frames.tar/caf\\udce9_202407110000.png"
        assert [data for _, data in read_frames([frame], 1000)] == [b"x"]
        assert [name for name, _ in listing.unplaced] == ["frames.tar/\\udcff.png"]


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive by year, month and day, of two radars."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "archive/A/2023/12/31/A_202312311200.png",
        "archive/A/2024/07/11/A_202407111200.png",
        "archive/A/2024/07/11/notes.txt",
        "archive/A/2024/07/12/A_202407121200.gif",
        "archive/A/2024/07/A_202407130000.png",
        "archive/A/2024/07/11/thumbs/A_202407111206.png",
        "archive/A/old/07/11/A_199907111200.png",
        "archive/B/2024/07/11/B_202407111200.png",
        "archive/B/.2024/07/11/B_202407111300.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path / "archive"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("archive/A/20??/*/*/*.png", ["2023/12/31/A_202312311200.png", "2024/07/11/A_202407111200.png"]),
        ("archive/A/2024/*/*/*", ["07/11/A_202407111200.png", "07/12/A_202407121200.gif"]),
        ("archive/A/2024/*/*.png", ["07/A_202407130000.png"]),
        ("archive/A/2024/07/1[!1]/*", ["12/A_202407121200.gif"]),
        ("archive/A/2024/07/1[12]/*", ["11/A_202407111200.png", "12/A_202407121200.gif"]),
        ("archive/**/B_*.png", ["B/2024/07/11/B_202407111200.png"]),
        ("archive/A/**/11/**/A_2024*", ["2024/07/11/A_202407111200.png", "2024/07/11/thumbs/A_202407111206.png"]),
        ("**/thumbs/*.png", ["archive/A/2024/07/11/thumbs/A_202407111206.png"]),
        ("archive/B/**", ["2024/07/11/B_202407111200.png"]),
    ],
)
def test_a_glob_lists_its_matches(archive, pattern, found):
    assert names_of(pattern) == found
    absolute = list_frames(archive.parent / pattern, NAMES)
    assert [frame.path for frame in absolute.frames] == [
        str(archive.parent / frame.path) for frame in list_frames(pattern, NAMES).frames
    ]


def test_a_glob_agrees_with_the_standard_library(archive):
    for pattern in ("archive/*/20??/**/*.png", "archive/A/2024/07/*/*.???", "archive/[AB]/**/*_2024*.*"):
        every = standard(pattern, recursive=True)  # noqa: PTH207
        wanted = {path for path in every if not path.endswith((".txt", "/"))}
        assert {frame.path for frame in list_frames(pattern, NAMES).frames} == wanted


def test_a_glob_enters_only_folders_that_can_contain_matches(archive):
    (archive / "A" / "2024" / "07" / "closed").mkdir()
    seen = []
    real = os.scandir
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", lambda place: seen.append(place) or real(place))
        list_frames("archive/A/20??/07/1?/*.png", NAMES)
    assert not [place for place in seen if any(name in place for name in ("closed", "old", "2023/12", "thumbs"))]


@pytest.mark.parametrize("pattern", ["**", "**/*.png", "*/*.png", "2024*/*"])
def test_a_folder_named_like_an_archive_or_a_picture_is_searched(tmp_path, pattern):
    for name in ("2024.tar/a_202407110000.png", "2024.png/b_202407110006.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "2024.zip").symlink_to("2024.tar")
    found = names_of(tmp_path / pattern)
    assert found[0] == "2024.tar/a_202407110000.png"
    # A pattern that begins with `**` also matches the folder itself as a picture.
    assert found[1:] == ([] if pattern.startswith("**") else ["2024.png/b_202407110006.png"])


@pytest.mark.parametrize("pattern", ["20[9-1]*/*.png", "*/[z-a].png", "**/[b-a]/*"])
def test_a_glob_with_a_bad_range_is_refused(tmp_path, pattern):
    with pytest.raises(ConfigError, match=r"is not a glob \(bad character range"):
        list_frames(tmp_path / pattern, NAMES)
    with pytest.raises(ConfigError, match=r"is not a glob \(bad character range"):
        list_frames(f"s3://radar/{pattern}", NAMES, tmp_path)


def test_a_folder_named_like_a_glob_is_a_folder(tmp_path):
    (tmp_path / "frames[1]").mkdir()
    (tmp_path / "frames[1]" / "a_202407110000.png").write_bytes(b"")
    assert names_of(tmp_path / "frames[1]") == ["a_202407110000.png"]


DATED = NameFormat(r"(\d{4}/\d\d/\d\d/\d{4})\.", "%Y/%m/%d/%H%M")


@pytest.mark.parametrize("source", ["9999/12/31/frames", "9999/12/31/frames/**/*.png", "9999/12/31/frames.zip"])
def test_folders_below_the_source_can_be_part_of_the_time(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "9999/12/31/frames/2024/07/11"
    place.mkdir(parents=True)
    (place / "1206.png").write_bytes(b"x")
    (place / "latest.png").write_bytes(b"x")
    pack(tmp_path / "9999/12/31/frames.zip", files_of(tmp_path / "9999/12/31/frames"))
    listing = list_frames(source, DATED)
    assert [frame.time for frame in listing.frames] == [parse_time("2024-07-11T12:06Z")]
    (name, reason), *others = listing.unplaced
    assert not others and name.endswith("2024/07/11/latest.png") and "nothing matches" in reason


def test_a_glob_of_archives_opens_each_and_reads_pictures_beside_them(tmp_path):
    pack(tmp_path / "A" / "2024-06.zip", {"x/A_202406300000.png": b"june"})
    pack(tmp_path / "A" / "2024-07.tar.gz", {"A_202407010000.png": b"july", "A_latest.png": b"x"})
    pack(tmp_path / "B" / "2024-07.zip", {"B_202407010000.png": b"other"})
    (tmp_path / "A" / "A_202407010006.png").write_bytes(b"file")
    listing = list_frames(tmp_path / "A" / "*", NAMES)
    assert [listing.name_of(frame) for frame in listing.frames] == [
        "2024-06.zip/x/A_202406300000.png",
        "2024-07.tar.gz/A_202407010000.png",
        "A_202407010006.png",
    ]
    assert [name for name, _ in listing.unplaced] == ["2024-07.tar.gz/A_latest.png"]
    assert [data for _, data in read_frames(listing.frames, 100)] == [b"june", b"july", b"file"]
    assert names_of(tmp_path / "*" / "2024-07.zip") == ["B/2024-07.zip/B_202407010000.png"]


def test_frames_come_in_order_of_time_whatever_their_order_in_the_archive(tmp_path, monkeypatch):
    times = [f"2024071112{minute:02d}" for minute in range(60)]
    files = {f"{time}.png": time.encode() * 50 for time in reversed(times)}
    path = pack(tmp_path / "a.tar.xz", files)
    listing = list_frames(path, NAMES)
    for held in (2**28, 5000, 1):  # all at once, some, one by one
        monkeypatch.setattr("radar_cleaner.frames.sources.HELD_BYTES", held)
        found = [data for _, data in read_frames(listing.frames, 10_000)]
        assert found == [time.encode() * 50 for time in times]


def test_a_kept_list_is_taken_until_the_archive_changes(tmp_path, monkeypatch):
    path, kept = pack(tmp_path / "a.tar.gz", {"a_202407110000.png": b"x"}), tmp_path / "kept"
    assert names_of(path, listings=kept) == ["a.tar.gz/a_202407110000.png"]
    (file,) = kept.iterdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "radar_cleaner.frames.listings.list_members", lambda *_: pytest.fail("the archive is read again")
        )
        assert names_of(path, listings=kept) == ["a.tar.gz/a_202407110000.png"]
    pack(path, {"a_202407110006.png": b"x"})
    assert names_of(path, listings=kept) == ["a.tar.gz/a_202407110006.png"]
    for broken in ("", "{}", "[]", file.read_text()[:-5], '{"version": 1, "name": "another"}'):
        file.write_text(broken)
        assert names_of(path, listings=kept) == ["a.tar.gz/a_202407110006.png"]
    assert [file] == list(kept.iterdir())


def test_a_stage_sends_no_request_to_an_address(tmp_path):
    with pytest.raises(ConfigError, match=r"s3://radar/a: there is no list of its objects .*run it by snakemake"):
        list_frames("s3://radar/a", NAMES, tmp_path)


def test_an_object_without_a_copy_stops_the_job_and_is_not_a_bad_frame(tmp_path):
    save_objects(tmp_path, "s3://radar/a", [StoredObject("a/r_202407110000.png", "etag-1")])
    listing = list_frames("s3://radar/a", NAMES, tmp_path, copies=str(tmp_path / "copies"))
    (frame,) = listing.frames
    assert frame.path == str(tmp_path / "copies/radar/a/r_202407110000.png")
    assert listing.name_of(frame) == "a/r_202407110000.png"
    with pytest.raises(ConfigError, match="its copy is missing; call snakemake again"):
        list(read_frames(listing.frames, 100))


@pytest.mark.slow
def test_a_year_of_two_radars_is_listed_in_half_the_time_that_rglob_and_strptime_take(tmp_path):
    for radar in "AB":
        for hour in range(8760):
            start = to_datetime(1_577_836_800 + 3600 * hour)
            folder = tmp_path / f"{radar}/{start:%Y/%m}"
            folder.mkdir(parents=True, exist_ok=True)
            for minute in (0, 15, 30, 45):
                (folder / f"{radar}_{start:%Y%m%d%H}{minute:02d}.png").touch()
    plainly, listed = [], []
    for _ in range(5):
        began = time.process_time()
        names = [path.name for radar in "AB" for path in (tmp_path / radar).rglob("*.png")]
        times = [datetime.strptime(name[2:14], "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp() for name in names]
        between = time.process_time()
        count = sum(len(list_frames(tmp_path / radar, NAMES).frames) for radar in "AB")
        plainly.append(between - began)
        listed.append(time.process_time() - between)
        assert count == len(times) == 70_080
    assert min(listed) < 0.5 * min(plainly)
