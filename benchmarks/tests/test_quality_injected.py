"""Frames with artefacts have exact truth, and scores are those of plain counting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_cases import START, make_aligned, make_atlas, make_labels, make_reflectivity, small_geometry, times_from

from benchmarks.quality import injected_tables
from benchmarks.quality.injected import ADDITIVE, LABELERS, NEIGHBOURS, Injection, Injector, Trial, class_ranks
from benchmarks.quality.injected_figure import draw_injected
from benchmarks.quality.injected_scores import (
    ALL_ADDITIVE,
    FILL_SUMS,
    NOTHING,
    Contestant,
    InjectedScore,
    fill_sums,
    pool,
    score_injected,
)
from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind
from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.evaluation.cleaners.registry import Filter
from radar_cleaner.evaluation.cleaners.scene import Scene, StoredFrames
from radar_cleaner.evaluation.references import LabelReference
from radar_cleaner.evaluation.threshold_sweep import SHARES, Curve, ScoreHistogram
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import shard_of
from radar_cleaner.targets.morphology import classify_echoes

RADAR, SHAPE = "CASGO", (96, 96)
LABEL = Morphology(opening_px=3, closing_px=3, min_area_px=5)
TIMES = times_from(START, 6)
SCORED = TIMES[1:-1]
LEVELS = [94, 115, 125, 134, 140]
INJECTION = Injection(Path(__file__).parents[2] / "benchmarks/plants.yaml", (-6, 0, 6))
WEIGHTS = dict.fromkeys(LABELERS, 1.0)


def picture(time: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and reference of a time: a rain area that moves, specks, an edge without data."""
    rng = np.random.default_rng(time)
    codes, rain, specks = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool), rng.random(SHAPE) < 0.01
    codes[specks] = 94
    left = (time - START) // 360 * 2
    rain[20:60, 16 + left : 56 + left] = True
    codes[rain] = rng.choice(LEVELS, int(rain.sum()))
    codes[:, 0] = NODATA
    classes = np.where(rain, METEOROLOGICAL, np.where(specks, NON_METEOROLOGICAL, 0))
    return codes, classes.astype(np.uint8)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A radar's stores; another radar has the upper half in its range, and rain there."""
    layout, shard = Layout(tmp_path_factory.mktemp("injected")), shard_of(START, "hour")
    codes, classes = (np.stack(part) for part in zip(*map(picture, TIMES), strict=True))
    seen = np.full_like(codes, NODATA)
    seen[..., :48, :] = np.where(is_echo(codes[..., :48, :]), 140, 0)
    make_reflectivity(
        layout.reflectivity(RADAR, shard), RADAR, TIMES, codes, geometry=small_geometry(RADAR, SHAPE, 48)
    )
    make_labels(layout.labels(RADAR, shard), RADAR, TIMES, classes)
    make_aligned(layout.aligned(RADAR, shard), RADAR, TIMES, seen)
    make_atlas(layout.atlas(RADAR), RADAR, np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool))
    return layout


@pytest.fixture(scope="module")
def frames(layout: Layout) -> StoredFrames:
    return StoredFrames(layout, RADAR, [shard_of(START, "hour")])


@pytest.fixture(scope="module")
def injector(frames: StoredFrames, layout: Layout) -> Injector:
    return Injector(frames, INJECTION, WEIGHTS, LABEL, [layout.aligned(RADAR, shard_of(START, "hour"))])


@pytest.fixture(scope="module")
def reference(layout: Layout) -> LabelReference:
    return LabelReference(layout, RADAR, [shard_of(START, "hour")])


