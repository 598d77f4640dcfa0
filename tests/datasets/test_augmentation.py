"""Augmentation parameters: rates, places; they depend on seed, epoch and item only."""

from collections import Counter

import numpy as np
import pytest
import torch
from learning_cases import START, injection, inputs, radar_frames, sampler, small_cache

from radar_cleaner.config.training import Holes
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.datasets.artefacts.inject import NO_ARTEFACTS
from radar_cleaner.datasets.augmentation import (
    crop_center,
    epoch_order,
)
from radar_cleaner.datasets.dihedral import FLIP_ROTATIONS, UNCHANGED
from radar_cleaner.datasets.frame_cache import RadarFrames, RadarGrid
from radar_cleaner.datasets.inpainting_masks import Block, Pixels, Sector, rasterize_masks
from radar_cleaner.targets.splits import Sample

SAMPLE = Sample(START + 360, "CASGO")
SHAPES = ("blocks", "pixels", "sectors")


def how(**changes):
    values = {"crop": 16, "flips": True, "drop_neighbours": 0.3, "drop_others": 0.2, "prefer_echo": 0.5}
    return values | changes


def holed(fraction=1.0, shapes=SHAPES, **changes):
    values = {"size_px": 8, "pixels": 0.3, "sector_degrees": 20.0} | changes
    return Holes(fraction=fraction, shapes=shapes, **values)


def crop(cache, item, augmentation=None, holes=None, artefacts=NO_ARTEFACTS, seed=1, epoch=2):
    augmentation, holes = augmentation or how(), holes or holed(0.4)
    return sampler(augmentation, holes, inputs(), seed, artefacts).sample(cache, SAMPLE, epoch, item)


def quiet_cache(shape=(24, 30), center=(13.0, 9.0)):
    variables = np.zeros((3, 4, *shape), np.uint8)
    times = {START + 360 * number: number for number in range(3)}
    return {"CASGO": RadarFrames(RadarGrid(shape, center, 15.0), variables, times)}


def masks_of(draws, centers):
    rows, columns = draws[0].shape
    keys = [draw.key for draw in draws]
    return rasterize_masks([draw.masks for draw in draws], torch.tensor(centers), keys, (rows, columns)).numpy()


def test_parameters_depend_on_seed_epoch_and_item_alone():
    cache, _ = small_cache()

    def drawn(items, **changes):
        return {item: crop(cache, item, artefacts=injection(0.7), **changes) for item in items}

    forth, back = drawn(range(30)), drawn(reversed(range(30)))
    assert forth == back and len(set(forth.values())) == 30
    assert drawn(range(30), epoch=3) != forth and drawn(range(30), seed=2) != forth
    injected = [draw.artefacts for draw in forth.values() if draw.artefacts]
    assert len(set(injected)) == len(injected) > 10
    assert sorted(epoch_order(1, 2, 50)) == list(range(50))
    assert epoch_order(1, 2, 50).tolist() == epoch_order(1, 2, 50).tolist() != epoch_order(1, 3, 50).tolist()


def test_keys_are_seeds_that_differ_from_item_to_item():
    keys = [crop(small_cache()[0], item).key for item in range(200)]
    assert len(set(keys)) == 200 and all(0 <= key < 2**63 for key in keys)
    assert min(keys) < 2**61 and max(keys) > 2**62


def test_an_option_changes_only_what_it_is_for():
    cache, _ = small_cache()
    for item in range(30):
        plain = crop(cache, item, holes=holed(0.0)).__dict__
        for other in (
            crop(cache, item, holes=holed(1.0)),
            crop(cache, item, holes=holed(1.0, ("sectors",), sector_degrees=3.0)),
            crop(cache, item, how(input_noise_dbz=2.0), holed(0.0)),
        ):
            assert {**other.__dict__, "masks": ()} == plain
        masked = crop(cache, item, holes=holed(1.0)).__dict__
        injected = crop(cache, item, holes=holed(1.0), artefacts=injection(1.0))
        assert injected.artefacts and {**injected.__dict__, "artefacts": ()} == masked
        unturned = crop(cache, item, how(flips=False), holed(0.0)).__dict__
        assert unturned == {**plain, "flip_rotation": UNCHANGED}


def test_artefacts_are_drawn_at_their_rate_whatever_the_masks():
    cache, _ = small_cache()
    draws = [crop(cache, item, artefacts=injection(0.3)) for item in range(1000)]
    injected, with_holes = (
        np.array([bool(getattr(draw, name)) for draw in draws]) for name in ("artefacts", "masks")
    )
    assert injected.mean() == pytest.approx(0.3, abs=0.05)
    assert (injected & with_holes).mean() == pytest.approx(0.3 * 0.4, abs=0.04)


def test_rates_are_met_and_the_samples_own_time_is_always_seen():
    cache, _ = small_cache()
    draws = [crop(cache, item) for item in range(2000)]
    assert all(draw.available[1] for draw in draws)
    assert np.mean([not draw.available[0] for draw in draws]) == pytest.approx(0.3, abs=0.04)
    assert np.mean([not draw.others_available[1] for draw in draws]) == pytest.approx(0.2, abs=0.04)
    assert np.mean([bool(draw.masks) for draw in draws]) == pytest.approx(0.4, abs=0.04)
    assert {draw.flip_rotation for draw in draws} == set(FLIP_ROTATIONS)
    assert {type(hole) for draw in draws for hole in draw.masks} == {Block, Pixels, Sector}


