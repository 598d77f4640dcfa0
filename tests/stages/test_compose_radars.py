"""The stage that composes radars: times, grids, priorities, and what nobody saw."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import rioxarray  # noqa: F401  (gives datasets their .rio)
import xarray as xr
from numpy.typing import NDArray
from store_cases import make_product, small_geometry, times_from

from radar_cleaner.config.cleaning import Composite
from radar_cleaner.config.frames import Stores
from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import FLAG_KEPT, FLAG_NODATA, FLAG_REMOVED, FLAG_UNDETECT, NODATA, UNDETECT
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.georeference.grid import union_grid
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.stages.compose_radars import compose_radars
from radar_cleaner.storage.reader import Store, open_store

RADARS = ("CASGO", "CASCM")
GEOMETRIES = [small_geometry(radar) for radar in RADARS]
STORES = Stores()
TIMES = times_from(count=3)
EMPTY = np.zeros((48, 48), np.uint8)
ECHO = np.full((48, 48), 100, np.uint8)


def warps(folder: Path, kind: Literal["first", "union"]) -> list[Path]:
    paths = [folder / f"{kind}_{radar}.zarr" for radar in RADARS]
    for radar, path in zip(RADARS, paths, strict=True):
        build_warp_grid(
            target="composite",
            radar=radar,
            geometries=GEOMETRIES,
            composite=Composite.model_validate({"grid": kind}),
            output=path,
        )
    return paths


def composed(folder: Path, products: list[Path], kind: Literal["first", "union"] = "union") -> Store:
    output = folder / "composite.zarr"
    ways = warps(folder, kind)[: len(products)]
    compose_radars(shard="20240711", products=products, warps=ways, output=output / "zarr.json", stores=STORES)
    return open_store(output, "product")


def coverages(folder: Path) -> list[np.ndarray]:
    return [open_store(folder / f"union_{radar}.zarr", "warp").read("coverage") for radar in RADARS]


def test_a_missing_frame_is_nodata_and_never_undetect(tmp_path: Path) -> None:
    gore = make_product(tmp_path / "gore.zarr", "CASGO", TIMES[:2], codes=EMPTY)
    chipman = make_product(tmp_path / "chipman.zarr", "CASCM", TIMES[1:], codes=EMPTY)
    store = composed(tmp_path, [gore, chipman])
    seen_by_gore, seen_by_chipman = coverages(tmp_path)
    assert store.times.tolist() == TIMES
    for index, seen in enumerate([seen_by_gore, seen_by_gore | seen_by_chipman, seen_by_chipman]):
        assert (store.frame("reflectivity", index)[seen] == UNDETECT).all()
        assert (store.frame("quality_flag", index)[seen] == FLAG_UNDETECT).all()
        assert (store.frame("reflectivity", index)[~seen] == NODATA).all()
        assert (store.frame("quality_flag", index)[~seen] == FLAG_NODATA).all()
    assert (seen_by_gore & seen_by_chipman).any() and (seen_by_gore ^ seen_by_chipman).any()


def test_kept_echo_goes_over_what_another_removed(tmp_path: Path) -> None:
    gore = make_product(tmp_path / "gore.zarr", "CASGO", TIMES, codes=ECHO)
    removed = np.full((48, 48), FLAG_REMOVED)
    chipman = make_product(tmp_path / "chipman.zarr", "CASCM", TIMES, codes=EMPTY, flags=removed)
    store = composed(tmp_path, [gore, chipman])
    seen_by_gore, seen_by_chipman = coverages(tmp_path)
    flags = store.frame("quality_flag", 0)
    assert (flags[seen_by_gore] == FLAG_KEPT).all()
    assert (store.frame("reflectivity", 0)[seen_by_gore] == 100).all()
    assert (flags[seen_by_chipman & ~seen_by_gore] == FLAG_REMOVED).all()


def test_a_spot_of_both_radars_is_one_spot(tmp_path: Path) -> None:
    place = np.array(-64.5), np.array(45.8)
    products = []
    for geometry in GEOMETRIES:
        column, row = geometry.grid.pixel_of(*place)
        codes = EMPTY.copy()
        codes[round(float(row)), round(float(column))] = 120
        products.append(make_product(tmp_path / f"{geometry.radar}.zarr", geometry.radar, TIMES, codes=codes))
    store = composed(tmp_path, products)
    column, row = union_grid(GEOMETRIES).pixel_of(*place)
    found = np.argwhere(store.frame("reflectivity", 1) == 120)
    assert [round(float(row)), round(float(column))] in found.tolist()
    assert np.abs(found - [float(row), float(column)]).max() <= 1.5


@pytest.mark.parametrize("kind", ["first", "union"])
def test_a_composite_opens_as_a_product_on_its_grid(tmp_path: Path, kind: Literal["first", "union"]) -> None:
    products = [make_product(tmp_path / f"{radar}.zarr", radar, TIMES) for radar in RADARS]
    store = composed(tmp_path, products, kind)
    grid = union_grid(GEOMETRIES) if kind == "union" else GEOMETRIES[0].grid
    assert store.attrs["radars"] == list(RADARS)
    assert "radar" not in store.attrs
    assert store.attrs["class_lower_dbz"] == [7.0, 23.0, 33.0, 45.0]
    with xr.open_zarr(store.path) as dataset:
        assert dataset["reflectivity"].shape == (3, *grid.shape)
        assert dataset.rio.crs == grid.crs
        np.testing.assert_array_equal(dataset["x"], grid.x())


def test_one_radar_on_its_own_grid_stays_as_it_is(tmp_path: Path) -> None:
    columns, rows = np.meshgrid(np.arange(48), np.arange(48))
    inside = np.hypot(columns - 24, rows - 23) <= 24
    codes = np.where(inside, (columns * 5 + rows) % 250, NODATA).astype(np.uint8)
    product = make_product(tmp_path / "gore.zarr", "CASGO", TIMES, codes=codes)
    store = composed(tmp_path, [product], "first")
    one = open_store(product, "product")
    for name in ("reflectivity", "quality_flag", "meteorological_probability"):
        np.testing.assert_array_equal(store.read(name), one.read(name))


def test_a_shard_without_frames_gives_a_product_without_frames(tmp_path: Path) -> None:
    product = make_product(tmp_path / "gore.zarr", "CASGO", [])
    assert composed(tmp_path, [product]).times.size == 0


def test_the_composite_of_radars_that_are_not_synchronous_shows_both_and_the_age_of_each_pixel(
    tmp_path: Path,
) -> None:
    gore = make_product(tmp_path / "gore.zarr", "CASGO", TIMES[:2], codes=ECHO)
    late = [time + 120 for time in TIMES[:2]]
    chipman = make_product(tmp_path / "chipman.zarr", "CASCM", late, codes=EMPTY)
    output = tmp_path / "composite.zarr"
    compose_radars(
        shard="20240711",
        products=[chipman, gore],
        warps=warps(tmp_path, "union"),
        overlap=Overlap(max_offset_minutes=3),
        output=output,
        stores=STORES,
    )
    store, dataset = open_store(output, "product"), xr.open_zarr(output)
    seen_by_gore, seen_by_chipman = coverages(tmp_path)
    only_chipman = seen_by_chipman & ~seen_by_gore
    assert store.times.tolist() == sorted(TIMES[:2] + late)
    assert dataset["age"].attrs["units"] == "minutes" and dataset["age"].dtype.kind == "f"
    for index, (own, other) in enumerate([(0, -2), (2, 0), (0, -2), (2, 0)]):
        age = dataset["age"].isel(time=index).values
        assert (age[seen_by_gore] == own).all()
        assert (age[only_chipman] == other).all()
        assert np.isnan(age[~(seen_by_gore | seen_by_chipman)]).all()
        assert (store.frame("reflectivity", index)[seen_by_gore] == 100).all()
    assert "age" in dataset["reflectivity"].attrs["ancillary_variables"].split()


def test_echo_of_another_time_is_moved_with_all_its_variables_and_keeps_its_age(tmp_path: Path) -> None:
    rows, columns = np.indices((48, 48))
    disks = [
        np.where(np.hypot(columns - place, rows - 24) < 7, np.uint8(110), np.uint8(0)) for place in (12, 18, 24)
    ]
    gore = make_product(tmp_path / "gore.zarr", "CASGO", [time + 180 for time in TIMES[:2]], codes=EMPTY)
    chipman = make_product(tmp_path / "chipman.zarr", "CASCM", TIMES[:3], codes=np.stack(disks))
    stores = {}
    for motion in ("flow", "none"):
        output = tmp_path / f"{motion}.zarr"
        compose_radars(
            shard="20240711",
            products=[gore, chipman],
            warps=warps(tmp_path, "union"),
            overlap=Overlap.model_validate({"max_offset_minutes": 3, "motion": motion}),
            output=output,
            stores=STORES,
        )
        stores[motion] = open_store(output, "product")
    moved, left = stores["flow"], stores["none"]
    at = moved.times.tolist().index(TIMES[0] + 180)  # half way between two frames
    reflectivity, flag = (moved.frame(name, at) for name in ("reflectivity", "quality_flag"))
    shift = column_of(reflectivity == 110) - column_of(left.frame("reflectivity", at) == 110)
    whole = column_of(left.frame("reflectivity", at + 1) == 110) - column_of(left.frame("reflectivity", at) == 110)
    assert abs(shift - whole / 2) < 0.7 and abs(whole) > 3
    assert np.array_equal(flag == FLAG_KEPT, reflectivity == 110)
    assert np.array_equal(moved.frame("age", at), left.frame("age", at))


def column_of(mask: NDArray[np.bool_]) -> float:
    return float(np.nonzero(mask)[1].mean())


def test_frames_of_the_neighbouring_shard_are_shown_and_make_no_times_of_their_own(tmp_path: Path) -> None:
    midnight = 1_720_656_000  # 2024-07-11
    gore = make_product(tmp_path / "gore.zarr", "CASGO", [midnight], codes=ECHO)
    chipman = make_product(tmp_path / "chipman.zarr", "CASCM", [midnight - 120], codes=EMPTY)
    output = tmp_path / "composite.zarr"
    compose_radars(
        shard="20240711",
        products=[gore, chipman],
        warps=warps(tmp_path, "union"),
        overlap=Overlap(max_offset_minutes=3),
        output=output,
        stores=STORES,
    )
    store = open_store(output, "product")
    assert store.times.tolist() == [midnight]
    seen_by_gore, seen_by_chipman = coverages(tmp_path)
    assert (store.frame("quality_flag", 0)[seen_by_chipman & ~seen_by_gore] == FLAG_UNDETECT).all()


def test_products_and_warps_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    gore, chipman = (make_product(tmp_path / f"{radar}.zarr", radar, TIMES) for radar in RADARS)
    union, first = warps(tmp_path, "union"), warps(tmp_path, "first")
    output = tmp_path / "composite.zarr"
    with pytest.raises(StoreError, match="its target_origin_px is"):
        compose_radars(
            shard="20240711", products=[gore, chipman], warps=[union[0], first[1]], output=output, stores=Stores()
        )
    with pytest.raises(ConfigError, match="is of CASCM, and --warps are of \\['CASGO'\\]"):
        compose_radars(shard="20240711", products=[gore, chipman], warps=union[:1], output=output, stores=STORES)
    with pytest.raises(ConfigError, match="of CASCM there are no --products"):
        compose_radars(shard="20240711", products=[gore], warps=union, output=output, stores=STORES)
    assert not output.exists()
