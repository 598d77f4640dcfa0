"""Where a pixel echoes in quiet frames it is clutter; rain that is there once is not."""

import logging

import numpy as np
import pytest
from picture_cases import BACKGROUND, LEGEND_COLOURS, LOWER_DBZ

from radar_cleaner.config.atlas import Clutter
from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.reflectivity.statistics import echo_fraction
from radar_cleaner.stages.build_clutter_atlas import build_clutter_atlas
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import REFLECTIVITY, RGB
from radar_cleaner.storage.writer import StoreWriter

START = 1_720_656_000  # 2024-07-11 00:00 UTC
SHAPE = (20, 30)
CLUTTER = np.s_[5:8, 5:8]
CODE = 94


def frames(count=20, rain_from=15):
    """Codes of quiet frames with clutter and a passing shower, then frames full of rain."""
    for index in range(count):
        codes = np.full(SHAPE, UNDETECT, np.uint8)
        codes[CLUTTER] = CODE
        codes[15, index % 30] = CODE
        if index >= rain_from:
            codes[:, 10:] = CODE
        codes[0] = NODATA
        yield START + 360 * index, codes


def write_stores(results, shards=("20240711",), count=20, radar="R", pictures=True, flicker=True):
    layout, rng = Layout(results), np.random.default_rng(0)
    everything = list(frames(count))
    for number, shard in enumerate(shards):
        part = everything[number :: len(shards)] if len(shards) > 1 else everything
        part = [(time + 86400 * number, codes) for time, codes in part]
        reflectivity = StoreWriter(
            layout.reflectivity(radar, shard),
            variables=REFLECTIVITY.frame_variables(SHAPE),
            attrs={"radar": radar, "plot_box_px": [4, 2, 34, 22]},
        )
        with reflectivity as store:
            for time, codes in part:
                fraction = np.array(echo_fraction(codes), np.float32)
                none = np.zeros_like(codes)
                store.append(
                    time,
                    reflectivity=codes,
                    uncertainty=none,
                    echo_fraction=fraction,
                    unmatched_fraction=0 * fraction,
                )
        if not pictures:
            continue
        rgb = RGB.frame_variables((22, 34, 3))
        with StoreWriter(layout.rgb(radar, shard), variables=rgb) as store:
            for time, codes in part:
                picture = np.full((22, 34, 3), BACKGROUND[0], np.uint8)
                picture[2:, 4:][codes == CODE] = LEGEND_COLOURS[0]
                if flicker:  # the clutter's upper row changes its colour
                    picture[2:, 4:][5, 5:8] = LEGEND_COLOURS[rng.integers(len(LOWER_DBZ))]
                store.append(time, rgb=picture)


def build(results, stores=("R=20240711",), output="atlas/R.zarr/zarr.json", **changes):
    options = {"window_px": 0, "quiet_fraction": 0.1, "min_quiet_frames": 10, "threshold": 0.5} | changes
    build_clutter_atlas(
        results=results, radar="R", stores=list(stores), atlas=Clutter(**options), output=results / output
    )
    return open_store(results / output, "atlas")


def test_what_echoes_in_quiet_frames_is_clutter_and_rain_is_not(tmp_path):
    write_stores(tmp_path, pictures=False)
    store = build(tmp_path)
    assert store.attrs["frames_used"] == 15
    assert store.attrs["too_few_frames"] is False
    frequency, clutter = store.read("echo_frequency"), store.read("clutter")
    assert (frequency[CLUTTER] == 1).all()
    assert np.isnan(frequency[0]).all() and not np.isnan(frequency[1:]).any()
    assert frequency[15, 3] == pytest.approx(1 / 15)
    expected = np.zeros(SHAPE, bool)
    expected[CLUTTER] = True
    assert np.array_equal(clutter, expected)


def test_too_few_quiet_frames_are_logged_and_nothing_is_called_clutter(tmp_path, caplog):
    write_stores(tmp_path, pictures=False)
    with caplog.at_level(logging.WARNING):
        store = build(tmp_path, min_quiet_frames=16)
    assert "only 0.0 % of the pixels are quiet (echo at most 0.1) in at least 16 of" in caplog.text
    assert store.attrs["too_few_frames"] is True and store.attrs["known_share"] == 0
    assert not store.read("clutter").any()
    assert np.isnan(store.read("echo_frequency")).all()


