"""Colours become reflectivity exactly, and echoes are judged by their shape."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from picture_cases import (
    BACKGROUND,
    BOXES,
    LEGEND_COLOURS,
    LOWER_DBZ,
    PALETTE,
    PLOT_BOX,
    RADARS,
    read_sample,
    sample_frames,
)

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNDETECT,
    UNKNOWN,
    decode_dbz,
    encode_dbz,
    is_echo,
)
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.colour_table import (
    ColourTable,
    EchoShape,
    classify_echoes,
    echo_fraction,
    local_echo_fraction,
    overlay_mask,
    pack_echoes,
    range_mask,
)
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import HSV_MULTI, HSV_SIMPLE, hue_scale, parse_palette

ECCC = parse_palette(PALETTE.read_text(), str(PALETTE))
OVERLAY = overlay_mask((580, 480), PLOT_BOX, 3, BOXES)
MIDDLES = [(a + b) / 2 for a, b in zip(LOWER_DBZ, [*LOWER_DBZ[1:], 2 * 60 - 56.6], strict=True)]
OFF = EchoShape(min_dbz=0, opening=0, closing=0, min_area=0)


def legend_scale():
    crop = read_sample(sample_frames("CASGO")[0])[144:340, 35:55]
    return read_legend(crop, LOWER_DBZ, "bounds", "sample").scale(20)


SCALES = {
    "palette": ECCC.scale(20),
    "legend": legend_scale(),
    "hsv_multi": hue_scale(HSV_MULTI, (0, 60), 0.25, 0.25),
    "hsv_simple": hue_scale(HSV_SIMPLE, (0, 60), 0.25, 0.25),
}


def direct_palette(colour):
    """dBZ of one colour from the definition; None where it is no echo."""
    squares = [sum((a - b) ** 2 for a, b in zip(colour, other, strict=True)) for other in LEGEND_COLOURS]
    return MIDDLES[squares.index(min(squares))] if min(squares) <= 400 else None


def direct_hsv(colour, bottom):
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    hue = hue - 1 if hue > 0.5 else hue
    # Ends count as inside; the library's rounding may put them a hair outside.
    if not (bottom - 1e-9 <= hue <= 0.38 + 1e-9 and saturation >= 0.25 - 1e-9 and value >= 0.25 - 1e-9):
        return None
    return 60 * (0.38 - hue) / (0.38 - bottom)


DIRECT = {
    "palette": direct_palette,
    "legend": direct_palette,
    "hsv_multi": lambda colour: direct_hsv(colour, -0.03),
    "hsv_simple": lambda colour: direct_hsv(colour, 0.03),
}


def random_colours(count, seed=0):
    """Half anywhere, half near a legend colour, so that the tolerance is met from both sides."""
    rng = np.random.default_rng(seed)
    near = np.array(LEGEND_COLOURS)[rng.integers(0, len(LEGEND_COLOURS), count // 2)]
    near = np.clip(near + rng.integers(-20, 21, near.shape), 0, 255)
    anywhere = rng.integers(0, 256, (count - len(near), 3))
    return np.concatenate([near, anywhere]).astype(np.uint8)


@pytest.mark.parametrize("method", SCALES)
def test_the_table_equals_the_direct_computation_on_100000_random_colours(method):
    colours = random_colours(100_000)
    table = ColourTable(SCALES[method])
    table(colours[None, ::7])  # a part is known already when the rest comes
    found = decode_dbz(table(colours.reshape(250, 400, 3))).ravel()
    expected = [DIRECT[method](colour) for colour in map(tuple, colours.tolist())]
    echo = np.array([value is not None for value in expected])
    assert np.array_equal(found != -32, echo)
    assert 0.01 < echo.mean() < 0.99
    values = np.array([value for value in expected if value is not None])
    assert np.abs(found[echo] - values).max() <= 0.25 + 1e-6
    assert np.array_equal(table(colours[None])[0], SCALES[method](colours))


def test_a_colour_is_computed_once():
    seen = []

    def scale(colours):
        seen.extend(map(tuple, colours.tolist()))
        return np.full(len(colours), 7, np.uint8)

    table = ColourTable(scale)
    for seed in range(3):
        table(random_colours(1000, seed // 2)[None])
    assert len(seen) == len(set(seen)) > 1000


def classes_by_dictionary(pixels):
    """Independent lookup: class number, -1 background, -2 anything else, by exact colour."""
    known = {colour: number for number, colour in enumerate(LEGEND_COLOURS)} | dict.fromkeys(BACKGROUND, -1)
    values = pixels.astype(int) @ (65536, 256, 1)
    colours, inverse = np.unique(values, return_inverse=True)
    numbers = [known.get((c >> 16, (c >> 8) & 255, c & 255), -2) for c in colours.tolist()]
    return np.array(numbers)[inverse.reshape(values.shape)]


def check_decoding(path, table):
    x0, y0, x1, y1 = PLOT_BOX
    pixels = read_sample(path)[y0:y1, x0:x1]
    expected = classes_by_dictionary(pixels)[~OVERLAY]
    assert (expected != -2).all(), f"{path.name}: a colour that is neither legend nor background"
    found = decode_dbz(table(pixels))[~OVERLAY]
    middles = np.array([*MIDDLES, -32.0])[expected]  # background, -1, is the last
    assert np.abs(found - middles).max() <= 0.25, path.name
    assert np.array_equal(found == -32, expected == -1), path.name


@pytest.mark.parametrize("radar", sorted(RADARS["radars"]))
def test_each_pixel_of_every_sample_frame_is_decoded_exactly(radar):
    table = ColourTable(ECCC.scale(20))
    paths = sample_frames(radar)
    assert len(paths) == 288
    for path in paths:
        check_decoding(path, table)


def test_what_is_drawn_over_the_sample_map_is_overlay():
    x0, y0, x1, y1 = PLOT_BOX
    frames = [read_sample(path)[y0:y1, x0:x1] for path in sample_frames("CASCM")[::24]]
    red = np.all([(frame == (255, 0, 0)).all(axis=2) for frame in frames], axis=0)
    white = np.any([(frame == 255).all(axis=2) for frame in frames], axis=0)
    assert red.sum() > 1000 and white.sum() > 10
    assert OVERLAY[red | white].all()
    assert OVERLAY.sum() == 480**2 - 474**2 + 13**2


def test_a_mask_picture_boxes_and_border_join_in_plot_box_pixels():
    picture = np.zeros((10, 12, 3), np.uint8)
    picture[5, 8] = (0, 0, 1)
    mask = overlay_mask((12, 10), (2, 0, 12, 10), 1, [(0, 0, 5, 3)], picture)
    assert mask.shape == (10, 10)
    assert mask[5, 6]  # (8, 5) of the frame
    assert mask[:3, :3].all() and not mask[3, 3] and not mask[2, 3]
    assert mask[0].all() and mask[-1].all() and mask[:, 0].all() and mask[:, -1].all()
    assert mask.sum() == 36 + 4 + 1


@pytest.mark.parametrize("box", [(0, 0, 13, 5), (-1, 0, 5, 5), (5, 5, 5, 6), (6, 2, 3, 4)])
def test_a_box_outside_the_frame_is_refused(box):
    with pytest.raises(ConfigError, match="not within the frame of 12 x 10"):
        overlay_mask((12, 10), (0, 0, 12, 10), 0, [box])


def test_the_range_is_a_circle_about_the_radar():
    mask = range_mask((480, 480), (240, 239), 240)
    assert mask[239, 0] and mask[239, 479] and mask[0, 240] and mask[479, 240]
    assert not (mask[0, 0] or mask[0, 479] or mask[479, 0] or mask[479, 479])
    assert mask.sum() == pytest.approx(np.pi * 240**2, rel=0.01)
    assert not range_mask((480, 480), (240, 239), 100)[239, 341]
    assert range_mask((480, 480), (240, 239), 100)[239, 340]


codes = hnp.arrays(np.uint8, (9, 11), elements=st.sampled_from([UNDETECT, 60, 94, 130, NODATA]))
shapes = st.builds(EchoShape, st.just(0.0), st.integers(0, 5), st.integers(0, 5), st.integers(0, 30))


@given(codes, hnp.arrays(bool, (9, 11)), st.sampled_from([-32.0, 0.0, 15.0, 20.0]))
def test_packing_loses_only_weak_echoes_and_never_mixes_nodata_with_undetect(values, observed, min_dbz):
    values = np.where(values == NODATA, np.uint8(UNDETECT), values)
    packed = pack_echoes(values, observed, min_dbz)
    assert np.array_equal(packed == NODATA, ~observed)
    strong = observed & is_echo(values) & (decode_dbz(values) >= min_dbz)
    assert np.array_equal(packed[strong], values[strong])
    assert (packed[observed & ~strong] == UNDETECT).all()
    if observed.any():
        assert echo_fraction(packed) == pytest.approx(strong.sum() / observed.sum())
    else:
        assert echo_fraction(packed) == 0


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.sampled_from([UNDETECT, NODATA, 1, 94, 254]),
    ),
    st.sampled_from([1, 3, 5, 9]),
)
def test_the_share_of_echo_about_a_pixel_is_of_what_is_observed_there(codes, window):
    found, reach = local_echo_fraction(codes, window), window // 2
    for row, column in np.ndindex(codes.shape):
        part = codes[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        seen = (part != NODATA).sum()
        assert found[row, column] == pytest.approx(is_echo(part).sum() / seen if seen else 0)


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
    shape = EchoShape(0, opening, 0, 0)
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


def test_rain_is_kept_spokes_and_specks_are_not_and_what_hangs_on_rain_is_unknown():
    classes = classify_echoes(echo_picture(), EchoShape(0, 3, 3, 20))
    assert (classes[12:28, 12:28] == METEOROLOGICAL).all()
    assert (classes[20, 32:45] == UNKNOWN).all()
    assert (classes[50, 5:55] == NON_METEOROLOGICAL).all()
    assert (classes[40:43, 40:43] == NON_METEOROLOGICAL).all()
    assert classes[5, 5] == UNKNOWN
    assert classes[0, 0] == NONE


def test_the_area_counts_from_the_least_area_on():
    for pixels, kept in [(9, True), (10, False)]:
        classes = classify_echoes(echo_picture(), EchoShape(0, 0, 0, pixels))
        assert (classes[41, 41] == METEOROLOGICAL) == kept


def test_closing_joins_parts_before_small_ones_are_removed():
    values = np.zeros((20, 20), np.uint8)
    values[8:11, 4:8] = values[8:11, 9:13] = 94
    apart, joined = (classify_echoes(values, EchoShape(0, 0, closing, 20)) for closing in (0, 3))
    assert (apart[values > 0] == NON_METEOROLOGICAL).all()
    assert (joined[values > 0] == METEOROLOGICAL).all()
    assert (joined[values == 0] == NONE).all()  # closing makes no echo


def test_the_weakest_class_is_dropped_by_its_value():
    weak = np.full((2, 2), encode_dbz(15.0), np.uint8)
    observed = np.ones((2, 2), bool)
    assert is_echo(pack_echoes(weak, observed, 15.0)).all()
    assert not is_echo(pack_echoes(weak, observed, 15.5)).any()


def test_the_gore_spokes_are_called_non_meteorological_and_rain_is_kept():
    """The evening of interference, against the reference: what the sample's label settings are for."""
    table = ColourTable(ECCC.scale(20))
    observed = ~OVERLAY & range_mask((480, 480), (240, 239), 240)
    counts = np.zeros((4, 4), int)
    for path in sample_frames("CASGO")[30:60:6]:
        reference = read_sample(path.parents[2] / "truth" / "CASGO" / path.name)[..., 0]
        packed = pack_echoes(table(read_sample(path)[:, 100:]), observed, 7)
        classes = classify_echoes(packed, EchoShape(7, 5, 3, 20))
        for truth in (1, 2):
            counts[truth] += np.bincount(classes[reference == truth], minlength=4)
    assert counts[2, NON_METEOROLOGICAL] > 0.7 * counts[2].sum()
    assert counts[1, NON_METEOROLOGICAL] < 0.05 * counts[1].sum()
