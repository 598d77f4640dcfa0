"""What is drawn for a sample: rates, places, and that it hangs on seed, epoch and item alone."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from learning_cases import START, inputs, planting, radar_bank, small_bank

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.datasets.artefacts.inject import NO_PLANTS
from radar_cleaner.datasets.augmentation import (
    Augmentation,
    draw_crop,
    draw_validation,
    epoch_order,
    turned_center,
)
from radar_cleaner.datasets.frame_cache import RadarFrameBank, RadarGrid, Sample
from radar_cleaner.datasets.inpainting_masks import Block, HoleOptions, Pixels, Sector, hole_mask
from radar_cleaner.errors import ConfigError

SAMPLE = Sample(START + 360, "CASGO")
SHAPES = ("blocks", "pixels", "sectors")


def how(**changes):
    values = {"crop": 16, "flips": True, "drop_neighbours": 0.3, "drop_others": 0.2, "prefer_echo": 0.5}
    return Augmentation(**(values | {"input_noise_dbz": 0.0} | changes))


def holed(fraction=1.0, shapes=SHAPES, **changes):
    return HoleOptions(fraction, shapes, **({"hole_size": 8, "hole_pixels": 0.3, "hole_sector": 20.0} | changes))


def crop(bank, item, augmentation=None, holes=None, plants=NO_PLANTS, seed=1, epoch=2):
    augmentation, holes = augmentation or how(), holes or holed(0.4)
    return draw_crop(bank, SAMPLE, augmentation, holes, inputs(), seed, epoch, item, plants)


def quiet_bank(shape=(24, 30), center=(13.0, 9.0)):
    planes = np.zeros((3, 4, *shape), np.uint8)
    times = {START + 360 * number: number for number in range(3)}
    return {"CASGO": RadarFrameBank(RadarGrid(shape, center, 15.0), planes, times)}


def masks_of(draws, centers):
    rows, columns = draws[0].shape
    keys = [draw.key for draw in draws]
    return hole_mask(
        [draw.holes for draw in draws], torch.tensor(centers), keys, (rows, columns), torch.device("cpu")
    ).numpy()


def test_draws_hang_on_seed_epoch_and_item_alone():
    bank, _ = small_bank()

    def drawn(items, **changes):
        return {item: crop(bank, item, plants=planting(0.7), **changes) for item in items}

    forth, back = drawn(range(30)), drawn(reversed(range(30)))
    assert forth == back and len(set(forth.values())) == 30
    assert drawn(range(30), epoch=3) != forth and drawn(range(30), seed=2) != forth
    planted = [draw.plants for draw in forth.values() if draw.plants]
    assert len(set(planted)) == len(planted) > 10
    assert sorted(epoch_order(1, 2, 50)) == list(range(50))
    assert epoch_order(1, 2, 50).tolist() == epoch_order(1, 2, 50).tolist() != epoch_order(1, 3, 50).tolist()


def test_keys_are_seeds_that_differ_from_item_to_item():
    keys = [crop(small_bank()[0], item).key for item in range(200)]
    assert len(set(keys)) == 200 and all(0 <= key < 2**63 for key in keys)
    assert min(keys) < 2**61 and max(keys) > 2**62


def test_an_option_changes_only_what_it_is_for():
    bank, _ = small_bank()
    for item in range(30):
        plain = crop(bank, item, holes=holed(0.0)).__dict__
        for other in (
            crop(bank, item, holes=holed(1.0)),
            crop(bank, item, holes=holed(1.0, ("sectors",), hole_sector=3.0)),
            crop(bank, item, how(input_noise_dbz=2.0), holed(0.0)),
        ):
            assert {**other.__dict__, "holes": ()} == plain
        sown = crop(bank, item, holes=holed(1.0), plants=planting(1.0))
        assert sown.plants and {**sown.__dict__, "plants": ()} == crop(bank, item, holes=holed(1.0)).__dict__
        unturned = crop(bank, item, how(flips=False), holed(0.0)).__dict__
        assert unturned == {**plain, "flip": False, "turns": 0}


def test_plants_are_drawn_at_their_rate_whatever_the_holes():
    bank, _ = small_bank()
    draws = [crop(bank, item, plants=planting(0.3)) for item in range(1000)]
    planted, with_holes = (np.array([bool(getattr(draw, name)) for draw in draws]) for name in ("plants", "holes"))
    assert planted.mean() == pytest.approx(0.3, abs=0.05)
    assert (planted & with_holes).mean() == pytest.approx(0.3 * 0.4, abs=0.04)


def test_rates_are_met_and_the_samples_own_time_is_always_seen():
    bank, _ = small_bank()
    draws = [crop(bank, item) for item in range(2000)]
    assert all(draw.own_seen[1] for draw in draws)
    assert np.mean([not draw.own_seen[0] for draw in draws]) == pytest.approx(0.3, abs=0.04)
    assert np.mean([not draw.others_seen[1] for draw in draws]) == pytest.approx(0.2, abs=0.04)
    assert np.mean([bool(draw.holes) for draw in draws]) == pytest.approx(0.4, abs=0.04)
    assert {(draw.flip, draw.turns) for draw in draws} == {(f, t) for f in (False, True) for t in range(4)}
    assert {type(hole) for draw in draws for hole in draw.holes} == {Block, Pixels, Sector}


def test_a_crop_is_laid_over_rare_clutter_as_often_as_over_rain():
    bank = quiet_bank((60, 60))
    planes = bank["CASGO"].planes
    planes[1, 2, 5:45, 5:45] = METEOROLOGICAL
    planes[1, 2, 57, 57] = NON_METEOROLOGICAL
    draws = [crop(bank, item, how(crop=8, prefer_echo=1.0)) for item in range(200)]
    windows = [planes[1, 2, draw.top : draw.top + 8, draw.left : draw.left + 8] for draw in draws]
    assert all(((window == METEOROLOGICAL) | (window == NON_METEOROLOGICAL)).any() for window in windows)
    assert np.mean([(window == NON_METEOROLOGICAL).any() for window in windows]) == pytest.approx(0.5, abs=0.15)


def test_every_echo_of_a_kind_is_as_likely_wherever_it_lies():
    bank = quiet_bank((17, 23))
    echoes = [(0, 0), (0, 22), (3, 7), (3, 8), (8, 0), (9, 11), (15, 22), (16, 0), (16, 21), (16, 22)]
    for place in echoes:
        bank["CASGO"].planes[1, 2][place] = METEOROLOGICAL
    draws = [crop(bank, item, how(crop=1, prefer_echo=1.0)) for item in range(2000)]
    counts = Counter((draw.top, draw.left) for draw in draws)
    assert sorted(counts) == echoes
    assert all(count == pytest.approx(200, abs=60) for count in counts.values())


def test_a_frame_without_echo_is_cropped_all_the_same():
    draw = crop(quiet_bank(), 0, how(prefer_echo=1.0))
    assert 0 <= draw.top <= 8 and 0 <= draw.left <= 14


def test_sector_holes_are_sectors_of_the_radar_also_in_flipped_and_turned_crops():
    bank = quiet_bank((50, 60), center=(31.0, 22.5))
    grid, seen = bank["CASGO"].grid, set()
    for item in range(150):
        draw = crop(bank, item, holes=holed(1.0, ("sectors",)))
        mask = masks_of([draw], [turned_center(grid.center_px, draw)])[0]
        upright = np.rot90(mask, -draw.turns)
        upright = upright[:, ::-1] if draw.flip else upright
        rows, columns = np.indices(upright.shape)
        right, up = columns + draw.left - grid.center_px[0], grid.center_px[1] - rows - draw.top
        distance, azimuth = np.hypot(right, up), np.degrees(np.arctan2(right, up))
        inside, outside = np.zeros_like(upright), np.ones_like(upright)
        for sector in draw.holes:
            # A quarter turn counter-clockwise takes 90 degrees off an azimuth, a flip changes its sign.
            middle = sector.azimuth + 90 * draw.turns
            middle = -middle if draw.flip else middle
            off = np.abs((azimuth - middle + 180) % 360 - 180) - sector.width / 2
            inside |= (off < -1e-3) & (distance > sector.near_px + 1e-3) & (distance < sector.far_px - 1e-3)
            outside &= (off > 1e-3) | (distance < sector.near_px - 1e-3) | (distance > sector.far_px + 1e-3)
        assert upright[inside].all() and not upright[outside].any()
        seen |= {(draw.flip, draw.turns)} if inside.any() else set()
    assert len(seen) == 8


def test_the_turned_centre_is_where_the_radar_lies_in_the_turned_crop():
    bank = {"CASGO": radar_bank([START, START + 360, START + 720])}
    for item in range(40):
        draw = crop(bank, item)
        marked = np.zeros((16, 16), bool)
        marked[5, 3] = True
        laid = np.rot90(marked[:, ::-1] if draw.flip else marked, draw.turns)
        column, row = turned_center((draw.left + 3.0, draw.top + 5.0), draw)
        assert laid[int(row), int(column)]


def test_validation_is_the_whole_frame_with_the_same_holes_each_time():
    bank, samples = small_bank()
    first = [draw_validation(bank, samples[0], holed(0.2), inputs(), 1, item) for item in range(40)]
    assert first == [draw_validation(bank, samples[0], holed(0.2), inputs(), 1, item) for item in range(40)]
    assert first != [draw_validation(bank, samples[0], holed(0.2), inputs(), 2, item) for item in range(40)]
    for draw in first:
        assert (draw.top, draw.left, draw.shape, draw.flip, draw.turns) == (0, 0, (32, 32), False, 0)
        assert all(draw.own_seen) and all(draw.others_seen) and draw.holes and not draw.plants
    assert {type(hole) for draw in first for hole in draw.holes} == {Block, Pixels, Sector}
    assert len({draw.key for draw in first}) == 40


def test_without_holes_in_training_validation_has_none():
    bank, samples = small_bank()
    assert draw_validation(bank, samples[0], holed(0.0), inputs(), 1, 0).holes == ()


@pytest.mark.parametrize("shape", [(64, 64), (200, 330)])
def test_validation_hides_little_and_as_much_of_a_large_frame_as_of_a_small_one(shape):
    bank = quiet_bank(shape)
    draws = [draw_validation(bank, SAMPLE, holed(1.0, ("blocks",)), inputs(), 1, item) for item in range(60)]
    hidden = masks_of(draws, [(0.0, 0.0)] * 60).mean()
    assert 0.015 < hidden < 0.035


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crop", 0),
        ("drop_neighbours", -0.1),
        ("drop_others", 1.01),
        ("prefer_echo", math.nan),
        ("input_noise_dbz", -1),
    ],
)
def test_impossible_augmentations_are_named(name, value):
    with pytest.raises(ConfigError, match=f"^{name} is .*allowed is"):
        how(**{name: value})
