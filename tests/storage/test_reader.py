"""A store is read as it was written, appears whole or not at all, and is an equal file for equal content."""

import shutil
import warnings

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radar_cleaner.errors import StoreError
from radar_cleaner.storage import writer as store_writer
from radar_cleaner.storage.reader import TimeSeries, nearest_time, open_store, read_provenance, store_path
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import CODECS, Static, StoreWriter, Variable

SHAPE = (4, 5)
REFLECTIVITY = {
    "reflectivity": Variable("uint8", SHAPE, ("y", "x"), {"units": "dBZ"}, 255),
    "uncertainty": Variable("uint8", SHAPE, ("y", "x"), {"units": "dBZ"}, 255),
    "echo_fraction": Variable("float32"),
    "unmatched_fraction": Variable("float32"),
}


def write_reflectivity(path, times=(60, 120, 180), seed=0, fail_at=None, **options):
    rng = np.random.default_rng(seed)
    written = []
    with StoreWriter(path, variables=REFLECTIVITY, **({"attrs": {"radar": "R"}} | options)) as store:
        for index, time in enumerate(times):
            if index == fail_at:
                raise RuntimeError("killed")
            frame = {
                "reflectivity": rng.integers(0, 256, SHAPE, dtype=np.uint8),
                "uncertainty": rng.integers(0, 256, SHAPE, dtype=np.uint8),
                "echo_fraction": np.array(rng.random(), dtype=np.float32),
                "unmatched_fraction": np.array(rng.random(), dtype=np.float32),
            }
            store.append(time, **frame)
            written.append(frame)
    return written


