"""The reflectivity store has the values of the colours, in plot-box pixels."""

import numpy as np
import pytest
from decode_cases import learn_and_decode
from legend_cases import Drawn, ramp, random_colours
from picture_cases import (
    BACKGROUND,
    BOXES,
    LEGEND_COLOURS,
    LOWER_DBZ,
    PALETTE,
    PLOT_BOX,
    encode,
    read_sample,
    sample_frames,
)

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours, Legend
from radar_cleaner.conventions import NODATA, UNDETECT, decode_dbz, is_echo
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

LEGEND_BOX = (35, 144, 55, 340)
LEGEND = Legend(box_px=LEGEND_BOX, dbz=tuple(LOWER_DBZ), scale="bounds")
OVERLAY = Overlay(border_px=3, boxes_px=tuple(BOXES))


def write_rgb(path, pictures, start=1_720_656_000):
    height, width = pictures[0].shape[:2] if pictures else (480, 580)
    variables = RGB.frame_variables((height, width, 3))
    with StoreWriter(path, variables=variables, attrs={"radar": "R"}) as store:
        for index, picture in enumerate(pictures):
            store.append(start + 360 * index, rgb=picture)


def decode(tmp_path, pictures, plot_box=PLOT_BOX, center=(340, 239), overlay=OVERLAY, geometry=None, **changes):
    width, height = plot_box[2] - plot_box[0], plot_box[3] - plot_box[1]
    middle = (center[0] - plot_box[0], center[1] - plot_box[1])
    write_rgb(tmp_path / "rgb.zarr", pictures)
    return learn_and_decode(
        tmp_path / "rgb.zarr",
        plot_box,
        geometry or RadarGeometry.about("R", 45.1, -63.7, 240, width, height, middle),
        overlay,
        Colours(**{"palette": str(PALETTE), "min_dbz": 7, **changes}),
    )


def samples(count=3):
    return [read_sample(path) for path in sample_frames("CASGO")[40 : 40 + count]]


def blank(width=60, height=40):
    return np.full((height, width, 3), BACKGROUND[0], np.uint8)


def small_settings(**changes):
    return {"plot_box": (20, 0, 60, 40), "center": (40, 20), "overlay": Overlay()} | changes


def test_sample_frames_are_decoded_on_the_plot_box(tmp_path):
    pictures = samples()
    store = decode(tmp_path, pictures)
    assert store.times.size == 3
    assert store.attrs["plot_box_px"] == [100, 0, 580, 480]
    assert store.attrs["center_px"] == [240, 239]
    assert store.attrs["pixel_size"] == [1000, 1000] and store.attrs["origin_px"] == [240, 239]
    assert store.attrs["max_range_km"] == 240
    assert RadarGeometry.from_attrs(store.attrs, store.shape("reflectivity")).center_px == (240, 239)
    assert store.attrs["class_lower_dbz"] == LOWER_DBZ
    assert store.attrs["class_upper_dbz"][:-1] == LOWER_DBZ[1:]
    assert store.attrs["label_method"] == "palette"
    legend = {tuple(colour) for colour in LEGEND_COLOURS}
    for index, picture in enumerate(pictures):
        codes = store.frame("reflectivity", index)
        observed = codes != NODATA
        coloured = np.array([[tuple(c) in legend for c in row] for row in picture[:, 100:].tolist()])
        assert np.array_equal(is_echo(codes)[observed], coloured[observed])
        assert store.read("echo_fraction")[index] == pytest.approx(is_echo(codes).sum() / observed.sum())
        assert not observed[0].any() and not observed[239, 240] and not observed[470, 10]


def test_the_legend_in_the_frame_gives_what_the_palette_file_gives(tmp_path):
    pictures = samples(2)
    by_file = decode(tmp_path, pictures).read("reflectivity")
    by_legend = decode(tmp_path, pictures, method="legend", legend=LEGEND)
    assert np.array_equal(by_legend.read("reflectivity"), by_file)
    assert by_legend.attrs["class_lower_dbz"] == LOWER_DBZ


