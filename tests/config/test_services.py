"""A radar takes the keys of a known service; the catalogue is complete, and its grids are proved by landmarks."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from service_cases import SIZE, config_of, frame_name, pixel_of, radar_of
from workflow_cases import REPOSITORY

from radar_cleaner.config.grid import ABOUT_RADAR
from radar_cleaner.config.load import read_config
from radar_cleaner.config.services import (
    CATALOGUE,
    credit_of,
    find_service,
    lay_over,
    recognize_services,
    service_names,
)
from radar_cleaner.errors import ConfigError
from radar_cleaner.planning.radars import read_radars
from radar_cleaner.reflectivity.palette_source import read_palette

NAMES = service_names()
HERE = {"latitude": -33.7, "longitude": 151.2}


def placed(name: str) -> bool:
    """Return whether the example of a service has all keys that the service leaves to the user."""
    service = find_service(name)
    return not service.missing or bool(service.example)


def read(name: str, **keys: Any) -> Any:
    return read_config(config_of(name, **keys)).radars[0]


def refusal(name: str, **keys: Any) -> str:
    with pytest.raises(ConfigError) as error:
        read_config(config_of(name, **keys))
    return str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_grid_of_a_service_puts_its_landmarks_within_one_pixel(name: str) -> None:
    service = find_service(name)
    if not placed(name):
        assert not service.landmarks
        return
    radar = radar_of(name)
    assert len(service.landmarks) >= 3
    x, y = np.array([mark.pixel for mark in service.landmarks]).T
    width, height = radar.size_px or SIZE
    assert np.ptp(x) > width / 3 and np.ptp(y) > height / 3, "landmarks must be apart"
    for mark in service.landmarks:
        off = pixel_of(radar, mark.longitude, mark.latitude) - mark.pixel
        assert np.hypot(*off) <= 1, f"{mark.name}: {off} px off"


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_described_and_its_palette_is_readable(name: str) -> None:
    service = find_service(name)
    assert service.sources
    assert all(address.startswith(("http://", "https://")) for address in (service.page, *service.sources))
    assert {"id", "frames", "service"}.isdisjoint(service.radar)
    labels = service.radar.get("labels", {})
    if not placed(name):
        return
    assert "palette" in labels or "labels.palette" in service.missing
    if "palette" in labels:
        palette = read_palette(radar_of(name).labels)
        assert len(palette.colours) >= 8
        assert palette.lower_dbz[0] < 20 and palette.upper_dbz[-1] > 50
        assert (np.diff(palette.lower_dbz) > 0).all()
        assert palette.attrs.get("palette_unit", "dBZ") == labels.get("unit", "dBZ")
        classes = {tuple(colour) for colour in palette.colours.tolist()}
        assert len(classes) == len(palette.colours), "each class has a colour of its own"
        others = [
            colour for key in ("ground_colours", "nodata_colours") for colour in radar_of(name).labels.rgb(key)
        ]
        assert classes.isdisjoint(tuple(int(value) for value in colour) for colour in others)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_refuses_a_radar_without_the_keys_that_it_cannot_know(name: str) -> None:
    for key in list(find_service(name).missing)[:1]:
        assert refusal(name).startswith(f"radars[0].{key}: is missing; the service {name} leaves it to you")


def test_each_time_pattern_finds_the_time_in_the_name_that_the_service_describes() -> None:
    time, found = datetime(2025, 5, 1, 12, 24), 0
    for name in NAMES:
        keys, text = find_service(name).radar, frame_name(name, time)
        if text is None or "pattern" not in keys:
            continue
        match = re.search(keys["pattern"], text)
        assert match is not None, name
        assert datetime.strptime(match.group(1), keys["time_format"]) == time, name
        found += 1
    assert found > 15


def test_a_service_is_recognized_by_its_file_names_and_its_size() -> None:
    frames = ["IDR713.T.202505011200.png", "IDR713.T.202505011206.png"]
    assert recognize_services(frames, (512, 512)) == recognize_services(frames) == ["bom_128km"]
    assert recognize_services(frames, (600, 600)) == []
    assert recognize_services(["radar_2505011200.png"], (471, 887)) == ["smhi_sweden"]
    assert recognize_services(["n0q_202505011200.png"], (12200, 5400)) == ["iem_n0q"]
    assert recognize_services([*frames, "n0q_202505011200.png"]) == recognize_services([]) == []
    assert recognize_services(["202505011200.png"]) == []


def test_keys_beside_the_service_go_before_it_one_by_one() -> None:
    radar = read("bom_128km", **HERE, labels={"min_dbz": 12}, time_zone="Australia/Sydney")
    assert radar.labels.min_dbz == 12 and radar.labels.palette.endswith("bom.csv")
    assert radar.time_zone == "Australia/Sydney" and radar.size_px == (512, 512)


def test_a_grid_or_a_plot_box_beside_the_service_replaces_that_of_the_service() -> None:
    assert read("bom_128km", **HERE, range_km=130).plot_grid.kinds == ["range_km"]
    tile = {"tiles": {"zoom": 6, "x": [34, 34], "y": [21, 21]}}
    assert read("chmi_maxz", grid=tile).plot_grid.kinds == ["tiles"]
    strip = read("chmi_maxz", legend_width_px=10, grid=tile)
    assert strip.legend_width_px == 10 and strip.plot_box_px is None
    assert read("eccc_geomet_rain", grid={"bounds": [-67, 43, -59, 48]}).plot_grid.crs == "EPSG:4326"


def test_another_plot_box_needs_a_grid_where_that_of_the_service_is_of_its_own_box() -> None:
    box = [100, 100, 400, 300]
    assert refusal("chmi_maxz", plot_box_px=box).startswith("radars[0].plot_box_px: is another plot box than")
    assert read("hko_128km", plot_box_px=box, grid={"crs": "EPSG:4326"}).plot_box_px == tuple(box)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_about_a_radar_has_its_pixel(name: str) -> None:
    keys = find_service(name).radar
    assert set(keys.get("grid", ())).isdisjoint(ABOUT_RADAR) or "center_px" in keys


@pytest.mark.parametrize(("name", "keys"), [("bom_128km", HERE), ("iem_n0r", {}), ("cwa_taiwan", {})])
def test_a_part_of_a_picture_is_where_it_is_in_the_whole(name: str, keys: dict[str, Any]) -> None:
    (part,) = read_radars(read_config(config_of(name, plot_box_px=[40, 60, 340, 160], **keys)))
    (whole,) = read_radars(read_config(config_of(name, **keys)))
    place = (float(part.longitude or -100), float(part.latitude or 40))
    assert pixel_of(part, *place) == pytest.approx(pixel_of(whole, *place), abs=1e-6)


def test_pictures_of_another_size_need_the_keys_that_count_in_pixels() -> None:
    assert "center_px, overlay.boxes_px, grid.km_per_px count in their pixels" in refusal(
        "bom_128km", **HERE, size_px=[1024, 1024]
    )
    own = {"center_px": [511.5, 511.5], "overlay": {"boxes_px": []}, "grid": {"km_per_px": 0.25}}
    assert read("bom_128km", **HERE, size_px=[1024, 1024], **own).size_px == (1024, 1024)
    assert read("cwa_taiwan", size_px=[3600, 3600]).size_px == (3600, 3600)


def test_another_projection_is_possible_where_the_service_leaves_it_open() -> None:
    assert read("hko_256km", grid={"crs": "EPSG:4326"}).plot_grid.bounds is not None
    about = read("hko_256km", latitude=22.3, longitude=114.17, grid={"range_km": 256})
    assert about.plot_grid.kinds == ["range_km"]


def test_null_beside_the_service_takes_the_value_of_the_service() -> None:
    assert read("bom_128km", **HERE, size_px=None, labels={"palette": None}) == read("bom_128km", **HERE)


def test_a_layout_takes_the_keys_of_a_service_that_a_layout_has() -> None:
    layouts = [{"service": "bom_256km", "period": ["2020-01-01", "2021-01-01"], "labels": {"min_dbz": 20}}]
    config = read_config(config_of("bom_128km", **HERE, layouts=layouts))
    (radar,) = read_radars(config)
    layout = radar.layouts[0]
    assert (radar.grid.km_per_px, layout.grid.km_per_px, layout.center_px) == (0.5, 1, (255.5, 255.5))
    assert layout.labels.min_dbz == 20 and layout.labels.palette == radar.labels.palette
    assert layout.names == radar.names and layout.size_px == (512, 512)
    assert radar.credit.attribution == ("Bureau of Meteorology, Australia",)
    place = pixel_of(layout, 151.21, -36.00736)  # 256 km south of the radar
    assert place == pytest.approx([255.5, 511.5], abs=1)


def test_products_of_a_radar_name_the_services_of_its_layouts_too() -> None:
    mine = {"service": "chmi_maxz", "period": ["2020-01-01", "2021-01-01"]}
    (radar,) = read_radars(read_config(config_of("bom_128km", **HERE, layouts=[mine])))
    assert radar.credit == credit_of(["bom_128km", "chmi_maxz"]) and len(radar.credit.page) == 2


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"service": "hko_256km"}, "layouts[0].grid.crs: is missing; the service hko_256km leaves it to you"),
        ({"service": "bom_25km"}, "layouts[0].service: 'bom_25km' is not a service; did you mean"),
        (
            {"service": "chmi_maxz", "plot_box_px": [0, 0, 9, 9]},
            "layouts[0].plot_box_px: is another plot box than",
        ),
    ],
)
def test_a_mistake_in_the_service_of_a_layout_is_named_by_its_place(layout: dict[str, Any], message: str) -> None:
    assert refusal("bom_128km", **HERE, layouts=[layout]).startswith(f"radars[0].{message}")


def test_the_cadence_of_the_service_is_taken_unless_the_config_has_one() -> None:
    config = config_of("ukmo_datapoint", grid={"crs": "EPSG:4326"})
    assert read_config(config).frames.cadence_minutes == 15
    assert read_config({**config, "frames": {"cadence_minutes": 5}}).frames.cadence_minutes == 5


def test_services_of_different_cadence_need_one_in_the_config() -> None:
    first, second = config_of("chmi_maxz"), config_of("cwa_taiwan")
    both = {**first, "radars": [*first["radars"], {**second["radars"][0], "id": "S"}]}
    with pytest.raises(ConfigError, match=r"frames\.cadence_minutes: .*chmi_maxz 5, cwa_taiwan 10"):
        read_config(both)
    assert read_config({**both, "frames": {"cadence_minutes": 10}}).frames.cadence_minutes == 10


@pytest.mark.parametrize(
    ("name", "near"), [("bom_128", "bom_128km"), ("chmi_max", "chmi_maxz"), ("cwa-taiwan", "cwa_taiwan")]
)
def test_an_unknown_service_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    assert refusal(name).startswith(f"radars[0].service: '{name}' is not a service; did you mean '{near}'?")


def test_a_name_like_no_service_is_refused_with_all_names() -> None:
    assert all(name in refusal("xxxxxxxx") for name in NAMES)


def test_a_wrong_key_beside_the_service_is_refused_as_without_it() -> None:
    assert refusal("chmi_maxz", size="big").startswith("radars[0].size: no such key")
    assert refusal("chmi_maxz", labels="red").startswith("radars[0].labels: ")


def test_a_service_may_be_a_file_of_the_user(tmp_path: Path) -> None:
    content = yaml.safe_load((CATALOGUE / "chmi_maxz.yaml").read_text())
    content["radar"] |= {"size_px": [600, 400], "labels": {"palette": "mine.csv"}}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(content))
    radar = read(str(file))
    assert radar.size_px == (600, 400) and Path(radar.labels.palette).resolve() == tmp_path / "mine.csv"
    file.write_text("title: mine\n")
    assert f"radars[0].service: {file}: page: is missing" in refusal(str(file))
    file.write_text("radar: [")
    assert "cannot read the service" in refusal(str(file))


def test_the_sample_is_pictures_of_a_known_service() -> None:
    """Its legend strip was moved from the right to the left, so that x is 100 px more."""
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    entry, frames = config["radars"][0], config["frames"]
    keys = find_service("eccc_cappi").radar
    assert keys["size_px"] == frames["size_px"] and keys["overlay"]["border_px"] == frames["overlay"]["border_px"]
    boxes = [keys["plot_box_px"], *keys["overlay"]["boxes_px"]]
    moved = [[x0 + 100, y0, x1 + 100, y1] for x0, y0, x1, y1 in boxes]
    assert moved == [frames["plot_box_px"], *frames["overlay"]["boxes_px"]]
    assert keys["center_px"][0] + 100 == entry["center_px"][0] and keys["max_range_km"] == entry["range_km"]
    assert [frames[key] for key in ("pattern", "time_zone")] == [keys[key] for key in ("pattern", "time_zone")]


VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@given(entry=KEYS, service=KEYS)
def test_each_value_comes_from_the_entry_or_where_it_has_none_from_the_service(entry: Any, service: Any) -> None:
    merged = lay_over(entry, service)
    assert lay_over(merged, service) == merged
    for key in entry.keys() | service.keys():
        own, common = entry.get(key), service.get(key)
        if own is None:
            assert merged.get(key) == common
        elif isinstance(own, dict) and isinstance(common, dict):
            assert merged[key] == lay_over(own, common)
        else:
            assert merged[key] == own
