"""Pictures without a time in their name are listed with the reason, or stop the run."""

import pandas as pd
import pytest
from picture_cases import NAMES, write_zoo

from radar_cleaner.config.frames import BadFrames
from radar_cleaner.errors import FrameError
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.stages.list_unplaced_frames import list_unplaced_frames

FAIL = BadFrames(on_bad_frame="fail")


def test_only_the_pictures_without_a_time_are_listed(tmp_path):
    source = tmp_path / "frames"
    write_zoo(source)
    (source / "deeper").mkdir()
    (source / "deeper" / "r_202407319999.png").write_bytes(b"")
    (source / "readme.txt").write_text("no picture")
    (source / ".r_hidden.png").write_bytes(b"")
    output = tmp_path / "out" / "unplaced.csv"
    list_unplaced_frames(source=source, names=NameFormat(**NAMES), frames=BadFrames(), output=output)
    table = pd.read_csv(output)
    assert table.columns.tolist() == ["file", "reason"]
    assert table["file"].tolist() == ["deeper/r_202407319999.png", "r_latest.png"]
    assert "'202407319999' is not %Y%m%d%H%M" in table["reason"][0]
    assert "no time in the name" in table["reason"][1]


def test_none_is_an_empty_table(tmp_path):
    (tmp_path / "frames").mkdir()
    output = tmp_path / "unplaced.csv"
    list_unplaced_frames(source=tmp_path / "frames", names=NameFormat(**NAMES), frames=FAIL, output=output)
    assert output.read_text() == "file,reason\n"


def test_fail_stops_with_file_and_reason(tmp_path):
    write_zoo(tmp_path / "frames")
    output = tmp_path / "unplaced.csv"
    with pytest.raises(FrameError, match=r"r_latest\.png: no time in the name.*quarantine"):
        list_unplaced_frames(source=tmp_path / "frames", names=NameFormat(**NAMES), frames=FAIL, output=output)
    assert not output.exists()
