"""Radars of a zoo count the same, kinds and folds follow from its tables, and points keep what they promise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.zoo.__main__ import CARRIED, known_cleaners
from benchmarks.zoo.points import DEFAULT, EACH, MEAN, OWN, all_points, lines, mean_with_interval
from benchmarks.zoo.radars import CLUTTER, DIRTY, KINDS, RAIN, Zoo, ZooRadar, make_folds
from benchmarks.zoo.scoring import LEFT_OUT, Models, RadarSweep
from benchmarks.zoo.tables import figure, page, with_pixels
from benchmarks.zoo.train import training_config
from radar_cleaner.config.load import read_config
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.certain_part import CERTAIN, PARTS, WHOLE
from radar_cleaner.evaluation.removal import LOST, Sweep
from radar_cleaner.evaluation.threshold_sweep import SHARES, Curve, ScoreHistogram
from radar_cleaner.planning.plan import Plan

pytestmark = pytest.mark.slow  # with the benchmarks' other tests
ZOO = Zoo.load(CARRIED)


def radar(name: str, longitude: float = 0.0, time: float = 0.0, met: int = 100, other: int = 100) -> ZooRadar:
    return ZooRadar(name, 45.0, longitude, 100.0, (time,), met, other)


def curve(met: list[int], other: list[int]) -> Curve:
    histogram = ScoreHistogram()
    classes = [METEOROLOGICAL] * len(met) + [NON_METEOROLOGICAL] * len(other)
    histogram.add(0, np.array([*met, *other], float), np.array(classes, np.uint8))
    return histogram.curve()


def sweep(name: str, settings: dict[str, Curve]) -> RadarSweep:
    parts = {part: Sweep({"filter": settings}, ()) for part in PARTS}
    return RadarSweep(name, parts, {"filter": (next(iter(settings)), 2.0)}, 1, 0)


@pytest.mark.parametrize(
    ("met", "other", "kind"),
    [(100, 100, DIRTY), (1000, 11, DIRTY), (1000, 9, RAIN), (9, 1000, CLUTTER), (0, 5, CLUTTER), (5, 0, RAIN)],
)
def test_a_class_of_less_than_a_hundredth_does_not_count_for_the_kind(met: int, other: int, kind: str) -> None:
    assert radar("A", met=met, other=other).kind == kind


@given(st.integers(1, 18))
def test_each_radar_is_in_one_fold_and_kinds_are_spread(count: int) -> None:
    folds = make_folds(ZOO.radars, count)
    assert sorted(name for fold in folds for name in fold) == sorted(ZOO.radars)
    for kind in KINDS:
        sizes = [sum(ZOO.radars[name].kind == kind for name in fold) for fold in folds]
        assert max(sizes) - min(sizes) <= 1
    backwards = dict(reversed(ZOO.radars.items()))
    assert make_folds(backwards, count) == folds


def test_radars_that_see_the_same_weather_are_in_one_fold() -> None:
    near = {one.id: one for one in (radar("A"), radar("B", 1.5), radar("C", 3.0), radar("D", 9.0))}
    (fold,) = [fold for fold in make_folds(near, 2) if "A" in fold]
    assert fold == ["A", "B", "C"], "A sees C through B"
    later = near | {"B": replace(near["B"], times=(86400.0,))}
    assert all(len(fold) < 3 for fold in make_folds(later, 2))
    with pytest.raises(ConfigError, match="write 1 to 2"):
        make_folds(near, 3)


def test_a_folder_that_is_missing_is_named_with_what_the_repository_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"frames\.csv.*resources/zoo"):
        Zoo.load(tmp_path)
    with pytest.raises(ConfigError, match="has no ATLANTIS"):
        ZOO.only(["ATLANTIS"])
    with pytest.raises(ConfigError, match="unknown: gabela"):
        known_cleaners(["gabela"])


def test_a_radar_is_scored_by_the_model_of_its_fold(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.pt" for number in (1, 2)]
    for file in files:
        file.touch()
    models = Models.parse([str(files[0]), f"1={files[0]}", f"2={files[1]}"], 2)
    folds = [["A"], ["B", "C"]]
    assert [models.of_radar(name, folds)[LEFT_OUT] for name in "ABC"] == [files[0], files[1], files[1]]
    assert models.of_radar("A", folds)[str(files[0])] == files[0]
    for words, problem in (([f"1={files[0]}"], "each of 1 to 2"), (["none.pt"], "no file none.pt")):
        with pytest.raises(ConfigError, match=problem):
            Models.parse(words, 2)


scores = st.lists(st.integers(0, 6), min_size=1, max_size=40)


@settings(max_examples=10)
@given(st.lists(st.tuples(scores, scores), min_size=2, max_size=5))
def test_points_keep_their_share_and_one_setting_for_all_never_beats_that_of_each_radar(
    echoes: list[tuple[list[int], list[int]]],
) -> None:
    sweeps = {
        f"R{number}": sweep(
            f"R{number}", {"up": curve(*echo), "down": curve(*([-s for s in part] for part in echo))}
        )
        for number, echo in enumerate(echoes)
    }
    points = all_points(sweeps, dict.fromkeys(sweeps, DIRTY))
    for share in SHARES:
        own, mean, each = (points[(points.way == way) & (points.share == share)] for way in (OWN, MEAN, EACH))
        for table in (own, each):
            assert (table.kept >= share - 1e-9).all()
        assert (mean.groupby("part").kept.mean() >= share - 1e-9).all()
        removed = [table.groupby("part").removed.mean() for table in (own, mean, each)]
        assert (removed[1] >= removed[2] - 1e-9).all() and (removed[0] >= removed[2] - 1e-9).all()
        for table in (mean, each):
            assert (table.groupby("part")[["setting", "threshold"]].nunique() == 1).all(axis=None)
    assert len(points) == len(sweeps) * len(PARTS) * (3 * len(SHARES) + 1)


def test_a_radar_with_more_pixels_does_not_count_more_and_other_kinds_do_not_choose() -> None:
    clean, mixed = curve([5] * 10, [1] * 10), curve([1] * 1000, [5] * 1000)
    sweeps = {
        "A": sweep("A", {"": clean}),
        "B": sweep("B", {"": mixed}),
        "C": sweep("C", {"": curve([0] * 9, [])}),
    }
    points = all_points(sweeps, {"A": DIRTY, "B": DIRTY, "C": RAIN})
    own = points[(points.way == OWN) & (points.part == WHOLE)]
    assert own.groupby("share").removed.mean().tolist() == [0.5] * len(SHARES)
    default = points[(points.way == DEFAULT) & (points.part == CERTAIN)].set_index("radar")
    assert default.kept.tolist() == [1, 0, 0] and default.removed.tolist()[:2] == [1, 0]
    drawn = lines(sweeps, {"A": DIRTY, "B": DIRTY, "C": RAIN}, WHOLE)
    assert (drawn[OWN]["filter"] == 0.5).all() and (drawn[MEAN]["filter"] == 0).all()
    assert drawn[MEAN]["filter"].shape == LOST.shape


def test_intervals_need_five_radars_and_contain_the_mean() -> None:
    assert np.isnan(mean_with_interval([0.1, 0.2])[1:]).all()
    mean, low, high = mean_with_interval([0.1, 0.3, 0.5, 0.7, 0.9, np.nan])
    assert mean == pytest.approx(0.5) and low < mean < high


def test_page_table_and_figure_have_every_radar_and_cleaner() -> None:
    names = ["KATX", "KHDX", "JPOKI"]
    zoo = ZOO.only(names)
    sweeps = {name: sweep(name, {"": curve([3, 4, 5, 6], [0, 1, 5])}) for name in zoo.radars}
    points = all_points(sweeps, {name: one.kind for name, one in zoo.radars.items()})
    table: pd.DataFrame = with_pixels(points, sweeps)
    assert set(table.radar) == set(names) and (table.met_px == 4).all() and (table.other_px == 3).all()
    text = page(zoo, sweeps, points)
    assert all(name in text for name in names) and "0 of 3 frames have a neighbour" in text
    assert figure(zoo, sweeps, []).startswith(b"\x89PNG")


def test_the_recipe_learns_from_all_radars_and_reads_no_scored_frame_of_the_sample(tmp_path: Path) -> None:
    config = training_config(ZOO, tmp_path / "results")
    plan = Plan(read_config(config))
    shards = [(radar, shard) for radar, shard in plan.pairs("training")]
    assert {radar for radar, _ in shards} == {*ZOO.radars, "CASGO", "CASCM"}
    assert max(shard for radar, shard in shards if radar.startswith("CAS")) == "20240711T11"
    for radar in ("KTLX", "CASGO"):
        assert any((tmp_path / "results/reference" / radar).glob("*.png"))
