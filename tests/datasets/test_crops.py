"""CropDataset: equal crops from memory-mapped frames, compressed frames and frames on a device."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import START, augmentation, holes, injection, inputs, radar_frames, sampler

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
)
def test_crops_are_the_same_wherever_the_frames_are_kept(packed_frames, radars, crop, atlas, static, seed):
    how = inputs(atlas=atlas, static=("terrain", "sea") if static else ())
    frame_cache = cache_of(atlas, 2 if static else 0)
    samples = [Sample(TIMES[1 + number % 3], radar) for number, radar in enumerate(radars)]
    options = augmentation(crop=crop, flips=True, prefer_echo=0.7)
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