def test_another_legend_in_a_later_frame_is_refused(tmp_path):
    pictures = samples(2)
    x0, y0, x1, y1 = LEGEND_BOX
    pictures[1] = pictures[1].copy()
    pictures[1][y0:y1, x0:x1] = pictures[1][y0:y1, x0:x1][::-1]
    with pytest.raises(ConfigError, match=r"00:06:00Z.*legend differs"):
        decode(tmp_path, pictures, method="legend", legend=LEGEND)


@pytest.mark.parametrize("method", ["hsv_multi", "hsv_simple"])
def test_hue_methods_decode_a_map_without_colours_in_their_range(tmp_path, method):
    picture = np.full((40, 60, 3), 128, np.uint8)
    picture[10:20, 30:40] = (0, 255, 0)
    picture[20:30, 30:40] = (255, 128, 0)
    store = decode(tmp_path, [picture], **small_settings(method=method, dbz_range=(0, 60)))
    codes = store.read("reflectivity")[0]
    assert 0 < codes[15, 15] < codes[25, 15] < NODATA
    assert is_echo(codes).sum() == 200
    assert store.attrs["class_lower_dbz"] == store.attrs["class_upper_dbz"] == []


def test_a_mask_picture_is_overlay(tmp_path):
    picture = blank()
    picture[10:30, 30:50] = LEGEND_COLOURS[3]
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[18:22] = 255
    (tmp_path / "mask.png").write_bytes(encode(mask))
    store = decode(tmp_path, [picture], **small_settings(overlay=Overlay(mask=str(tmp_path / "mask.png"))))
    codes = store.read("reflectivity")[0]
    assert (codes[18:22] == NODATA).all()
    assert is_echo(codes[10:18, 10:30]).all() and codes[12, 5] == UNDETECT


