"""Targets ahead are the later frames in the sample's crop, without its masks and artefacts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from forecast_cases import random_cache
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import NO_HOLES, augmentation, injection, inputs, sampler
from store_cases import START, make_aligned, make_labels, make_reflectivity, pattern_codes, times_from

from radar_cleaner.conventions import METEOROLOGICAL, UNKNOWN, decode_dbz, is_echo
from radar_cleaner.datasets.augmentation import CropParams
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.dihedral import FlipRotation, flip_rotate
from radar_cleaner.datasets.frame_cache import (
    CONFIDENCE,
    ECHO_CLASS,
    THIS_RADAR,
    RadarSources,
    copy_to_device,
    open_frame_cache,
    write_frame_cache,
)
from radar_cleaner.datasets.inpainting_masks import Block
from radar_cleaner.datasets.statistics import channel_statistics
from radar_cleaner.errors import SampleError
from radar_cleaner.targets.splits import Sample

CPU = torch.device("cpu")
PAST, LEADS = (-6, 0), (0, 6, 18)
HOW = inputs(input_minutes=PAST, lead_minutes=LEADS)
SAMPLE = Sample(START + 360, "CASGO")
NAMES = ("mask", "weight", "reflectivity", "reflectivity_weight")


def frames_at(minutes, shape=(20, 27)):
    return random_cache([SAMPLE.time + 60 * minute for minute in minutes], shape)


def batch_of(cache, draw, how=HOW):
    return make_batch(cut_crops(cache, [SAMPLE], [draw], how), how, CPU)


def crop_of(seed=0, **changes):
    """Return the parameters of a crop without flips, masks or artefacts."""
    draw = sampler(augmentation(crop=16, flips=False), NO_HOLES, HOW, seed).sample(
        frames_at((-6, 0, 6, 18)), SAMPLE, 0, 0
    )
    return replace(draw, **changes)


@given(
    place=st.tuples(st.integers(0, 12), st.integers(0, 19)),
    size=st.sampled_from([8, 24, 30]),
    turn=st.builds(FlipRotation, st.booleans(), st.integers(0, 3)),
    atlas=st.sampled_from(["none", "channel"]),
    seed=st.integers(0, 5),
)
def test_a_target_ahead_is_the_later_frame_in_the_same_crop_and_rotation(place, size, turn, atlas, seed):
    top, left = (min(at, max(0, length - size)) for at, length in zip(place, (20, 27), strict=True))
    cache = random_cache([SAMPLE.time + 60 * minute for minute in (-6, 0, 6, 12, 18)], (20, 27), seed)
    cache["CASGO"] = replace(
        cache["CASGO"], grid=replace(cache["CASGO"].grid, echo_frequency=np.full((20, 27), 7, np.uint8))
    )
    draw = CropParams(top, left, (size, size), turn, (True,) * 2, (True,) * 2, 0)
    how = replace(HOW, atlas=atlas)
    found = batch_of(cache, draw, how).forecast
    for lead, minutes in enumerate((6, 18)):
        variables = cache["CASGO"].variables[cache["CASGO"].index[SAMPLE.time + 60 * minutes]]
        beyond = ((0, 0), (0, 40), (0, 40))
        padded = np.pad(variables.astype(np.int64), beyond, constant_values=-1)[
            :, top : top + size, left : left + size
        ]
        laid = flip_rotate(torch.from_numpy(padded), turn).numpy()
        known = (laid[ECHO_CLASS] >= 0) & (laid[ECHO_CLASS] != UNKNOWN)
        rain = laid[ECHO_CLASS] == METEOROLOGICAL
        weight = np.where(known, laid[CONFIDENCE] / 255, 0)
        assert np.array_equal(found.mask[0, lead].numpy() == 1, rain)
        assert np.allclose(found.weight[0, lead].numpy(), weight)
        echo = rain & is_echo(np.clip(laid[THIS_RADAR], 0, 255)) & known
        assert np.array_equal(found.reflectivity_weight[0, lead].numpy() > 0, echo & (weight > 0))
        dbz = decode_dbz(np.clip(laid[THIS_RADAR], 0, 255).astype(np.uint8))
        assert np.allclose(unscale_dbz(found.reflectivity[0, lead]).numpy()[echo], dbz[echo], atol=1e-3)


def test_frames_on_a_device_give_the_same_variables():
    cache = frames_at((-6, 0, 6))  # none 18 minutes ahead
    draws = [crop_of(seed, top=top, left=left) for seed, (top, left) in enumerate([(0, 0), (4, 11), (1, 9)])]
    held = copy_to_device(cache, CPU, 10**9)
    assert held["CASGO"].on_device is not None
    for how in (HOW, replace(HOW, lead_minutes=(0,)), replace(HOW, lead_minutes=(0, 18))):
        mapped, fast = (make_batch(cut_crops(one, [SAMPLE] * 3, draws, how), how, CPU) for one in (cache, held))
        assert torch.equal(mapped.channels, fast.channels) and torch.equal(mapped.weight, fast.weight)
        if how.ahead:
            assert all(torch.equal(getattr(mapped.forecast, name), getattr(fast.forecast, name)) for name in NAMES)


def test_a_frame_that_is_missing_ahead_is_unknown_and_not_a_frame_without_rain():
    for cache in (frames_at((-6, 0, 18)), copy_to_device(frames_at((-6, 0, 18)), CPU, 10**9)):
        found = batch_of(cache, crop_of()).forecast
        assert not found.weight[0, 0].any() and not found.reflectivity_weight[0, 0].any()
        assert found.weight[0, 1].any()


def test_lead_times_do_not_change_the_targets_of_the_frame_itself():
    cache, draw = frames_at((-6, 0, 6, 18)), crop_of(flip_rotation=FlipRotation(True, 1))
    ahead, alone = batch_of(cache, draw), batch_of(cache, draw, replace(HOW, lead_minutes=(0,)))
    assert alone.forecast is None
    names = alone.__dict__.keys() - {"forecast"}
    assert all(torch.equal(getattr(ahead, name), getattr(alone, name)) for name in names)


def test_masks_artefacts_and_dropped_frames_are_in_the_input_only():
    cache = frames_at((-6, 0, 6, 18))
    how = augmentation(crop=16, flips=False, drop_neighbours=1.0, drop_others=1.0)
    augmented = sampler(how, NO_HOLES, HOW, 1, injection(1.0, "spokes", "specks", "blocked")).sample(
        cache, SAMPLE, 0, 0
    )
    plain = replace(augmented, artefacts=(), available=(True, True), others_available=(True, True))
    changed = replace(augmented, masks=(Block(2, 2, 12, 12),))
    before, after = batch_of(cache, plain), batch_of(cache, changed)
    assert not torch.equal(before.channels, after.channels) and after.hidden.any()
    assert all(torch.equal(getattr(before.forecast, name), getattr(after.forecast, name)) for name in NAMES)


def test_clutter_ahead_is_no_rain_and_unknown_echo_does_not_count():
    cache = frames_at((-6, 0, 6, 18), shape=(4, 4))
    ahead = cache["CASGO"].variables[cache["CASGO"].index[SAMPLE.time + 360]]
    ahead[ECHO_CLASS, 0], ahead[CONFIDENCE, 0] = (0, 1, 2, 3), (255, 255, 51, 255)
    draw = crop_of(top=0, left=0, shape=(4, 4))
    found = batch_of(cache, draw).forecast
    assert found.mask[0, 0, 0].tolist() == [0, 1, 0, 0]
    assert found.weight[0, 0, 0].tolist() == pytest.approx([1, 1, 0.2, 0])


def test_statistics_of_the_channels_do_not_depend_on_leads():
    cache = frames_at((-6, 0, 6))
    first, second = (channel_statistics(cache, [SAMPLE], how) for how in (HOW, replace(HOW, lead_minutes=(0,))))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_a_frame_cache_has_the_frames_ahead_of_its_stores_and_reads_no_others(tmp_path):
    """Frames of the evaluation's stores, which begin where the training's end, count as missing."""
    times = times_from(count=4)
    makers = {"reflectivity": make_reflectivity, "aligned": make_aligned, "labels": make_labels}
    parts = [make(tmp_path / f"{kind}.zarr", times=times) for kind, make in makers.items()]
    (tmp_path / "cache").mkdir()
    samples = [Sample(time, "CASGO") for time in times[1:]]
    sources = RadarSources(*([part] for part in parts))
    write_frame_cache(tmp_path / "cache", {"CASGO": sources}, samples, HOW, 10**9)
    cache = open_frame_cache(tmp_path / "cache")
    assert list(cache["CASGO"].index) == times
    draw = crop_of(top=0, left=0, shape=(48, 48))
    first, last = (
        make_batch(cut_crops(cache, [one], [draw], HOW), HOW, CPU).forecast for one in (samples[0], samples[-1])
    )
    assert first.weight[0, 0].any() and not first.weight[0, 1].any()  # 18 minutes ahead is later than all
    assert not last.weight.any()
    seen = cache["CASGO"].variables[cache["CASGO"].index[times[2]], THIS_RADAR]
    assert np.array_equal(seen, pattern_codes("CASGO", times[2]))
    with pytest.raises(
        SampleError, match="no reflectivity store has that frame"
    ):  # of a frame that is seen, as before
        write_frame_cache(tmp_path / "other", {"CASGO": sources}, [Sample(times[0], "CASGO")], HOW, 10**9)
