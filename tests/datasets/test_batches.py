"""Batches: crops, masks, flips and rotations, channels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from artefact_cases import one
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import NO_HOLES, START, augmentation, injection, inputs, radar_frames, sampler, small_cache

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNKNOWN,
    decode_dbz,
    encode_dbz,
)
from radar_cleaner.datasets.augmentation import CropParams
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.channels import DBZ_SPAN, WEAKEST_ECHO, decode_scaled, unscale_dbz
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.dihedral import FlipRotation
from radar_cleaner.datasets.frame_cache import OTHER_RADARS, THIS_RADAR, RadarFrames, RadarGrid
from radar_cleaner.datasets.inpainting_masks import Block
from radar_cleaner.targets.splits import Sample

CPU = torch.device("cpu")
SEEN = (True, True, True)
SAMPLE = Sample(START + 360, "CASGO")


def plain_draw(top, left, size, **changes):
    how = FlipRotation(changes.pop("flip", False), changes.pop("turns", 0))
    values = {"flip_rotation": how, "available": SEEN, "others_available": SEEN, "key": 0}
    return CropParams(top, left, (size, size), **{**values, **changes})


def quiet_cache(shape=(24, 30), **grid):
    """Three frames without any echo."""
    variables = np.zeros((3, 4, *shape), np.uint8)
    variables[:, 3] = 255
    place = RadarGrid(shape, (13.0, 9.0), 15.0, **grid)
    return {"CASGO": RadarFrames(place, variables, {START + 360 * number: number for number in range(3)})}


def batch_of(cache, draws, how=None, noise_dbz=0.0):
    how = how or inputs()
    return make_batch(cut_crops(cache, [SAMPLE] * len(draws), draws, how), how, CPU, noise_dbz)


@given(
    pixel=st.tuples(st.integers(0, 23), st.integers(0, 29)),
    size=st.sampled_from([8, 16, 24, 40]),
    place=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    flip=st.booleans(),
    turns=st.integers(0, 3),
)
def test_an_injected_pixel_moves_alike_in_channels_targets_and_helpers(pixel, size, place, flip, turns):
    cache = quiet_cache(echo_frequency=np.zeros((24, 30), np.uint8))
    row, column = pixel
    cache["CASGO"].variables[:, [THIS_RADAR, OTHER_RADARS], row, column] = 120
    cache["CASGO"].variables[1, 2, row, column] = METEOROLOGICAL
    cache["CASGO"].grid.echo_frequency[row, column] = 255
    lows = [max(0, position - size + 1) for position in pixel]
    highs = [min(max(0, length - size), position) for length, position in zip((24, 30), pixel, strict=True)]
    top, left = (low + int(share * (high - low + 1)) for low, high, share in zip(lows, highs, place, strict=True))
    batch = batch_of(cache, [plain_draw(top, left, size, flip=flip, turns=turns)], inputs(atlas="channel"))
    found = (batch.mask[0] > 0).nonzero().tolist()
    assert len(found) == 1
    there = (slice(None), *found[0])
    for channel in (0, 2, 4, 6, 8, 10, 15):
        assert batch.channels[0, channel].nonzero().tolist() == found
    assert batch.echo[0].nonzero().tolist() == found
    assert float(unscale_dbz(batch.reflectivity)[0][tuple(found[0])]) == pytest.approx(decode_dbz(np.uint8(120)))
    # Flips and rotations leave a pixel's distance from the radar, and its azimuth is that in the picture.
    distance = np.hypot(column - 13.0, row - 9.0)
    assert float(batch.channels[0][there][12]) == pytest.approx(distance / 15, abs=1e-5)
    right, up = column - 13.0, 9.0 - row
    if flip:
        right = -right
    for _ in range(turns):
        right, up = -up, right
    if distance:
        cosine, sine = batch.channels[0][there][13:15].tolist()
        assert (cosine, sine) == pytest.approx((up / distance, right / distance), abs=1e-5)


@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), crop=st.integers(1, 32))
def test_a_crop_is_the_frame_inside_and_unknown_beyond_its_edge(shape, crop):
    cache = {"CASGO": radar_frames([START, START + 360, START + 720], shape)}
    how = augmentation(crop=crop, flips=False)
    draw = sampler(how, NO_HOLES, inputs(), 1).sample(cache, SAMPLE, 2, 3)
    raw = cut_crops(cache, [SAMPLE], [draw], inputs())
    height, width = min(crop, shape[0]), min(crop, shape[1])
    assert 0 <= draw.top <= shape[0] - height and 0 <= draw.left <= shape[1] - width
    now = torch.stack([raw.now.this_radar, raw.other_radars_now, raw.now.echo_class, raw.now.confidence], dim=1)
    variables = torch.cat([raw.this_radar, raw.other_radars, now], dim=1)[0].numpy()
    inside = variables[:, :height, :width]
    wanted = cache["CASGO"].variables[1][:, draw.top : draw.top + height, draw.left : draw.left + width]
    assert np.array_equal(inside[-4:], wanted)
    assert np.array_equal(inside[1], wanted[THIS_RADAR]) and np.array_equal(inside[4], wanted[OTHER_RADARS])
    beyond = np.ones((crop, crop), bool)
    beyond[:height, :width] = False
    assert (variables[:-2, beyond] == NODATA).all()
    assert (variables[-2, beyond] == UNKNOWN).all() and (variables[-1, beyond] == 0).all()
    batch = make_batch(raw, inputs(), CPU)
    assert not batch.weight[0, torch.from_numpy(beyond)].any()


def test_pixels_without_echo_have_no_loss_unless_the_frame_is_hidden():
    cache = quiet_cache()
    cache["CASGO"].variables[1, THIS_RADAR, 5, 7] = 120
    cache["CASGO"].variables[1, 2, 5, 7] = METEOROLOGICAL
    seen = batch_of(cache, [plain_draw(0, 0, 16)])
    assert seen.weight[0].nonzero().tolist() == [[5, 7]]
    gone = batch_of(cache, [plain_draw(0, 0, 16, available=(True, False, True))])
    assert (gone.weight[0] > 0).all()


def test_validation_is_the_whole_frame_and_the_same_each_time():
    cache, samples = small_cache()
    draws = [sampler(None, NO_HOLES, inputs(), 7).validation(cache, samples[0], 0) for _ in range(2)]
    first, second = (make_batch(cut_crops(cache, samples[:1], [draw], inputs()), inputs(), CPU) for draw in draws)
    assert first.forecast is second.forecast is None
    names = first.__dict__.keys() - {"forecast"}
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in names)
    assert first.mask.shape == (1, 32, 32) and not first.hidden.any()
    variables = cache["CASGO"].variables[cache["CASGO"].index[samples[0].time]]
    assert np.array_equal(first.mask[0].numpy() == 1, variables[2] == METEOROLOGICAL)


def test_masks_hide_own_data_at_all_times_and_nothing_else():
    cache = {"CASGO": radar_frames([START, START + 360, START + 720])}
    open_draw = plain_draw(0, 0, 32)
    holed = plain_draw(0, 0, 32, masks=(Block(4, 0, 24, 20),), flip=True, turns=1)
    turned = plain_draw(0, 0, 32, flip=True, turns=1)
    whole, plain, hidden = (batch_of(cache, [draw]) for draw in (open_draw, turned, holed))
    own_data = plain.channels[0, 5] == 1
    box = torch.zeros(32, 32, dtype=torch.bool)
    box[4:24, 0:20] = True
    assert not own_data[box].all()  # the box has a nodata edge, where nothing can be hidden
    assert torch.equal(hidden.hidden[0], box & own_data)
    for channel in (0, 1, 4, 5, 8, 9):
        assert not hidden.channels[0, channel][hidden.hidden[0]].any()
        assert torch.equal(hidden.channels[0, channel][~box], plain.channels[0, channel][~box])
    for channel in (2, 3, 6, 7, 10, 11, 12, 13, 14):
        assert torch.equal(hidden.channels[0, channel], plain.channels[0, channel])
    # Hidden pixels have a loss with and without echo, visible ones only with echo.
    assert torch.equal(hidden.weight[~hidden.hidden], plain.weight[~hidden.hidden])
    assert hidden.weight[hidden.hidden & ~hidden.echo].any()
    for seen in (hidden, plain):
        assert not seen.weight[~seen.hidden & ~seen.echo].any()
    for name in ("mask", "reflectivity", "reflectivity_weight", "echo"):
        assert torch.equal(getattr(hidden, name), getattr(plain, name))
    assert (hidden.mask[0] * hidden.hidden[0]).any() and whole.mask.sum() == plain.mask.sum()


def test_dropped_times_and_radars_are_unavailable_and_targets_stay():
    cache = {"CASGO": radar_frames([START, START + 360, START + 720])}
    full = batch_of(cache, [plain_draw(0, 0, 32)])
    less = batch_of(cache, [plain_draw(0, 0, 32, available=(False, True, True), others_available=(False,) * 3)])
    for channel in (0, 1, 2, 3, 6, 7, 10, 11):
        assert full.channels[0, channel].any() and not less.channels[0, channel].any()
    for channel in (4, 5, 8, 9, 12, 13, 14):
        assert torch.equal(full.channels[0, channel], less.channels[0, channel])
    assert torch.equal(full.reflectivity, less.reflectivity) and torch.equal(full.mask, less.mask)


def test_the_clutter_mask_makes_own_pixels_unavailable_in_the_input_only():
    clutter = np.zeros((24, 30), bool)
    clutter[3, 5] = True
    cache = quiet_cache(clutter=clutter)
    cache["CASGO"].variables[:, [THIS_RADAR, OTHER_RADARS], 3, 5] = 120
    cache["CASGO"].variables[1, 2, 3, 5] = METEOROLOGICAL
    batch = batch_of(cache, [plain_draw(0, 0, 8)], inputs(atlas="mask"))
    at = batch.channels[0, :, 3, 5]
    assert not at[[0, 1, 4, 5, 8, 9]].any() and (at[[2, 3, 6, 7, 10, 11]] > 0).all()
    assert batch.mask[0, 3, 5] == 1 and batch.weight[0, 3, 5] == 1
    assert batch.channels[0, 5].sum() == 8 * 8 - 1


@pytest.mark.parametrize(
    ("own", "others", "how", "dbz"),
    [
        (20.0, 40.0, "max", 40.0),
        (20.0, 40.0, "mean", 30.0),
        (20.0, None, "max", 20.0),
        (20.0, None, "mean", 20.0),
        (None, 40.0, "mean", 40.0),
        (-31.5, -20.0, "max", -20.0),
    ],
)
def test_the_reflectivity_target_pools_the_radars_that_see_an_echo(own, others, how, dbz):
    for nothing in (0, NODATA):
        cache = quiet_cache()
        for plane, value in ((THIS_RADAR, own), (OTHER_RADARS, others)):
            cache["CASGO"].variables[1, plane] = nothing if value is None else encode_dbz(value)
        cache["CASGO"].variables[1, 2] = METEOROLOGICAL
        batch = batch_of(cache, [plain_draw(0, 0, 8)], inputs(reflectivity_target=how))
        assert torch.allclose(unscale_dbz(batch.reflectivity), torch.tensor(dbz), atol=1e-4)
        assert (batch.reflectivity_weight == 1).all()


def test_targets_follow_class_and_confidence():
    cache = quiet_cache()
    variables = cache["CASGO"].variables[1]
    variables[THIS_RADAR] = 100
    variables[2, 0, :4] = [NONE, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]
    variables[3, 0, :4] = [255, 51, 102, 255]
    batch = batch_of(cache, [plain_draw(0, 0, 8)])
    assert batch.mask[0, 0, :4].tolist() == [0, 1, 0, 0]
    assert batch.weight[0, 0, :4].tolist() == pytest.approx([1, 0.2, 0.4, 0])
    assert batch.reflectivity_weight[0, 0, :4].tolist() == pytest.approx([0, 0.2, 0, 0])
    assert float(batch.reflectivity[0, 0, 1]) == pytest.approx(
        float(decode_scaled(torch.tensor(100, dtype=torch.uint8)))
    )


def test_radars_of_different_sizes_share_a_batch():
    times = [START, START + 360, START + 720]
    cache = {"CASGO": radar_frames(times, (32, 32)), "CASCM": radar_frames(times, (12, 50), seed=9)}
    samples = [Sample(START + 360, "CASGO"), Sample(START + 360, "CASCM")]
    how = augmentation(crop=16, flips=True)
    draws = [
        sampler(how, NO_HOLES, inputs(), 0).sample(cache, sample, 0, item) for item, sample in enumerate(samples)
    ]
    batch = make_batch(cut_crops(cache, samples, draws, inputs()), inputs(), CPU)
    assert batch.channels.shape == (2, 15, 16, 16) and torch.isfinite(batch.channels).all()


def storm_batch(*artefacts, levels=None, **changes):
    """Return the batches of a storm with artefacts and without; `changes` are crop parameters."""
    cache = {"CASGO": radar_frames([START, START + 360, START + 720], (64, 64), levels=levels)}
    with_artefacts = plain_draw(0, 0, 64, artefacts=artefacts, **changes)
    return batch_of(cache, [with_artefacts]), batch_of(cache, [plain_draw(0, 0, 64, **changes)])


RING = one("rings", column=40.0, row=40.0, dbz=60.0)


def test_injected_echo_is_surely_not_precipitation_and_its_target_is_the_frame_without_it():
    injected, plain = storm_batch(RING)
    shows = injected.channels[0, 4] != plain.channels[0, 4]
    rain = plain.mask[0] == 1
    assert (shows & rain).any() and (shows & ~rain & ~plain.echo[0]).any()
    assert not injected.mask[0][shows].any() and (injected.weight[0][shows] == 1).all()
    assert torch.equal(injected.mask[0][~shows], plain.mask[0][~shows])
    assert torch.equal(injected.weight[0][~shows], plain.weight[0][~shows])
    assert torch.equal(injected.echo[0], plain.echo[0] | shows)
    assert torch.equal(injected.injected[0], shows) and not plain.injected.any()
    assert torch.equal(injected.reflectivity, plain.reflectivity)
    assert torch.equal(injected.reflectivity_weight, plain.reflectivity_weight)
    # Where it covers an echo the reflectivity is an inpainting target; the data are available all the same.
    assert torch.equal(injected.hidden[0], shows & plain.echo[0])
    assert injected.channels[0, 5][shows].all() and (injected.reflectivity_weight * injected.hidden).any()


def test_an_injected_pixel_has_the_weight_of_its_kind_and_no_other_pixel_has():
    full = storm_batch(RING)[0]
    light, plain = storm_batch(replace(RING, loss=0.25))
    shows = full.channels[0, 4] != plain.channels[0, 4]
    assert (light.weight[0][shows] == 0.25).all() and torch.equal(light.weight[0][~shows], plain.weight[0][~shows])
    assert all(
        torch.equal(light.__dict__[name], full.__dict__[name])
        for name in full.__dict__.keys() - {"weight", "forecast"}
    )


def test_an_artefact_at_another_time_changes_the_input_of_that_time_and_no_target():
    injected, plain = storm_batch(one("rings", column=40.0, row=40.0, dbz=60.0, shown=(True, False, False)))
    assert not torch.equal(injected.channels[0, 0], plain.channels[0, 0])
    assert torch.equal(injected.channels[0, 1:], plain.channels[0, 1:])
    for name in ("mask", "weight", "reflectivity", "reflectivity_weight", "hidden", "echo"):
        assert torch.equal(getattr(injected, name), getattr(plain, name))


def test_rain_behind_a_blocked_sector_is_masked_and_has_no_class():
    injected, plain = storm_batch(one("blocked", column=40.0, row=40.0, width_degrees=50.0, start=0.2))
    gone = (plain.channels[0, 4] > 0) & (injected.channels[0, 4] == 0)
    assert gone.any() and torch.equal(injected.hidden[0], gone)
    assert not injected.weight[0][gone].any() and torch.equal(injected.weight[0][~gone], plain.weight[0][~gone])
    for name in ("mask", "reflectivity", "reflectivity_weight", "echo"):
        assert torch.equal(getattr(injected, name), getattr(plain, name))
    assert (injected.channels[0, 5] == plain.channels[0, 5]).all()  # available, and without echo


def test_what_a_mask_hides_is_not_injected():
    hole = Block(0, 0, 64, 40)
    injected, plain = storm_batch(RING, masks=(hole,))
    hidden = plain.hidden[0]
    assert hidden.any() and torch.equal(injected.channels[0][:, hidden], plain.channels[0][:, hidden])
    for name in ("mask", "weight", "echo"):
        assert torch.equal(getattr(injected, name)[0][hidden], getattr(plain, name)[0][hidden])
    assert (injected.hidden[0] >= hidden).all() and (injected.echo != plain.echo).any()


def test_the_clutter_mask_hides_artefacts_too():
    cache = quiet_cache((64, 64), clutter=np.ones((64, 64), bool))
    batch = batch_of(cache, [plain_draw(0, 0, 64, artefacts=(RING,))], inputs(atlas="mask"))
    assert not batch.channels[0, [0, 4, 8]].any() and not batch.echo.any() and not batch.mask.any()


def test_artefacts_take_the_classes_of_their_radar():
    levels = np.array([85, 120], np.uint8)
    injected, plain = storm_batch(RING, levels=levels)
    shows = injected.channels[0, 4] != plain.channels[0, 4]
    wanted = WEAKEST_ECHO + (1 - WEAKEST_ECHO) * float(decode_scaled(torch.tensor(120, dtype=torch.uint8)))
    assert shows.any() and torch.allclose(injected.channels[0, 4][shows], torch.tensor(wanted))


def test_injected_rays_are_rays_of_the_radar_also_in_flipped_and_rotated_crops():
    times = {START + 360 * number: number for number in range(3)}
    grid = RadarGrid((60, 70), (31.0, 22.5), 60.0)
    cache = {"CASGO": RadarFrames(grid, np.zeros((3, 4, 60, 70), np.uint8), times)}
    how, turns = augmentation(crop=48, flips=True), set()
    for item in range(60):
        draw = sampler(how, NO_HOLES, inputs(), 1, injection(1.0, "spokes")).sample(cache, SAMPLE, 0, item)
        draw = CropParams(**{**draw.__dict__, "artefacts": draw.artefacts[:1]})
        shown = batch_of(cache, [draw]).echo[0].numpy()
        upright = np.rot90(shown, -draw.flip_rotation.quarter_turns)
        upright = upright[:, ::-1] if draw.flip_rotation.flip else upright
        rows, columns = np.nonzero(upright)
        if rows.size < 4:
            continue
        right, up = columns + draw.left - 31.0, 22.5 - rows - draw.top
        direction = np.arctan2(right.sum(), up.sum())
        across = np.abs(right * np.cos(direction) - up * np.sin(direction))
        width = np.radians(draw.artefacts[0]["width_degrees"]) * np.hypot(right, up)
        assert (across <= 2 + width).all()
        turns.add((draw.flip_rotation.flip, draw.flip_rotation.quarter_turns))
    assert len(turns) == 8


def place_fields(shape):
    """Latitude falls and longitude rises by a degree a pixel; pixels of 2 km; terrain that names its pixel."""
    rows, columns = np.indices(shape)
    longitude = np.deg2rad(columns - 70.0)
    terrain = 1000.0 * rows + columns
    fields = [(50.0 - rows) / 90, np.cos(longitude), np.sin(longitude), np.ones(shape), terrain]
    return np.stack(fields).astype(np.float32)


PLACE_CHANNELS = {"time_of_day": True, "day_of_year": True, "coordinates": True, "static": ("terrain",)}


def channels_by_name(batch, how):
    """The channels of a batch's first sample, by name."""
    return dict(zip(how.names, batch.channels[0].numpy(), strict=True))


