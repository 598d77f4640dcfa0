"""The decision, the composite and the CF store: nothing invented, nothing unseen called empty."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
import rioxarray  # noqa: F401  (gives datasets their .rio)
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pyproj import CRS
from store_cases import START, make_product, pattern_codes, small_geometry, times_from

from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    FLAG_UNDETECT,
    NODATA,
    UNDETECT,
    decode_dbz,
    is_echo,
)
from radar_cleaner.errors import ModelError
from radar_cleaner.products.cf import (
    NO_PROBABILITY,
    ProductWriter,
    clean,
    compose,
    composite_attrs,
    pack_spread,
)
from radar_cleaner.products.geotiff import write_geotiff
from radar_cleaner.storage.reader import open_store

SHAPE = (5, 6)
some_codes = arrays(np.uint8, SHAPE, elements=st.sampled_from([UNDETECT, NODATA, 1, 90, 200, 254]))
some_probability = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))
some_dbz = arrays(np.float32, SHAPE, elements=st.floats(-60, 120, width=32))
some_range = arrays(np.bool_, SHAPE)
some_flags = [FLAG_UNDETECT, FLAG_KEPT, FLAG_REMOVED, FLAG_FILLED, FLAG_NODATA]
Codes = NDArray[np.uint8]
Layer = tuple[Codes, Codes, Codes, Codes]


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """What cleaning can give: codes, flags, probabilities and spreads that belong together."""
    codes, flags, probability = clean(
        draw(some_codes),
        draw(some_probability),
        draw(some_dbz),
        draw(st.floats(0, 1)),
        draw(st.booleans()),
        draw(some_range),
    )
    return codes, flags, probability, pack_spread(draw(some_probability) / 2, probability)


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of affine to rioxarray, about an operator that it uses; nothing that a product could change.
        warnings.filterwarnings("ignore", message="Use `@` matmul", category=PendingDeprecationWarning)
        yield


@given(
    codes=some_codes,
    probability=some_probability,
    dbz=some_dbz,
    threshold=st.floats(0, 1),
    fill=st.booleans(),
    in_range=some_range,
)
def test_cleaning_keeps_removes_or_fills_and_never_invents(
    codes: NDArray[np.uint8],
    probability: NDArray[np.float32],
    dbz: NDArray[np.float32],
    threshold: float,
    fill: bool,
    in_range: NDArray[np.bool_],
) -> None:
    cleaned, flags, packed = clean(codes, probability, dbz, threshold, fill, in_range)
    echo, likely = is_echo(codes), probability >= threshold
    # Where the radar looked and saw no echo there is none, whatever the network thinks.
    assert (cleaned[codes == UNDETECT] == UNDETECT).all()
    assert (flags[codes == UNDETECT] == FLAG_UNDETECT).all()
    np.testing.assert_array_equal(flags == FLAG_KEPT, echo & likely)
    np.testing.assert_array_equal(cleaned[flags == FLAG_KEPT], codes[flags == FLAG_KEPT])
    np.testing.assert_array_equal(flags == FLAG_REMOVED, echo & ~likely)
    assert (cleaned[flags == FLAG_REMOVED] == UNDETECT).all()
    hole = (codes == NODATA) & in_range & likely
    np.testing.assert_array_equal(flags == FLAG_FILLED, hole if fill else np.zeros(SHAPE, bool))
    filled = flags == FLAG_FILLED
    assert is_echo(cleaned[filled]).all()
    assert np.abs(decode_dbz(cleaned[filled]) - np.clip(dbz[filled], -31.5, 95)).max(initial=0) <= 0.25
    # What nobody saw stays unseen, and only that.
    np.testing.assert_array_equal(cleaned == NODATA, (codes == NODATA) & ~filled)
    np.testing.assert_array_equal(flags == FLAG_NODATA, cleaned == NODATA)
    told = np.isin(flags, [FLAG_KEPT, FLAG_REMOVED, FLAG_FILLED])
    np.testing.assert_array_equal(packed != NO_PROBABILITY, told)
    assert np.abs(packed[told] / 254 - probability[told]).max(initial=0) <= 0.5 / 254 + 1e-6


@given(codes=some_codes, probability=some_probability)
def test_a_higher_threshold_never_keeps_more(codes: NDArray[np.uint8], probability: NDArray[np.float32]) -> None:
    nowhere, dbz = np.zeros(SHAPE, bool), np.zeros(SHAPE, np.float32)
    kept = [clean(codes, probability, dbz, threshold, False, nowhere)[1] for threshold in (0.2, 0.6)]
    assert not ((kept[1] == FLAG_KEPT) & (kept[0] != FLAG_KEPT)).any()


def test_a_model_that_answers_no_number_is_refused() -> None:
    codes = np.full(SHAPE, 90, np.uint8)
    broken = np.full(SHAPE, np.nan, np.float32)
    with pytest.raises(ModelError, match="not a number"):
        clean(codes, broken, broken, 0.5, True, np.ones(SHAPE, bool))
    # Where nothing is asked of it, its answer is not read.
    empty = np.full(SHAPE, UNDETECT, np.uint8)
    assert (clean(empty, broken, broken, 0.5, True, np.ones(SHAPE, bool))[1] == FLAG_UNDETECT).all()


ORDER = {FLAG_KEPT: 4, FLAG_REMOVED: 3, FLAG_UNDETECT: 2, FLAG_FILLED: 1, FLAG_NODATA: 0}


@given(st.lists(layers(), max_size=4))
def test_the_composite_takes_the_best_of_those_that_see(several: list[Layer]) -> None:
    codes, flags, probability, spread = compose(several, SHAPE)
    for pixel in np.ndindex(SHAPE):
        seen = [tuple(int(part[pixel]) for part in layer) for layer in several]
        seen = [one for one in seen if one[1] != FLAG_NODATA]
        result = tuple(int(part[pixel]) for part in (codes, flags, probability, spread))
        if not seen:
            assert result == (NODATA, FLAG_NODATA, NO_PROBABILITY, NO_PROBABILITY)
            continue
        assert result in seen  # a pixel is of one radar, never a mixture
        best = max((ORDER[flag], code) for code, flag, *_ in seen)
        assert (ORDER[result[1]], result[0]) == best


@given(st.lists(layers(), min_size=2, max_size=4), st.randoms())
def test_the_order_of_the_radars_does_not_matter(several: list[Layer], random: object) -> None:
    shuffled = list(several)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for first, second in zip(compose(several, SHAPE), compose(shuffled, SHAPE), strict=True):
        np.testing.assert_array_equal(first, second)


@given(layers())
def test_one_radar_composed_is_itself(layer: Layer) -> None:
    for first, second in zip(compose([layer, layer], SHAPE), layer, strict=True):
        np.testing.assert_array_equal(first, second)


def test_label_attributes_are_told_once_or_by_radar() -> None:
    same = {"class_lower_dbz": [7.0], "other": 1}
    assert composite_attrs({"A": same, "B": same}) == {"class_lower_dbz": [7.0]}
    assert composite_attrs({"A": same, "B": {"class_lower_dbz": [9.0]}}) == {
        "class_lower_dbz_A": [7.0],
        "class_lower_dbz_B": [9.0],
    }
    assert composite_attrs({"A": same, "B": {}}) == {"class_lower_dbz_A": [7.0]}


@pytest.mark.usefixtures("no_warnings")
def test_xarray_opens_a_product_without_a_warning_and_decodes_it(tmp_path: Path) -> None:
    times = times_from(count=3)
    path = make_product(tmp_path / "20240711.zarr", times=times)
    with xr.open_zarr(path) as dataset:
        dataset.load()
        packed = np.stack([pattern_codes("CASGO", time) for time in times])
        np.testing.assert_array_equal(dataset["reflectivity"].to_numpy(), decode_dbz(packed))
        assert dataset["reflectivity"].attrs["units"] == "dBZ"
        assert (dataset["reflectivity"].to_numpy()[packed == UNDETECT] == -32).all()
        assert np.isnan(dataset["reflectivity"].to_numpy()[packed == NODATA]).all()
        seconds = dataset["time"].to_numpy().astype("datetime64[s]").astype(np.int64)
        assert seconds.tolist() == times

        flag = dataset["quality_flag"]
        assert flag.dtype == np.uint8
        meanings = dict(zip(flag.attrs["flag_meanings"].split(), flag.attrs["flag_values"], strict=True))
        assert meanings == {"kept": 1, "removed": 2, "filled": 3, "undetect": 0, "nodata": 255}
        assert (flag.to_numpy()[packed == NODATA] == 255).all()

        probability = dataset["meteorological_probability"].to_numpy()
        np.testing.assert_allclose(probability[is_echo(packed)], 1)
        assert np.isnan(probability[~is_echo(packed)]).all()


@pytest.mark.usefixtures("no_warnings")
def test_a_product_knows_where_it_lies(tmp_path: Path) -> None:
    geometry = small_geometry("CASGO")
    with xr.open_zarr(make_product(tmp_path / "20240711.zarr")) as dataset:
        assert set(dataset.coords) == {"time", "y", "x", "latitude", "longitude", "crs"}
        assert set(dataset.data_vars) == {"reflectivity", "quality_flag", "meteorological_probability"}
        assert dataset.attrs["Conventions"] == "CF-1.11"
        for located in (dataset, dataset["reflectivity"], dataset["quality_flag"]):
            assert CRS(located.rio.crs.to_wkt()).coordinate_operation.method_name == "Azimuthal Equidistant"
        assert dataset.rio.crs == geometry.grid.crs
        assert CRS.from_cf(dataset["crs"].attrs) == geometry.grid.crs
        longitude, latitude = geometry.grid.longitude_latitude()
        np.testing.assert_allclose(dataset["latitude"], latitude, atol=1e-5)
        np.testing.assert_allclose(dataset["longitude"], longitude, atol=1e-5)
        assert dataset["latitude"].attrs["units"] == "degrees_north"
        assert dataset["y"].attrs["standard_name"] == "projection_y_coordinate"
        np.testing.assert_array_equal(dataset["x"], geometry.grid.x())
        left, bottom, right, top = dataset.rio.bounds()
        assert (right - left, top - bottom) == (480_000, 480_000)


@pytest.mark.usefixtures("no_warnings")
def test_a_product_without_frames_opens(tmp_path: Path) -> None:
    with xr.open_zarr(make_product(tmp_path / "20240711.zarr", times=[])) as dataset:
        assert dataset.sizes["time"] == 0
        assert dataset.load()["reflectivity"].shape == (0, 48, 48)


def test_a_product_converts_to_netcdf_attributes(tmp_path: Path) -> None:
    """Empty lists are no NetCDF attributes; HSV labels have no class bounds."""
    path = make_product(tmp_path / "a.zarr", attrs={"class_lower_dbz": [], "label_method": "hsv_multi"})
    attrs = open_store(path, "product").attrs
    assert "class_lower_dbz" not in attrs
    assert attrs["label_method"] == "hsv_multi"
    assert attrs["class_upper_dbz"] == [23.0, 33.0, 45.0, 57.0]


def test_equal_products_are_equal_files_whatever_made_them(tmp_path: Path) -> None:
    geometry = small_geometry("CASGO")
    for name in ("one", "two"):
        with ProductWriter(tmp_path / name, geometry.grid, ["CASGO"], provenance={"by": name}) as store:
            codes = pattern_codes("CASGO", START)
            store.append(START, reflectivity=codes, quality_flag=codes, meteorological_probability=codes)
    one, two = ((tmp_path / name / "zarr.json").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.usefixtures("no_warnings")
def test_a_geotiff_lies_where_the_radar_lies(tmp_path: Path) -> None:
    geometry = small_geometry("CASCM")
    times = times_from(count=2)
    path = make_product(tmp_path / "20240711.zarr", radar="CASCM", times=times)
    write_geotiff(tmp_path / "a.tif", open_store(path, "product"), 1, times[1])
    codes = pattern_codes("CASCM", times[1])
    with rasterio.open(tmp_path / "a.tif") as picture:
        assert picture.descriptions == ("reflectivity", "quality_flag", "meteorological_probability")
        assert np.isnan(picture.nodata)
        np.testing.assert_array_equal(picture.read(1), decode_dbz(codes))
        assert np.isnan(picture.read(2)[codes == NODATA]).all()
        assert (picture.read(2)[is_echo(codes)] == FLAG_KEPT).all()
        # Rows and columns of the file, through its own projection, to the places that the geometry says.
        longitude, latitude = geometry.grid.longitude_latitude()
        for row, column in [(0, 0), (0, 47), (47, 0), (47, 47), (23, 24)]:
            x, y = picture.xy(row, column)
            there = rasterio.warp.transform(picture.crs, "EPSG:4326", [x], [y])
            assert there[0][0] == pytest.approx(longitude[row, column], abs=1e-6)
            assert there[1][0] == pytest.approx(latitude[row, column], abs=1e-6)
        assert picture.tags()["time"] == "2024-07-11T00:06:00Z"
    assert [file.name for file in tmp_path.glob("*.tif*")] == ["a.tif"]
