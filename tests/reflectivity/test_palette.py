"""The reflectivity of colours, against computations from the definitions."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_cases import BACKGROUND, LEGEND_COLOURS, LOWER_DBZ, PALETTE

from radar_cleaner.config.labels import ZR
from radar_cleaner.conventions import UNDETECT, decode_dbz
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.palette import (
    HSV_MULTI,
    HSV_SIMPLE,
    hue_saturation_value,
    hue_scale,
    make_palette,
    parse_palette,
)

ECCC = parse_palette(PALETTE.read_text(), str(PALETTE))
colours = st.tuples(*[st.integers(0, 255)] * 3)


def scale_of(scale, *colour):
    return decode_dbz(scale(np.array([colour], dtype=np.uint8)))[0]


def test_the_sample_palette_is_the_services():
    assert [tuple(colour) for colour in ECCC.colours.tolist()] == LEGEND_COLOURS
    assert ECCC.lower_dbz.tolist() == LOWER_DBZ


def test_classes_join_without_gaps_and_the_last_is_as_wide_as_the_one_before():
    assert ECCC.upper_dbz[:-1].tolist() == LOWER_DBZ[1:]
    assert ECCC.upper_dbz[-1] == pytest.approx(60 + (60 - 56.6))


def test_a_legend_colour_decodes_to_the_middle_of_its_class_within_half_a_code():
    found = decode_dbz(ECCC.scale(0)(ECCC.colours))
    assert np.abs(found - (ECCC.lower_dbz + ECCC.upper_dbz) / 2).max() <= 0.25


def test_background_is_no_echo_at_the_sample_tolerance():
    assert (ECCC.scale(20)(np.array(BACKGROUND, dtype=np.uint8)) == UNDETECT).all()


@given(colours, st.sampled_from([0.0, 1.0, 20.0, 51.5, 500.0]))
def test_the_nearest_class_within_the_tolerance_wins(colour, tolerance):
    distances = [sum((a - b) ** 2 for a, b in zip(colour, other, strict=True)) for other in LEGEND_COLOURS]
    nearest = min(distances)
    expected = distances.index(nearest) if nearest <= tolerance**2 else -1
    assert ECCC.classes(np.array([colour], dtype=np.uint8), tolerance)[0] == expected


def test_a_tie_goes_to_the_weaker_class():
    palette = make_palette([(0, 0, 0), (20, 0, 0)], [0, 10], "here")
    assert palette.classes(np.array([[10, 0, 0]], dtype=np.uint8), 10).tolist() == [0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns colour,dbz_min"),
        ("colour,dbz\n#000000,1\n", "columns colour,dbz_min"),
        ("colour,dbz_min\n", "a line a class"),
        ("colour,dbz_min\n#00ff,1\n#ffffff,2\n", "line 2: '#00ff' is not a colour"),
        ("colour,dbz_min\n#00ff00,1\n#ffffff,strong\n", "line 3: dbz_min 'strong'"),
        ("colour,dbz_min\n#00ff00\n", "line 2: dbz_min ''"),
        ("colour,dbz_min\n#00ff00,5\n", "two classes or more"),
        ("colour,dbz_min\n#00ff00,5\n#00ff01,5\n", "must rise.*second ramp.*labels.nodata_colours"),
        ("colour,dbz_min\n#00ff00,5\n#00ff01,nan\n", "must rise"),
        ("colour,dbz_min\n#00ff00,5\n#00ff00,6\n", "#00ff00 belongs to two"),
        ("colour,dbz_min\n#00ff00,60\n#00ff01,155\n", "60 to 155 dBZ; .*labels.unit"),
        ("colour,dbz_min\n#00ff00,60\n#00ff01,heavy\n", "line 3: dbz_min 'heavy' .*a word"),
        ("colour,mm_24h_min\n#00ff00,60\n#00ff01,90\n", "mm_24h_min: 'mm/24h' .* accumulation"),
        ("colour,m_s_min\n#00ff00,60\n#00ff01,90\n", "m_s_min: 'm/s' .* velocity"),
        ("colour,dbz_min,mm_h_min\n#00ff00,60,1\n#00ff01,90,2\n", "it has dbz_min and mm_h_min"),
        ("colour,mm_h_min\n#00ff00,0\n#00ff01,1\n", "mm_h_min: 0 mm/h has no reflectivity"),
    ],
)
def test_a_broken_palette_is_refused_with_its_place(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_palette(text, "mine.csv")
    assert "mine.csv" in str(caught.value)


def test_rain_rates_become_reflectivity_with_their_relation():
    palette = parse_palette("colour, mm_h_min\n#00ff00, 1\n#00ff01, 10\n", "mine.csv", "mm/h", ZR(a=300, b=1.4))
    assert palette.lower_dbz == pytest.approx([10 * np.log10(300), 10 * np.log10(300) + 14])
    assert palette.attrs == {"palette_unit": "mm/h", "zr_a": 300, "zr_b": 1.4}
    for mark in ";\t":
        assert parse_palette(f"colour{mark}mm_h_min\n#00ff00{mark}1\n#00ff01{mark}10\n", "mine.csv").attrs
    tenth = parse_palette("colour,mm_10min_min\n#00ff00,1\n#00ff01,10\n", "mine.csv")
    assert tenth.lower_dbz[0] == pytest.approx(23.01 + 16 * np.log10(6), abs=0.01)


def test_a_unit_against_the_column_is_refused():
    with pytest.raises(ConfigError, match=r"dbz_min is in dBZ, and labels.unit is mm/h"):
        parse_palette("colour,dbz_min\n#00ff00,1\n#00ff01,10\n", "mine.csv", "mm/h")


@pytest.mark.parametrize(("first", "last"), [(-40, 70), (-10, 90), (-50, 94), (0, 100)])
def test_end_classes_beyond_a_store_are_clipped_with_a_warning(first, last, caplog):
    palette = make_palette([(0, 0, 0), (20, 0, 0), (40, 0, 0)], [first, 50, last], "mine.csv")
    assert palette.lower_dbz[0] == max(first, -31.5) and palette.upper_dbz[-1] == min(2 * last - 50, 95)
    assert caplog.text.count("mine.csv: its classes reach from") == (first < -31.5 or 2 * last - 50 > 95)


@given(st.lists(colours, min_size=1, max_size=20))
def test_hue_saturation_value_are_the_standard_librarys(some):
    found = np.stack(hue_saturation_value(np.array(some, dtype=np.uint8)), axis=1)
    expected = [colorsys.rgb_to_hsv(*(value / 255 for value in colour)) for colour in some]
    difference = np.abs(found - expected)
    difference[:, 0] = np.minimum(difference[:, 0], 1 - difference[:, 0])  # hue is a circle
    assert difference.max() < 1e-9


@pytest.mark.parametrize("ranges", [HSV_MULTI, HSV_SIMPLE])
def test_hues_run_from_weak_green_to_strong_red(ranges):
    scale = hue_scale(ranges, (0, 60), 0.25, 0.25)
    ladder = [(0, 255, 51), (0, 255, 0), (255, 255, 0), (255, 170, 0), (255, 100, 0)]
    if ranges is HSV_MULTI:
        ladder += [(255, 0, 0), (255, 0, 40)]
    dbz = [scale_of(scale, *colour) for colour in ladder]
    assert dbz == sorted(dbz) and len(set(dbz)) == len(dbz)
    assert dbz[0] >= 0 and dbz[-1] <= 60


def test_the_ends_of_the_joined_ranges_are_the_ends_of_the_dbz_range():
    # Hues 0.38 and 0.97, as near as 8 bits a channel come to them.
    scale = hue_scale(HSV_MULTI, (5, 55), 0.25, 0.25)
    assert scale_of(scale, 0, 250, 70) == pytest.approx(5, abs=0.5)
    assert scale_of(scale, 250, 0, 45) == pytest.approx(55, abs=0.5)
    assert scale_of(scale, 250, 0, 46) == -32  # beyond the red end


def test_the_simple_method_sees_no_red_and_neither_sees_blue_gray_or_dark():
    simple, multi = (hue_scale(ranges, (0, 60), 0.25, 0.25) for ranges in (HSV_SIMPLE, HSV_MULTI))
    assert scale_of(simple, 255, 0, 0) == -32
    assert scale_of(multi, 255, 0, 0) > 50
    for colour in [(0, 0, 255), (128, 128, 128), (60, 0, 0), (200, 160, 160)]:
        assert scale_of(simple, *colour) == scale_of(multi, *colour) == -32


def test_hues_may_rise_from_weak_to_strong():
    scale = hue_scale([(0.15, 0.3), (0.3, 0.8)], (0, 60), 0.25, 0.25)
    dbz = [scale_of(scale, *colour) for colour in [(255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255)]]
    assert dbz == sorted(dbz) and dbz[0] < 5
    assert scale_of(scale, 255, 0, 0) == -32


def test_hues_that_do_not_join_are_refused():
    with pytest.raises(ConfigError, match=r"labels\.hues: \[0.0, 0.1\]"):
        hue_scale([(0.2, 0.4), (0.0, 0.1)], (0, 60), 0.25, 0.25)


@pytest.mark.parametrize("dbz_range", [(10, 10), (60, 0), (-40, 60), (0, 96), (float("nan"), 60)])
def test_an_impossible_dbz_range_is_refused(dbz_range):
    with pytest.raises(ConfigError, match="dbz_range"):
        hue_scale(HSV_MULTI, dbz_range, 0.25, 0.25)


@given(st.integers(0, 255), st.floats(0, 100))
def test_a_colour_nearer_to_one_of_the_map_than_to_a_class_is_no_echo(gray, tolerance):
    palette = make_palette([[0, 200, 0], [253, 253, 253]], [20, 75], "p")
    colour, ground = np.full((1, 3), gray, np.uint8), np.full((1, 3), 250, np.uint8)
    plain, beside = (palette.scale(tolerance, others)(colour)[0] for others in (None, ground))
    assert beside == (UNDETECT if abs(gray - 250) < abs(gray - 253) else plain)