def test_windows_count_beside_the_rain_and_not_in_it(tmp_path, caplog):
    """Rain fills the right of the last five frames: the left is counted in all, the right before them."""
    write_stores(tmp_path, pictures=False)
    with caplog.at_level(logging.WARNING):
        store = build(tmp_path, window_px=5, quiet_fraction=0.4, min_quiet_frames=16)
    frequency = store.read("echo_frequency")
    assert (frequency[CLUTTER] == 1).all() and store.read("clutter")[CLUTTER].all()
    assert np.isnan(frequency[:, 10:]).all() and not np.isnan(frequency[1:, :8]).any()
    assert not store.read("clutter")[:, 10:].any()
    assert store.attrs["frames_used"] == 20 and store.attrs["too_few_frames"] is False
    assert 8 / 30 < store.attrs["known_share"] < 11 / 30
    assert "% of the pixels are quiet (echo at most 0.4) in at least 16 of 20" in caplog.text
    fewer = build(tmp_path, window_px=5, quiet_fraction=0.4, min_quiet_frames=15)
    assert fewer.attrs["known_share"] == 1
    assert not np.isnan(fewer.read("echo_frequency")[1:]).any()


def test_a_window_that_one_echo_fills_is_refused(tmp_path):
    """It would call every pixel that ever echoes unknown, and the rest free of clutter."""
    write_stores(tmp_path, pictures=False)
    with pytest.raises(
        ConfigError, match=r"atlas.window_px 3: a single echo in it is more than atlas.quiet_fraction 0\.1"
    ):
        build(tmp_path, window_px=3)
    assert build(tmp_path, window_px=3, quiet_fraction=1 / 9).attrs["frames_used"] == 20


def test_no_quiet_frame_at_all_gives_an_atlas_of_nothing_known(tmp_path):
    write_stores(tmp_path, pictures=False)
    store = build(tmp_path, quiet_fraction=1e-6)
    assert store.attrs["frames_used"] == 0
    assert np.isnan(store.read("echo_frequency")).all()
    assert not store.read("clutter").any()


def test_shards_are_one_period_in_any_order(tmp_path):
    write_stores(tmp_path, shards=("20240711", "20240712"), pictures=False)
    stores = [build(tmp_path, stores=[text]) for text in ("R=20240711..20240712", "R=20240712,20240711")]
    assert stores[0].digest == stores[1].digest
    assert stores[0].attrs["frames_used"] == 15


def test_deviation_is_clutter_that_keeps_its_colour(tmp_path):
    write_stores(tmp_path)
    store = build(tmp_path, method="deviation")
    assert store.attrs["frames_used"] == 20
    expected = np.zeros(SHAPE, bool)
    expected[6:8, 5:8] = True  # the upper row flickers, the background is not an echo
    assert np.array_equal(store.read("clutter"), expected)


def test_deviation_reads_max_frames_spread_over_the_period(tmp_path):
    write_stores(tmp_path)
    store = build(tmp_path, method="deviation", max_frames=10)
    assert store.attrs["frames_used"] == 10
    assert store.read("echo_frequency")[1, 20] > 0  # the rain at the end is among them
    few = build(tmp_path, method="deviation", max_frames=9)
    assert few.attrs["too_few_frames"] is True


def test_deviation_counts_the_pictures_of_the_radars_own_layout_alone(tmp_path):
    """The frames of the second day are of another layout: not among the radar's own pictures."""
    write_stores(tmp_path, shards=("20240711", "20240712"))
    with StoreWriter(Layout(tmp_path).rgb("R", "20240712"), variables=RGB.frame_variables((24, 36, 3))):
        pass
    both = build(tmp_path, method="deviation", stores=["R=20240711..20240712"])
    assert both.attrs["frames_used"] == 10
    assert np.array_equal(both.read("clutter"), build(tmp_path, method="deviation").read("clutter"))
    assert build(tmp_path, stores=["R=20240711..20240712"]).attrs["frames_used"] > 10


def test_frequency_reads_no_picture_and_deviation_needs_them(tmp_path):
    write_stores(tmp_path, pictures=False)
    build(tmp_path)
    with pytest.raises(StoreError, match="rgb store missing or incomplete"):
        build(tmp_path, method="deviation")


def test_stores_without_this_radar_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no shard of R"):
        build(tmp_path, stores=["OTHER=20240711"])
