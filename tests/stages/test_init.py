"""`init` writes a config that is right where the pictures show it, and names what they do not show."""

import shutil

import numpy as np
import pytest
import yaml
from inspection_cases import write_frames
from PIL import Image

from radar_cleaner.config.load import read_config
from radar_cleaner.config.shipped import ROOT
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import list_pictures
from radar_cleaner.inspection.colours import read_palette_colours
from radar_cleaner.stages.init import init
from radar_cleaner.stages.show_frame import show_frame


def _config(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_config_of_one_radar_needs_only_its_place(tmp_path):
    write_frames(tmp_path / "frames", "KTLX")
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
    write_frames(tmp_path / "frames", "KTLX")
    init(tmp_path / "frames", latitude=35.3, longitude=-97.3, output=tmp_path / "radar.yaml")
    with pytest.raises(ConfigError, match=r"^radars\[0\].range_km: is still \?\?\?.*$"):
        read_config(_config(tmp_path / "radar.yaml"))


def test_radars_share_the_keys_that_they_have_alike(tmp_path):
    write_frames(tmp_path / "frames", "KTLX")
    write_frames(tmp_path / "frames", "NJK", strip=50)
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    config = _config(tmp_path / "radar.yaml")
    assert [radar["id"] for radar in config["radars"]] == ["KTLX", "NJK"]
    assert [radar["plot_box_px"][0] for radar in config["radars"]] == [30, 50]
    assert "plot_box_px" not in config["frames"] and "pattern" in config["frames"]


def test_nothing_is_overwritten(tmp_path):
    write_frames(tmp_path / "frames", "KTLX")
    (tmp_path / "radar.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    assert (tmp_path / "radar.yaml").read_text() == "mine"


def test_one_place_is_not_taken_for_several_radars(tmp_path):
    write_frames(tmp_path / "frames", "KTLX")
    write_frames(tmp_path / "frames", "NJK")
    with pytest.raises(ConfigError, match="2 radars were found"):
        init(tmp_path / "frames", latitude=1, longitude=2, output=tmp_path / "radar.yaml")


def test_a_known_service_is_taken_and_its_open_keys_are_asked_for(tmp_path):
    write_frames(tmp_path / "frames", "x", form="XYZ_{time}.png")
    init(tmp_path / "frames", service="eccc_cappi", output=tmp_path / "radar.yaml")
    (radar,) = _config(tmp_path / "radar.yaml")["radars"]
    assert radar["service"] == "eccc_cappi"
    assert {key for key, value in radar.items() if value == "???"} == {"latitude", "longitude"}
    assert "plot_box_px" not in radar


def test_an_unknown_service_is_refused_with_the_nearest_name(tmp_path):
    write_frames(tmp_path / "frames", "x")
    with pytest.raises(ConfigError, match="--service: 'eccc_capi' is not a service; did you mean 'eccc_cappi'"):
        init(tmp_path / "frames", service="eccc_capi", output=tmp_path / "radar.yaml")


def test_the_values_to_write_are_printed_and_a_picture_is_beside_the_config(tmp_path, capsys):
    write_frames(tmp_path / "frames", "KTLX")
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    printed = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in printed[1:4]] == [
        f"radars[0].{k}" for k in ("latitude", "longitude", "range_km")
    ]
    assert (tmp_path / "radar.png").is_file()


def test_a_legend_of_unknown_colours_is_read_and_its_numbers_are_asked_for(tmp_path):
    bar = [(20, 60, 180), (20, 160, 200), (30, 170, 60), (200, 190, 30), (220, 120, 20), (200, 30, 40)]
    for radar in ("A", "B"):
        write_frames(tmp_path / "frames", radar, bar=bar)
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    labels = _config(tmp_path / "radar.yaml")["labels"]  # of both radars
    assert labels["method"] == "legend" and labels["legend"]["scale"] == "bounds"
    np.testing.assert_allclose(labels["legend"]["box_px"], [8, 10, 18, 58], atol=1)
    assert labels["legend"]["dbz"] == "???"
    assert "6 classes, from bottom to top: #143cb4, #14a0c8" in (tmp_path / "radar.yaml").read_text()


def test_a_legend_with_a_part_of_a_known_palette_is_not_taken_for_it(tmp_path):
    palette = read_palette_colours(ROOT / "config/services/palettes/kma.csv")[:10]
    write_frames(tmp_path / "frames", "A", bar=[tuple(colour) for colour in palette.tolist()])
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    assert _config(tmp_path / "radar.yaml")["labels"]["method"] == "legend"  # the classes may have other bounds


def test_pictures_of_another_size_are_a_layout_with_a_scale_of_its_own(tmp_path):
    write_frames(tmp_path / "frames", "A", count=12)
    for path in sorted((tmp_path / "frames/A").glob("*.png"))[8:]:
        with Image.open(path) as picture:
            wide = picture.resize((260, 200), Image.Resampling.NEAREST)
        wide.save(path)
    init(tmp_path / "frames", latitude=35.3, longitude=-97.3, output=tmp_path / "radar.yaml")
    config = _config(tmp_path / "radar.yaml")
    (radar,) = config["radars"]
    assert config["frames"]["size_px"] == [130, 100]
    assert radar["layouts"] == [
        {"size_px": [260, 200], "plot_box_px": [60, 0, 260, 200], "grid": {"range_km": "???"}}
    ]
    radar["range_km"] = radar["layouts"][0]["grid"]["range_km"] = 230
    (tmp_path / "radar.yaml").write_text(yaml.safe_dump(config))
    show_frame(config=tmp_path / "radar.yaml", radar="A.1", output=tmp_path / "layout.png")
    assert (tmp_path / "layout.png").is_file()


def test_unreadable_pictures_are_named_and_make_no_radar(tmp_path, capsys):
    write_frames(tmp_path / "frames", "A")
    (tmp_path / "frames/A/broken_202407111200.png").write_bytes(b"nothing")
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    assert [radar["id"] for radar in _config(tmp_path / "radar.yaml")["radars"]] == ["A"]
    assert "WARNING: 1 picture cannot be read, such as A/broken" in capsys.readouterr().out
    for path in (tmp_path / "frames/A").glob("A_*"):
        path.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="none of the pictures looked at can be read"):
        init(tmp_path / "frames", output=tmp_path / "other.yaml")


