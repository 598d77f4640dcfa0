"""Crops: the same whether they are cut from mapped, from packed frames or on a device that holds them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import START, augmentation, holes, inputs, planting, radar_bank

from radar_cleaner.datasets.augmentation import draw_crop
from radar_cleaner.datasets.crops import cut
from radar_cleaner.datasets.frame_cache import Sample, hold_on
from radar_cleaner.datasets.frame_cache_files import PlanesWriter, open_planes

SHAPES = {"CASGO": (20, 33), "CASCM": (41, 17)}
TIMES = [START + 360 * number for number in range(5)]
MOST = 10**9


@cache
def bank_of(atlas, fields):
    """Two radars of different size."""
    random = np.random.default_rng(1)
    found = {}
    for number, (radar, shape) in enumerate(SHAPES.items()):
        grid = {
            "clutter": random.random(shape) < 0.2 if atlas == "mask" else None,
            "echo_frequency": random.integers(0, 256, shape, np.uint8) if atlas == "channel" else None,
            "fields": random.random((fields, *shape), np.float32) if fields else None,
        }
        found[radar] = radar_bank(TIMES, shape, 50 * number, **grid)
    return found


@pytest.fixture(scope="module")
def packed_planes(tmp_path_factory):
    """By radar: its planes packed, which hang on neither the atlas nor the fields."""
    found = {}
    for radar, frames in bank_of("none", 0).items():
        folder = tmp_path_factory.mktemp(radar)
        with PlanesWriter(folder, frames.planes.shape, packed=True) as planes:
            for frame in frames.planes:
                planes.append(frame)
        found[radar] = open_planes(folder, frames.planes.shape)
    return found


@given(
    radars=st.lists(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=5),
    crop=st.integers(1, 45),
    atlas=st.sampled_from(["none", "mask", "channel"]),
    static=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_crops_are_the_same_wherever_the_frames_lie(packed_planes, radars, crop, atlas, static, seed):
    how = inputs(atlas=atlas, static=("terrain", "sea") if static else ())
    bank = bank_of(atlas, 2 if static else 0)
    samples = [Sample(TIMES[1 + number % 3], radar) for number, radar in enumerate(radars)]
    options = augmentation(crop=crop, flips=True, prefer_echo=0.7)
    draws = [
        draw_crop(bank, sample, options, holes(), how, seed, 1, item, planting())
        for item, sample in enumerate(samples)
    ]
    plain = cut(bank, samples, draws, how)
    packed = {radar: replace(frames, planes=packed_planes[radar]) for radar, frames in bank.items()}
    for other in (hold_on(bank, torch.device("cpu"), MOST), packed):
        found = cut(other, samples, draws, how)
        assert torch.equal(found.planes, plain.planes)
        assert np.array_equal(found.center_px, plain.center_px) and np.array_equal(found.range_px, plain.range_px)
        assert (found.fields is None) == (plain.fields is None) == (not static)
        assert plain.fields is None or torch.equal(found.fields, plain.fields)
    drawn = [
        draw_crop(packed, sample, options, holes(), how, seed, 1, item, planting())
        for item, sample in enumerate(samples)
    ]
    assert drawn == draws
