"""Clutter of one crop added to another: sums of power, classes by the stronger, and what stays."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import NO_HOLES, START, augmentation, inputs, radar_frames, sampler

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    UNDETECT,
    decode_dbz,
    encode_dbz,
)
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.frame_cache import ECHO_CLASS, THIS_RADAR, RadarFrames
from radar_cleaner.datasets.mixing import mix
from radar_cleaner.targets.splits import Sample

CPU = torch.device("cpu")
TIMES = [START + 360 * number for number in range(3)]
SAMPLE = Sample(START + 360, "CASGO")


def mixed_pixel(real, clutter, echo_class=NON_METEOROLOGICAL):
    """Codes of one time, of one pixel amid a map without echo."""
    codes, other = (torch.zeros(1, 1, 3, 3, dtype=torch.uint8) for _ in "rc")
    classes = torch.zeros(1, 3, 3, dtype=torch.uint8)
    codes[..., 1, 1], other[..., 1, 1], classes[..., 1, 1] = real, clutter, echo_class
    return (part[0, ..., 1, 1] for part in mix(codes, other, classes, 0))


@given(real=st.integers(1, 180), clutter=st.integers(1, 180))
def test_reflectivity_adds_in_linear_units_and_the_stronger_decides(real, clutter):
    code, added, near = mixed_pixel(real, clutter)
    dbz = [float(decode_dbz(np.array([one], np.uint8))[0]) for one in (real, clutter)]
    total = 10 * np.log10(sum(10 ** (one / 10) for one in dbz))
    assert code.item() == encode_dbz(total) and max(real, clutter) <= code.item() <= max(real, clutter) + 6
    assert added.item() == (clutter > real) and near.item() == (abs(dbz[0] - dbz[1]) < 3)


def test_only_clutter_is_added_and_only_where_the_crop_has_data():
    for clutter, echo_class in (
        (UNDETECT, NON_METEOROLOGICAL),
        (NODATA, NON_METEOROLOGICAL),
        (90, METEOROLOGICAL),
    ):
        code, added, _ = mixed_pixel(80, clutter, echo_class)
        assert code.item() == 80 and not added.item()
    code, added, near = mixed_pixel(NODATA, 120)
    assert code.item() == NODATA and not added.item() and not near.item()
    code, added, _ = mixed_pixel(UNDETECT, 120)
    assert code.item() == 120 and added.item()


def test_a_time_without_the_clutters_frame_becomes_unavailable():
    codes = torch.full((1, 3, 4, 4), 90, dtype=torch.uint8)
    clutter = torch.full((1, 3, 4, 4), 120, dtype=torch.uint8)
    clutter[:, 2] = NODATA
    found = mix(codes, clutter, torch.full((1, 4, 4), NON_METEOROLOGICAL, dtype=torch.uint8), 1).codes
    assert (found[:, 2] == NODATA).all() and (found[:, :2] > 120 - 1).all()


def crops_of(fraction, count=40):
    """Crops of a radar of rain only, with the clutter of another radar."""
    rain, dirty = (radar_frames(TIMES, (40, 40), seed) for seed in (3, 4))
    classes = rain.variables[:, ECHO_CLASS]
    rain.variables[:, THIS_RADAR][classes == NON_METEOROLOGICAL] = UNDETECT
    classes[classes == NON_METEOROLOGICAL] = 0
    assert (dirty.variables[:, ECHO_CLASS] == NON_METEOROLOGICAL).any()
    levels = np.unique([rain.variables[:, THIS_RADAR], dirty.variables[:, THIS_RADAR]])
    rain = RadarFrames(replace(rain.grid, levels=levels), rain.variables, rain.index)
    dirty = RadarFrames(replace(dirty.grid, center_px=(16.0, 21.0)), dirty.variables, dirty.index)
    frames, how = {"CASGO": rain, "CASCM": dirty}, inputs()
    options = augmentation(crop=24, flips=True, mix_clutter=fraction)
    others = [[SAMPLE._replace(radar="CASCM")]]
    draws = [sampler(options, NO_HOLES, how).sample(frames, SAMPLE, 0, item, others) for item in range(count)]
    return frames, how, draws


def test_a_crop_is_mixed_at_its_rate_and_lies_about_its_radar_as_the_clutter_does():
    frames, _, draws = crops_of(0.5, 200)
    mixed = [draw for draw in draws if draw.clutter is not None]
    assert 70 < len(mixed) < 130 and crops_of(0)[2][0].clutter is None
    for draw in mixed:
        source, crop = draw.clutter
        grids = frames["CASGO"].grid, frames[source.radar].grid
        away = [
            (one.left - grid.center_px[0], one.top - grid.center_px[1])
            for one, grid in zip((draw, crop), grids, strict=True)
        ]
        moved = np.subtract(*away)
        at_edge = draw.top in (0, 16) or draw.left in (0, 16)
        assert at_edge or np.abs(moved).max() <= 1


def test_added_clutter_is_a_target_and_rain_keeps_its_class_and_reflectivity():
    frames, how, draws = crops_of(1.0)
    plain = [replace(draw, clutter=None) for draw in draws]
    mixed, before = (
        make_batch(cut_crops(frames, [SAMPLE] * len(draws), crops, how), how, CPU) for crops in (draws, plain)
    )
    available = how.names.index("own_availability_0")
    assert torch.equal(mixed.channels[:, available], before.channels[:, available])
    assert (before.channels[:, available] == 0).any()
    added = mixed.echo & (mixed.mask == 0) & (mixed.weight > 0)
    assert added.sum() > 100 and not (before.echo & (before.mask == 0)).any()
    still = (mixed.mask > 0) & (mixed.weight > 0)
    assert still.any() and torch.equal(mixed.reflectivity[still], before.reflectivity[still])
    assert (before.mask[still] > 0).all()
    alone = [make_batch(cut_crops(frames, [SAMPLE], [draw], how), how, CPU) for draw in draws]
    assert torch.equal(mixed.channels, torch.cat([batch.channels for batch in alone]))
