"""The stage that votes: the targets it writes from labels and the atlas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from store_cases import make_atlas, make_labels, times_from

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.stages.vote_echoes import vote_echoes
from radar_cleaner.stores import open_store, read_provenance
from radar_cleaner.vocabulary import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN

CODES = np.array([[0, NODATA, 90, 90], [90, 90, 90, 90]], np.uint8)
LABEL = np.array([[NONE, UNKNOWN, METEOROLOGICAL, UNKNOWN], [METEOROLOGICAL, NON_METEOROLOGICAL] * 2], np.uint8)
CLUTTER = np.array([[True, True, False, False], [False, False, True, True]])


def targets(tmp_path: Path, **weights: float) -> tuple[np.ndarray, np.ndarray]:
    labels = make_labels(tmp_path / "labels.zarr", times=times_from(count=2), codes=CODES, echo_class=LABEL)
    atlas = make_atlas(tmp_path / "atlas.zarr", clutter=CLUTTER, shape=(2, 4))
    vote_echoes(labels=labels / "zarr.json", atlas=atlas, output=tmp_path / "targets.zarr", **weights)
    store = open_store(tmp_path / "targets.zarr", "targets")
    assert store.times.tolist() == times_from(count=2)
    np.testing.assert_array_equal(store.frame("echo_class", 0), store.frame("echo_class", 1))
    return store.frame("echo_class", 1), store.frame("confidence", 1)


def test_colour_area_and_atlas_are_weighed(tmp_path: Path) -> None:
    classes, confidence = targets(tmp_path, colour_weight=1, area_weight=2, atlas_weight=4)
    yes, no = METEOROLOGICAL, NON_METEOROLOGICAL
    assert classes.tolist() == [[NONE, UNKNOWN, yes, UNKNOWN], [yes, no, no, no]]
    third, fifth_of_seven = round(255 / 3), round(255 * 5 / 7)
    assert confidence.tolist() == [[255, 0, 255, 0], [255, third, round(255 / 7), fifth_of_seven]]


def test_without_a_vote_of_the_atlas_the_label_decides(tmp_path: Path) -> None:
    classes, _ = targets(tmp_path, colour_weight=1, area_weight=2, atlas_weight=0)
    np.testing.assert_array_equal(classes, LABEL)


def test_targets_say_how_they_were_made(tmp_path: Path) -> None:
    targets(tmp_path, colour_weight=1, area_weight=2, atlas_weight=3)
    made = read_provenance(tmp_path / "targets.zarr")
    assert made["parameters"] == {"colour_weight": 1, "area_weight": 2, "atlas_weight": 3}
    assert set(made["inputs"].values()) == {
        open_store(tmp_path / "labels.zarr", "labels").digest,
        open_store(tmp_path / "atlas.zarr", "atlas").digest,
    }


def test_weights_that_change_no_target_change_no_file(tmp_path: Path) -> None:
    contents = []
    for weight in (1, 2):
        targets(tmp_path, colour_weight=weight, area_weight=2 * weight, atlas_weight=4 * weight)
        contents.append((tmp_path / "targets.zarr" / "zarr.json").read_bytes())
    assert contents[0] == contents[1]


def test_an_atlas_of_another_radar_and_no_weights_are_refused(tmp_path: Path) -> None:
    labels = make_labels(tmp_path / "labels.zarr", "CASGO")
    atlas = make_atlas(tmp_path / "atlas.zarr", "CASCM")
    with pytest.raises(StoreError, match=r"atlas.zarr: its radar is CASCM, wanted CASGO"):
        vote_echoes(
            labels=labels, atlas=atlas, colour_weight=1, area_weight=1, atlas_weight=1, output=tmp_path / "t"
        )
    with pytest.raises(ConfigError, match="vote weights"):
        vote_echoes(
            labels=labels, atlas=atlas, colour_weight=0, area_weight=0, atlas_weight=0, output=tmp_path / "t"
        )
    assert not (tmp_path / "t").exists()
