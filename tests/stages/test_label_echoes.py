"""The labelers read reflectivity, atlas, neighbours, other radars and masks; their sum is the label."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from report_cases import make_warp
from store_cases import START, make_aligned, make_atlas, make_reflectivity, small_geometry, times_from

from radar_cleaner.config.frames import Cadence, Stores
from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.config.labels import Morphology
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NO_RADAR,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNKNOWN,
    decode_log_odds,
    encode_log_odds,
)
from radar_cleaner.errors import ConfigError, FrameError, StoreError
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.stages.label_echoes import label_echoes
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import Store, open_store, read_provenance
from radar_cleaner.storage.shards import to_datetime
from radar_cleaner.targets.labelers.base import Echoes, by_class
from radar_cleaner.targets.labelers.clutter_atlas import atlas_log_odds
from radar_cleaner.targets.labelers.density import EchoDensity
from radar_cleaner.targets.labelers.spokes import SpokeShape
from radar_cleaner.targets.morphology import classify_echoes

YES, NO = METEOROLOGICAL, NON_METEOROLOGICAL
CODES = np.array([[0, NODATA, 90, 90], [90, 90, 90, 90]], np.uint8)
FREQUENCY = np.array([[1, 1, 0, 0], [0, 0, np.nan, 0.5]], np.float32)
NAMES = {"names": NameFormat(r"(\d{12})", "%Y%m%d%H%M", "UTC")}
SHAPE = Morphology(opening_px=0, closing_px=0, min_area_px=2)


def only(**weights: float) -> dict[str, float]:
    keys = {labeler.name: labeler.key for labeler in declared_labelers()}
    return {key: weights.get(name, 0) for name, key in keys.items()}


def run(
    tmp_path: Path,
    weights: dict[str, float],
    reflectivity: Path | None = None,
    min_confidence: float = 0.2,
    **changes: Any,
) -> Store:
    label_echoes(
        reflectivity=reflectivity or reflectivity_store(tmp_path) / "zarr.json",
        labels=SHAPE,
        votes=LabelModel(**weights, min_confidence=min_confidence),
        stores=Stores(),
        output=tmp_path / "labels.zarr",
        labelers=tmp_path / "labelers.csv",
        **changes,
    )
    return open_store(tmp_path / "labels.zarr", "labels")


def reflectivity_store(tmp_path: Path, count: int = 2, codes: np.ndarray = CODES) -> Path:
    return make_reflectivity(tmp_path / "reflectivity.zarr", times=times_from(count=count), codes=codes)


def table(tmp_path: Path) -> dict[str, dict[str, str]]:
    with (tmp_path / "labelers.csv").open() as file:
        return {row["labeler"]: row for row in csv.DictReader(file)}


def rain_and_speckle() -> np.ndarray:
    """A frame with a border of nodata, an area of rain, a spoke and a speck."""
    codes = np.zeros((48, 48), np.uint8)
    codes[6:20, 6:20] = 110
    codes[24, 26:44] = 100
    codes[40, 8] = 90
    codes[[0, -1]] = codes[:, [0, -1]] = NODATA
    return codes


def test_the_evidence_is_the_weighted_sum_of_the_labelers(tmp_path: Path) -> None:
    codes = rain_and_speckle()
    echoes, seen = Echoes.of(codes), codes != NODATA
    frequency = np.full((48, 48), 0.25, np.float32)
    store = run(
        tmp_path,
        only(density=1, spoke=1, area=0.5, atlas=1),
        reflectivity_store(tmp_path, codes=codes),
        atlas=make_atlas(tmp_path / "atlas.zarr", echo_frequency=frequency),
    )
    shape_class = classify_echoes(codes, SHAPE)
    stored = [
        decode_log_odds(encode_log_odds(judge(echoes)))
        for judge in (EchoDensity(seen), SpokeShape(seen, small_geometry()))
    ]
    area, atlas = by_class(echoes.take(shape_class)), atlas_log_odds(echoes, frequency)
    wanted = echoes.scatter(encode_log_odds(stored[0] + stored[1] + np.float32(0.5) * area + atlas))
    assert store.times.tolist() == times_from(count=2)
    for index in range(2):
        np.testing.assert_array_equal(store.frame("evidence", index), wanted)
        np.testing.assert_array_equal(store.frame("shape_class", index), shape_class)
    classes, confidence = store.frame("echo_class", 1), store.frame("confidence", 1)
    assert classes[12, 12] == YES and classes[24, 35] == classes[40, 8] == NO
    assert classes[30, 10] == NONE and confidence[30, 10] == 255
    assert classes[0, 0] == UNKNOWN and confidence[0, 0] == 0
    assert shape_class[24, 35] == YES and shape_class[40, 8] == NO


def test_labelers_follow_what_is_observed_from_frame_to_frame(tmp_path: Path) -> None:
    codes = np.stack([rain_and_speckle()] * 2)
    codes[1, :, 30:] = NODATA
    both = run(tmp_path, only(density=1, spoke=1), reflectivity_store(tmp_path, codes=codes)).read("evidence")
    for index in range(2):
        alone = reflectivity_store(tmp_path, count=1, codes=codes[index])
        one = run(tmp_path, only(density=1, spoke=1), alone)
        np.testing.assert_array_equal(one.frame("evidence", 0), both[index])


def test_the_table_counts_the_evidence_of_each_labeler(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "atlas.zarr", echo_frequency=FREQUENCY)
    run(tmp_path, only(area=1, atlas=2), atlas=atlas)
    rows = table(tmp_path)
    assert list(rows) == ["area", "atlas"]
    counts = [rows["area"][name] for name in ("for", "against", "silent", "agrees")]
    assert counts == ["12", "0", "0", "10"]
    assert float(rows["atlas"]["mean_log_odds"]) == pytest.approx(-8)
    assert (rows["atlas"]["against"], rows["atlas"]["silent"]) == ("2", "10")


def test_a_labeler_without_weight_does_not_count(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "atlas.zarr", echo_frequency=np.ones((2, 4)))
    store = run(tmp_path, only(area=1), atlas=atlas, aligned=None)
    assert (store.frame("echo_class", 0)[CODES == 90] == YES).all()
    assert list(table(tmp_path)) == ["area"]


def test_below_the_least_confidence_an_echo_is_unknown(tmp_path: Path) -> None:
    sure = run(tmp_path, only(area=2), min_confidence=np.tanh(0.95)).frame("echo_class", 0)
    unsure = run(tmp_path, only(area=2), min_confidence=np.tanh(1.05)).frame("echo_class", 0)
    assert sure.tolist() == [[NONE, UNKNOWN, YES, YES], [YES] * 4]
    assert unsure.tolist() == [[NONE, UNKNOWN, UNKNOWN, UNKNOWN], [UNKNOWN] * 4]


def test_an_atlas_by_colours_is_evidence_for_its_clutter_alone(tmp_path: Path) -> None:
    """It has counted in rain too: the frequency gives no evidence where the colour changed."""
    clutter = np.array([[False] * 4, [True, False, False, False]])
    atlas = make_atlas(
        tmp_path / "atlas.zarr", echo_frequency=np.full((2, 4), 0.5), clutter=clutter, method="deviation"
    )
    store = run(tmp_path, only(atlas=1), atlas=atlas)
    assert store.frame("evidence", 0).tolist() == [[0] * 4, [-40, 0, 0, 0]]


# Neighbours in time.


def shower(column: int) -> np.ndarray:
    codes = np.zeros((64, 64), np.uint8)
    codes[28:36, column : column + 8] = 110
    return codes


def test_neighbours_in_time_are_a_cadence_away_also_in_neighbouring_shards(tmp_path: Path) -> None:
    flash = shower(28)
    flash[5:8, 50:53] = 110
    frames = [shower(25), flash, shower(31)]
    times = times_from(count=3)
    own = make_reflectivity(tmp_path / "own.zarr", times=times[1:2], codes=frames[1:2], shape=(64, 64))
    beside = [
        make_reflectivity(tmp_path / f"{place}.zarr", times=[times[place]], codes=frames[place], shape=(64, 64))
        for place in (0, 2)
    ]
    ask = {"reflectivity": own, "cadence": Cadence(cadence_minutes=6)}
    both = run(tmp_path, only(persistence=1), **ask, neighbours=beside).frame("evidence", 0)
    assert (both[5:8, 50:53] == -10).all() and (both[28:36, 28:36] == 10).all()
    one = run(tmp_path, only(persistence=1), **ask, neighbours=beside[1:]).frame("evidence", 0)
    assert (one[5:8, 50:53] == -5).all() and (one[28:36, 28:36] == 5).all()
    assert not run(tmp_path, only(persistence=1), **ask).frame("evidence", 0).any()
    off_cadence = run(
        tmp_path, only(persistence=1), **ask | {"cadence": Cadence(cadence_minutes=5)}, neighbours=beside
    )
    assert not off_cadence.frame("evidence", 0).any()


def test_each_frame_of_a_shard_is_the_neighbour_of_the_next(tmp_path: Path) -> None:
    codes = np.stack([shower(column) for column in (20, 22, 24, 26)])
    codes[2, 5:8, 50:53] = 110
    own = make_reflectivity(tmp_path / "own.zarr", times=times_from(count=4), codes=codes)
    store = run(tmp_path, only(persistence=1), own, cadence=Cadence(cadence_minutes=6))
    confirmed = [store.frame("evidence", index)[31, 27] for index in range(4)]
    assert confirmed == [5, 10, 10, 5]
    assert (store.frame("evidence", 2)[5:8, 50:53] == -10).all()


def test_frames_of_another_radar_are_not_neighbours(tmp_path: Path) -> None:
    own = make_reflectivity(tmp_path / "own.zarr", "CASGO")
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", [START + 360])
    with pytest.raises(StoreError, match=r"other\.zarr: its radar is CASCM, expected CASGO"):
        run(tmp_path, only(persistence=1), own, cadence=Cadence(cadence_minutes=6), neighbours=[other])


# The other radars.


def test_an_aligned_store_of_other_times_is_refused(tmp_path: Path, overlap: dict[str, Any]) -> None:
    late = make_aligned(tmp_path / "late.zarr", times=[START + 360])
    with pytest.raises(StoreError, match=r"late\.zarr: its times differ from those of"):
        run(tmp_path, only(others=1), **overlap | {"aligned": late})


@pytest.fixture
def overlap(tmp_path: Path) -> dict[str, Any]:
    """Give CASGO full of echo, and Chipman on its grid: echo in the north, none in the south."""
    shape = (48, 48)
    layout = Layout(tmp_path)
    make_warp(layout, "CASGO", "CASCM")
    others = np.zeros(shape, np.uint8)
    others[:12] = 110
    others[:, 40:] = NODATA
    full = np.full(shape, 100, np.uint8)
    return {
        "reflectivity": make_reflectivity(tmp_path / "own.zarr", codes=full),
        "aligned": make_aligned(tmp_path / "aligned.zarr", codes=others),
        "other_warps": [layout.warp("CASGO", "CASCM")],
    }


def test_the_other_radar_is_evidence_where_it_sees_well(tmp_path: Path, overlap: dict[str, Any]) -> None:
    found = run(tmp_path, only(others=1), min_confidence=0, **overlap).frame("evidence", 0)
    assert not found[:, 40:].any()
    assert set(np.unique(found[:12])) == {0, 10}
    assert found[20:, :40].min() < 0 and found[20:, :40].max() == 0
    # Chipman is in the north-west: evidence decreases with the distance from it.
    diagonal = found[np.arange(16, 48), np.arange(16, 48)]
    assert (np.diff(diagonal[:24].astype(int)) >= 0).all() and diagonal[-12:].any() == 0


def test_a_radar_without_a_frame_does_not_replace_a_farther_one(tmp_path: Path, overlap: dict[str, Any]) -> None:
    """Chipman is the nearer of two; where only the other sees, it is the other's view that counts."""
    layout = Layout(tmp_path)
    flags = [small_geometry(), replace(small_geometry("CASCM", range_km=190), radar="FAR")]
    build_warp_grid(target="CASGO", radar="FAR", geometries=flags, output=layout.warp("CASGO", "FAR"))
    both = overlap["other_warps"] + [layout.warp("CASGO", "FAR")]
    nothing = np.zeros((48, 48), np.uint8)

    def evidence(others: list[str], nearest: int, warps: list[Path]) -> np.ndarray:
        aligned = make_aligned(
            tmp_path / "seen.zarr", codes=nothing, others=others, nearest=np.full((48, 48), nearest)
        )
        flags = overlap | {"aligned": aligned, "other_warps": warps}
        return run(tmp_path, only(others=1), min_confidence=0, **flags).frame("evidence", 0)

    pair = ["CASCM", "FAR"]
    near, far = (evidence(pair, number, both) for number in (0, 1))
    np.testing.assert_array_equal(near, evidence(["CASCM"], 0, both[:1]))
    np.testing.assert_array_equal(far, evidence(["FAR"], 0, both[1:]))
    assert (near <= far).all() and (near < far).any() and far.min() < 0
    assert not evidence(pair, NO_RADAR, both).any()


