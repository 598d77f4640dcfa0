"""A run never ends well with nothing: refused frames are the last line on the terminal, or an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from picture_cases import encode, loop_file, small
from workflow_cases import Workspace

CONFIG: dict[str, Any] = {
    "results": "results",
    "radars": [{"id": "A", "frames": "pictures", "latitude": 36, "longitude": -84, "range_km": 60}],
    "labels": {"method": "palette", "palette": "config/palettes/eccc.csv"},
    "samples": {"atlas": "channel"},
    "cleaning": {"model": "pretrained"},
}
TABLE = "results/rgb/A/refused.csv"


@pytest.fixture
def pictures(scratch: Workspace) -> Path:
    folder = scratch.root / "pictures"
    folder.mkdir()
    return folder


def last_line(output: str) -> str:
    return output.strip().splitlines()[-1]


def test_frames_of_another_size_are_the_last_line_of_the_run(scratch: Workspace, pictures: Path) -> None:
    for number in range(8):
        size = (24, 16) if number < 5 else (30, 20)
        (pictures / f"A_2024010112{6 * number:02d}.png").write_bytes(encode(small(number, size)))
    done = scratch.snakemake(TABLE, "--cores", "1", config=CONFIG)
    line = last_line(done.stdout)
    assert "3 of 8 frames of radar A were refused: wrong size: 30 x 20 px, not 24 x 16" in line
    assert TABLE in line
    assert pd.read_csv(scratch.root / TABLE)["frames"].tolist() == [5, 3]


def test_a_radar_without_a_readable_frame_ends_the_run_with_an_error(scratch: Workspace, pictures: Path) -> None:
    for number in range(3):
        (pictures / f"A_2024010112{6 * number:02d}.png").write_bytes(encode(small(number))[:-20])
    done = scratch.snakemake(TABLE, "--cores", "1", config=CONFIG, check=False)
    assert done.returncode != 0
    assert "all 3 frames of radar A were refused: the picture is truncated" in done.stdout


def test_a_folder_of_animations_is_refused_before_any_job_and_read_with_the_key(
    scratch: Workspace, pictures: Path
) -> None:
    (pictures / "A_202401020006.gif").write_bytes(loop_file(range(4)))
    output = scratch.forked("--dry-run", "products", config=CONFIG, refused=True)
    assert "frames.loop: is missing" in output and "an animation of 4 pictures" in output
    with_loop = CONFIG | {"frames": {"loop": {"step_minutes": 6}}}
    jobs = scratch.dry_run("products", config=with_loop)
    assert {job.wildcards for job in jobs if job.rule == "clean_frames"} == {"A/20240101", "A/20240102"}


def test_a_cadence_that_the_times_contradict_is_a_warning_with_the_key(scratch: Workspace, pictures: Path) -> None:
    for number in range(6):
        (pictures / f"A_2024010112{10 * number:02d}.png").write_bytes(encode(small(number)))
    output = scratch.forked("--dry-run", "products", config=CONFIG)
    assert "config.yaml: frames.cadence_minutes: is 6, but 5 of 5 frames" in output and "write 10" in output
