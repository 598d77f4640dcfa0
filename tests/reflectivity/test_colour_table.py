"""Colours become reflectivity exactly."""

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
    NODATA,
    UNDETECT,
    decode_dbz,
    encode_dbz,
    is_echo,
)
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import HSV_MULTI, HSV_SIMPLE, hue_scale, parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask
from radar_cleaner.reflectivity.statistics import echo_fraction

ECCC = parse_palette(PALETTE.read_text(), str(PALETTE))
OVERLAY = overlay_mask((580, 480), PLOT_BOX, 3, BOXES)
MIDDLES = [(a + b) / 2 for a, b in zip(LOWER_DBZ, [*LOWER_DBZ[1:], 2 * 60 - 56.6], strict=True)]


def legend_scale():
    crop = read_sample(sample_frames("CASGO")[0])[144:340, 35:55]
    return read_legend(crop, LOWER_DBZ, "bounds", "sample").palette.scale(20)


SCALES = {
    "palette": ECCC.scale(20),
    "legend": legend_scale(),
    "hsv_multi": hue_scale(HSV_MULTI, (0, 60), 0.25, 0.25),
    "hsv_simple": hue_scale(HSV_SIMPLE, (0, 60), 0.25, 0.25),
}


def direct_palette(colour):
    """dBZ of one colour from the definition; None where it is not an echo."""
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


@pytest.mark.slow
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


codes = hnp.arrays(np.uint8, (9, 11), elements=st.sampled_from([UNDETECT, 60, 94, 130, NODATA]))


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


def test_the_weakest_class_is_dropped_by_its_value():
    weak = np.full((2, 2), encode_dbz(15.0), np.uint8)
    observed = np.ones((2, 2), bool)
    assert is_echo(pack_echoes(weak, observed, 15.0)).all()
    assert not is_echo(pack_echoes(weak, observed, 15.5)).any()
