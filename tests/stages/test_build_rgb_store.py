"""Good frames of the shard are stored as they are, bad ones are listed with their reason."""

import hashlib
import io
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from archive_cases import KINDS, files_of, pack
from picture_cases import NAMES, SIZE, encode, read_sample, sample_frames, small, write_zoo
from PIL import Image

from radar_cleaner.config.frames import BadFrames, Stores
from radar_cleaner.errors import FrameError
from radar_cleaner.frames.choice import Claim, PictureChoice
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.stages.build_rgb_store import build_rgb_store
from radar_cleaner.storage.reader import open_store, read_provenance
from radar_cleaner.storage.shards import format_time, parse_time


def build(tmp_path, **changes):
    arguments = {
        "radar": "R",
        "source": tmp_path / "frames",
        "names": NameFormat(**NAMES),
        "shard": "20240711",
        "size": SIZE,
        "stores": Stores(),
        "frames": BadFrames(),
        "output": tmp_path / "rgb.zarr" / "zarr.json",
        "rejects": tmp_path / "rejected.csv",
    } | changes
    build_rgb_store(**arguments)
    return open_store(arguments["output"], "rgb"), pd.read_csv(arguments["rejects"])


def test_sample_frames_are_stored_whole_with_name_size_and_digest(tmp_path):
    paths = [path for path in sample_frames("CASGO") if "20240711" in path.name][:5]
    (tmp_path / "frames").mkdir()
    for path in paths:
        shutil.copy(path, tmp_path / "frames")
    store, rejects = build(tmp_path, radar="CASGO", size=(580, 480))
    assert store.attrs["radar"] == "CASGO"
    assert store.shape("rgb") == (480, 580, 3)
    for index, path in enumerate(paths):
        assert np.array_equal(store.frame("rgb", index), read_sample(path))
    assert rejects.empty
    sources = pd.read_csv(store.path / "sources.csv")
    assert sources["file"].tolist() == [path.name for path in paths]
    assert sources["bytes"].tolist() == [path.stat().st_size for path in paths]
    assert sources["sha256"].tolist() == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert [parse_time(text) for text in sources["time"]] == store.times.tolist()
    assert read_provenance(store.path)["stage"] == "build_rgb_store"


def test_each_bad_frame_of_the_zoo_is_listed_and_the_rest_is_done(tmp_path):
    reasons, good = write_zoo(tmp_path / "frames")
    store, rejects = build(tmp_path)
    found = dict(zip(rejects["file"], rejects["reason"], strict=True))
    assert found.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in found[name], name
    sources = pd.read_csv(store.path / "sources.csv")
    assert sources["file"].tolist() == good
    assert [format_time(time) for time in store.times.tolist()] == [
        "2024-07-11T00:00:00Z",
        "2024-07-11T00:30:00Z",
    ]
    assert all(np.array_equal(frame, small()) for frame in store.read("rgb"))


ZOO = [
    "r_202407110006.png",
    "r_202407110012.png",
    "r_202407110018.png",
    "r_202407110024.png",
    "s_202407110030.png",
    "s_202407110036.png",
    "r_202407110042.png",
    "r_202407110048.png",
    "r_202407110054.png",
    "r_202407110100.png",
    "r_202407110106.gif",
    "r_202407110112.png",
]


@pytest.mark.parametrize("name", ZOO)
def test_fail_stops_at_any_bad_frame_with_its_reason_and_leaves_nothing(tmp_path, name):
    reasons, _ = write_zoo(tmp_path / "zoo")
    (tmp_path / "frames").mkdir()
    for path in (tmp_path / "zoo").glob(f"*{name[2:]}"):  # with its twin of one time
        path.rename(tmp_path / "frames" / path.name)
    with pytest.raises(FrameError) as caught:
        build(tmp_path, frames=BadFrames(on_bad_frame="fail"))
    assert any(bad in str(caught.value) and reasons[bad] in str(caught.value) for bad in reasons)
    assert name[2:] in str(caught.value)
    assert not (tmp_path / "rgb.zarr").exists()
    assert not (tmp_path / "rejected.csv").exists()