def content(path):
    """Every file of a store by its relative name."""
    files = (file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


@given(
    frames=st.lists(hnp.arrays(np.uint8, SHAPE), max_size=7),
    steps=st.lists(st.integers(1, 10**6), min_size=7, max_size=7),
    codec=st.sampled_from(sorted(CODECS)),
    frames_a_file=st.integers(1, 4),
)
def test_frames_come_back_as_written(tmp_path_factory, frames, steps, codec, frames_a_file):
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    times = np.cumsum(steps)[: len(frames)]
    variables = RGB.frame_variables((*SHAPE, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "SHARD_FILE_BYTES", frames_a_file * 60)
        with StoreWriter(path, variables=variables, codec=codec) as store:
            for time, frame in zip(times.tolist(), frames, strict=True):
                store.append(time, rgb=np.repeat(frame[..., None], 3, axis=2))
    opened = open_store(path, "rgb")
    assert opened.times.tolist() == times.tolist()
    assert opened.shape("rgb") == (*SHAPE, 3)
    assert opened.read("rgb").shape == (len(frames), *SHAPE, 3)
    for index, frame in enumerate(frames):
        assert np.array_equal(opened.frame("rgb", index), np.repeat(frame[..., None], 3, axis=2))
    files = [file for file in (path / "rgb").rglob("*") if file.is_file() and file.name != "zarr.json"]
    assert len(files) == -(-len(frames) // frames_a_file)


@given(
    st.lists(st.integers(-50, 50), unique=True, max_size=8).map(sorted), st.integers(-60, 60), st.integers(0, 20)
)
def test_the_nearest_time_is_the_one_that_a_search_of_all_finds(times, time, max_offset):
    near = [other for other in times if abs(other - time) <= max_offset]
    wanted = min(near, key=lambda other: (abs(other - time), other), default=None)
    assert nearest_time(times, time, max_offset) == wanted


@given(
    st.lists(st.sampled_from([None, 255, 0, 7]), max_size=9),
    st.integers(1, 4),
)
def test_sparse_frames_come_back_and_take_room_only_where_they_are_not_empty(tmp_path_factory, levels, per_file):
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "SHARD_FILE_BYTES", per_file * 20)
        with StoreWriter(path, variables=RGB.frame_variables((*SHAPE, 3))) as store:
            for time, level in enumerate(levels):
                alpha = {} if level is None else {"alpha": np.full(SHAPE, level, np.uint8)}
                store.append(time, rgb=np.zeros((*SHAPE, 3), np.uint8), **alpha)
    wanted = [255 if level is None else level for level in levels]
    assert open_store(path, "rgb").read("alpha").reshape(len(levels), 20).tolist() == [[w] * 20 for w in wanted]
    assert open_store(path, "rgb").is_filled("alpha") == (set(wanted) <= {255})
    files = [file for file in (path / "alpha").rglob("*") if file.is_file() and file.name != "zarr.json"]
    assert len(files) == len({index // per_file for index, level in enumerate(wanted) if level != 255})


def test_a_sparse_frame_at_another_time_has_another_digest(tmp_path):
    digests = set()
    for place in range(5):
        with StoreWriter(tmp_path / f"{place}.zarr", variables=RGB.frame_variables((*SHAPE, 3))) as store:
            for time in range(4):
                alpha = {"alpha": np.zeros(SHAPE, np.uint8)} if time == place else {}
                store.append(time, rgb=np.zeros((*SHAPE, 3), np.uint8), **alpha)
        digests.add(open_store(tmp_path / f"{place}.zarr", "rgb").digest)
    assert len(digests) == 5


def test_a_store_is_named_by_its_folder_or_its_metadata(tmp_path):
    written = write_reflectivity(tmp_path / "a.zarr" / "zarr.json")
    assert store_path(tmp_path / "a.zarr" / "zarr.json") == tmp_path / "a.zarr"
    for path in (tmp_path / "a.zarr", tmp_path / "a.zarr" / "zarr.json"):
        store = open_store(path, "reflectivity")
        assert store.attrs["radar"] == "R"
        assert np.array_equal(store.frame("reflectivity", 1), written[1]["reflectivity"])
        assert store.read("echo_fraction").tolist() == [frame["echo_fraction"] for frame in written]


def test_statics_keep_values_type_dimensions_and_attributes(tmp_path):
    grid = np.random.default_rng(0).random((*SHAPE, 2), dtype=np.float32)
    coverage = grid[..., 0] > 0.5
    static = {
        "grid": Static(grid, ("y", "x", "coordinate"), {"units": "1"}),
        "coverage": Static(coverage, ("y", "x")),
    }
    with StoreWriter(tmp_path / "warp.zarr", static=static):
        pass
    store = open_store(tmp_path / "warp.zarr", "warp")
    assert np.array_equal(store.read("grid"), grid) and store.read("grid").dtype == np.float32
    assert np.array_equal(store.read("coverage"), coverage)
    assert store.shape("grid") == (*SHAPE, 2)
    assert store.group["grid"].attrs["units"] == "1"
    assert "time" not in store.group


def test_an_exception_leaves_the_old_store_and_no_temporary(tmp_path):
    write_reflectivity(tmp_path / "a.zarr")
    before = content(tmp_path / "a.zarr")
    for fail_at in (0, 2):
        with pytest.raises(RuntimeError, match="killed"):
            write_reflectivity(tmp_path / "a.zarr", seed=1, fail_at=fail_at)
    assert content(tmp_path / "a.zarr") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_an_exception_while_closing_leaves_the_old_store_and_no_temporary(tmp_path, monkeypatch):
    write_reflectivity(tmp_path / "a.zarr")
    before = content(tmp_path / "a.zarr")

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr(zarr, "consolidate_metadata", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_reflectivity(tmp_path / "a.zarr", seed=1)
    assert content(tmp_path / "a.zarr") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_leftovers_of_a_killed_run_are_swept_and_other_stores_are_not(tmp_path):
    write_reflectivity(tmp_path / "b.zarr")
    for name in (".a.zarr.tmp-4711", ".a.zarr.old-4711", ".b.zarr.tmp-4711"):
        (tmp_path / name / "reflectivity").mkdir(parents=True)
    write_reflectivity(tmp_path / "a.zarr")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".b.zarr.tmp-4711", "a.zarr", "b.zarr"]


def test_a_store_is_not_there_before_it_is_whole(tmp_path):
    with StoreWriter(tmp_path / "a.zarr", variables=REFLECTIVITY) as store:
        store.append(
            1,
            reflectivity=np.zeros(SHAPE, np.uint8),
            uncertainty=np.zeros(SHAPE, np.uint8),
            echo_fraction=np.array(0, np.float32),
            unmatched_fraction=np.array(0, np.float32),
        )
        assert not (tmp_path / "a.zarr").exists()
    assert open_store(tmp_path / "a.zarr", "reflectivity").times.tolist() == [1]


def test_writing_again_replaces_the_whole_store(tmp_path):
    write_reflectivity(tmp_path / "a.zarr", times=range(1, 9))
    (tmp_path / "a.zarr" / "stray").write_text("of the old one")
    write_reflectivity(tmp_path / "a.zarr", times=[5])
    assert open_store(tmp_path / "a.zarr", "reflectivity").times.tolist() == [5]
    assert not (tmp_path / "a.zarr" / "stray").exists()


def test_equal_content_is_an_equal_file_whatever_made_it(tmp_path):
    write_reflectivity(tmp_path / "a.zarr", provenance={"parameters": {"threads": 1}})
    write_reflectivity(tmp_path / "deep" / "b.zarr", provenance={"parameters": {"threads": 2}})
    first, second = content(tmp_path / "a.zarr"), content(tmp_path / "deep" / "b.zarr")
    assert first["zarr.json"] == second["zarr.json"]
    assert first["provenance.json"] != second["provenance.json"]
    assert read_provenance(tmp_path / "a.zarr" / "zarr.json")["parameters"] == {"threads": 1}
    assert "version" in read_provenance(tmp_path / "a.zarr")


def digest_of(tmp_path, name, **options):
    write_reflectivity(tmp_path / name, **options)
    return open_store(tmp_path / name, "reflectivity").digest


def test_the_digest_is_of_the_content_alone(tmp_path):
    digest = digest_of(tmp_path, "a")
    assert digest_of(tmp_path, "b", codec="fast") == digest
    others = [
        digest_of(tmp_path, "c", seed=1),
        digest_of(tmp_path, "d", times=(60, 120, 181)),
        digest_of(tmp_path, "e", times=(60, 120)),
        digest_of(tmp_path, "f", attrs={"radar": "S"}),
        digest_of(tmp_path, "g", times=()),
    ]
    assert len({digest, *others}) == 6


def test_the_digest_sees_one_pixel_of_one_frame(tmp_path):
    digests = set()
    for changed in range(4):
        frames = np.zeros((3, *SHAPE, 3), np.uint8)
        if changed:
            frames[changed - 1, 1, 2, 0] = 1
        variables = RGB.frame_variables((*SHAPE, 3))
        with StoreWriter(tmp_path / f"{changed}.zarr", variables=variables) as store:
            for index, frame in enumerate(frames):
                store.append(index, rgb=frame)
        digests.add(open_store(tmp_path / f"{changed}.zarr", "rgb").digest)
    assert len(digests) == 4


def test_files_beside_the_arrays_are_kept_and_not_in_the_digest(tmp_path):
    for name in ("a", "b"):
        with StoreWriter(tmp_path / name, variables=REFLECTIVITY) as store:
            store.files["sources.csv"] = f"time,file\n1,{name}\n"
    assert (tmp_path / "a" / "sources.csv").read_text() == "time,file\n1,a\n"
    assert (tmp_path / "a" / "zarr.json").read_bytes() == (tmp_path / "b" / "zarr.json").read_bytes()


@pytest.mark.parametrize("times", [(60, 120, 180), ()])
def test_xarray_opens_a_store_without_a_warning_and_decodes_its_times(tmp_path, times):
    write_reflectivity(tmp_path / "a.zarr", times=times)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xr.open_zarr(tmp_path / "a.zarr")
        assert data["reflectivity"].dims == ("time", "y", "x")
        assert data["time"].size == len(times)
    if times:
        assert str(data["time"].values[0])[:19] == "1970-01-01T00:01:00"


def lose_metadata(path):
    (path / "zarr.json").unlink()


def spoil_metadata(path):
    (path / "zarr.json").write_text("{ half")


def lose_digest(path):
    del zarr.open_group(path).attrs["content_digest"]


def lose_a_variable(path):
    shutil.rmtree(path / "echo_fraction")
    zarr.consolidate_metadata(zarr.open_group(path, use_consolidated=False).store)


def lose_the_times(path):
    shutil.rmtree(path / "time")
    zarr.consolidate_metadata(zarr.open_group(path, use_consolidated=False).store)


def stop_the_clock(path):
    zarr.open_group(path)["time"][:] = 7


@pytest.mark.filterwarnings("ignore:Consolidated metadata", "ignore:Object at provenance.json")
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (shutil.rmtree, "reflectivity store missing or incomplete"),
        (lose_metadata, "reflectivity store missing or incomplete"),
        (spoil_metadata, "not readable as Zarr"),
        (lose_digest, "no content digest"),
        (lose_a_variable, "needs 'echo_fraction', this one has"),
        (lose_the_times, "needs 'time', this one has"),
        (stop_the_clock, "its times do not increase"),
    ],
)
def test_a_harmed_store_is_refused_with_its_name_and_remedy(tmp_path, harm, message):
    write_reflectivity(tmp_path / "a.zarr")
    harm(tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=message) as caught:
        open_store(tmp_path / "a.zarr", "reflectivity")
    assert "a.zarr" in str(caught.value)
    assert "snakemake" in str(caught.value)


@pytest.mark.parametrize(
    "variable",
    [Variable("int16", (*SHAPE, 3), ("y", "x", "band")), Variable("uint8", (*SHAPE, 3), ("x", "y", "band"))],
)
def test_another_type_or_order_of_dimensions_is_refused(tmp_path, variable):
    with StoreWriter(tmp_path / "a.zarr", variables={"rgb": variable}):
        pass
    with pytest.raises(StoreError, match=r"'rgb' is .* expected uint8 \('time', 'y', 'x', 'band'\)"):
        open_store(tmp_path / "a.zarr", "rgb")


def test_a_store_of_another_kind_is_refused(tmp_path):
    write_reflectivity(tmp_path / "a.zarr")
    with pytest.raises(StoreError, match="a rgb store needs 'rgb'"):
        open_store(tmp_path / "a.zarr", "rgb")


def test_a_writer_takes_frames_only_in_time_order_and_of_its_shape(tmp_path):
    good = {
        "reflectivity": np.zeros(SHAPE, np.uint8),
        "uncertainty": np.zeros(SHAPE, np.uint8),
        "echo_fraction": np.array(0, np.float32),
        "unmatched_fraction": np.array(0, np.float32),
    }
    for time, bad in [
        (60, {}),
        (59, {}),
        (61, {"reflectivity": np.zeros((5, 4), np.uint8)}),
        (61, {"reflectivity": np.zeros(SHAPE, np.int64)}),
    ]:
        with pytest.raises(AssertionError), StoreWriter(tmp_path / "a.zarr", variables=REFLECTIVITY) as store:
            store.append(60, **good)
            store.append(time, **(good | bad))
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def series_paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    write_reflectivity(folder / "a.zarr", times=range(0, 300, 60))
    write_reflectivity(folder / "b.zarr", times=range(300, 660, 60), seed=1)
    return [folder / "b.zarr", folder / "a.zarr"]


@given(asked=st.lists(st.integers(0, 12), max_size=30))
def test_reading_ahead_gives_the_same_frames_in_any_order(series_paths, asked):
    plain, ahead = TimeSeries(series_paths, "reflectivity"), TimeSeries(series_paths, "reflectivity", ahead=3)
    for number in asked:
        wanted, found = (series.frame("reflectivity", 60 * number) for series in (plain, ahead))
        assert (wanted is None) == (found is None) == (number > 10)
        assert found is None or (np.array_equal(wanted, found) and not found.flags.writeable)


def test_a_series_over_several_stores_is_looked_up_by_time(tmp_path):
    first = write_reflectivity(tmp_path / "a.zarr", times=(60, 120))
    second = write_reflectivity(tmp_path / "b.zarr", times=(240, 300), seed=1)
    write_reflectivity(tmp_path / "c.zarr", times=())
    series = TimeSeries([tmp_path / name for name in ("b.zarr", "a.zarr", "c.zarr")], "reflectivity")
    assert series.times == [60, 120, 240, 300]
    assert np.array_equal(series.frame("reflectivity", 120), first[1]["reflectivity"])
    assert np.array_equal(series.frame("reflectivity", 300), second[1]["reflectivity"])
    assert series.frame("reflectivity", 180) is None
    assert "b.zarr at 1970-01-01T00:04:00Z" in series.describe(240)
    assert "no frame at 1970-01-01T00:03:00Z" in series.describe(180)
