"""The zoo is complete: each picture has a truth and a reflectivity, and its page names owner and licence."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from workflow_cases import REPOSITORY

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
