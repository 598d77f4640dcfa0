"""`show-frame` prints what each colour of a frame became, and draws it."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from inspection_cases import write_frames
from PIL import Image

from radar_cleaner.config.shipped import ROOT
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.coast import land_fraction
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.stages.show_frame import show_frame


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_frames(tmp_path / "frames", "A")
    write_frames(tmp_path / "frames", "B", count=2)
    place = {"latitude": 45.0, "longitude": -63.0, "range_km": 100}
    content = {
        "radars": [{"id": name, "frames": str(tmp_path / "frames" / name), **place} for name in ("A", "B")],
        "frames": {"plot_box_px": [30, 0, 130, 100], "cadence_minutes": 10},
        "labels": {"method": "palette", "palette": str(ROOT / "config/palettes/eccc.csv")},
        "samples": {"atlas": "channel"},
        "cleaning": {"model": "pretrained"},
    }
    path = tmp_path / "radar.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _rows(text: str) -> dict[str, int]:
    rows = {}
    for line in text.splitlines():
        for name in ("class 1", "class 2", "class 4", "class 8", "class 11", "beyond the range", "no echo"):
            if line.startswith(f"{name} "):
                rows[name] = int(line.split()[-2].replace(",", ""))
    return rows


def test_the_pixels_of_each_class_are_counted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_frame(config=config, time="2024-07-11T12:30")
    printed = capsys.readouterr().out
    rows = _rows(printed)
    assert printed.startswith("A, 2024-07-11 12:30 UTC")
    assert rows["class 1"] > rows["class 2"] > rows["class 4"] > rows["class 8"] > 0 == rows["class 11"]
    assert 0.2 < rows["beyond the range"] / 10_000 < 0.23  # outside the circle
    assert "--output" in printed


def test_the_nearest_frame_of_the_named_radar_is_drawn(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = config.parent / "frame.png"
    show_frame(config=config, radar="B", time="2024-07-11T13:00", output=picture)
    printed = capsys.readouterr().out
    assert printed.startswith("B, 2024-07-11 12:10 UTC") and f"picture: {picture}" in printed
    assert picture.stat().st_size > 5000


def test_mistakes_are_named(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--radar C: the config has A, B"):
        show_frame(config=config, radar="C")
    with pytest.raises(ConfigError, match=r"--config .*none.yaml: cannot be read"):
        show_frame(config=tmp_path / "none.yaml")
    config.write_text(config.read_text().replace("latitude: 45.0", "latitude: ???"))
    with pytest.raises(ConfigError, match=r"radar.yaml: radars\[0\].latitude: is still \?\?\?"):
        show_frame(config=config)


def test_a_map_that_is_moved_by_five_pixels_is_a_warning(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = yaml.safe_load(config.read_text())
    for radar in content["radars"]:
        radar |= {"latitude": 45.1, "longitude": -63.7, "center_px": [84.5, 49.5], "range_km": 250}
    config.write_text(yaml.safe_dump(content))
    grid = Grid.about(45.1, -63.7, 5000, 100, 100, (49.5, 49.5))
    ground = np.where(land_fraction(grid)[..., None] > 0.5, (153, 153, 102), (51, 51, 102)).astype(np.uint8)
    frame = np.concatenate([np.zeros((100, 30, 3), np.uint8), ground], axis=1)
    for path in (config.parent / "frames" / "A").rglob("*.png"):
        Image.fromarray(frame).save(path)
    show_frame(config=config)
    assert "WARNING: the picture is 5." in capsys.readouterr().out
