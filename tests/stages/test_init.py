"""`init` writes a config that is right where the pictures show it, and names what they do not show."""

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError
from radar_cleaner.stages.init import init


def _write_frames(folder, radar, count=6, strip=30):
    """Frames of a radar in the colours of the palette eccc, beside a black strip."""
    random = np.random.default_rng(len(radar))
    ground = cv2.GaussianBlur(random.standard_normal((100, 100)), (0, 0), 5) > 0
    for index in range(count):
        frame = np.where(ground[..., None], (153, 153, 102), (51, 51, 102)).astype(np.uint8)
        for radius, colour in ((20, (153, 204, 255)), (15, (0, 153, 255)), (9, (0, 204, 0)), (4, (255, 204, 0))):
            cv2.circle(frame, (20 + 10 * index, 50), radius, colour, cv2.FILLED)
        frame = np.concatenate([np.zeros((100, strip, 3), np.uint8), frame], axis=1)
        path = folder / radar / f"{radar}_20240711{12 + index // 6:02d}{10 * (index % 6):02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(path)


def _config(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_config_of_one_radar_needs_only_its_place(tmp_path):
    _write_frames(tmp_path / "frames", "KTLX")
    output = tmp_path / "radar.yaml"
    init(tmp_path / "frames", output=output)
    config = _config(output)
    (radar,) = config["radars"]
    assert config["frames"]["plot_box_px"] == [30, 0, 130, 100]
    assert config["frames"]["cadence_minutes"] == 10
    assert config["labels"]["palette"].endswith("eccc.csv")
    assert {key for key, value in radar.items() if value == "???"} == {"latitude", "longitude", "range_km"}
    radar |= {"latitude": 35.3, "longitude": -97.3, "range_km": 230}
    read_config(config)


def test_what_is_unknown_is_refused_by_name(tmp_path):
    _write_frames(tmp_path / "frames", "KTLX")
    init(tmp_path / "frames", latitude=35.3, longitude=-97.3, output=tmp_path / "radar.yaml")
    with pytest.raises(ConfigError, match=r"^radars\[0\].range_km: is still \?\?\?.*$"):
        read_config(_config(tmp_path / "radar.yaml"))


def test_radars_share_the_keys_that_they_have_alike(tmp_path):
    _write_frames(tmp_path / "frames", "KTLX")
    _write_frames(tmp_path / "frames", "NJK", strip=50)
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    config = _config(tmp_path / "radar.yaml")
    assert [radar["id"] for radar in config["radars"]] == ["KTLX", "NJK"]
    assert [radar["plot_box_px"][0] for radar in config["radars"]] == [30, 50]
    assert "plot_box_px" not in config["frames"] and "pattern" in config["frames"]


def test_nothing_is_overwritten(tmp_path):
    _write_frames(tmp_path / "frames", "KTLX")
    (tmp_path / "radar.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    assert (tmp_path / "radar.yaml").read_text() == "mine"


def test_one_place_is_not_taken_for_several_radars(tmp_path):
    _write_frames(tmp_path / "frames", "KTLX")
    _write_frames(tmp_path / "frames", "NJK")
    with pytest.raises(ConfigError, match="2 radars were found"):
        init(tmp_path / "frames", latitude=1, longitude=2, output=tmp_path / "radar.yaml")