def test_a_crop_contains_rare_clutter_as_often_as_rain():
    cache = quiet_cache((60, 60))
    variables = cache["CASGO"].variables
    variables[1, 2, 5:45, 5:45] = METEOROLOGICAL
    variables[1, 2, 57, 57] = NON_METEOROLOGICAL
    draws = [crop(cache, item, how(crop=8, prefer_echo=1.0)) for item in range(200)]
    windows = [variables[1, 2, draw.top : draw.top + 8, draw.left : draw.left + 8] for draw in draws]
    assert all(((window == METEOROLOGICAL) | (window == NON_METEOROLOGICAL)).any() for window in windows)
    assert np.mean([(window == NON_METEOROLOGICAL).any() for window in windows]) == pytest.approx(0.5, abs=0.15)


def test_every_echo_of_a_kind_is_as_likely_wherever_it_is():
    cache = quiet_cache((17, 23))
    echoes = [(0, 0), (0, 22), (3, 7), (3, 8), (8, 0), (9, 11), (15, 22), (16, 0), (16, 21), (16, 22)]
    for place in echoes:
        cache["CASGO"].variables[1, 2][place] = METEOROLOGICAL
    draws = [crop(cache, item, how(crop=1, prefer_echo=1.0)) for item in range(2000)]
    counts = Counter((draw.top, draw.left) for draw in draws)
    assert sorted(counts) == echoes
    assert all(count == pytest.approx(200, abs=60) for count in counts.values())


def test_a_frame_without_echo_is_cropped_all_the_same():
    draw = crop(quiet_cache(), 0, how(prefer_echo=1.0))
    assert 0 <= draw.top <= 8 and 0 <= draw.left <= 14


def test_sector_masks_are_sectors_of_the_radar_also_in_flipped_and_rotated_crops():
    cache = quiet_cache((50, 60), center=(31.0, 22.5))
    grid, seen = cache["CASGO"].grid, set()
    for item in range(150):
        draw = crop(cache, item, holes=holed(1.0, ("sectors",)))
        mask = masks_of([draw], [crop_center(grid.center_px, draw)])[0]
        upright = np.rot90(mask, -draw.flip_rotation.quarter_turns)
        upright = upright[:, ::-1] if draw.flip_rotation.flip else upright
        rows, columns = np.indices(upright.shape)
        right, up = columns + draw.left - grid.center_px[0], grid.center_px[1] - rows - draw.top
        distance, azimuth = np.hypot(right, up), np.degrees(np.arctan2(right, up))
        inside, outside = np.zeros_like(upright), np.ones_like(upright)
        for sector in draw.masks:
            # A quarter turn counter-clockwise takes 90 degrees off an azimuth, a flip changes its sign.
            middle = sector.azimuth + 90 * draw.flip_rotation.quarter_turns
            middle = -middle if draw.flip_rotation.flip else middle
            off = np.abs((azimuth - middle + 180) % 360 - 180) - sector.width / 2
            inside |= (off < -1e-3) & (distance > sector.near_px + 1e-3) & (distance < sector.far_px - 1e-3)
            outside &= (off > 1e-3) | (distance < sector.near_px - 1e-3) | (distance > sector.far_px + 1e-3)
        assert upright[inside].all() and not upright[outside].any()
        seen |= {(draw.flip_rotation.flip, draw.flip_rotation.quarter_turns)} if inside.any() else set()
    assert len(seen) == 8


def test_the_centre_is_where_the_radar_is_in_the_flipped_and_rotated_crop():
    cache = {"CASGO": radar_frames([START, START + 360, START + 720])}
    for item in range(40):
        draw = crop(cache, item)
        marked = np.zeros((16, 16), bool)
        marked[5, 3] = True
        laid = np.rot90(marked[:, ::-1] if draw.flip_rotation.flip else marked, draw.flip_rotation.quarter_turns)
        column, row = crop_center((draw.left + 3.0, draw.top + 5.0), draw)
        assert laid[int(row), int(column)]


def test_validation_is_the_whole_frame_with_the_same_masks_each_time():
    cache, samples = small_cache()
    first = [sampler(None, holed(0.2), inputs(), 1).validation(cache, samples[0], item) for item in range(40)]
    assert first == [
        sampler(None, holed(0.2), inputs(), 1).validation(cache, samples[0], item) for item in range(40)
    ]
    assert first != [
        sampler(None, holed(0.2), inputs(), 2).validation(cache, samples[0], item) for item in range(40)
    ]
    for draw in first:
        assert (draw.top, draw.left, draw.shape, draw.flip_rotation) == (0, 0, (32, 32), UNCHANGED)
        assert all(draw.available) and all(draw.others_available) and draw.masks and not draw.artefacts
    assert {type(hole) for draw in first for hole in draw.masks} == {Block, Pixels, Sector}
    assert len({draw.key for draw in first}) == 40


def test_without_masks_in_training_validation_has_none():
    cache, samples = small_cache()
    assert sampler(None, holed(0.0), inputs(), 1).validation(cache, samples[0], 0).masks == ()


@pytest.mark.parametrize("shape", [(64, 64), (200, 330)])
def test_validation_hides_little_and_as_much_of_a_large_frame_as_of_a_small_one(shape):
    cache = quiet_cache(shape)
    draws = [
        sampler(None, holed(1.0, ("blocks",)), inputs(), 1).validation(cache, SAMPLE, item) for item in range(60)
    ]
    hidden = masks_of(draws, [(0.0, 0.0)] * 60).mean()
    assert 0.015 < hidden < 0.035
