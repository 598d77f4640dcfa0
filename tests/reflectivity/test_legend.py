"""A palette read off a legend bar is the palette the bar was drawn with."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from legend_cases import GAP_COLOURS, Drawn, as_jpeg, drawn, on_page, ramp, random_colours
from picture_cases import LEGEND_COLOURS, LOWER_DBZ, RADARS, read_sample, sample_frames
from PIL import Image

from radar_cleaner.config.labels import ZR
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import parse_palette

seeds = st.integers(0, 2**32 - 1)
# Distances in RGB of neighbouring classes: as different as a palette's, and as near as those of rain-rate bars.
distances = st.sampled_from([(22, 442), (10, 24)])


def read(bar, dbz, scale="bounds", **keys):
    return read_legend(bar, dbz, scale, "here", **keys).palette


def read_or_none(bar, dbz, scale="bounds", **keys):
    """Return the palette, or None if it is refused with a list of colours that a user can complete."""
    try:
        return read(bar, dbz, scale, **keys)
    except ConfigError as error:
        assert "colour,dbz_min,pixels,from_px,to_px\n#" in str(error) or "1 classes" in str(error)
        return None


def colours_of(palette):
    return [tuple(colour) for colour in palette.colours.tolist()]


def is_drawn_along(bar, style):
    """Return whether a bar is longer in the direction of its classes; the shape of a bar gives its direction."""
    return (bar.shape[0] < bar.shape[1]) == style.lying


def value_errors(palette, colours, values):
    """Return by how much the nearest class of each true colour is off its value, in dBZ."""
    distance = np.linalg.norm(palette.colours[None].astype(float) - colours[:, None], axis=2)
    return np.abs(palette.value_dbz[distance.argmin(axis=1)] - values)


def test_the_samples_own_bar_gives_the_samples_palette():
    bar = RADARS["legend_bar"]
    (x0, x1), y0 = bar["x"], bar["top_y"]
    crop = read_sample(sample_frames("CASGO")[0])[y0 : y0 + bar["step"] * bar["n"], x0 : x1 + 1]
    palette = read(crop, LOWER_DBZ)
    assert colours_of(palette) == LEGEND_COLOURS
    assert palette.lower_dbz.tolist() == LOWER_DBZ


@given(seeds, st.integers(5, 80), distances, drawn())
def test_a_bar_gives_its_colours_however_it_is_drawn(seed, count, apart, style):
    colours = random_colours(seed, count, apart)
    assume(style.gap < style.step and is_drawn_along(style.bar(colours), style))
    bounds = np.linspace(-10, 75, count)
    palette = read(style.bar(colours), style.ordered(bounds))
    assert palette.colours.tolist() == colours.tolist()
    assert palette.lower_dbz.tolist() == bounds.tolist()


@given(seeds, st.integers(5, 80), distances, drawn())
def test_the_ends_of_a_bar_give_equal_classes_between_them(seed, count, apart, style):
    colours = random_colours(seed, count, apart)
    assume(style.gap < style.step and is_drawn_along(style.bar(colours), style))
    palette = read(style.bar(colours), style.ordered([0, count]), "ends")
    assert palette.colours.tolist() == colours.tolist()
    assert palette.lower_dbz == pytest.approx(np.arange(count), abs=1e-9)
    assert palette.upper_dbz[-1] == pytest.approx(count)


@given(seeds, st.lists(st.integers(4, 12), min_size=5, max_size=30), drawn(gaps=(0, 0)))
def test_between_the_ends_a_colour_has_the_value_of_its_place(seed, lengths, style):
    colours, edges = random_colours(seed, len(lengths)), np.append(0, np.cumsum(lengths))
    style = Drawn(**{**style.__dict__, "lengths": tuple(lengths)})
    bar = style.bar(colours)
    assume(is_drawn_along(bar, style))
    palette = read(bar, style.ordered([-5, 70]), "ends")
    assert palette.colours.tolist() == colours.tolist()
    true = -5 + 75 * edges / edges[-1]
    assert palette.lower_dbz == pytest.approx(true[:-1], abs=75 / edges[-1] + 1e-9)  # within a pixel


@given(st.integers(3, 8), st.integers(20, 60), st.booleans())
def test_numbers_between_the_ends_are_evenly_spaced(ticks, count, strong_first):
    style = Drawn(step=3, width=10, strong_first=strong_first)
    numbers = np.cumsum(np.arange(1, ticks + 1))
    palette = read(style.bar(ramp(count)), style.ordered(numbers), "ends")
    true = np.interp(np.arange(count + 1) / count, np.linspace(0, 1, ticks), numbers)
    assert palette.lower_dbz == pytest.approx(true[:-1])
    assert palette.upper_dbz[-1] == pytest.approx(true[-1])


@given(st.integers(40, 100), st.integers(1, 6), st.booleans(), st.booleans())
def test_a_continuous_bar_is_read_within_a_dbz(count, step, lying, strong_first):
    style = Drawn(step=step, width=10, lying=lying, strong_first=strong_first)
    colours = ramp(count)
    palette = read(style.bar(colours), style.ordered([0, 66]), "ends")
    assert len(palette.colours) == count
    assert value_errors(palette, colours, (np.arange(count) + 0.5) * 66 / count).max() < 1e-6


@given(st.sampled_from([75, 85, 95]), st.integers(8, 16), st.integers(8, 20), st.integers(0, 2), st.booleans())
def test_jpeg_noise_loses_no_class_or_is_refused(quality, count, step, gap, lying):
    style = Drawn(step=step, gap=gap, width=20, lying=lying)
    colours = ramp(count)
    bar = as_jpeg(style.bar(colours), quality)
    for palette in (read_or_none(bar, range(count)), read_or_none(bar, [0, count], "ends")):
        if palette is not None:
            assert value_errors(palette, colours, np.arange(count) + 0.5).max() < 0.51  # all in their class


@given(st.sampled_from([75, 85, 95]), st.integers(3, 4), st.integers(50, 100), st.booleans())
def test_a_continuous_bar_in_a_jpeg_is_read_within_a_dbz_or_refused(quality, step, count, lying):
    colours = ramp(count)
    bar = as_jpeg(Drawn(step=step, width=16, lying=lying).bar(colours), quality)
    palette = read_or_none(bar, [0, 66], "ends")
    if palette is not None:
        errors = value_errors(palette, colours, (np.arange(count) + 0.5) * 66 / count)
        within = errors <= max(1, 66 / count) + 1e-9  # a dBZ, or a class
        assert within.mean() > 0.95 and errors.max() < 3


@pytest.mark.parametrize("quality", [75, 85, 95])
def test_few_clean_bars_in_jpegs_are_refused(quality):
    bars = [(count, step) for count in (8, 11, 14, 16) for step in (9, 13, 17, 20)]
    read_bars = [
        read_or_none(as_jpeg(Drawn(step=step, gap=0, width=20).bar(ramp(count)), quality), range(count))
        for count, step in bars
    ]
    assert sum(palette is None for palette in read_bars) <= 1


@settings(max_examples=15)
@given(st.sampled_from([75, 85, 95]), st.integers(5, 8), st.integers(40, 70), st.booleans())
def test_many_small_classes_in_a_jpeg_are_read_within_a_dbz_or_refused(quality, step, count, lying):
    colours = ramp(count)
    bar = as_jpeg(Drawn(step=step, width=16, lying=lying).bar(colours), quality)
    palette = read_or_none(bar, [0, 66], "ends")
    assume(palette is not None)
    errors = value_errors(palette, colours, (np.arange(count) + 0.5) * 66 / count)
    assert np.mean(errors <= max(1, 66 / count) + 1e-9) > 0.95 and errors.max() < 3


@given(seeds, st.sampled_from([80, 95]), st.integers(6, 16), st.sampled_from([-1, 1]), st.integers(0, 2))
def test_a_jpeg_with_another_number_of_bounds_is_refused(seed, quality, count, excess, gap):
    bar = as_jpeg(Drawn(gap=gap).bar(random_colours(seed, count, (60, 442))), quality)
    with pytest.raises(ConfigError, match=f"gives {count + excess} lower bounds"):
        read(bar, range(count + excess))


@pytest.mark.parametrize("scale", [0.9, 1.3])
@pytest.mark.parametrize("gap", [0, 1])
def test_a_resized_bar_gives_all_its_classes(scale, gap):
    colours = ramp(20)
    bar = Image.fromarray(Drawn(step=12, gap=gap).bar(colours))
    resized = np.array(
        bar.resize((round(bar.width * scale), round(bar.height * scale)), Image.Resampling.BILINEAR)
    )
    for palette in (read(resized, range(20)), read(resized, [0, 20], "ends")):
        assert value_errors(palette, colours, np.arange(20) + 0.5).max() < 0.6


@settings(max_examples=15)
@given(seeds, st.integers(5, 30), drawn(steps=(8, 20)), st.tuples(*[st.integers(0, 40)] * 4))
def test_a_box_that_is_too_large_gives_the_bar_or_its_colours(seed, count, style, more):
    colours = random_colours(seed, count)
    bar = style.bar(colours)
    assume(style.gap < style.step)
    page = on_page(bar, (230, 232, 240), corner=(60, 60), margin=60)
    page[60 + bar.shape[0] :] = (230, 232, 240)  # the numbers are at the right
    box = (60 - more[0], 60 - more[1], 60 + bar.shape[1] + more[2], 60 + bar.shape[0] + more[3])
    for scale in ("bounds", "ends"):
        palette = read_or_none(
            page, style.ordered(range(count) if scale == "bounds" else [0, count]), scale, box=box
        )
        if palette is not None:
            assert palette.colours.tolist() == colours.tolist()
            assert palette.lower_dbz == pytest.approx(np.arange(count), abs=0.3 if scale == "ends" else 0)


@settings(max_examples=25)
@given(
    seeds, st.sampled_from([75, 85, 95]), st.integers(4, 24), drawn(steps=(6, 24), gaps=(0, 2)), st.integers(-1, 1)
)
def test_near_colours_in_a_jpeg_are_right_or_refused(seed, quality, count, style, excess):
    colours = random_colours(seed, count, (10, 24))
    bar = style.bar(colours)
    assume(is_drawn_along(bar, style))
    palette = read_or_none(as_jpeg(bar, quality), style.ordered(range(count + excess)))
    if palette is not None:
        assert excess == 0
        assert value_errors(palette, colours, np.arange(count) + 0.5).max() < 0.51


@given(seeds, st.integers(5, 20), st.booleans())
def test_a_map_that_shows_through_the_legend_is_noticed(seed, count, lying):
    rng = np.random.default_rng(seed)
    style = Drawn(width=24, lying=lying)
    bar = style.bar(random_colours(seed, count, (60, 442)))
    land = np.where(rng.random(bar.shape[:2])[..., None] < 0.4, (190, 200, 170), (90, 110, 160))
    assert read_or_none((0.7 * bar + 0.3 * land).astype(np.uint8), style.ordered(range(count))) is None


def test_a_gray_swatch_at_an_end_is_reported(caplog):
    read(Drawn().bar([(150, 150, 150), *LEGEND_COLOURS]), [0, 60], "ends")
    assert "#969696" in caplog.text and "leave it out of legend.box_px" in caplog.text


def test_numbers_within_the_swatches_do_not_matter():
    bar = Drawn(width=30).bar(LEGEND_COLOURS)
    bar[4:10:2, 3:8] = 255
    bar[18:24:2, 3:8] = 0
    assert colours_of(read(bar, LOWER_DBZ)) == LEGEND_COLOURS


@pytest.mark.parametrize("scale", ["ends", "bounds"])
def test_a_frame_that_may_hold_a_class_in_the_colour_of_the_background_is_reported(scale, caplog):
    bar = Drawn(gap=8, step=10).bar([*LEGEND_COLOURS[:4], (255, 255, 255), *LEGEND_COLOURS[4:8]])
    for top in range(0, len(bar), 18):
        bar[top : top + 10, [0, -1]] = bar[[top, top + 9]] = 120
    if scale == "ends":
        assert read_or_none(bar, [0, 9], scale) is None
    else:
        assert colours_of(read(bar, range(8))) == LEGEND_COLOURS[:8]
        assert "a gap that is long enough for a class" in caplog.text


@pytest.mark.parametrize("gap", [0, 2])
def test_two_classes_of_a_scaled_bar_are_not_read_as_one(gap):
    bar = Image.fromarray(Drawn(step=11, gap=gap, width=10).bar(ramp(30)))
    scaled = np.array(bar.resize((9, round(0.9 * bar.height)), Image.Resampling.BILINEAR))
    with pytest.raises(ConfigError, match=r"29 lower bounds|noise hides"):
        read(scaled, range(29))


@given(seeds, st.integers(4, 15), st.integers(4, 20), st.integers(4, 20), st.sampled_from(GAP_COLOURS))
def test_swatches_far_apart_are_classes(seed, count, step, gap, gap_colour):
    style = Drawn(step=step, gap=gap, gap_colour=gap_colour, width=10)
    bar = style.bar(random_colours(seed, count, (30, 442)))
    assume(not (bar == gap_colour).all(axis=-1)[:: step + gap].any() and bar.shape[0] > 10)
    for palette in (read(bar, range(count)), read(bar, [0, count], "ends")):
        assert palette.colours.tolist() == random_colours(seed, count, (30, 442)).tolist()
        assert palette.lower_dbz == pytest.approx(np.arange(count), abs=1e-9)


def test_a_class_in_the_colour_of_the_gaps_is_a_class():
    colours = [*LEGEND_COLOURS[:5], (255, 255, 255)]
    bar = Drawn(gap=1, frame=1, frame_colour=(0, 0, 0)).bar(colours)
    assert colours_of(read(bar, range(6))) == colours


def test_rates_of_a_legend_become_reflectivity():
    palette = read(Drawn().bar(ramp(4)), [0.5, 1, 10, 100], unit="mm/h", zr=ZR(a=200, b=1.6))
    assert palette.lower_dbz == pytest.approx([18.19, 23.01, 39.01, 55.01], abs=0.01)
    assert palette.attrs == {"palette_unit": "mm/h", "zr_a": 200, "zr_b": 1.6}
    by_place = read(Drawn().bar(ramp(4)), [10, 50], "ends", unit="mm/h")
    assert by_place.lower_dbz == pytest.approx(23.01 + 16 * np.log10([10, 20, 30, 40]), abs=0.01)
    assert by_place.upper_dbz[-1] == pytest.approx(23.01 + 16 * np.log10(50), abs=0.01)


def test_an_error_lists_the_colours_as_a_csv_that_can_be_completed():
    colours = ramp(6)
    with pytest.raises(ConfigError) as caught:
        read(on_page(Drawn(step=10).bar(colours), corner=(100, 40)), range(5), box=(100, 40, 120, 100))
    table = str(caught.value).split("\n")[1:]
    assert table[0] == "colour,dbz_min,pixels,from_px,to_px"
    assert table[1] == "#00ecff,,10,90,100" and table[-1].endswith(",,10,40,50")
    filled = "\n".join(
        [table[0], *(line.replace(",,", f",{5 * number},") for number, line in enumerate(table[1:]))]
    )
    assert parse_palette(filled, "mine.csv").colours.tolist() == colours.tolist()


@given(seeds, st.integers(5, 30), st.sampled_from([-1, 1]), st.sampled_from(GAP_COLOURS), st.integers(0, 2))
def test_another_number_of_bounds_is_refused(seed, count, excess, gap_colour, gap):
    bar = Drawn(gap=gap, gap_colour=gap_colour).bar(random_colours(seed, count))
    with pytest.raises(ConfigError, match=f"shows {count} classes .* gives {count + excess} lower bounds"):
        read(bar, range(count + excess))


def test_uneven_classes_between_two_ends_are_reported(caplog):
    read(Drawn(lengths=(10, 10, 10, 40, 10)).bar(ramp(5)), [0, 60], "ends")
    assert "not equally long" in caplog.text and "legend.scale to bounds" in caplog.text


@pytest.mark.parametrize(
    ("colours", "dbz", "scale", "message"),
    [
        (LEGEND_COLOURS, [0], "ends", "two numbers or more"),
        (LEGEND_COLOURS, [60, 60], "ends", "must rise or fall"),
        (LEGEND_COLOURS, [*LOWER_DBZ[1:], LOWER_DBZ[0]], "bounds", "must rise or fall"),
        (LEGEND_COLOURS[:1], [0, 60], "ends", "1 classes .* without its numbers"),
        ([*LEGEND_COLOURS[:4], LEGEND_COLOURS[0]], [0, 60], "ends", "#99ccff occurs at two places"),
    ],
)
def test_a_bar_and_numbers_that_do_not_fit_are_refused(colours, dbz, scale, message):
    with pytest.raises(ConfigError, match=message):
        read_legend(Drawn().bar(colours), dbz, scale, "box [1, 2, 3, 4]")


@given(seeds, st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.sampled_from(["ends", "bounds"]))
def test_any_picture_gives_a_palette_or_an_error(seed, height, width, colours, scale):
    rng = np.random.default_rng(seed)
    bar = rng.integers(0, 256, (colours, 3), np.uint8)[rng.integers(0, colours, (height, width))]
    try:
        palette = read(bar, [0, 60], scale)
    except ConfigError:
        return
    assert len(palette.colours) >= 2 and palette.upper_dbz[-1] <= 95


def test_a_reading_knows_its_bar_again_but_no_other_legend():
    colours = ramp(12)
    style = Drawn(gap=1, frame=1)
    reading = read_legend(style.bar(colours), [0, 60], "ends", "here")
    assert reading.matches(as_jpeg(style.bar(colours), 80))
    for other in (colours[::-1], np.roll(colours, 1, axis=0), ramp(13)[1:], 255 - colours):
        assert not reading.matches(style.bar(other))
    strong_first = Drawn(gap=1, frame=1, strong_first=True)
    assert read_legend(strong_first.bar(colours), [60, 0], "ends", "here").matches(strong_first.bar(colours))