@given(
    top=st.integers(0, 10),
    left=st.integers(0, 10),
    size=st.sampled_from([8, 16, 40]),
    flip=st.booleans(),
    turns=st.integers(0, 3),
)
def test_coordinates_are_flipped_and_rotated_with_the_picture(top, left, size, flip, turns):
    shape = (24, 30)
    top, left = (max(0, min(first, length - size)) for first, length in zip((top, left), shape, strict=True))
    how = inputs(**PLACE_CHANNELS)
    cache = quiet_cache(shape, fields=place_fields(shape))
    channels = channels_by_name(batch_of(cache, [plain_draw(top, left, size, flip=flip, turns=turns)], how), how)
    # The terrain encodes the pixel of the frame at each pixel of the crop.
    row, column = np.divmod(np.rint(channels["terrain"]).astype(int), 1000)
    assert np.array_equal(channels["latitude"], np.float32((50.0 - row) / 90))
    longitude = np.arctan2(channels["longitude_sin"], channels["longitude_cos"])
    assert np.allclose(np.rad2deg(longitude), column - 70.0, atol=1e-4)
    # All pixels are there, and beyond the frame's edge the nearest one is meant.
    assert (row.min(), row.max()) == (top, min(top + size, shape[0]) - 1)
    assert (column.min(), column.max()) == (left, min(left + size, shape[1]) - 1)
    # The sun's time is that of the pixel's longitude: 00:06 UTC at 70 W is 19:26.
    hours = np.rad2deg(np.arctan2(channels["time_of_day_sin"], channels["time_of_day_cos"])) / 15
    assert np.allclose((hours - 0.1 - (column - 70.0) / 15 + 12) % 24, 12, atol=1e-3)
    # Range and azimuth channels are of the same pixel.
    if size <= min(shape):
        assert np.allclose(channels["range"], np.hypot(column - 13.0, row - 9.0) / 15, atol=1e-5)