def test_a_store_without_frames_gives_reflectivity_without_frames(tmp_path):
    for changes in (
        {},
        {"method": "legend", "legend": LEGEND},
    ):
        store = decode(tmp_path, [], **changes)
        assert store.times.size == 0
        assert store.shape("reflectivity") == (480, 480)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"palette": None}, "labels.palette: .* needs a CSV"),
        ({"palette": str(PALETTE.with_name("nowhere.csv"))}, "nowhere.csv is not a CSV of colours"),
        ({"method": "legend"}, "labels.legend: .* needs box_px and dbz"),
        ({"method": "legend", "legend": Legend(box_px=(0, 0, 99, 1), dbz=(0, 60))}, "not within the frame"),
        ({"plot_box": (20, 0, 61, 40)}, "not within the frame of 60 x 40"),
        ({"overlay": Overlay(boxes_px=((0, 0, 5, 50),))}, "not within the frame of 60 x 40"),
        ({"overlay": Overlay(mask=str(PALETTE))}, "overlay mask .*eccc.csv"),
        ({"overlay": Overlay(mask=str(PALETTE.with_name("nowhere.png")))}, "overlay mask .*nowhere.png"),
    ],
)
def test_impossible_settings_are_refused_and_nothing_is_written(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        decode(tmp_path, [blank()], **small_settings(**changes))
    assert not (tmp_path / "reflectivity.zarr").exists()


def test_equal_content_is_an_equal_file_whatever_setting_made_it(tmp_path):
    pictures = samples(1)
    decode(tmp_path, pictures)
    first = (tmp_path / "reflectivity.zarr" / "zarr.json").read_bytes()
    decode(tmp_path, pictures, tolerance=21)
    assert (tmp_path / "reflectivity.zarr" / "zarr.json").read_bytes() == first
    decode(tmp_path, pictures, min_dbz=25)
    assert (tmp_path / "reflectivity.zarr" / "zarr.json").read_bytes() != first


def picture_of_blocks(colours, shown, style):
    """Draw blocks of echo in the colours numbered `shown` on a map, and the legend of all colours beside it."""
    bar = style.bar(colours)
    picture = np.full((max(160, bar.shape[0] + 8), 180 + bar.shape[1], 3), (232, 238, 240), np.uint8)
    for place, number in enumerate(shown):
        picture[10 + 20 * place : 25 + 20 * place, 20:120] = colours[number]
    picture[4 : 4 + bar.shape[0], 170 : 170 + bar.shape[1]] = bar
    return picture, (170, 4, 170 + bar.shape[1], 4 + bar.shape[0])


def values_of_blocks(tmp_path, picture, count, **labels):
    settings = {"plot_box": (0, 0, 150, 150), "center": (75, 75), "overlay": Overlay(), "min_dbz": -31.5}
    store = decode(tmp_path, [picture], **settings, **labels)
    codes = store.read("reflectivity")[0]
    blocks = [codes[12 + 20 * place : 23 + 20 * place, 60:90] for place in range(count)]
    assert all(len(np.unique(block)) == 1 for block in blocks)
    return decode_dbz(np.array([block[0, 0] for block in blocks])), store


@pytest.mark.parametrize("seed", range(4))
def test_echoes_have_the_value_of_their_place_on_a_continuous_bar(tmp_path, seed):
    rng = np.random.default_rng(seed)
    count, step = int(rng.integers(40, 90)), int(rng.integers(1, 4))
    style = Drawn(step=step, width=10, strong_first=bool(rng.integers(2)))
    colours, shown = ramp(count), rng.choice(count, 6, replace=False)
    picture, box = picture_of_blocks(colours, shown, style)
    low, high = style.ordered([0, 66])
    legend = Legend(box_px=box, dbz=(low, high))
    found, _ = values_of_blocks(tmp_path, picture, 6, method="legend", legend=legend)
    assert np.abs(found - (shown + 0.5) * 66 / count).max() <= 0.5


@pytest.mark.parametrize("seed", range(4))
def test_the_number_of_bounds_separates_near_colours(tmp_path, seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(8, 20))
    style = Drawn(step=7, width=12, gap=int(rng.integers(0, 3)), frame=int(rng.integers(0, 2)))
    colours, shown = random_colours(seed, count, (10, 24)), rng.choice(count, 6, replace=False)
    bounds = np.linspace(0, 60, count)
    picture, box = picture_of_blocks(colours, shown, style)
    legend = Legend(box_px=box, dbz=tuple(bounds), scale="bounds")
    found, _ = values_of_blocks(tmp_path, picture, 6, method="legend", legend=legend)
    assert np.abs(found - bounds[shown] - 30 / (count - 1)).max() <= 0.26


@pytest.mark.parametrize("source", ["palette", "legend"])
def test_rain_rates_are_stored_as_reflectivity(tmp_path, source):
    rates = (0.15, 0.5, 1, 2, 5, 7, 10, 15, 30, 50, 75, 100)
    colours, shown = random_colours(7, 12, (10, 24)), [0, 2, 4, 7, 9]
    picture, box = picture_of_blocks(colours, shown, Drawn(step=8))
    table = [
        f"#{red:02x}{green:02x}{blue:02x},{rate}" for (red, green, blue), rate in zip(colours, rates, strict=True)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["colour,mm_h_min", *table]))
    labels = {
        "palette": {"palette": str(tmp_path / "mine.csv")},
        "legend": {"method": "legend", "legend": Legend(box_px=box, dbz=rates, scale="bounds", unit="mm/h")},
    }[source]
    found, store = values_of_blocks(tmp_path, picture, 5, **labels)
    lower = 10 * np.log10(200 * np.array(rates) ** 1.6)
    assert np.abs(found - ((lower[:-1] + lower[1:]) / 2)[shown]).max() <= 0.26
    assert (store.attrs["palette_unit"], store.attrs["zr_a"], store.attrs["zr_b"]) == ("mm/h", 200, 1.6)
