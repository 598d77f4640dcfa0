"""The frame cache: the data of the stores, once, by radar and time."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import store_cases
import torch
from learning_cases import START, inputs

from radar_cleaner.conventions import NODATA, UNKNOWN
from radar_cleaner.datasets.frame_cache import (
    CONFIDENCE,
    ECHO_CLASS,
    OTHER_RADARS,
    THIS_RADAR,
    RadarSources,
    copy_to_device,
    open_frame_cache,
    write_frame_cache,
)
from radar_cleaner.datasets.frame_cache_files import CompressedFrames
from radar_cleaner.errors import SampleError, StoreError
from radar_cleaner.targets.splits import Sample

TIMES = store_cases.times_from(count=4)
SHAPE = store_cases.SHAPE


@pytest.fixture
def sources(tmp_path):
    return RadarSources(
        [
            store_cases.make_reflectivity(tmp_path / "reflectivity1.zarr", times=TIMES[:2]),
            store_cases.make_reflectivity(tmp_path / "reflectivity2.zarr", times=TIMES[2:]),
        ],
        [store_cases.make_aligned(tmp_path / "aligned.zarr", times=TIMES[:3])],
        [store_cases.make_labels(tmp_path / "labels.zarr", times=TIMES[1:])],
        store_cases.make_atlas(tmp_path / "atlas.zarr", echo_frequency=np.full(SHAPE, 0.4)),
    )


def make_cache(folder, sources, samples, use="none", most_raw=10**9, **options):
    folder.mkdir()
    digests = write_frame_cache(folder, {"CASGO": sources}, samples, inputs(atlas=use, **options), most_raw)
    return open_frame_cache(folder), digests


def test_frames_come_back_by_time_from_all_stores(tmp_path, sources):
    samples = [Sample(TIMES[1], "CASGO"), Sample(TIMES[2], "CASGO")]
    cache, digests = make_cache(tmp_path / "cache", sources, samples)
    frames = cache["CASGO"]
    assert list(frames.index) == TIMES
    for time in TIMES:
        variables = frames.variables[frames.index[time]]
        assert np.array_equal(variables[THIS_RADAR], store_cases.pattern_codes("CASGO", time))
        seen = time != TIMES[3]
        wanted = store_cases.pattern_codes("CASCM", time) if seen else np.full(SHAPE, NODATA)
        assert np.array_equal(variables[OTHER_RADARS], wanted)
    assert (frames.variables[0, ECHO_CLASS] == UNKNOWN).all() and not frames.variables[0, CONFIDENCE].any()
    assert frames.variables[1, CONFIDENCE].any()
    assert frames.grid.range_px == pytest.approx(max(SHAPE) / 2)
    assert frames.grid.center_px == store_cases.small_geometry().center_px
    assert len(digests) == 5 and all(digest.startswith("xxh3:") for digest in digests.values())


def test_a_frame_cache_too_large_for_memory_is_packed_with_the_same_content(tmp_path, sources, caplog):
    samples = [Sample(TIMES[1], "CASGO"), Sample(TIMES[2], "CASGO")]
    raw = make_cache(tmp_path / "raw", sources, samples)[0]["CASGO"].variables
    with caplog.at_level("INFO"):
        packed = make_cache(tmp_path / "packed", sources, samples, most_raw=raw.nbytes - 1)[0]["CASGO"].variables
    assert isinstance(packed, CompressedFrames) and packed.shape == raw.shape
    assert all(np.array_equal(packed[place], raw[place]) for place in np.ndindex(raw.shape[:2]))
    assert "frame cache: 4 frames" in caplog.text and "compressed from" in caplog.text


def test_a_frame_cache_larger_than_its_disk_is_packed(tmp_path, sources, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    cache, _ = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")])
    assert isinstance(cache["CASGO"].variables, CompressedFrames)


def test_a_frame_cache_goes_to_a_device_where_it_fits(tmp_path, sources):
    cache, _ = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")], use="channel")
    variables, cpu = cache["CASGO"].variables, torch.device("cpu")
    held = copy_to_device(cache, cpu, variables.nbytes)["CASGO"].on_device
    assert np.array_equal(held.variables.numpy(), variables)
    assert np.array_equal(held.echo_frequency.numpy(), cache["CASGO"].grid.echo_frequency)
    assert copy_to_device(cache, cpu, variables.nbytes - 1) is cache
    packed, _ = make_cache(tmp_path / "packed", sources, [Sample(TIMES[1], "CASGO")], most_raw=1)
    assert copy_to_device(packed, cpu, 10**9) is packed


def test_only_frames_that_samples_read_are_cached(tmp_path, sources):
    cache, _ = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")])
    assert list(cache["CASGO"].index) == TIMES[:3]


def test_the_levels_are_the_codes_of_the_radars_own_frames(tmp_path, sources):
    frames = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")])[0]["CASGO"]
    assert frames.grid.levels.tolist() == np.unique(frames.variables[:, THIS_RADAR]).tolist()


def test_the_frame_cache_stays_readable_when_its_files_are_deleted(tmp_path, sources):
    cache, _ = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")])
    before = np.array(cache["CASGO"].variables)
    for path in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert np.array_equal(cache["CASGO"].variables, before)


@pytest.mark.parametrize(("use", "name"), [("mask", "clutter"), ("channel", "echo_frequency"), ("none", None)])
def test_the_atlas_is_cached_as_it_is_used(tmp_path, sources, use, name):
    cache, _ = make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")], use)
    held = {key for key in ("clutter", "echo_frequency") if getattr(cache["CASGO"].grid, key) is not None}
    assert held == ({name} if name else set())
    if name == "echo_frequency":
        assert (cache["CASGO"].grid.echo_frequency == 102).all()


def test_a_sample_without_its_frames_is_named(tmp_path, sources):
    with pytest.raises(SampleError, match="CASGO at 2024-07-10T23:54:00Z"):
        make_cache(tmp_path / "cache", sources, [Sample(START, "CASGO")])
    with pytest.raises(SampleError, match=r"CASXX .*does not name that radar, only \['CASGO'\]"):
        make_cache(tmp_path / "other", sources, [Sample(START, "CASXX")])


def test_an_atlas_of_another_size_is_refused(tmp_path, sources):
    small = store_cases.make_atlas(tmp_path / "small.zarr", shape=(8, 8))
    changed = replace(sources, atlas=small)
    with pytest.raises(StoreError, match=r"small\.zarr: its shape is \(8, 8\)"):
        make_cache(tmp_path / "cache", changed, [Sample(TIMES[1], "CASGO")], "mask")


def static_sources(tmp_path, sources, **changes):
    fields = {"terrain": np.full(SHAPE, 1000.0), "land": np.eye(*SHAPE)}
    changes = {"fields": fields, **changes}
    return replace(sources, static=store_cases.make_static(tmp_path / "static.zarr", **changes))


def test_static_fields_are_scaled_as_channels_and_kept_in_the_given_order(tmp_path, sources):
    cache, digests = make_cache(
        tmp_path / "cache",
        static_sources(tmp_path, sources),
        [Sample(TIMES[1], "CASGO")],
        coordinates=True,
        static=("land", "terrain"),
    )
    latitude, cosine, sine, pixel, land, terrain = cache["CASGO"].grid.fields
    place = store_cases.small_geometry()
    longitude_degrees, latitude_degrees = place.grid.longitude_latitude()
    assert np.allclose(latitude * 90, latitude_degrees, atol=1e-5)
    assert np.allclose(np.rad2deg(np.arctan2(sine, cosine)), longitude_degrees, atol=1e-5)
    assert np.allclose(2**pixel, place.grid.pixel_size_km)
    assert np.allclose(terrain, 1) and np.array_equal(land > 0, np.eye(*SHAPE) > 0)
    assert len(digests) == 6


def test_nothing_is_cached_of_a_static_store_that_is_not_used(tmp_path, sources):
    cache, _ = make_cache(tmp_path / "cache", static_sources(tmp_path, sources), [Sample(TIMES[1], "CASGO")])
    assert cache["CASGO"].grid.fields is None
    assert not (tmp_path / "cache/CASGO/fields.npy").exists()


def test_solar_time_needs_the_longitude_and_the_season_nothing(tmp_path, sources):
    held = static_sources(tmp_path, sources, fields={})
    cache, _ = make_cache(tmp_path / "sun", held, [Sample(TIMES[1], "CASGO")], time_of_day=True)
    assert cache["CASGO"].grid.fields.shape == (2, *SHAPE)
    cache, _ = make_cache(tmp_path / "season", sources, [Sample(TIMES[1], "CASGO")], day_of_year=True)
    assert cache["CASGO"].grid.fields is None


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"static": ("snow",)}, r"has the fields \['terrain', 'land'\], but not snow; name their files in"),
        ({"radar": "CASCM"}, {"coordinates": True}, "its radar is CASCM, expected CASGO"),
        (
            {"geometry": store_cases.small_geometry(range_km=120), "fields": {}},
            {"coordinates": True},
            r"its pixel_size is \[5000.0, 5000.0\], expected \[10000.0, 10000.0\]",
        ),
    ],
)
def test_a_static_store_that_does_not_fit_is_refused(tmp_path, sources, changes, options, message):
    with pytest.raises(StoreError, match=rf"static\.zarr: {message}"):
        make_cache(
            tmp_path / "cache",
            static_sources(tmp_path, sources, **changes),
            [Sample(TIMES[1], "CASGO")],
            **options,
        )


def test_a_missing_static_store_is_named(tmp_path, sources):
    with pytest.raises(StoreError, match=r"the channels \['longitude_cos'.* need a static store"):
        make_cache(tmp_path / "cache", sources, [Sample(TIMES[1], "CASGO")], time_of_day=True)