def test_the_opacity_is_stored_beside_the_colour_and_takes_no_room_if_the_picture_is_opaque(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a_202407110000.png").write_bytes(encode(small()))
    store, _ = build(tmp_path)
    assert (store.read("alpha") == 255).all()
    assert not (store.path / "alpha" / "c").exists()
    half = np.dstack([small(), np.full(small().shape[:2], 128, np.uint8)])
    half[3, 4] = 0
    (tmp_path / "frames" / "a_202407110006.png").write_bytes(encode(half))
    store, _ = build(tmp_path)
    assert np.array_equal(store.frame("alpha", 1), half[..., 3])
    assert np.array_equal(store.frame("rgb", 1), half[..., :3])


def test_a_broken_twin_does_not_take_the_good_one_with_it(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a_202407110000.png").write_bytes(encode(small())[:50])
    (tmp_path / "frames" / "b_202407110000.png").write_bytes(encode(small()))
    store, rejects = build(tmp_path)
    assert len(store.times) == 1
    assert rejects["file"].tolist() == ["a_202407110000.png"]


def test_a_store_without_an_accepted_frame_is_still_written(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a_202407110000.png").write_bytes(b"")
    store, rejects = build(tmp_path)
    assert store.times.size == 0
    assert store.shape("rgb") == (16, 24, 3)
    assert len(rejects) == 1


def test_only_frames_of_the_shard_are_read_and_times_are_of_their_zone(tmp_path):
    (tmp_path / "frames" / "deep").mkdir(parents=True)
    for name in ("r_202407110659.png", "deep/r_202407110700.png", "r_202407120659.png", "r_202407120700.png"):
        (tmp_path / "frames" / name).write_bytes(encode(small()))
    store, rejects = build(
        tmp_path, names=NameFormat(**NAMES | {"time_zone": "Asia/Bangkok"})
    )  # seven hours before UTC
    assert [format_time(time) for time in store.times.tolist()] == [
        "2024-07-11T00:00:00Z",
        "2024-07-11T23:59:00Z",
    ]
    assert pd.read_csv(store.path / "sources.csv")["file"].tolist() == [
        "deep/r_202407110700.png",
        "r_202407120659.png",
    ]
    assert rejects.empty


def test_a_file_far_too_large_is_refused_unread(tmp_path):
    (tmp_path / "frames").mkdir()
    with (tmp_path / "frames" / "a_202407110000.png").open("wb") as file:
        file.truncate(10**12)
    _, rejects = build(tmp_path)
    assert "1000000000000 bytes" in rejects["reason"][0]


def test_equal_frames_give_an_equal_store_whatever_the_file_format(tmp_path):
    for folder, kind, suffix in (("x", "PNG", "png"), ("y", "BMP", "bmp")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"a_202407110000.{suffix}").write_bytes(encode(small(), kind))
    first, _ = build(tmp_path, source=tmp_path / "x", output=tmp_path / "x.zarr")
    second, _ = build(tmp_path, source=tmp_path / "y", output=tmp_path / "y.zarr")
    assert (first.path / "zarr.json").read_bytes() == (second.path / "zarr.json").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_zoo_in_an_archive_gives_the_store_of_the_folder(tmp_path, kind):
    reasons, good = write_zoo(tmp_path / "frames")
    folder, _ = build(tmp_path)
    archive = pack(tmp_path / f"zoo.{kind}", files_of(tmp_path / "frames"))
    packed, rejects = build(tmp_path, source=archive, output=tmp_path / "packed.zarr", listings=tmp_path / "kept")
    assert (packed.path / "zarr.json").read_bytes() == (folder.path / "zarr.json").read_bytes()
    assert packed.read("rgb").tobytes() == folder.read("rgb").tobytes()
    found = dict(zip(rejects["file"], rejects["reason"], strict=True))
    files = {f"zoo.{kind}/{name}": reason for name, reason in reasons.items()}
    not_packed = {f"zoo.{kind}/r_20240711{time}.png" for time in ("0048", "0054", "0112")}
    assert found.keys() == files.keys() - not_packed  # a folder, a link and a pipe
    assert all(files[name].split(" of r_")[0].split(" as ")[0] in reason for name, reason in found.items())
    sources = pd.read_csv(packed.path / "sources.csv")
    assert sources["file"].tolist() == [f"zoo.{kind}/{name}" for name in good]
    digests = pd.read_csv(folder.path / "sources.csv")["sha256"]
    assert sources["sha256"].tolist() == digests.tolist()


def test_fail_names_the_member_of_the_archive(tmp_path):
    archive = pack(tmp_path / "a.zip", {"r_202407110000.png": b""})
    with pytest.raises(FrameError, match=r"a\.zip/r_202407110000\.png: the file is empty"):
        build(tmp_path, source=archive, frames=BadFrames(on_bad_frame="fail"))


def test_members_that_are_too_large_or_lead_out_are_refused_with_the_others_kept(tmp_path):
    large, outside = "r_202407110006.png", "../r_202407110012.png"
    files = {"r_202407110000.png": encode(small()), large: bytes(3 * 2**20), outside: b"x"}
    for kind in KINDS:
        archive = pack(tmp_path / f"a.{kind}", files)
        store, rejects = build(tmp_path, source=archive, output=tmp_path / kind / "a.zarr")
        assert len(store.times) == 1
        assert rejects["file"].tolist() == [f"a.{kind}/r_202407110006.png", f"a.{kind}/../r_202407110012.png"]
        assert "at most" in rejects["reason"][0] and "leads out" in rejects["reason"][1]


def minute_file(tmp_path, time, seed, name="a"):
    (tmp_path / "frames").mkdir(exist_ok=True)
    (tmp_path / "frames" / f"{name}_20240711{time}.png").write_bytes(encode(small(seed)))


def snapping(minutes):
    return NameFormat(**NAMES, slot_minutes=6, snap_minutes=minutes)


def test_frames_off_their_slot_are_taken_to_it_and_those_farther_keep_their_time(tmp_path):
    for time in ("0001", "0005", "0015", "0025"):
        minute_file(tmp_path, time, 0)
    store, rejects = build(tmp_path, names=snapping(1))
    assert [format_time(time)[11:16] for time in store.times.tolist()] == ["00:00", "00:06", "00:15", "00:24"]
    assert rejects.empty


def test_of_two_frames_for_one_slot_the_nearest_is_read_and_the_other_listed(tmp_path):
    minute_file(tmp_path, "0004", 1)
    minute_file(tmp_path, "0007", 2)
    store, rejects = build(tmp_path, names=snapping(3))
    assert [format_time(time)[11:16] for time in store.times.tolist()] == ["00:06"]
    assert np.array_equal(store.frame("rgb", 0), small(2))
    assert rejects["file"].tolist() == ["a_202407110004.png"]
    assert rejects["reason"].tolist() == ["2 minutes off its slot: a_202407110007.png is nearer"]


def test_a_broken_frame_leaves_its_slot_to_the_next_nearest(tmp_path):
    minute_file(tmp_path, "0004", 1)
    (tmp_path / "frames" / "a_202407110006.png").write_bytes(b"")
    store, rejects = build(tmp_path, names=snapping(3))
    assert np.array_equal(store.frame("rgb", 0), small(1))
    assert rejects["file"].tolist() == ["a_202407110006.png"]


def test_the_pictures_of_a_loop_that_crosses_midnight_are_in_the_shards_of_their_times(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a_202407120006.png").write_bytes(loop_of([0, 1, 2, 3]))
    names = NameFormat(**NAMES, loop_minutes=6)
    before, _ = build(tmp_path, names=names)
    assert [format_time(time)[8:16] for time in before.times.tolist()] == ["11T23:48", "11T23:54"]
    after, _ = build(tmp_path, names=names, shard="20240712", output=tmp_path / "after.zarr")
    assert [format_time(time)[8:16] for time in after.times.tolist()] == ["12T00:00", "12T00:06"]
    assert np.array_equal(after.frame("rgb", 1), small(3))
    sources = pd.read_csv(after.path / "sources.csv")
    assert sources["file"].tolist() == ["a_202407120006.png#3", "a_202407120006.png#4"]


def test_a_loop_that_is_published_again_repeats_its_pictures_without_a_reject(tmp_path):
    (tmp_path / "frames").mkdir()
    for time, seeds in (("0018", [0, 1, 2]), ("0024", [1, 2, 3]), ("0030", [2, 3, 9])):
        (tmp_path / "frames" / f"a_20240711{time}.png").write_bytes(loop_of(seeds))
    store, rejects = build(tmp_path, names=NameFormat(**NAMES, loop_minutes=6))
    assert [format_time(time)[11:16] for time in store.times.tolist()] == [
        "00:06",
        "00:12",
        "00:18",
        "00:24",
        "00:30",
    ]
    assert all(np.array_equal(store.frame("rgb", at), small(seed)) for at, seed in enumerate([0, 1, 2, 3, 9]))
    assert rejects.empty


def test_loops_that_disagree_on_a_time_have_no_frame_there(tmp_path):
    (tmp_path / "frames").mkdir()
    for time, seeds in (("0018", [0, 1, 2]), ("0024", [1, 7, 3])):
        (tmp_path / "frames" / f"a_20240711{time}.png").write_bytes(loop_of(seeds))
    store, rejects = build(tmp_path, names=NameFormat(**NAMES, loop_minutes=6))
    assert [format_time(time)[11:16] for time in store.times.tolist()] == ["00:06", "00:12", "00:24"]
    assert rejects["file"].tolist() == ["a_202407110018.png#3", "a_202407110024.png#2"]
    assert rejects["reason"].str.contains("but other pixels").all()


def loop_of(seeds):
    first, *later = [Image.fromarray(small(seed)) for seed in seeds]
    file = io.BytesIO()
    first.save(file, "PNG", save_all=True, append_images=later)
    return file.getvalue()


def test_times_come_from_the_dates_of_the_files_or_from_a_table(tmp_path):
    minute_file(tmp_path, "0000", 0, name="x")
    path = tmp_path / "frames" / "x_202407110000.png"
    os.utime(path, (parse_time("2024-07-11T05:06:07.9Z"),) * 2)
    store, _ = build(tmp_path, names=NameFormat(**NAMES, time_from="mtime"))
    assert [format_time(time) for time in store.times.tolist()] == ["2024-07-11T05:06:07Z"]
    table = tmp_path / "times.csv"
    table.write_text("file,time\nx_202407110000.png,2024-07-11T15:06\n")
    names = NameFormat(**NAMES | {"time_zone": "Asia/Bangkok"}, time_from=str(table))
    store, _ = build(tmp_path, names=names)
    assert [format_time(time) for time in store.times.tolist()] == ["2024-07-11T08:06:00Z"]


def test_each_layout_has_the_pictures_of_its_size_and_only_other_sizes_are_refused(tmp_path):
    (tmp_path / "frames").mkdir()
    sizes = [SIZE, (30, 20), SIZE, (30, 20), (10, 10)]
    for number, size in enumerate(sizes):
        (tmp_path / "frames" / f"a_2024071100{number:02d}.png").write_bytes(encode(small(number, size)))
    larger = Claim(size_px=(30, 20))
    own, refused = build(tmp_path, choice=PictureChoice(others=(larger,)))
    assert [time % 3600 // 60 for time in own.times.tolist()] == [0, 2]
    assert refused["file"].tolist() == ["a_202407110004.png"]
    other, refused = build(tmp_path, size=(30, 20), choice=PictureChoice(own=larger), output=tmp_path / "b.zarr")
    assert [time % 3600 // 60 for time in other.times.tolist()] == [1, 3]
    assert other.shape("rgb") == (20, 30, 3) and refused.empty


def test_a_layout_of_a_period_refuses_other_sizes_in_it_and_reads_nothing_outside(tmp_path):
    for number in range(4):
        minute_file(tmp_path, f"{number:04d}", number)
    start = parse_time("2024-07-11T00:02Z")
    period = Claim(period=((start, start + 60),))
    store, refused = build(tmp_path, choice=PictureChoice(own=period), size=(30, 20))
    assert store.times.size == 0
    assert refused["file"].tolist() == ["a_202407110002.png"]
    store, refused = build(tmp_path, choice=PictureChoice(others=(period,)))
    assert [time % 3600 // 60 for time in store.times.tolist()] == [0, 1, 3]