def test_channels_of_the_place_are_never_hidden_and_change_no_other_channel():
    cache = {"CASGO": radar_frames([START, START + 360, START + 720], fields=place_fields((32, 32)))}
    how, draw = (
        inputs(**PLACE_CHANNELS),
        plain_draw(0, 0, 32, masks=(Block(0, 0, 32, 32),), others_available=(False,) * 3),
    )
    more, plain = batch_of(cache, [draw], how), batch_of(cache, [draw])
    assert torch.equal(more.channels[:, :15], plain.channels)
    assert np.array_equal(channels_by_name(more, how)["terrain"], place_fields((32, 32))[4])
    for name in ("mask", "weight", "reflectivity", "reflectivity_weight", "hidden", "echo"):
        assert torch.equal(getattr(more, name), getattr(plain, name))


def test_without_options_nothing_is_cut_for_them():
    cache = quiet_cache(fields=place_fields((24, 30)))
    assert cut_crops(cache, [SAMPLE], [plain_draw(0, 0, 8)], inputs()).fields is None
    assert cut_crops(cache, [SAMPLE], [plain_draw(0, 0, 8)], inputs(day_of_year=True)).fields is None


def strong_cache():
    """Echo of 30 dBZ all over, but for a row of undetect and one of nodata."""
    cache = quiet_cache((64, 64))
    cache["CASGO"].variables[:, [THIS_RADAR, OTHER_RADARS]] = encode_dbz(30.0)
    cache["CASGO"].variables[:, [THIS_RADAR, OTHER_RADARS], 0] = 0
    cache["CASGO"].variables[:, [THIS_RADAR, OTHER_RADARS], 1] = NODATA
    cache["CASGO"].variables[:, 2] = METEOROLOGICAL
    return cache


