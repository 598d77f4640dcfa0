"""Filters do what they promise, by brute force; every cleaner scores every echo; any name is checked."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from store_cases import flat_geometry

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNKNOWN, decode_dbz, is_echo
from radar_cleaner.evaluation.cleaners import filters, labels, polar_grid, registry, wradlib_filters
from radar_cleaner.evaluation.cleaners.scene import Scene, Site
from radar_cleaner.georeference.polar import range_mask

CODES = st.sampled_from([0, 0, 0, 94, 115, 140, NODATA])
SMALL = (9, 11)
frames = arrays(np.uint8, SMALL, elements=CODES)
STEP = 360


class MadeFrames:
    """Frames by their number, the one that is cleaned in the middle."""

    def __init__(self, codes: list[np.ndarray], seed: int = 0) -> None:
        self.frames = {number * STEP: frame for number, frame in enumerate(codes)}
        self.random = np.random.default_rng(seed)
        self.times = list(self.frames)

    def codes(self, time):
        return self.frames.get(time)

    def weak_label(self, time):
        return self.random.choice(np.array([METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN], np.uint8), self.shape)

    def log_odds(self, time):
        return self.random.normal(size=self.shape).astype(np.float32)

    @property
    def shape(self):
        return self.frames[0].shape

    def scene(self, number: int) -> Scene:
        rows, columns = self.shape
        center = ((columns - 1) / 2, (rows - 1) / 2)
        frequency, clutter = self.random.random(self.shape, np.float32), self.random.random(self.shape) < 0.1
        site = Site(flat_geometry(self.shape, center, min(self.shape) / 2), frequency, clutter)
        return Scene(site, number * STEP, self.frames[number * STEP], self)


def make_scene(seed: int, count: int = 5, shape: tuple[int, int] = (61, 61)) -> Scene:
    """A rain area and specks within the range; neighbours have other specks."""
    rng = np.random.default_rng(seed)
    observed = range_mask(shape, ((shape[1] - 1) / 2, (shape[0] - 1) / 2), min(shape) / 2)

    def frame() -> np.ndarray:
        codes = np.where(rng.random(shape) < 0.04, 94, 0)
        codes[15:30, 20:45] = rng.choice([94, 115, 140], (15, 25))
        return np.where(observed, codes, NODATA).astype(np.uint8)

    return MadeFrames([frame() for _ in range(count)], seed).scene(count // 2)


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
def test_the_area_of_an_echo_is_what_a_flood_from_it_reaches(echo: np.ndarray, connectivity: int) -> None:
    steps = [(down, right) for down, right in product((-1, 0, 1), repeat=2) if down or right]
    steps = [step for step in steps if connectivity == 8 or 0 in step]
    areas = filters.component_areas(echo, connectivity)
    for place in np.ndindex(SMALL):
        assert areas[place] == (len(flood(echo, place, steps)) if echo[place] else 0)


@given(st.lists(frames, min_size=1, max_size=5), st.integers(0, 3))
def test_persistence_is_the_share_of_the_neighbours_with_data_that_have_an_echo_nearby(codes, reach) -> None:
    middle = len(codes) // 2
    share = filters.temporal_persistence(MadeFrames(codes).scene(middle), 2, reach)
    neighbours = [frame for number, frame in enumerate(codes) if 0 < abs(number - middle) <= 2]
    for row, column in np.ndindex(SMALL):
        looking = [frame for frame in neighbours if frame[row, column] != NODATA]
        echoing = 0
        for frame in looking:
            rows, columns = np.nonzero(is_echo(frame))
            echoing += bool((np.hypot(rows - row, columns - column) <= reach).any())
        assert share[row, column] == pytest.approx(echoing / len(looking) if looking else 1)


@given(st.lists(frames, min_size=1, max_size=5))
def test_the_median_in_time_is_the_middle_of_the_frames_with_data(codes: list[np.ndarray]) -> None:
    median = filters.median_in_time(MadeFrames(codes).scene(len(codes) // 2), 2)
    for place in np.ndindex(SMALL):
        seen = sorted(int(frame[place]) for frame in codes if frame[place] != NODATA)
        wanted = decode_dbz(np.uint8(seen[len(seen) // 2])) if seen else np.nan
        np.testing.assert_equal(median[place], wanted)


def test_the_atlas_removes_masked_clutter_or_ranks_what_the_label_keeps() -> None:
    scene = make_scene(1)
    label, frequency = scene.weak_label, scene.site.echo_frequency
    removed = label == NON_METEOROLOGICAL
    assert ((labels.weak_label(scene) == 0) == removed).all()
    assert ((labels.clutter_mask(scene) == 0) == (removed | scene.site.clutter)).all()
    score = labels.clutter_frequency(scene)
    assert (score[removed] == -1).all() and (score[~removed] == 1 - frequency[~removed]).all()


FILTERS = ["weak_label", "clutter_mask", "clutter_frequency", "label_model", "despeckle_by_area", "local_density"]
FILTERS += ["temporal_persistence", "median_in_time"]


def cleaners_of(*keys: str) -> list[registry.Cleaner]:
    return registry.make_cleaners(keys, registry.Context({}, None, Decision(), False))  # filters need no network


@pytest.mark.parametrize("cleaner", cleaners_of(*FILTERS), ids=lambda cleaner: cleaner.name)
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_cleaner_scores_every_echo_with_each_setting(cleaner: registry.Cleaner, count: int) -> None:
    scene = make_scene(1, count)
    untouched = scene.codes.copy()
    for setting in cleaner.settings:
        score = cleaner.score(scene, setting)
        assert score.shape == scene.codes.shape and not np.isnan(score[is_echo(scene.codes)]).any()
        if cleaner.probabilistic:
            assert score.min() >= 0 and score.max() <= 1
    np.testing.assert_array_equal(cleaner.score(scene), cleaner.score(scene, cleaner.settings[0]))
    assert (scene.codes == untouched).all()


def test_work_is_shared_within_a_scene_and_not_between_scenes() -> None:
    calls: list[int] = []
    scene = make_scene(2)

    def work() -> int:
        calls.append(1)
        return len(calls)

    assert (scene.once("a", work), scene.once("a", work), scene.once("b", work)) == (1, 1, 2)
    assert make_scene(2).once("a", lambda: "new") == "new"


@given(frames)
def test_rain_falls_where_echo_is_and_grows_with_it(codes: np.ndarray) -> None:
    rate = wradlib_filters.rain_rate(codes)
    assert ((rate > 0) == is_echo(codes)).all()
    # Z = 200 R^1.6, the other way round.
    np.testing.assert_allclose(10 * np.log10(200 * rate[rate > 0] ** 1.6), decode_dbz(codes[rate > 0]), atol=1e-3)


places = st.tuples(st.floats(3, 9), st.floats(3, 9))


@given(arrays(np.float32, (13, 13), elements=st.integers(0, 50)), places, st.sampled_from([4, 9, 36]))
def test_a_bin_has_the_maximum_of_its_pixels_which_all_get_it_back(values, center, azimuths) -> None:
    grid = polar_grid.polar_grid(flat_geometry((13, 13), center, 6.0), azimuths)
    back = grid.to_frame(grid.from_frame(values, outside=-5), outside=99)
    bins: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in np.ndindex(13, 13):
        east, north = column - center[0], center[1] - row
        gate = int(np.hypot(east, north))
        ray = int(np.arctan2(east, north) % (2 * np.pi) / (2 * np.pi) * azimuths) % azimuths
        if gate >= 6:
            assert back[row, column] == 99
        else:
            bins.setdefault((ray, gate), []).append((row, column))
    for pixels in bins.values():
        assert {back[pixel] for pixel in pixels} == {max(values[pixel] for pixel in pixels)}


@given(frames)
def test_a_polar_bin_has_an_echo_if_a_pixel_has_and_no_data_if_none_has(codes: np.ndarray) -> None:
    grid = polar_grid.polar_grid(flat_geometry(SMALL, (5.0, 4.0), 4.0), 24)
    dbz = grid.to_frame(polar_grid.polar_dbz(codes, grid), outside=-99)
    within = dbz != -99
    echo = is_echo(codes) & within
    assert (dbz[echo] >= decode_dbz(codes)[echo]).all()
    assert not np.isnan(dbz[within & (codes != NODATA)]).any()


@pytest.mark.slow  # the extra `benchmark`
class TestLibraries:
    """A score of ours keeps at a threshold what the library's own function keeps with it."""

    @pytest.mark.parametrize(
        ("window", "gradient", "least", "ratio"), [(5, 6.0, 6, 1.3), (3, 30.0, 4, 0), (9, 6.0, 20, 2.0)]
    )
    @pytest.mark.parametrize("azimuths", [0, 90])
    def test_gabella(self, window: int, gradient: float, least: int, ratio: float, azimuths: int) -> None:
        from wradlib.classify import filter_gabella

        scene = make_scene(3)
        dbz = polar_grid.scene_dbz(scene, azimuths)
        counts = wradlib_filters.gabella_counts(dbz, window, gradient, cartesian=not azimuths)
        score = wradlib_filters.gabella_score(counts, wradlib_filters.gabella_ratios(dbz), ratio)
        flags = {"tr1": gradient, "n_p": least, "tr2": ratio, "cartesian": not azimuths}
        assert ((score >= least) == ~filter_gabella(dbz, wsize=window, **flags)).all()

    @pytest.mark.parametrize("size", [1, 3, 10, 200])
    def test_despeckle_of_pyart(self, size: int) -> None:
        from radar_cleaner.evaluation.cleaners import pyart_filters

        pyart = pyart_filters.load_pyart()
        radar = pyart_filters.polar_radar(polar_grid.scene_dbz(make_scene(4), 90), 30.0)
        kept = ~pyart.correct.despeckle_field(radar, pyart_filters.FIELD, size=size).gate_excluded
        echo = ~np.ma.getmaskarray(radar.fields[pyart_filters.FIELD]["data"])
        assert ((pyart_filters.object_sizes(radar, -100) >= size)[echo] == kept[echo]).all()

    def test_the_histogram_cuts_what_rains_far_more_than_all_else(self) -> None:
        rng = np.random.default_rng(0)
        rain = rng.gamma(4, 10, (60, 60)).astype(np.float32)
        rain[7, 9] = 4000
        observed = np.ones(rain.shape, bool)
        observed[0] = False
        clutter = wradlib_filters.static_clutter(rain, observed, 0.01)
        assert clutter[7, 9] and clutter.mean() < 0.02 and not clutter[0].any()

    @pytest.mark.parametrize(
        "key", ["wradlib_gabella", "wradlib_window_distance", "wradlib_histogram_cut", "pyart_despeckle"]
    )
    def test_a_filter_scores_every_echo_with_each_setting(self, key: str) -> None:
        (cleaner,) = cleaners_of(key)
        test_a_cleaner_scores_every_echo_with_each_setting(cleaner, 3)
