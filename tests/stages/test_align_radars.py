"""The stage that pools other radars: coverage and times are exact, and unseen pixels are nodata."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from store_cases import START, make_atlas, make_reflectivity, pattern_codes, small_geometry, times_from

from radar_cleaner.config.frames import Stores
from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import NO_RADAR, NODATA, UNDETECT
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.stages.align_radars import align_radars
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.storage.reader import open_store

RADARS = [small_geometry(radar) for radar in ("CASGO", "CASCM")]
TIMES = times_from(count=4)
EMPTY = np.zeros((48, 48), np.uint8)


@pytest.fixture
def warp(tmp_path: Path) -> Path:
    build_warp_grid(target="CASGO", radar="CASCM", geometries=RADARS, output=tmp_path / "warp.zarr")
    return tmp_path / "warp.zarr" / "zarr.json"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return make_reflectivity(tmp_path / "own.zarr", "CASGO", TIMES)


def test_another_radar_is_available_where_and_when_it_has_data(tmp_path: Path, own: Path, warp: Path) -> None:
    others_times = [TIMES[0], TIMES[1] + 60, TIMES[3]]
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", others_times, codes=EMPTY)
    align_radars(
        stores=Stores(),
        radar="CASGO",
        reflectivity=own,
        others=["CASCM"],
        other_reflectivity=[other],
        other_warps=[warp],
        output=tmp_path / "aligned.zarr",
    )
    aligned, coverage = open_store(tmp_path / "aligned.zarr", "aligned"), open_store(warp, "warp")
    covered = coverage.read("coverage")
    assert aligned.times.tolist() == TIMES
    assert 0.2 < covered.mean() < 0.8
    for index in (0, 3):  # frames without echo
        assert (aligned.frame("reflectivity", index)[covered] == UNDETECT).all()
        assert (aligned.frame("reflectivity", index)[~covered] == NODATA).all()
        np.testing.assert_array_equal(aligned.frame("availability", index), covered)
    for index in (1, 2):  # a frame a minute later does not count: nodata
        assert (aligned.frame("reflectivity", index) == NODATA).all()
        assert not aligned.frame("availability", index).any()


def test_a_spot_lands_where_the_warp_says(tmp_path: Path, own: Path, warp: Path) -> None:
    grid = open_store(warp, "warp").read("grid")
    row, column = 25, 15
    there = np.rint(grid[row, column]).astype(int)
    codes = EMPTY.copy()
    codes[there[1], there[0]] = 120
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", TIMES, codes=codes)
    align_radars(
        stores=Stores(),
        radar="CASGO",
        reflectivity=own,
        others=["CASCM"],
        other_reflectivity=[other],
        other_warps=[warp],
        output=tmp_path / "aligned.zarr",
    )
    found = np.argwhere(open_store(tmp_path / "aligned.zarr", "aligned").frame("reflectivity", 2) == 120)
    assert [row, column] in found.tolist()
    assert np.abs(found - [row, column]).max() <= 1


def test_of_several_radars_the_highest_reflectivity_counts(tmp_path: Path, own: Path, warp: Path) -> None:
    # Two radars at one place, so that each pixel has both.
    flags = [RADARS[0], RADARS[1], replace(RADARS[1], radar="TWIN")]
    build_warp_grid(target="CASGO", radar="TWIN", geometries=flags, output=tmp_path / "twin_warp.zarr")
    first, second = pattern_codes("CASCM", START), pattern_codes("TWIN", START)
    names = {"CASCM": first, "TWIN": second}
    labels = [make_reflectivity(tmp_path / f"{name}.zarr", name, [START], codes=names[name]) for name in names]

    def pooled(others: list[str], paths: list[Path], warps: list[Path]) -> np.ndarray:
        output = tmp_path / ("_".join(others) + "_aligned.zarr")
        align_radars(
            stores=Stores(),
            radar="CASGO",
            reflectivity=own,
            others=others,
            other_reflectivity=paths,
            other_warps=warps,
            output=output,
        )
        return open_store(output, "aligned").frame("reflectivity", 0).astype(int)

    twin = tmp_path / "twin_warp.zarr"
    alone = [pooled(["CASCM"], labels[:1], [warp]), pooled(["TWIN"], labels[1:], [twin])]
    both = pooled(["CASCM", "TWIN"], labels, [warp, twin])
    seen = [np.where(codes == NODATA, -1, codes) for codes in alone]
    expected = np.maximum(*seen)
    np.testing.assert_array_equal(both, np.where(expected < 0, NODATA, expected))
    assert (np.minimum(*seen) < 0).any() and (expected > 0).any()


def test_the_nearest_radar_is_one_with_data_at_that_time(tmp_path: Path, own: Path, warp: Path) -> None:
    # A twin of Chipman with a longer range is the nearer one by its range wherever both see.
    twin = replace(small_geometry("CASCM", range_km=360), radar="TWIN")
    flags = [*RADARS, twin]
    build_warp_grid(target="CASGO", radar="TWIN", geometries=flags, output=tmp_path / "twin_warp.zarr")
    clutter = np.zeros((48, 48), bool)
    clutter[20:30] = True
    align_radars(
        stores=Stores(),
        radar="CASGO",
        reflectivity=own,
        others=["CASCM", "TWIN"],
        other_reflectivity=[
            make_reflectivity(tmp_path / "far.zarr", "CASCM", TIMES[:2], codes=EMPTY),
            make_reflectivity(tmp_path / "twin.zarr", "TWIN", TIMES[1:3], codes=EMPTY, geometry=twin),
        ],
        other_warps=[warp, tmp_path / "twin_warp.zarr"],
        other_atlases=[
            make_atlas(tmp_path / "far_atlas.zarr", "CASCM"),
            make_atlas(tmp_path / "twin_atlas.zarr", "TWIN", clutter=clutter),
        ],
        output=tmp_path / "aligned.zarr",
    )
    only_far, both, only_twin, nobody = open_store(tmp_path / "aligned.zarr", "aligned").read("nearest")
    covered = open_store(warp, "warp").read("coverage")
    np.testing.assert_array_equal(only_far, np.where(covered, 0, NO_RADAR))
    assert set(np.unique(only_twin)) == {1, NO_RADAR}
    assert (nobody == NO_RADAR).all()
    sees = only_twin == 1
    np.testing.assert_array_equal(both, np.select([sees, covered], [1, 0], NO_RADAR))
    assert (covered & ~sees).any()


def test_clutter_of_another_radar_counts_as_unavailable(tmp_path: Path, own: Path, warp: Path) -> None:
    codes = np.full((48, 48), 100, np.uint8)
    clutter = np.zeros((48, 48), bool)
    clutter[20:30] = True
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", TIMES, codes=codes)
    atlas = make_atlas(tmp_path / "atlas.zarr", "CASCM", clutter=clutter)
    frames = {}
    for name, atlases in (("plain", None), ("masked", [atlas])):
        align_radars(
            stores=Stores(),
            radar="CASGO",
            reflectivity=own,
            others=["CASCM"],
            other_reflectivity=[other],
            other_warps=[warp],
            other_atlases=atlases,
            output=tmp_path / name,
        )
        frames[name] = open_store(tmp_path / name, "aligned").frame("reflectivity", 0)
    store = open_store(warp, "warp")
    rows, covered = store.read("grid")[..., 1], store.read("coverage")
    inside = covered & (rows > 20) & (rows < 29)
    outside = covered & ((rows < 19) | (rows > 30))
    assert (frames["plain"][covered] == 100).all()
    assert (frames["masked"][inside] == NODATA).all() and inside.any()
    assert (frames["masked"][outside] == 100).all() and outside.any()


@pytest.mark.parametrize("nobody", [None, []])
def test_one_radar_alone_has_no_data_of_others(tmp_path: Path, own: Path, nobody: list[str] | None) -> None:
    align_radars(stores=Stores(), radar="CASGO", reflectivity=own, others=nobody, output=tmp_path / "aligned.zarr")
    store = open_store(tmp_path / "aligned.zarr", "aligned")
    assert store.times.tolist() == TIMES
    assert (store.read("reflectivity") == NODATA).all()
    assert not store.read("availability").any()


def test_a_shard_without_frames_gives_one_without_frames(tmp_path: Path, warp: Path) -> None:
    own = make_reflectivity(tmp_path / "own.zarr", "CASGO", [])
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", TIMES)
    align_radars(
        stores=Stores(),
        radar="CASGO",
        reflectivity=own,
        others=["CASCM"],
        other_reflectivity=[other],
        other_warps=[warp],
        output=tmp_path / "aligned.zarr",
    )
    assert open_store(tmp_path / "aligned.zarr", "aligned").times.size == 0


def test_frames_of_radars_that_are_not_synchronous_are_paired_with_the_nearest(
    tmp_path: Path, own: Path, warp: Path
) -> None:
    """Over two stores of the other radar; of two frames at equal distance the earlier counts."""
    echo = np.full((48, 48), 100, np.uint8)
    before = make_reflectivity(tmp_path / "before.zarr", "CASCM", [TIMES[0] - 120], codes=echo)
    after = make_reflectivity(tmp_path / "after.zarr", "CASCM", [TIMES[0] + 120, TIMES[2] + 180], codes=EMPTY)
    align_radars(
        stores=Stores(),
        radar="CASGO",
        reflectivity=own,
        others=["CASCM"],
        other_reflectivity=[before, after],
        other_warps=[warp],
        overlap=Overlap(max_offset_minutes=2.5),
        output=tmp_path / "aligned.zarr",
    )
    aligned, covered = open_store(tmp_path / "aligned.zarr", "aligned"), open_store(warp, "warp").read("coverage")
    assert (aligned.frame("reflectivity", 0)[covered] == 100).all()
    for index in (1, 2, 3):  # the next frame is 3 minutes off or more
        assert (aligned.frame("reflectivity", index) == NODATA).all()


def disk(column: float) -> NDArray[np.uint8]:
    rows, columns = np.indices((48, 48))
    return np.where(np.hypot(columns - column, rows - 24) < 8, np.uint8(110), np.uint8(0))


def test_echo_of_another_time_is_moved_along_its_motion(tmp_path: Path, warp: Path) -> None:
    """The other radar scans 2.5 minutes later. Its echo moves 6 pixels in the 5 minutes between its frames."""
    times = [TIMES[0] + 300 * number for number in range(4)]
    own = make_reflectivity(tmp_path / "own.zarr", "CASGO", times, codes=EMPTY)
    late = make_reflectivity(
        tmp_path / "late.zarr",
        "CASCM",
        [time + 150 for time in times],
        codes=np.stack([disk(10 + 6 * number) for number in range(4)]),
    )
    same = make_reflectivity(
        tmp_path / "same.zarr", "CASCM", times, codes=np.stack([disk(7 + 6 * number) for number in range(4)])
    )
    wrong = {}
    aligned = {}
    for name, other, motion in (("true", same, "none"), ("moved", late, "flow"), ("left", late, "none")):
        align_radars(
            stores=Stores(),
            radar="CASGO",
            reflectivity=own,
            others=["CASCM"],
            other_reflectivity=[other],
            other_warps=[warp],
            overlap=Overlap.model_validate({"max_offset_minutes": 2.5, "motion": motion}),
            output=tmp_path / name,
        )
        aligned[name] = open_store(tmp_path / name, "aligned").read("reflectivity")
        wrong[name] = int((aligned[name] != aligned["true"]).sum())
    assert wrong["left"] > 100
    assert wrong["moved"] < 0.4 * wrong["left"]


def test_stores_that_do_not_belong_together_are_refused(tmp_path: Path, own: Path, warp: Path) -> None:
    other = make_reflectivity(tmp_path / "other.zarr", "CASCM", TIMES)
    elsewhere = RadarGeometry.about("CASCM", 46.22232, -65.69924, 240, 48, 48, (20, 20))
    moved = make_reflectivity(tmp_path / "moved.zarr", "CASCM", TIMES, geometry=elsewhere)

    def run(reflectivity: Path = own, others: Path = other, radar: str = "CASGO", name: str = "CASCM") -> None:
        align_radars(
            stores=Stores(),
            radar=radar,
            reflectivity=reflectivity,
            others=[name],
            other_reflectivity=[others],
            other_warps=[warp],
            output=tmp_path / "aligned.zarr",
        )

    with pytest.raises(StoreError, match="its radar is CASGO, expected CASCM"):
        run(radar="CASCM")
    with pytest.raises(ConfigError, match=r"other.zarr is of CASCM, which is not among --others \['NKM'\]"):
        run(name="NKM")
    with pytest.raises(ConfigError, match=r"own.zarr is of CASGO, which is not among"):
        run(others=own)
    with pytest.raises(StoreError, match=r"moved.zarr: its origin_px is \[20, 20\], expected \[24.0, 23.0\]"):
        run(others=moved)
    with pytest.raises(ConfigError, match="--other-reflectivity: no store of CASCM"):
        align_radars(
            stores=Stores(), radar="CASGO", reflectivity=own, others=["CASCM"], output=tmp_path / "aligned.zarr"
        )
    assert not (tmp_path / "aligned.zarr").exists()