def test_noise_is_gaussian_in_dbz_each_time_and_radar_for_itself():
    draw = plain_draw(0, 0, 64, key=5)
    plain, noisy = (batch_of(strong_cache(), [draw], noise_dbz=noise) for noise in (0.0, 2.0))
    change = (noisy.channels - plain.channels)[0, [0, 2, 4, 6, 8, 10], 2:].flatten(1)
    dbz = change * DBZ_SPAN / (1 - WEAKEST_ECHO)
    assert dbz.std(dim=1).tolist() == pytest.approx([2.0] * 6, rel=0.05)
    assert dbz.mean(dim=1).tolist() == pytest.approx([0.0] * 6, abs=0.15)
    assert (dbz.abs() < 2).float().mean() == pytest.approx(0.683, abs=0.02)
    assert (torch.corrcoef(dbz) - torch.eye(6)).abs().max() < 0.1


def test_noise_touches_only_the_echoes_that_the_network_sees():
    draw = plain_draw(0, 0, 64, masks=(Block(10, 10, 20, 20),), others_available=(True, True, False), key=5)
    plain, noisy = (batch_of(strong_cache(), [draw], noise_dbz=noise) for noise in (0.0, 2.0))
    for name in ("mask", "weight", "reflectivity", "reflectivity_weight", "hidden", "echo"):
        assert torch.equal(getattr(plain, name), getattr(noisy, name))
    same = plain.channels[0] == noisy.channels[0]
    assert same[[1, 3, 5, 7, 9, 11, 12, 13, 14]].all() and same[:, :2].all()
    assert same[[0, 4, 8], 10:20, 10:20].all() and same[10].all()
    assert not same[0, 30:].all()


def test_the_noise_of_a_sample_depends_on_its_key_not_on_the_batch():
    draws = [plain_draw(0, 0, 16, key=key) for key in (3, 2**63 - 1, 3)]
    together = batch_of(strong_cache(), draws, noise_dbz=1.0).channels
    alone = torch.cat([batch_of(strong_cache(), [draw], noise_dbz=1.0).channels for draw in draws])
    assert torch.equal(together, alone) and torch.equal(together[0], together[2])
    assert not torch.equal(together[0], together[1])
