"""Several runs' evaluations stand beside each other, with a word where they are not of the same task."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.stages.compare import compare

WHOLE = {"range": "all", "band": "all", "hole_px": "all"}


def score_row(radar: str, cleaner: str, removal: float) -> dict[str, Any]:
    ends = {"retention_low": 0.85, "retention_high": 0.95, "removal_low": None, "removal_high": None}
    return {"radar": radar, "cleaner": cleaner, **WHOLE, "retention": 0.9, "removal": removal, **ends}


def write_run(folder: Path, removal: float, **changes: Any) -> Path:
    """An evaluation of two radars, whose model removes so much."""
    radars = ("CASGO", "CASCM")
    scores = [
        score_row(radar, cleaner, removal=removal) for radar in radars for cleaner in ("weak label", "model")
    ]
    errors = [
        {"radar": radar, "measure": measure, **WHOLE, "mae_dbz": value, "mae_dbz_low": None, "mae_dbz_high": None}
        for radar in radars
        for measure, value in (("error on holes", 4.5), ("label agreement", 1.25))
    ]
    metrics = {
        "threshold": 0.5,
        "references": {},
        "samples": {"listed": 4},
        "scores": scores,
        "reflectivity": errors,
    }
    (folder / "evaluation").mkdir(parents=True)
    (folder / "evaluation/metrics.json").write_text(json.dumps(metrics | changes))
    curve = [
        {"radar": radar, "threshold": threshold, "retention": 1 - threshold / 20, "removal": removal * threshold}
        for radar in radars
        for threshold in (0.0, 0.5, 1.0)
    ]
    pd.DataFrame(curve).to_csv(folder / "evaluation/curve.csv", index=False)
    return folder


def test_each_radar_has_a_row_of_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9)
    compare(one, two, output=tmp_path / "out")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["radar", "run", "retention", "removal"]
    assert [line.split()[:2] for line in lines[1:5]] == [
        [radar, run] for radar in ("CASGO", "CASCM") for run in ("one", "two")
    ]
    assert "80.00 %" in lines[1] and "90.00 %" in lines[2] and "4.500" in lines[1] and "1.250" in lines[1]
    table = pd.read_csv(tmp_path / "out/comparison.csv")
    assert table["removal"].tolist() == [0.8, 0.9, 0.8, 0.9] and {"removal_low", "hole_mae_dbz"} <= {*table}
    with Image.open(tmp_path / "out/comparison.png") as picture:
        assert picture.width > 600


def test_runs_that_were_scored_otherwise_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, two = write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9, samples={"listed": 9})
    with caplog.at_level(logging.WARNING):
        compare(one, one.parent / "one/../two")
    assert "not scored alike: they differ in samples" in caplog.text
    assert two.is_dir()


def test_runs_of_one_name_are_told_apart_by_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [write_run(tmp_path / name / "results", 0.8) for name in ("a", "b")]
    compare(*paths)
    assert str(paths[1]) in capsys.readouterr().out


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the results folders"):
        compare()
    with pytest.raises(StoreError, match=r"no evaluation to compare .* run snakemake evaluate there"):
        compare(tmp_path)
    one = write_run(tmp_path / "one", 0.8)
    with pytest.raises(ConfigError, match="one is named twice"):
        compare(one, copy.copy(one))
