"""Echoes are classified by opening, closing and area."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from picture_cases import BOXES, PALETTE, PLOT_BOX, read_sample, sample_frames

from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNDETECT, UNKNOWN, is_echo
from radar_cleaner.georeference.polar import range_mask
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask
from radar_cleaner.targets.morphology import classify_echoes


def morphology(opening, closing, min_area):
    return Morphology(opening_px=opening, closing_px=closing, min_area_px=min_area)


OFF = morphology(0, 0, 0)
codes = hnp.arrays(np.uint8, (9, 11), elements=st.sampled_from([UNDETECT, 60, 94, 130, NODATA]))
shapes = st.builds(morphology, st.integers(0, 5), st.integers(0, 5), st.integers(0, 30))


@given(codes, shapes)
def test_every_pixel_has_the_one_class_that_its_kind_allows(values, shape):
    classes = classify_echoes(values, shape)
    assert (classes[values == NODATA] == UNKNOWN).all()
    assert (classes[values == UNDETECT] == NONE).all()
    assert np.isin(classes[is_echo(values)], [METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]).all()


@given(codes, shapes)
def test_joined_echoes_are_non_meteorological_together(values, shape):
    classes = classify_echoes(values, shape)
    for row, column in zip(*np.nonzero(classes == NON_METEOROLOGICAL), strict=True):
        about = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        neighbours = is_echo(values[about])
        assert (classes[about][neighbours] == NON_METEOROLOGICAL).all()


@given(codes)
def test_with_all_steps_off_every_echo_is_meteorological(values):
    assert (classify_echoes(values, OFF)[is_echo(values)] == METEOROLOGICAL).all()


@given(codes, st.integers(2, 5))
def test_opening_finds_the_same_in_a_mirrored_picture(values, opening):
    """An even disc must not shift the picture: odd ones are symmetric, so only those mirror exactly."""
    shape = morphology(opening, 0, 0)
    found = classify_echoes(values, shape) == METEOROLOGICAL
    if opening % 2:
        assert np.array_equal(found[:, ::-1], classify_echoes(values[:, ::-1], shape) == METEOROLOGICAL)
    again = np.where(found, np.uint8(94), np.uint8(UNDETECT))
    assert np.array_equal(classify_echoes(again, shape) == METEOROLOGICAL, found)  # opening is idempotent


def echo_picture():
    """A field of rain, a spoke that touches it, a thin spoke apart from it, and a speck."""
    values = np.zeros((60, 60), np.uint8)
    values[10:30, 10:30] = 94
    values[20, 30:45] = 94
    values[50, 5:55] = 94
    values[40:43, 40:43] = 94
    values[5, 5] = NODATA
    return values


def test_rain_is_kept_spokes_and_specks_are_not_and_a_spoke_at_rain_is_unknown():
    classes = classify_echoes(echo_picture(), morphology(3, 3, 20))
    assert (classes[12:28, 12:28] == METEOROLOGICAL).all()
    assert (classes[20, 32:45] == UNKNOWN).all()
    assert (classes[50, 5:55] == NON_METEOROLOGICAL).all()
    assert (classes[40:43, 40:43] == NON_METEOROLOGICAL).all()
    assert classes[5, 5] == UNKNOWN
    assert classes[0, 0] == NONE


def test_the_area_counts_from_the_least_area_on():
    for pixels, kept in [(9, True), (10, False)]:
        classes = classify_echoes(echo_picture(), morphology(0, 0, pixels))
        assert (classes[41, 41] == METEOROLOGICAL) == kept


def test_closing_joins_parts_before_small_ones_are_removed():
    values = np.zeros((20, 20), np.uint8)
    values[8:11, 4:8] = values[8:11, 9:13] = 94
    apart, joined = (classify_echoes(values, morphology(0, closing, 20)) for closing in (0, 3))
    assert (apart[values > 0] == NON_METEOROLOGICAL).all()
    assert (joined[values > 0] == METEOROLOGICAL).all()
    assert (joined[values == 0] == NONE).all()  # closing makes no echo


def test_the_gore_spokes_are_called_non_meteorological_and_rain_is_kept():
    """The evening of interference, against the reference: what the sample's label settings are for."""
    table = ColourTable(parse_palette(PALETTE.read_text(), str(PALETTE)).scale(20))
    observed = ~overlay_mask((580, 480), PLOT_BOX, 3, BOXES) & range_mask((480, 480), (240, 239), 240)
    counts = np.zeros((4, 4), int)
    for path in sample_frames("CASGO")[30:60:6]:
        reference = read_sample(path.parents[2] / "truth" / "CASGO" / path.name)[..., 0]
        packed = pack_echoes(table(read_sample(path)[:, 100:]), observed, 7)
        classes = classify_echoes(packed, morphology(5, 3, 20))
        for truth in (1, 2):
            counts[truth] += np.bincount(classes[reference == truth], minlength=4)
    assert counts[2, NON_METEOROLOGICAL] > 0.7 * counts[2].sum()
    assert counts[1, NON_METEOROLOGICAL] < 0.05 * counts[1].sum()
