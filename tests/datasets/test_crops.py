"""CropDataset: equal crops from memory-mapped frames, compressed frames and frames on a device."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import START, augmentation, holes, injection, inputs, radar_frames, sampler

from radar_cleaner.datasets.augmentation import whole_frame
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import Labels, cut_crops
from radar_cleaner.datasets.frame_cache import copy_to_device
from radar_cleaner.datasets.frame_cache_files import FrameWriter, open_frames
from radar_cleaner.targets.splits import Sample

SHAPES = {"CASGO": (20, 33), "CASCM": (41, 17)}
TIMES = [START + 360 * number for number in range(5)]
MOST = 10**9


@cache
def cache_of(atlas, fields):
    """Two radars of different size."""
    random = np.random.default_rng(1)
    found = {}
    for number, (radar, shape) in enumerate(SHAPES.items()):
        grid = {
            "clutter": random.random(shape) < 0.2 if atlas == "mask" else None,
            "echo_frequency": random.integers(0, 256, shape, np.uint8) if atlas == "channel" else None,
            "fields": random.random((fields, *shape), np.float32) if fields else None,
        }
        found[radar] = radar_frames(TIMES, shape, 50 * number, **grid)
    return found


@pytest.fixture(scope="module")
def packed_frames(tmp_path_factory):
    """Return compressed variables by radar; they depend on neither the atlas nor the fields."""
    found = {}
    for radar, frames in cache_of("none", 0).items():
        folder = tmp_path_factory.mktemp(radar)
        with FrameWriter(folder, frames.variables.shape, compressed=True) as writer:
            for frame in frames.variables:
                writer.append(frame)
        found[radar] = open_frames(folder, frames.variables.shape)
    return found


def tensors_of(raw):
    """Every tensor of a raw batch by its name."""
    for name, value in vars(raw).items():
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, Labels):
            yield from ((f"{name}.{part}", tensor) for part, tensor in vars(value).items())


@given(
    radars=st.lists(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=5),
    crop=st.integers(1, 45),
    atlas=st.sampled_from(["none", "mask", "channel"]),
    static=st.booleans(),
    seed=st.integers(0, 1000),
    stride=st.integers(1, 3),
)
def test_crops_are_the_same_wherever_the_frames_are_kept(packed_frames, radars, crop, atlas, static, seed, stride):
    how = inputs(atlas=atlas, static=("terrain", "sea") if static else ())
    frame_cache = cache_of(atlas, 2 if static else 0)
    samples = [Sample(TIMES[1 + number % 3], radar) for number, radar in enumerate(radars)]
    options = augmentation(crop=crop, flips=True, prefer_echo=0.7, max_stride=stride)
    draws = [
        sampler(options, holes(), how, seed, injection()).sample(frame_cache, sample, 1, item)
        for item, sample in enumerate(samples)
    ]
    plain = cut_crops(frame_cache, samples, draws, how)
    packed = {radar: replace(frames, variables=packed_frames[radar]) for radar, frames in frame_cache.items()}
    for other in (copy_to_device(frame_cache, torch.device("cpu"), MOST), packed):
        found = cut_crops(other, samples, draws, how)
        wanted, got = (dict(tensors_of(raw)) for raw in (plain, found))
        assert wanted.keys() == got.keys() and ("fields" in wanted) == static
        assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    drawn = [
        sampler(options, holes(), how, seed, injection()).sample(packed, sample, 1, item)
        for item, sample in enumerate(samples)
    ]
    assert drawn == draws


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_crop_of_every_nth_pixel_has_the_radar_where_it_is_in_the_frame(stride):
    """A pixel keeps its distance in km and its azimuth, and is as many times as large."""
    how = inputs(scale=True)
    frames = {"CASGO": radar_frames(TIMES, (60, 66), 1, pixel_km=0.5)}
    sample = Sample(TIMES[1], "CASGO")
    whole = whole_frame((60, 66), how)
    crop = replace(whole, top=4, left=7, shape=(18, 18), stride=stride)
    all_pixels, pixels = (
        make_batch(cut_crops(frames, [sample], [params], how), how, torch.device("cpu")).channels[0]
        for params in (whole, crop)
    )
    names = list(how.names)
    rows = slice(4, 4 + 18 * stride, stride), slice(7, 7 + 18 * stride, stride)
    for name in names:
        found, wanted = pixels[names.index(name)], all_pixels[names.index(name)][rows]
        found = found[: wanted.shape[0], : wanted.shape[1]]
        if name == "pixel_km":
            assert torch.allclose(found, torch.log2(torch.tensor(0.5 * stride)))
        else:
            assert torch.allclose(found, wanted, atol=1e-5), name


def test_without_its_range_a_crop_is_like_one_of_a_mosaic():
    how = inputs(scale=True)
    sample = Sample(TIMES[1], "CASGO")
    frames = radar_frames(TIMES, (20, 20), 1)
    radar, mosaic = {"CASGO": frames}, {"CASGO": replace(frames, grid=replace(frames.grid, range_px=np.inf))}
    whole = whole_frame((20, 20), how)
    unknown, other = (
        make_batch(cut_crops(frames, [sample], [params], how), how, torch.device("cpu")).channels
        for frames, params in ((radar, replace(whole, has_range=False)), (mosaic, whole))
    )
    assert torch.equal(unknown, other)
