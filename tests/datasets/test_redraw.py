"""Crops drawn with another palette: its classes, its order, and what never changes."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import NO_HOLES, START, augmentation, inputs, radar_frames, sampler

from radar_cleaner.config.training import Redraw
from radar_cleaner.conventions import NODATA, UNDETECT, decode_dbz
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.redraw import draw_again, sample_drawing
from radar_cleaner.targets.splits import Sample

PALETTE = np.array([78, 94, 110, 124, 140], np.uint8)
CODES = torch.from_numpy(
    np.random.default_rng(0).choice([UNDETECT, NODATA, *PALETTE], (3, 40, 30)).astype(np.uint8)
)


def drawing_of(seed, fraction=1.0, shift_db=3.0):
    return sample_drawing(np.random.default_rng(seed), Redraw(fraction=fraction, shift_db=shift_db))


@given(seed=st.integers(0, 10**6), key=st.integers(0, 2**63 - 1))
def test_echo_takes_a_class_of_the_new_palette_near_its_old_one(seed, key):
    drawing = drawing_of(seed)
    drawn = draw_again(CODES, drawing, PALETTE, key).numpy()
    codes = CODES.numpy()
    for kept in (UNDETECT, NODATA):
        assert (drawn[codes == kept] == kept).all()
    echo = (codes != UNDETECT) & (codes != NODATA)
    assert set(np.unique(drawn[echo])) <= {UNDETECT, *drawing.levels}
    assert NODATA not in drawing.levels and UNDETECT not in drawing.levels
    assert (np.diff(drawing.levels.astype(int)) > 0).all()
    seen = echo & (drawn != UNDETECT)
    bounds = np.array([*drawing.bounds_dbz, 2 * drawing.bounds_dbz[-1] - drawing.bounds_dbz[-2]])
    number = np.searchsorted(drawing.levels, drawn[seen])
    old = decode_dbz(codes[seen]) + drawing.shift_db
    half_old = 4.01 + 0.25
    assert (old + half_old >= bounds[number] - 1e-3).all()
    below = number < len(drawing.levels) - 1  # the strongest class is open
    assert (old - half_old <= bounds[number + 1] + 1e-3)[below].all()


@given(seed=st.integers(0, 10**6))
def test_where_an_echo_stays_it_looks_alike_at_all_times(seed):
    still = CODES[:1].expand(3, -1, -1)
    drawn = draw_again(still, drawing_of(seed), PALETTE, seed)
    assert torch.equal(drawn, drawn[:1].expand(3, -1, -1))


def test_palettes_have_few_and_many_classes_and_weak_and_strong_first_ones():
    drawings = [drawing_of(seed) for seed in range(300)]
    counts = [len(drawing.bounds_dbz) for drawing in drawings]
    firsts = [drawing.bounds_dbz[0] for drawing in drawings]
    assert min(counts) <= 6 and max(counts) >= 55 and min(firsts) < -5 and max(firsts) > 15
    share = np.mean([drawing_of(seed, 0.25) is not None for seed in range(400)])
    assert 0.18 < share < 0.32


def test_a_crop_is_drawn_again_in_input_and_target_but_keeps_its_classes():
    frames = {"CASGO": radar_frames([START + 360 * number for number in range(3)], (40, 40), 3)}
    sample, how = Sample(START + 360, "CASGO"), inputs()
    plain, drawn = (
        sampler(augmentation(crop=32, redraw=Redraw(fraction=share)), NO_HOLES, how).sample(frames, sample, 0, 1)
        for share in (0, 1)
    )
    assert plain.drawing is None and drawn.drawing is not None and plain.top == drawn.top
    before, after = (
        make_batch(cut_crops(frames, [sample], [crop], how), how, torch.device("cpu")) for crop in (plain, drawn)
    )
    assert torch.equal(before.mask, after.mask) and not torch.equal(before.channels, after.channels)
    assert not torch.equal(before.reflectivity, after.reflectivity)
    vanished = before.echo & ~after.echo
    assert (after.weight[vanished] == 0).all() and (after.reflectivity_weight <= before.reflectivity_weight).all()
