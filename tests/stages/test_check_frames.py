"""The frames of a radar are counted by reason; a radar without a readable frame stops the run."""

import logging

import numpy as np
import pandas as pd
import pytest

from radar_cleaner.errors import FrameError
from radar_cleaner.planning.closing import closing_lines
from radar_cleaner.stages.check_frames import check_frames
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

SIZE = "wrong size: 30 x 20 px, not 24 x 16"
STORES = ["R=20240711..20240712"]


def make(results, read, rejects, unplaced=()):
    """Write the stores of two days with `read` frames and `rejects`, (file, reason), each."""
    layout = Layout(results)
    for shard, frames, refused in zip(("20240711", "20240712"), read, rejects, strict=True):
        with StoreWriter(layout.rgb("R", shard), variables=RGB.frame_variables((2, 3, 3))) as store:
            for time in range(frames):
                store.append(time, rgb=np.zeros((2, 3, 3), np.uint8))
        pd.DataFrame(refused, columns=["file", "reason"]).to_csv(layout.rejects("R", shard), index=False)
    pd.DataFrame(unplaced, columns=["file", "reason"]).to_csv(layout.unplaced("R"), index=False)


def check(results, stores=STORES, **more):
    output = Layout(results).refused("R")
    check_frames(results=results, radar="R", stores=stores, output=output, **more)
    return pd.read_csv(output, keep_default_na=False)


def test_frames_are_counted_over_all_shards_by_reason_the_commonest_first(tmp_path):
    cut = "the picture is truncated: its PNG data has no end"
    make(tmp_path, (3, 2), ([("b", SIZE), ("a", SIZE)], [("c", cut)]), [("x", "no time in the name: nothing")])
    table = check(tmp_path)
    assert table["frames"].tolist() == [5, 2, 1, 1]
    assert table["reason"].tolist() == ["read", SIZE, "no time in the name: nothing", cut]
    assert table["example"].tolist() == ["", "a", "x", "c"]


def test_copies_and_frames_with_a_nearer_one_are_not_refused_frames(tmp_path):
    spare = [("a", "a duplicate of b: same time, same pixels"), ("c", "2 minutes off its slot: d is nearer")]
    make(tmp_path, (1, 0), (spare, []))
    assert len(check(tmp_path)) == 1
    assert closing_lines(tmp_path, {"R": []}, []) == []


def test_a_layout_without_a_frame_stops_the_run_with_its_key(tmp_path):
    make(tmp_path, (3, 2), ([], []))
    with StoreWriter(Layout(tmp_path).rgb("R.2", "20240711"), variables=RGB.frame_variables((4, 6, 3))):
        pass
    write_text(Layout(tmp_path).rejects("R.2", "20240711"), "file,reason\n")
    with pytest.raises(FrameError, match=r"layouts\[1\]: none of the 5 frames of radar R is of this layout"):
        check(tmp_path, stores=[*STORES, "R.2=20240711"])


@pytest.mark.parametrize("few", [True, False])
def test_more_than_a_tenth_refused_is_the_last_line_of_the_run(tmp_path, few, caplog):
    make(tmp_path, (9, 0 if not few else 9), ([("a", SIZE)], [("b", SIZE)] * (not few)))
    with caplog.at_level(logging.WARNING):
        check(tmp_path)
    lines = closing_lines(tmp_path, {"R": [], "not made": []}, ["frames.x: wrong"])
    assert lines[0] == "WARNING frames.x: wrong"
    assert len(lines) == (1 if few else 2) and bool(caplog.text) == (not few)
    if not few:
        assert lines[1].startswith(f"WARNING 2 of 11 frames of radar R were refused: {SIZE} (a); radars[].layouts")
        assert lines[1].endswith("R/refused.csv")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("an animation of 4 pictures; to read them all, set frames.loop", "an animation of 4 pictures"),
        ("same time as b, but other pixels", "same time as another one, but other pixels"),
        (SIZE, "frames.size_px chooses another one"),
    ],
)
def test_a_radar_without_a_readable_frame_stops_the_run_with_the_commonest_reason(tmp_path, reason, words):
    make(tmp_path, (0, 0), ([("a", reason)], [("c", reason.replace("as b", "as d")), ("e", "damaged")]))
    with pytest.raises(FrameError, match=r"all 3 frames of radar R were refused: 2 of them: .*") as caught:
        check(tmp_path)
    assert words in str(caught.value)
    assert not Layout(tmp_path).refused("R").exists()


def test_the_newest_shards_alone_may_be_without_a_frame(tmp_path):
    make(tmp_path, (0, 0), ([("a", SIZE)], []))
    assert check(tmp_path, newest=True)["frames"].tolist() == [0, 1]


def test_a_table_that_only_pretends_to_be_made_says_nothing(tmp_path):
    make(tmp_path, (0, 0), ([], []))
    Layout(tmp_path).refused("R").touch()
    assert closing_lines(tmp_path, {"R": []}, []) == []