@pytest.mark.parametrize("kind", [None, *ARTEFACT_KINDS])
def test_the_truth_of_a_frame_with_artefacts_is_exact(injector: Injector, kind: ArtefactKind | None) -> None:
    changed = 0
    for time in SCORED:
        trial, (codes, truth) = injector.trial(time, kind), picture(time)
        seen, met = trial.scene.codes, is_echo(codes) & (truth == METEOROLOGICAL)
        assert (trial.clean == codes).all() and (trial.this_radar[0] == seen).all()
        rain, hidden = trial.rain(truth), trial.hidden(truth)
        assert not (trial.injected & rain).any()
        assert ((rain | hidden) == met).all()
        assert (seen[rain & ~hidden] == codes[rain & ~hidden]).all()
        assert set(np.unique(seen)) <= {0, NODATA, *LEVELS}
        if kind != "frozen":  # which shows rain of another time in place of rain
            assert ((trial.kinds > 0) == (seen != codes)).all() and not (rain & hidden).any()
        changed += int((trial.kinds > 0).sum())
        if kind is None or kind in NEIGHBOURS:
            assert (seen == codes).all()
        elif kind == "blocked":
            assert not trial.injected.any() and (seen[trial.kinds > 0] == 0).all()
        elif kind != "frozen":
            assert (seen >= codes).all()  # what is stronger shows
        assert (codes == injector.frames.codes(time)).all(), "a frame of the archive has changed"
    assert bool(changed) == (kind is not None and kind not in NEIGHBOURS)


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_kinds_of_neighbours_change_what_cleaners_see(injector: Injector, kind: ArtefactKind) -> None:
    for time in SCORED:
        trial = injector.trial(time, kind)
        different = 0
        for seen, minutes in zip(trial.scene.neighbours(1), (-6, 6), strict=True):
            assert (seen == trial.this_radar[minutes]).all()
            if (seen != picture(time + 60 * minutes)[0]).any():
                different += 1
                assert (seen == (NODATA if kind == "missing" else picture(time)[0])).all()
        assert different


def test_draws_depend_on_seed_time_and_kind_alone(frames: StoredFrames, injector: Injector) -> None:
    wanted = injector.trial(SCORED[1], "spokes")
    for time, kind in ((SCORED[0], "spokes"), (SCORED[1], "rings")):
        injector.trial(time, kind)
    again = Injector(frames, INJECTION, WEIGHTS, LABEL).trial(SCORED[1], "spokes")
    other = Injector(frames, replace(INJECTION, seed=1), WEIGHTS, LABEL).trial(SCORED[1], "spokes")
    assert (again.scene.codes == wanted.scene.codes).all() and (again.kinds == wanted.kinds).all()
    assert (other.scene.codes != wanted.scene.codes).any()


def test_labels_and_evidence_are_those_of_the_frame_with_artefacts(injector: Injector) -> None:
    plain, injected = injector.trial(SCORED[0]), injector.trial(SCORED[0], "spokes")
    for trial in (plain, injected):
        assert (trial.scene.log_odds == injector.log_odds(trial.scene.codes)).all()
        assert (trial.scene.weak_label == classify_echoes(trial.scene.codes, LABEL)).all()
        assert not trial.scene.log_odds[~is_echo(trial.scene.codes)].any()
    lonely = np.zeros(SHAPE, np.uint8)
    lonely[40, 70] = 94
    assert injector.log_odds(lonely)[40, 70] < injector.log_odds(plain.scene.codes)[40, 40]


class Knowing(Contestant):
    """A contestant that scores by the truth of a trial."""

    def score(self, trial: Trial, setting: str) -> np.ndarray:
        return np.where(trial.injected, -1, 1).astype(np.float32)

    def dbz(self, trial: Trial) -> np.ndarray:
        return decode_dbz(np.where(trial.clean == NODATA, 0, trial.clean).astype(np.uint8))


def constant(scene: Scene) -> np.ndarray:
    return np.ones(SHAPE, np.float32)


def noisy(scene: Scene) -> np.ndarray:
    """Rain and artefacts overlap in this score, which is the lower the weaker the echo is."""
    rng = np.random.default_rng([scene.time, int((scene.codes > 0).sum())])
    return (rng.normal(0, 20, SHAPE) + scene.codes).astype(np.float32)


@pytest.fixture(scope="module")
def scores(injector: Injector, reference: LabelReference) -> list[InjectedScore]:
    contestants = [
        Knowing("knows", Filter("knows", constant, 0.0)),
        Contestant("constant", Filter("constant", constant, 0.0)),
        Contestant("noisy", Filter("noisy", noisy, 0.0)),
        Contestant("some", Filter("some", noisy, 0.0), kinds=("rings",)),
    ]
    return score_injected(injector, reference, contestants, SCORED)