def test_the_other_radars_warps_must_be_those_of_the_aligned_store(
    tmp_path: Path, overlap: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"aligned\.zarr is of \['CASCM'\]; name their warp stores"):
        run(tmp_path, only(others=1), **overlap | {"other_warps": []})


# Reference masks.


def write_mask(folder: Path, time: int, mask: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    iio.imwrite(folder / f"{to_datetime(time):%Y%m%d%H%M}.png", mask.astype(np.uint8))


def test_a_mask_outweighs_the_other_labelers_at_its_time(tmp_path: Path) -> None:
    mask = np.array([[1, 1, 2, 1], [1, 255, 2, 0]], np.uint8)
    write_mask(tmp_path / "masks", START, mask)
    store = run(tmp_path, only(colour=1, reference=1), reference=tmp_path / "masks", **NAMES)
    assert store.frame("echo_class", 0).tolist() == [[NONE, UNKNOWN, NO, YES], [YES, YES, NO, YES]]
    without = run(tmp_path, only(colour=1))
    np.testing.assert_array_equal(store.frame("evidence", 1), without.frame("evidence", 1))


def test_a_mask_of_another_size_is_refused_with_its_name(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks", START, np.ones((3, 3)))
    with pytest.raises(FrameError, match=r"202407110000.png: a mask is a grey picture of 8 bits and 4 x 2 pixels"):
        run(tmp_path, only(reference=1), reference=tmp_path / "masks", **NAMES)
    assert not (tmp_path / "labels.zarr").exists() and not (tmp_path / "labelers.csv").exists()


# Output.


def test_the_provenance_has_parameters_and_inputs(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "atlas.zarr", echo_frequency=FREQUENCY)
    run(tmp_path, only(colour=1, area=2, atlas=3), atlas=atlas)
    made = read_provenance(tmp_path / "labels.zarr")
    parameters = made["parameters"]
    votes = parameters["votes"]
    assert (votes["colour"], votes["area"], votes["atlas"], votes["min_confidence"]) == (1, 2, 3, 0.2)
    assert set(made["inputs"].values()) == {
        open_store(tmp_path / "reflectivity.zarr", "reflectivity").digest,
        open_store(tmp_path / "atlas.zarr", "atlas").digest,
    }


def test_weights_that_change_no_label_change_no_file(tmp_path: Path) -> None:
    contents = []
    atlas = make_atlas(tmp_path / "atlas.zarr", shape=(2, 4))
    for weight in (1, 0):
        run(tmp_path, only(area=1, atlas=weight), atlas=atlas)
        contents.append((tmp_path / "labels.zarr" / "zarr.json").read_bytes())
    assert contents[0] == contents[1]


def test_a_shard_without_frames_has_labels_without_frames(tmp_path: Path) -> None:
    reflectivity = make_reflectivity(tmp_path / "reflectivity.zarr", times=[])
    store = run(tmp_path, only(density=1, persistence=1), reflectivity, cadence=Cadence(cadence_minutes=6))
    assert store.times.size == 0
    assert table(tmp_path)["density"]["silent"] == "0"


def test_an_atlas_of_another_radar_and_no_weights_are_refused(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "atlas.zarr", "CASCM")
    with pytest.raises(StoreError, match=r"atlas.zarr: its radar is CASCM, expected CASGO"):
        run(tmp_path, only(atlas=1), atlas=atlas)
    with pytest.raises(ConfigError, match="one of them above 0"):
        run(tmp_path, only())
    assert not (tmp_path / "labels.zarr").exists()
