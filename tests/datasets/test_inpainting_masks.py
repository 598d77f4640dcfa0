"""Inpainting masks: their shapes, and that they depend on their key alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.config.training import Holes
from radar_cleaner.datasets.inpainting_masks import Block, Pixels, Sector, rasterize_masks, sample_masks

CPU = torch.device("cpu")
SHAPE = (40, 56)
CENTER, RANGE = (25.0, 18.0), 30.0
RADARS = st.tuples(st.floats(-20, 70), st.floats(-20, 60))


def options(**changes):
    values = {"fraction": 0.5, "shapes": ("blocks", "pixels", "sectors"), "size_px": 12, "pixels": 0.3}
    return Holes(**(values | {"sector_degrees": 15.0} | changes))


def mask_of(*holes, center=CENTER, key=5, shape=SHAPE):
    return rasterize_masks([holes], torch.tensor([center]), [key], shape)[0].numpy()


def drawn(seed, shape=SHAPE, center=CENTER, **changes):
    return sample_masks(np.random.default_rng(seed), options(**changes), shape, center, RANGE)


def polar(center, shape=SHAPE):
    """Range in pixels and azimuth in degrees of each pixel, from the definition."""
    rows, columns = np.indices(shape)
    right, up = columns - center[0], center[1] - rows
    return np.hypot(right, up), np.degrees(np.arctan2(right, up)) % 360


def apart(azimuth, other):
    """Degrees between two azimuths, 0 to 180."""
    return np.abs((azimuth - other + 180) % 360 - 180)


def test_a_frame_of_a_mosaic_has_masks_too():
    """Its range is infinite; sectors go from the middle to the edge."""
    for seed in range(20):
        masks = sample_masks(np.random.default_rng(seed), options(shapes=("sectors",)), SHAPE, CENTER, math.inf)
        hidden = rasterize_masks([masks], torch.tensor([CENTER]), [seed], SHAPE)
        assert 0 < hidden.float().mean() < 1


@given(azimuth=st.floats(0, 359.9), width=st.floats(0.5, 360), near=st.floats(0, 20), center=RADARS)
def test_a_sector_is_between_two_azimuths_and_two_ranges(azimuth, width, near, center):
    distance, direction = polar(center)
    hidden = mask_of(Sector(azimuth, width, near, RANGE), center=center)
    off, margin = apart(direction, azimuth) - width / 2, 1e-3  # degrees and pixels that rounding may cost
    inside = (off < -margin) & (distance > near + margin) & (distance < RANGE - margin)
    outside = (off > margin) | (distance < near - margin) | (distance > RANGE + margin)
    away = distance > margin  # the radar's own pixel has no azimuth
    assert hidden[inside & away].all() and not hidden[outside & away].any()


def test_a_sector_across_north_hides_both_sides_of_it():
    hidden = mask_of(Sector(0.0, 20.0, 5.0, 15.0))
    assert hidden[8, 24] and hidden[8, 25] and hidden[8, 26]
    assert not hidden[28].any() and not hidden[16].any() and not hidden[1].any()


def test_drawn_sectors_are_missing_rays_or_beams_blocked_up_to_the_edge_of_the_range():
    sectors = [hole for seed in range(300) for hole in drawn(seed, shapes=("sectors",))]
    assert all(isinstance(sector, Sector) and sector.far_px == RANGE for sector in sectors)
    assert all(15 / 4 <= sector.width <= 15 and 0 <= sector.near_px <= RANGE for sector in sectors)
    assert np.mean([sector.near_px == 0 for sector in sectors]) == pytest.approx(0.5, abs=0.06)
    assert np.histogram([sector.azimuth for sector in sectors], 4, (0, 360))[0].min() > 50


@pytest.mark.parametrize("center", [CENTER, (-15.0, 9.0), (30.0, 55.0)])
def test_even_the_narrowest_sector_hides_a_pixel_within_the_range(center):
    how = options(shapes=("sectors",), sector_degrees=0.2)
    for seed in range(100):
        for sector in sample_masks(np.random.default_rng(seed), how, SHAPE, center, range_px=100.0):
            assert mask_of(sector, center=center).any()


def test_blocks_stay_within_their_size_and_touch_the_picture():
    blocks = [hole for seed in range(100) for hole in drawn(seed, shapes=("blocks",), size_px=10)]
    assert all(2 <= block.bottom - block.top <= 10 and 2 <= block.right - block.left <= 10 for block in blocks)
    for block in blocks:
        rows, columns = np.nonzero(mask_of(block))
        assert rows.size
        assert (rows.min(), columns.min()) == (max(0, block.top), max(0, block.left))
        assert (rows.max() + 1, columns.max() + 1) == (min(40, block.bottom), min(56, block.right))


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_pixels_are_hidden_one_by_one_at_their_share(share):
    hidden = mask_of(Pixels(share), shape=(200, 200))
    assert hidden.mean() == pytest.approx(share, abs=0.01)
    # Pixels are independent: neighbours are hidden together as often as by chance.
    assert (hidden[:, 1:] & hidden[:, :-1]).mean() == pytest.approx(share**2, abs=0.01)
    assert (mask_of(Pixels(share), shape=(200, 200), key=6) != hidden).any() == (share < 1)


def test_a_sample_has_masks_of_one_shape_and_each_shape_is_as_likely():
    kinds = []
    for seed in range(600):
        holes = drawn(seed)
        assert len({type(hole) for hole in holes}) == 1 and 1 <= len(holes) <= 4
        kinds.append(type(holes[0]))
    assert all(kinds.count(kind) / 600 == pytest.approx(1 / 3, abs=0.07) for kind in (Block, Sector, Pixels))


@given(seeds=st.lists(st.integers(0, 10**6), min_size=2, max_size=5), data=st.data())
def test_masks_do_not_depend_on_their_batch(seeds, data):
    centers = torch.tensor([data.draw(RADARS) for _ in seeds])
    holes = [
        drawn(seed, center=tuple(center)) if seed % 4 else ()
        for seed, center in zip(seeds, centers.tolist(), strict=True)
    ]
    together = rasterize_masks(holes, centers, seeds, SHAPE)
    order = data.draw(st.permutations(range(len(seeds))))
    mixed = rasterize_masks([holes[i] for i in order], centers[order], [seeds[i] for i in order], SHAPE)
    assert torch.equal(mixed, together[order])
    for i, seed in enumerate(seeds):
        alone = rasterize_masks(holes[i : i + 1], centers[i : i + 1], [seed], SHAPE)
        assert torch.equal(alone[0], together[i])
        assert alone.any() or not holes[i] or not isinstance(holes[i][0], Block)


def test_no_masks_hide_nothing_and_use_no_random_numbers():
    state = torch.get_rng_state()
    assert not rasterize_masks([(), ()], torch.zeros(2, 2), [1, 2], SHAPE).any()
    rasterize_masks([(Pixels(0.5),)], torch.zeros(1, 2), [1], SHAPE)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_largest_key_is_a_key():
    assert mask_of(Pixels(0.5), key=2**63 - 1).any()