def find(scores: list[InjectedScore], cleaner: str, kind: str) -> InjectedScore:
    (one,) = [one for one in scores if (one.cleaner, one.kind) == (cleaner, kind)]
    return one


def test_who_knows_removes_all_at_no_cost_and_a_constant_nothing(scores: list[InjectedScore]) -> None:
    for kind in (*ARTEFACT_KINDS, ALL_ADDITIVE):
        knows, fixed = find(scores, "knows", kind), find(scores, "constant", kind)
        assert (knows.removed == knows.injected).all() and (knows.kept == knows.rain).all() and knows.lost == 0
        assert not fixed.removed.any() and (fixed.kept == fixed.rain).all() and fixed.lost == 0
        assert bool(knows.injected) == (kind in (*ADDITIVE, ALL_ADDITIVE))
        for pixels, error, absolute, steps, away, within in knows.fill:
            assert error == absolute == steps == away == 0 and within == pixels


def test_shares_removed_are_those_of_plain_counting(injector: Injector, scores: list[InjectedScore]) -> None:
    for kind in ("spokes", "patches", "frozen"):
        injected, rain = [], []
        for time in SCORED:
            trial, truth = injector.trial(time, kind), picture(time)[1]
            score = np.rint(noisy(trial.scene).astype(float) * 1000)
            injected.append(score[trial.injected])
            rain.append(score[trial.rain(truth)])
        one, values, echoes = find(scores, "noisy", kind), np.sort(np.concatenate(rain)), np.concatenate(injected)
        assert (one.rain, one.injected) == (values.size, echoes.size)
        for share, kept, removed in zip(SHARES, one.kept, one.removed, strict=True):
            threshold = values[values.size - int(np.ceil(share * values.size - 1e-6))]
            assert kept >= share * values.size - 1e-6 and removed == (echoes < threshold).sum()


def test_tables_have_each_kind_of_each_contestant_and_the_figure_is_drawn(scores: list[InjectedScore]) -> None:
    both = injected_tables.with_all_radars([*scores, *(replace(one, radar="CASCM") for one in scores)])
    rows = injected_tables.injected_rows(both)
    assert len(rows) == 3 * (3 * (len(ARTEFACT_KINDS) + 2) + 2)
    total = find([one for one in both if one.radar == "all radars"], "noisy", "spokes")
    assert total.injected == 2 * find(scores, "noisy", "spokes").injected
    assert {row["injected"] for row in rows if row["cleaner"] == "some"} == {"rings", NOTHING}
    text = injected_tables.page(both, injected_tables.heading(INJECTION, "a test"))
    assert text.count("| spokes |") == 9 and "knows" in text
    assert draw_injected(both).startswith(b"\x89PNG")


@given(st.lists(st.lists(st.integers(0, 9), min_size=1), min_size=1, max_size=4))
def test_pooled_curves_are_the_curve_of_all_pixels(parts: list[list[int]]) -> None:
    def curve(values: list[int]) -> Curve:
        histogram = ScoreHistogram()
        histogram.add(0, np.array(values, float), np.resize(np.array([1, 2], np.uint8), len(values)))
        return histogram.curve()

    pooled = pool([curve(part) for part in parts])
    histogram = ScoreHistogram()
    for part in parts:
        histogram.add(0, np.array(part, float), np.resize(np.array([1, 2], np.uint8), len(part)))
    whole = histogram.curve()
    assert (pooled.thresholds == whole.thresholds).all() and (pooled.kept == whole.kept).all()


def test_fills_are_counted_in_dbz_and_in_classes_of_the_palette() -> None:
    levels = np.array([0, 94, 104, 124], np.uint8)  # 15, 20 and 30 dBZ
    assert class_ranks(np.array([10.0, 14, 18, 24, 26, 99]), np.array([15.0, 20, 30])).tolist() == [
        0,
        1,
        2,
        2,
        3,
        3,
    ]
    sums = fill_sums(np.array([15.0, 30], np.float32), np.array([20.0, 15], np.float32), levels)
    assert dict(zip(FILL_SUMS, sums, strict=True)) == {
        "pixels": 2,
        "error_dbz": 10,
        "absolute_dbz": 20,
        "error_classes": 1,
        "absolute_classes": 3,
        "within_one_class": 1,
    }
