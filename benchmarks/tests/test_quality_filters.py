"""The benchmark's filters do what they say, against brute force; pictures come back from the radar's own frame."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from quality_cases import make_scene

from benchmarks.quality import filters, libraries
from benchmarks.quality.learned import NamedModel, log_odds
from benchmarks.quality.methods import Method, own_methods
from benchmarks.quality.polar import polar_grid
from benchmarks.quality.scenes import Scene
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNKNOWN, decode_dbz, is_echo
from radar_cleaner.reflectivity.colour_table import EchoShape

CODES = st.sampled_from([0, 0, 0, 94, 115, 140, NODATA])
SMALL = (9, 11)
pictures = arrays(np.uint8, SMALL, elements=CODES)


def flood(echo: np.ndarray, start: tuple[int, int], steps: list[tuple[int, int]]) -> set[tuple[int, int]]:
    reached, edge = {start}, [start]
    while edge:
        row, column = edge.pop()
        for down, right in steps:
            place = (row + down, column + right)
            inside = 0 <= place[0] < echo.shape[0] and 0 <= place[1] < echo.shape[1]
            if inside and echo[place] and place not in reached:
                reached.add(place)
                edge.append(place)
    return reached


@pytest.mark.parametrize("connectivity", [4, 8])
@given(echo=arrays(bool, SMALL))
def test_the_size_of_an_echo_is_what_a_flood_from_it_reaches(echo: np.ndarray, connectivity: int) -> None:
    steps = [(down, right) for down, right in product((-1, 0, 1), repeat=2) if down or right]
    steps = [step for step in steps if connectivity == 8 or 0 in step]
    sizes = filters.component_sizes(echo, connectivity)
    for place in np.ndindex(SMALL):
        assert sizes[place] == (len(flood(echo, place, steps)) if echo[place] else 0)


@given(st.lists(pictures, max_size=4), st.integers(0, 3))
def test_persistence_is_the_share_of_the_neighbours_that_look_which_echo_nearby(
    neighbours: list[np.ndarray], reach: int
) -> None:
    found = filters.persistence(neighbours, reach, SMALL)
    for row, column in np.ndindex(SMALL):
        looking = [codes for codes in neighbours if codes[row, column] != NODATA]
        echoing = 0
        for codes in looking:
            rows, columns = np.nonzero(is_echo(codes))
            echoing += bool((np.hypot(rows - row, columns - column) <= reach).any())
        assert found[row, column] == pytest.approx(echoing / len(looking) if looking else 1)


@given(st.lists(pictures, min_size=1, max_size=5))
def test_the_median_in_time_is_the_middle_of_what_looks(frames: list[np.ndarray]) -> None:
    found = filters.median_in_time(frames)
    for place in np.ndindex(SMALL):
        seen = sorted(int(codes[place]) for codes in frames if codes[place] != NODATA)
        wanted = decode_dbz(np.uint8(seen[len(seen) // 2])) if seen else np.nan
        np.testing.assert_equal(found[place], wanted)


@given(pictures)
def test_rain_falls_where_echo_is_and_grows_with_it(codes: np.ndarray) -> None:
    rate = filters.rain_rate(codes)
    assert ((rate > 0) == is_echo(codes)).all()
    # Z = 200 R^1.6, the other way round.
    np.testing.assert_allclose(10 * np.log10(200 * rate[rate > 0] ** 1.6), decode_dbz(codes[rate > 0]), atol=1e-3)


def test_accumulated_rain_is_the_sum_over_the_frames_that_look() -> None:
    frames = [np.array([[94, 0, NODATA, NODATA]], np.uint8), np.array([[94, 94, 94, NODATA]], np.uint8)]
    rain, observed = filters.accumulated_rain(frames)
    one = filters.rain_rate(np.array([94], np.uint8))[0]
    np.testing.assert_allclose(rain, [[2 * one, one, one, 0]], rtol=1e-6)
    assert observed.tolist() == [[True, True, True, False]]


def test_the_label_removes_what_it_calls_other_and_the_atlas_first_what_echoes_most() -> None:
    label = np.array([[METEOROLOGICAL, UNKNOWN, NON_METEOROLOGICAL]], np.uint8)
    assert filters.label_score(label).tolist() == [[1, 1, 0]]
    score = filters.label_and_atlas_score(label, np.array([[0.9, np.nan, 0.0]], np.float32))
    assert score[0, 2] < score[0, 0] < score[0, 1]


@pytest.mark.parametrize("method", own_methods(EchoShape(5.0, 3, 3, 5)), ids=lambda method: method.name)
@pytest.mark.parametrize("neighbours", [(), (-1,), (-2, -1, 1, 2)], ids=len)
def test_a_method_says_something_of_every_echo(method: Method, neighbours: tuple[int, ...]) -> None:
    scene = make_scene(1, neighbours=neighbours)
    untouched = scene.codes.copy()
    for judge in method.judges.values():
        answer = judge(scene)
        assert answer.score.shape == scene.codes.shape
        assert not np.isnan(answer.score[is_echo(scene.codes)]).any()
    if method.work is not None:
        method.work(scene)
    assert (scene.codes == untouched).all()
    assert method.default is None or method.default[0] in method.judges


def test_methods_share_what_they_have_in_common_and_no_more() -> None:
    calls: list[int] = []
    scene = make_scene(2)

    def work() -> int:
        calls.append(1)
        return len(calls)

    assert (scene.once("a", work), scene.once("a", work), scene.once("b", work)) == (1, 1, 2)
    assert make_scene(2).once("a", lambda: "new") == "new"


places = st.tuples(st.floats(3, 9), st.floats(3, 9))


@given(arrays(np.float32, (13, 13), elements=st.integers(0, 50)), places, st.sampled_from([4, 9, 36]))
def test_a_bin_holds_the_highest_of_its_pixels_and_gives_it_back_to_them(
    values: np.ndarray, center: tuple[float, float], azimuths: int
) -> None:
    grid = polar_grid((13, 13), center, 6.0, azimuths)
    bins = grid.from_picture(values, outside=-5)
    back = grid.to_picture(bins, outside=99)
    highest: dict[tuple[int, int], float] = {}
    for row, column in np.ndindex(13, 13):
        east, north = column - center[0], center[1] - row
        gate = int(np.hypot(east, north))
        ray = int(np.arctan2(east, north) % (2 * np.pi) / (2 * np.pi) * azimuths) % azimuths
        if gate >= 6:
            assert back[row, column] == 99
            continue
        highest[ray, gate] = max(highest.get((ray, gate), -np.inf), values[row, column])
    for place, value in highest.items():
        assert bins[place] == value
    assert (back[back != 99] >= values[back != 99]).all()


def test_an_empty_bin_has_the_nearest_pixel_and_none_beyond_the_picture() -> None:
    values = np.arange(25, dtype=np.float32).reshape(5, 5)
    grid = polar_grid((5, 5), (2.0, 2.0), 4.0, 720)
    bins = grid.from_picture(values, outside=-5)
    north, east = bins[0], bins[180]
    assert north.tolist() == [12, 7, 2, -5] and east.tolist() == [12, 13, 14, -5]


@given(pictures)
def test_a_polar_picture_has_echo_where_a_pixel_of_the_bin_has_and_no_data_where_none_looks(
    codes: np.ndarray,
) -> None:
    grid = polar_grid(SMALL, (5.0, 4.0), 4.0, 24)
    dbz = grid.to_picture(libraries.polar_dbz(codes, grid), outside=-99)
    within = dbz != -99
    echo = is_echo(codes) & within
    assert (dbz[echo] >= decode_dbz(codes)[echo]).all()
    assert not np.isnan(dbz[within & (codes != NODATA)]).any()


@given(arrays(np.float32, 20, elements=st.floats(0, 1, width=32)))
def test_log_odds_rise_with_the_probability_and_are_finite(probability: np.ndarray) -> None:
    found = log_odds(np.sort(probability))
    assert np.isfinite(found).all() and (np.diff(found) >= 0).all()


def test_a_model_is_named_on_the_command_line_alone_or_with_others() -> None:
    model = NamedModel.from_flag("ensemble=a.pt,b.pt")
    assert (model.name, [path.name for path in model.paths]) == ("ensemble", ["a.pt", "b.pt"])
    for wrong in ("a.pt", "=a.pt", "name=", "name=,"):
        with pytest.raises(ValueError, match="NAME=PATH"):
            NamedModel.from_flag(wrong)


@pytest.mark.slow  # the extra `benchmark`
class TestLibraries:
    """A score of ours keeps at a threshold what the library's own function keeps with it."""

    @pytest.mark.parametrize(
        ("window", "gradient", "least", "ratio"), [(5, 6.0, 6, 1.3), (3, 30.0, 4, 0), (9, 6.0, 20, 2.0)]
    )
    @pytest.mark.parametrize("azimuths", [0, 90])
    def test_gabella(self, window: int, gradient: float, least: int, ratio: float, azimuths: int) -> None:
        from wradlib.classify import filter_gabella

        dbz = dbz_of(make_scene(3), azimuths)
        counts = libraries.gabella_counts(dbz, window, gradient, cartesian=not azimuths)
        score = libraries.gabella_score(counts, libraries.gabella_ratios(dbz), ratio)
        flags = {"tr1": gradient, "n_p": least, "tr2": ratio, "cartesian": not azimuths}
        assert ((score >= least) == ~filter_gabella(dbz, wsize=window, **flags)).all()

    @pytest.mark.parametrize("size", [1, 3, 10, 200])
    def test_despeckle_of_pyart(self, size: int) -> None:
        pyart = libraries._pyart()
        radar = libraries.polar_radar(dbz_of(make_scene(4), 90), 30.0)
        kept = ~pyart.correct.despeckle_field(radar, libraries.FIELD, size=size).gate_excluded
        echo = ~np.ma.getmaskarray(radar.fields[libraries.FIELD]["data"])
        assert ((libraries.object_sizes(radar, -100) >= size)[echo] == kept[echo]).all()

    def test_the_histogram_cuts_what_rains_far_more_than_all_else(self) -> None:
        rng = np.random.default_rng(0)
        rain = rng.gamma(4, 10, (60, 60)).astype(np.float32)
        rain[7, 9] = 4000
        observed = np.ones(rain.shape, bool)
        observed[0] = False
        found = libraries.histogram_cut(rain, observed, 0.01)
        assert found[7, 9] and found.mean() < 0.02 and not found[0].any()

    def test_a_lone_echo_has_fewer_similar_neighbours_than_rain(self) -> None:
        scene = make_scene(5)
        scene.codes[is_echo(scene.codes)] = 94
        scene.codes[45:58, 25:40] = 0
        scene.codes[50, 30] = 94
        grid = polar_grid(scene.codes.shape, scene.site.center_px, scene.site.range_px, 360)
        share = libraries.similar_neighbours(libraries.polar_dbz(scene.codes, grid), 1.0, 4.0, 7.0)
        picture = grid.to_picture(share, outside=1)
        assert picture[50, 30] < 0.3 < picture[22, 32]


def dbz_of(scene: Scene, azimuths: int) -> np.ndarray:
    if not azimuths:
        return decode_dbz(scene.codes)
    grid = polar_grid(scene.codes.shape, scene.site.center_px, scene.site.range_px, azimuths)
    return libraries.polar_dbz(scene.codes, grid)
