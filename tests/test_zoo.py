"""The zoo is complete, its page names owners and licences, and its pictures are decoded to what was drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from decode_cases import learn_and_decode
from PIL import Image
from workflow_cases import REPOSITORY

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours
from radar_cleaner.conventions import NODATA, decode_dbz, is_echo
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

ZOO = REPOSITORY / "resources" / "zoo"
TABLE = pd.read_csv(ZOO / "frames.csv")
PAGE = (ZOO / "README.md").read_text(encoding="utf-8")


def test_each_picture_has_a_truth_and_a_reflectivity_of_the_same_echo() -> None:
    for row in TABLE.itertuples():
        name = f"{row.radar}/{row.frame}.png"
        with Image.open(ZOO / "frames" / name) as picture:
            assert picture.size == (680, 600)
        truth, dbz = (np.asarray(Image.open(ZOO / kind / name)) for kind in ("truth", "dbz"))
        assert truth.shape == dbz.shape == (600, 600)
        counts = np.bincount(truth.reshape(-1), minlength=256)
        assert (counts[1], counts[2], counts[255]) == (row.met_px, row.non_px, row.doubt_px)
        assert counts[[0, 1, 2, 255]].sum() == truth.size
        assert (dbz[truth > 0] >= 2 * (5 + 32)).all(), f"{name}: the truth begins at 5 dBZ"


def test_tables_folders_config_and_page_name_the_same_radars() -> None:
    places = json.loads((ZOO / "radars.json").read_text())
    config = yaml.safe_load((REPOSITORY / "config/zoo.yaml").read_text())
    radars = sorted(places)
    assert sorted(set(TABLE.radar)) == radars
    for kind in ("frames", "truth", "dbz"):
        assert sorted(path.name for path in (ZOO / kind).iterdir()) == radars
        files = {path.stem for path in (ZOO / kind).glob("*/*.png")}
        assert files == set(TABLE.frame)
    for entry in config["radars"]:
        assert places[entry["id"]] == {key: entry[key] for key in ("latitude", "longitude", "range_km")}
    assert [entry["id"] for entry in config["radars"]] == radars
    licences = PAGE.partition("## Sources and licences")[2].partition("## More radars")[0]
    for radar in radars:
        assert f"| {radar} |" in PAGE and radar in licences


@pytest.mark.slow
@pytest.mark.parametrize("radar", ["KATX", "KDMX"])  # one picture, and four
def test_rings_are_learned_as_overlay_and_every_other_pixel_has_the_class_that_was_drawn(
    radar: str, tmp_path: Path
) -> None:
    place = json.loads((ZOO / "radars.json").read_text())[radar]
    paths = sorted((ZOO / "frames" / radar).glob("*.png"))
    with StoreWriter(
        tmp_path / "rgb.zarr",
        variables=RGB.frame_variables((600, 680, 3)),
        attrs={"radar": radar},
        codec="fast",
    ) as store:
        for time, path in enumerate(paths):
            store.append(60 * time, rgb=np.asarray(Image.open(path).convert("RGB")))
    box = (80, 0, 680, 600)
    geometry = RadarGeometry.about(
        radar, place["latitude"], place["longitude"], place["range_km"], 600, 600, (299.5, 299.5)
    )
    labels = Colours(method="palette", palette=str(ZOO / "palette.csv"))
    decoded = learn_and_decode(tmp_path / "rgb.zarr", box, geometry, Overlay(), labels).read("reflectivity")
    bounds = pd.read_csv(ZOO / "palette.csv").dbz_min.to_numpy()
    for path, codes in zip(paths, decoded, strict=True):
        dbz = np.asarray(Image.open(ZOO / "dbz" / radar / path.name)) / 2 - 32
        drawn, known = dbz >= bounds[0], codes != NODATA
        assert (is_echo(codes) == drawn)[known].all(), "no echo is lost or invented"
        assert (drawn & ~known).sum() < 0.03 * drawn.sum(), "rings and cross cover little"
        both = drawn & known
        classes = (np.searchsorted(bounds, part, side="right") for part in (decode_dbz(codes)[both], dbz[both]))
        assert np.equal(*classes).all()