def test_a_date_with_two_meanings_is_left_to_the_user(tmp_path):
    write_frames(tmp_path / "frames", "A")
    for path in (tmp_path / "frames/A").glob("*"):
        path.rename(path.with_name(path.name.replace("20240711", "11072024")))
    init(tmp_path / "frames", output=tmp_path / "radar.yaml")
    assert _config(tmp_path / "radar.yaml")["frames"]["time_format"] == "???"
    text = (tmp_path / "radar.yaml").read_text()
    assert "2024-07-11 12:00: %d%m%Y%H%M" in text and "2024-11-07 12:00: %m%d%Y%H%M" in text


@pytest.mark.parametrize(
    ("name", "source"),
    [("a.zip", "a.zip"), ("a.tar.gz", "a.tar.gz"), ("a.zip", "*.zip"), ("", "frames/KTLX/*.png"), ("", "fr*/**")],
)
def test_archives_and_globs_are_read_as_folders_are(tmp_path, name, source):
    write_frames(tmp_path / "frames", "KTLX")
    init(tmp_path / "frames", latitude=35.3, longitude=-97.3, output=tmp_path / "folder.yaml")
    if name:
        suffix = name.partition(".")[2]
        shutil.make_archive(str(tmp_path / "a"), {"zip": "zip", "tar.gz": "gztar"}[suffix], tmp_path / "frames")
    output = tmp_path / "radar.yaml"
    init(tmp_path / source, latitude=35.3, longitude=-97.3, output=output)
    config, by_folder = _config(output), _config(tmp_path / "folder.yaml")
    assert config["frames"] == by_folder["frames"] and config["labels"] == by_folder["labels"]
    config["radars"][0]["range_km"] = 230
    written = tmp_path / "written.yaml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    read_config(config)
    if source == "a.zip":
        show_frame(config=written, output=tmp_path / "frame.png")
        assert (tmp_path / "frame.png").exists()


def test_an_object_store_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(ConfigError, match="copy some pictures of the object store to a folder"):
        list_pictures("s3://bucket/frames")
