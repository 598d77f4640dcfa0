"""An imitated frame of each known service comes out at the right place with the right reflectivity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from decode_cases import learn_and_decode
from numpy.typing import NDArray
from PIL import Image
from service_cases import CELL_PX, Imitation
from service_scenes import START, Scene

from radar_cleaner.config.frames import BadFrames, Stores
from radar_cleaner.config.labels import Colours
from radar_cleaner.config.services import find_service, service_names
from radar_cleaner.conventions import NODATA, SCALE_FACTOR, UNDETECT, decode_dbz, encode_dbz, is_echo
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.stages.build_rgb_store import build_rgb_store
from radar_cleaner.storage.reader import Store, open_store
from radar_cleaner.storage.shards import to_datetime

LARGE = (
    *("cwa_taiwan", "cwa_wide", "dmi_composite", "dwd_de1200", "dwd_radolan"),
    *("iem_n0q", "iem_n0q_alaska", "iem_n0r", "ipma_portugal", "nws_conus_n0r"),
)
LIKE_ANOTHER = (
    *("bangkok_nkm", "bom_64km", "bom_256km", "bom_512km", "hko_64km", "hko_128km"),
    *("iem_n0q_guam", "iem_n0q_puerto_rico"),
)
DRAWN = [name for name in service_names() if find_service(name).landmarks]
SCENES = [
    name if name in ("kma_composite", "smhi_sweden") else pytest.param(name, marks=pytest.mark.slow)
    for name in DRAWN
    if name not in LARGE
]
PARAMETERS = [
    pytest.param(name, marks=pytest.mark.slow) if name in LARGE + LIKE_ANOTHER else name for name in DRAWN
]


def decode(folder: Path, imitation: Imitation, pixels: NDArray[np.uint8] | None = None) -> Store:
    """Write the frame, or other `pixels` of its size, as a picture, and make both stores of it."""
    radar, size = imitation.radar, imitation.size
    (folder / "frames").mkdir()
    Image.fromarray(imitation.pixels() if pixels is None else pixels).save(folder / "frames/202505011200.png")
    rgb = folder / "rgb.zarr"
    names = NameFormat(r"(\d{12})", "%Y%m%d%H%M", "UTC")
    build_rgb_store(
        radar="R",
        source=str(folder / "frames"),
        names=names,
        shard="20250501",
        size=size,
        stores=Stores(),
        frames=BadFrames(on_bad_frame="fail"),
        output=rgb,
        rejects=folder / "rejects.csv",
    )
    labels = radar.labels.cut(Colours)
    return learn_and_decode(rgb, radar.box(size), radar.geometry(size), radar.overlay, labels)


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_landmark_of_a_frame_has_its_class_within_one_pixel(name: str, tmp_path: Path) -> None:
    imitation = Imitation(name)
    store = decode(tmp_path, imitation)
    codes = store.frame("reflectivity", 0)
    grid = RadarGeometry.from_attrs(store.attrs, codes.shape).grid
    side = 2 * CELL_PX + 1
    assert is_echo(codes).sum() == len(imitation.landmarks) * side**2
    for mark, shift, number in zip(imitation.landmarks, imitation.shifts, imitation.classes, strict=True):
        column, row = grid.pixel_of(np.array([mark.longitude]), np.array([mark.latitude]))
        expected = np.array([column[0], row[0]]) + shift
        x, y = expected.round().astype(int)
        cell = codes[y - CELL_PX - 1 : y + CELL_PX + 2, x - CELL_PX - 1 : x + CELL_PX + 2]
        found = np.argwhere(is_echo(cell))
        assert len(found) >= side * (side - 1), f"{mark.name}: its cell is not near {expected}"
        middle = found.mean(axis=0)[::-1] + np.array([x, y]) - (CELL_PX + 1)
        assert np.abs(middle - expected).max() <= 1, f"{mark.name}: at {middle}, expected at {expected}"
        value, half_step = decode_dbz(codes[y, x]), SCALE_FACTOR / 2
        lower, upper = imitation.palette.lower_dbz[number], imitation.palette.upper_dbz[number]
        assert lower - half_step <= value <= upper + half_step, mark.name


def read_scene(folder: Path, scene: Scene) -> Store:
    """Write frames of a scene with the names of its service; read their times, and decode them."""
    radar = scene.radar
    scene.write(folder / "frames")
    described = "pattern" in find_service(scene.name).radar
    build_rgb_store(
        radar="R",
        source=str(folder / "frames"),
        names=radar.names if described else NameFormat(r"(\d{12})", "%Y%m%d%H%M", "UTC"),
        shard="20250501",
        size=scene.size,
        stores=Stores(),
        frames=BadFrames(on_bad_frame="fail"),
        output=folder / "rgb.zarr",
        rejects=folder / "rejects.csv",
    )
    labels = radar.labels.cut(Colours)
    return learn_and_decode(
        folder / "rgb.zarr", radar.box(scene.size), radar.geometry(scene.size), radar.overlay, labels
    )


@pytest.mark.parametrize("name", SCENES)
def test_frames_with_map_names_and_legend_come_out_with_the_right_classes(name: str, tmp_path: Path) -> None:
    scene = Scene(name)
    store = read_scene(tmp_path, scene)
    lossless = not name.startswith("hko")
    expected = encode_dbz(scene.palette.value_dbz)
    for index, classes in enumerate(scene.classes):
        codes = store.frame("reflectivity", index)
        echo, dry = (classes >= 0) & scene.seen, (classes < 0) & scene.seen
        right, found = expected[classes[echo]], codes[echo]
        near = np.abs(np.searchsorted(expected, found) - classes[echo]) <= 1
        assert is_echo(found).mean() > (0.999 if lossless else 0.98)
        assert (found == right).mean() > 0.999 if lossless else near[is_echo(found)].mean() > 0.97
        assert is_echo(codes[dry]).mean() < (0.001 if lossless else 0.02)
    if lossless:  # also where classes are one step of colour apart
        assert open_store(tmp_path / "picture.zarr", "picture").attrs["doubt"] == ""
    zone = find_service(name).radar.get("time_zone", "UTC") if "pattern" in find_service(name).radar else "UTC"
    assert to_datetime(int(store.times[0])) == scene_start(zone)


def scene_start(zone: str) -> datetime:
    """Return the time of the first frame of a scene, UTC, whose names are in a time zone."""
    return START.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_transparent_layer_is_undetect_and_its_text_is_nodata(tmp_path: Path) -> None:
    codes = decode(tmp_path, Imitation("bom_128km")).frame("reflectivity", 0)
    assert codes[256, 100] == UNDETECT
    assert codes[0, 0] == codes[508, 256] == NODATA


@pytest.mark.parametrize(("name", "opacity"), [("ukmo_datapoint", 255), ("knmi_nl25", 255), ("fmi_finland", 51)])
def test_the_colour_of_no_coverage_is_nodata(name: str, opacity: int, tmp_path: Path) -> None:
    imitation = Imitation(name)
    pixels = imitation.pixels()
    (colour,) = imitation.radar.labels.rgb("nodata_colours")
    pixels[200:300, 150:250] = (*colour, opacity)
    codes = decode(tmp_path, imitation, pixels).frame("reflectivity", 0)
    assert (codes[200:300, 150:250] == NODATA).all()
    assert (codes[100:199, 150:250] == UNDETECT).all()
