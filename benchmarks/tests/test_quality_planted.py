"""Planted test frames have exact truth, scores are those of plain counting, and files are equal each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import config as model_config
from store_cases import START, make_aligned, make_atlas, make_labels, make_reflectivity, times_from

from benchmarks.quality import ROOT, figure, jobs, planted_tables, run
from benchmarks.quality.jobs import Job
from benchmarks.quality.learned import NamedModel, load_models, model_methods
from benchmarks.quality.methods import Answer
from benchmarks.quality.planted import ADDITIVE, NEIGHBOURS, VOTING, Planter, Plants, Trial, class_ranks
from benchmarks.quality.planted_scores import (
    ALL_ADDITIVE,
    FILL_SUMS,
    NOTHING,
    UNSEEN,
    Contestant,
    PlantScore,
    UnseenModel,
    check_unseen,
    classical_contestants,
    fill_sums,
    model_contestant,
    pool,
    score_plants,
)
from benchmarks.quality.run import PlantedPart
from benchmarks.quality.scenes import Frames
from benchmarks.quality.scoring import SHARES, Curve, Histogram
from radar_cleaner.config.artefacts import PLANT_KINDS, PlantKind
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model
from radar_cleaner.reflectivity.colour_table import EchoShape, classify_echoes
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time, shard_of

RADAR, SHAPE = "CASGO", (96, 96)
NAMES = NameFormat(r"(\d{12})", "%Y%m%d%H%M")
LABEL = EchoShape(5.0, 3, 3, 5)
TIMES = times_from(START, 6)
SCORED = TIMES[1:-1]
LEVELS = [94, 115, 125, 134, 140]
RANGES = Path(__file__).parents[2] / "benchmarks/plants.yaml"
PLANTS = Plants(RANGES, (-6, 0, 6))
WEIGHTS = dict.fromkeys(VOTING, 1.0)


def picture(time: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and reference of a time: a rain area that moves, specks that are no rain, an edge without data."""
    rng = np.random.default_rng(time)
    codes, rain, specks = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool), rng.random(SHAPE) < 0.01
    codes[specks] = 94
    left = (time - START) // 360 * 2
    rain[20:60, 16 + left : 56 + left] = True
    codes[rain] = rng.choice(LEVELS, int(rain.sum()))
    codes[:, 0] = NODATA
    classes = np.where(rain, METEOROLOGICAL, np.where(specks, NON_METEOROLOGICAL, 0))
    return codes, classes.astype(np.uint8)


def others_see(codes: np.ndarray) -> np.ndarray:
    """Another radar has the upper half in its range, and rain there."""
    seen = np.full_like(codes, NODATA)
    seen[..., :48, :] = np.where(is_echo(codes[..., :48, :]), 140, 0)
    return seen


def write_frames(folder: Path, radar: str = RADAR) -> Job:
    layout, masks = Layout(folder / "results"), folder / "masks"
    codes, classes = (np.stack(part) for part in zip(*map(picture, TIMES), strict=True))
    shard = shard_of(START, "hour")
    make_reflectivity(layout.reflectivity(radar, shard), radar, TIMES, codes, range_km=48)
    make_labels(layout.labels(radar, shard), radar, TIMES, classes)
    make_aligned(layout.aligned(radar, shard), radar, TIMES, others_see(codes))
    make_atlas(layout.atlas(radar), radar, np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool))
    (masks / radar).mkdir(parents=True)
    for time, mask in zip(TIMES, classes, strict=True):
        name = "".join(character for character in format_time(time) if character.isdigit())[:12]
        iio.imwrite(masks / radar / f"{name}.png", mask)
    model = build_model(model_config())
    draw_weights(model, 4)
    save_model(layout.results / "model.pt", model_config(), model.state_dict(), {})
    period = ((SCORED[0], SCORED[-1] + 1),)
    models = (NamedModel("model", (layout.results / "model.pt",)),)
    return Job(layout.results, radar, NAMES, masks, 6, period, period, (20.0,), LABEL, 0.5, 1.0, models, False, 1)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return write_frames(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def frames(job: Job) -> Frames:
    return Frames(job.results, RADAR, job.masks, NAMES, 6)


@pytest.fixture(scope="module")
def planter(frames: Frames) -> Planter:
    return Planter(frames, PLANTS, WEIGHTS, LABEL)


@pytest.mark.parametrize("kind", [None, *PLANT_KINDS])
def test_the_truth_of_a_planted_frame_is_exact(planter: Planter, kind: PlantKind | None) -> None:
    changed = 0
    for time in SCORED:
        trial, (codes, truth) = planter.trial(time, kind), picture(time)
        seen, met = trial.scene.codes, is_echo(codes) & (truth == METEOROLOGICAL)
        assert (trial.clean == codes).all() and (trial.own[0] == seen).all()
        rain, hidden = trial.rain(truth), trial.hidden(truth)
        assert not (trial.planted & rain).any()
        assert ((rain | hidden) == met).all()
        assert (seen[rain & ~hidden] == codes[rain & ~hidden]).all()
        assert set(np.unique(seen)) <= {0, NODATA, *LEVELS}
        if kind != "frozen":  # which shows rain of another time in place of rain
            assert ((trial.kinds > 0) == (seen != codes)).all() and not (rain & hidden).any()
        changed += int((trial.kinds > 0).sum())
        if kind is None or kind in NEIGHBOURS:
            assert (seen == codes).all()
        elif kind == "blocked":
            assert not trial.planted.any() and (seen[trial.kinds > 0] == 0).all()
        elif kind != "frozen":
            assert (seen >= codes).all()  # what is stronger shows
        assert (codes == planter.frames.codes[time]).all(), "a frame of the archive has changed"
    assert bool(changed) == (kind is not None and kind not in NEIGHBOURS)


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_kinds_of_neighbours_change_those_that_the_methods_see(planter: Planter, kind: PlantKind) -> None:
    for time in SCORED:
        trial = planter.trial(time, kind)
        steps = {-1: -6, 1: 6}
        different = [
            step for step in steps if (trial.scene.neighbours[step] != picture(time + 360 * step)[0]).any()
        ]
        assert different
        for step, minutes in steps.items():
            assert (trial.scene.neighbours[step] == trial.own[minutes]).all()
            if step in different:
                assert (trial.own[minutes] == (NODATA if kind == "missing" else picture(time)[0])).all()


def test_what_is_planted_hangs_on_seed_time_and_kind_alone(frames: Frames, planter: Planter) -> None:
    wanted = planter.trial(SCORED[1], "spokes")
    for time, kind in ((SCORED[0], "spokes"), (SCORED[1], "rings")):
        planter.trial(time, kind)
    again = Planter(frames, PLANTS, WEIGHTS, LABEL).trial(SCORED[1], "spokes")
    other = Planter(frames, replace(PLANTS, seed=1), WEIGHTS, LABEL).trial(SCORED[1], "spokes")
    assert (again.scene.codes == wanted.scene.codes).all() and (again.kinds == wanted.kinds).all()
    assert (other.scene.codes != wanted.scene.codes).any()


def test_labels_and_votes_are_those_of_the_planted_picture(planter: Planter) -> None:
    plain, planted = planter.trial(SCORED[0]), planter.trial(SCORED[0], "spokes")
    for trial in (plain, planted):
        assert (trial.scene.votes == planter.votes(trial.scene.codes)).all()
        assert (trial.scene.label_class == classify_echoes(trial.scene.codes, LABEL)).all()
        assert not trial.scene.votes[~is_echo(trial.scene.codes)].any()
    lonely = np.zeros(SHAPE, np.uint8)
    lonely[40, 70] = 94
    assert planter.votes(lonely)[40, 70] < planter.votes(plain.scene.codes)[40, 40]


def test_a_labeler_without_weight_is_not_asked(frames: Frames) -> None:
    codes = picture(SCORED[0])[0]
    found = Planter(frames, PLANTS, WEIGHTS | dict.fromkeys(("density", "spoke", "atlas"), 0.0), LABEL).votes(
        codes
    )
    assert (found[is_echo(codes)] == np.float32(0.5)).all()  # the colour's


def contestant(name: str = "one", **judges: object) -> Contestant:
    return Contestant(name, "classical", judges or {"": knows})


def knows(trial: Trial) -> Answer:
    """Who knows where plants are, and what was there."""
    known = decode_dbz(np.where(trial.clean == NODATA, 0, trial.clean).astype(np.uint8))
    return Answer(np.where(trial.planted, -1, 1).astype(np.float32), known)


def noisy(trial: Trial) -> Answer:
    """Rain and what is planted overlap in this score, which is lower where something is planted nearby."""
    rng = np.random.default_rng([trial.scene.time, int(trial.kinds.sum())])
    score = rng.normal(0, 1, SHAPE) - 0.5 * trial.planted + 0.2 * (trial.clean > 0)
    return Answer(score.astype(np.float32))


@pytest.fixture(scope="module")
def scores(planter: Planter) -> dict[tuple[str, str], PlantScore]:
    constant = contestant("constant", **{"": lambda trial: Answer(np.ones(SHAPE, np.float32))})
    judged = contestant("two", noisy=noisy, constant=constant.judges[""])
    some = replace(contestant("some"), kinds=("rings",))
    found = score_plants(
        planter, [contestant("knows"), constant, contestant("noisy", a=noisy), judged, some], SCORED
    )
    return {(one.method, one.kind): one for one in found}


def test_who_knows_removes_all_at_no_cost_and_a_constant_nothing(
    scores: dict[tuple[str, str], PlantScore],
) -> None:
    for kind in (*PLANT_KINDS, ALL_ADDITIVE):
        one, constant = scores["knows", kind], scores["constant", kind]
        assert (one.removed == one.planted).all() and (one.kept == one.rain).all() and one.lost == 0
        assert not constant.removed.any() and (constant.kept == constant.rain).all() and constant.lost == 0
        assert bool(one.planted) == (kind in (*ADDITIVE, ALL_ADDITIVE))
        for pixels, error, absolute, steps, away, within in one.fill:
            assert error == absolute == steps == away == 0 and within == pixels


def test_shares_removed_and_rain_lost_are_those_of_plain_counting(
    planter: Planter, scores: dict[tuple[str, str], PlantScore]
) -> None:
    def thousandths(trial: Trial) -> np.ndarray:
        return np.rint(noisy(trial).score.astype(float) * 1000)

    def highest_that_keeps(rain: np.ndarray, share: float) -> float:
        return float(np.sort(rain)[rain.size - int(np.ceil(share * rain.size - 1e-6))])

    plain = {time: thousandths(planter.trial(time)) for time in SCORED}
    met, other = (
        np.concatenate(
            [plain[time][is_echo(codes) & (truth == kind)] for time in SCORED for codes, truth in [picture(time)]]
        )
        for kind in (METEOROLOGICAL, NON_METEOROLOGICAL)
    )
    fixed = highest_that_keeps(met, SHARES[0])
    found = np.concatenate([met, other])
    fixed = found[found > np.max(other[other < fixed])].min()  # of equals what keeps most
    for kind in ("spokes", "patches", "frozen"):
        planted, rain, held, lost = [], [], 0, 0
        for time in SCORED:
            trial, truth = planter.trial(time, kind), picture(time)[1]
            score, here = thousandths(trial), trial.rain(truth)
            planted.append(score[trial.planted])
            rain.append(score[here])
            before = here & (plain[time] >= fixed)
            held, lost = held + int(before.sum()), lost + int((score[before] < fixed).sum())
        one, values, echoes = scores["noisy", kind], np.concatenate(rain), np.concatenate(planted)
        assert (one.held, one.lost) == (held, lost) and lost > 0
        assert (one.rain, one.planted) == (values.size, echoes.size)
        for share, kept, removed in zip(SHARES, one.kept, one.removed, strict=True):
            assert kept >= share * values.size - 1e-6
            assert removed == (echoes < highest_that_keeps(values, share)).sum()


def test_all_kinds_together_are_their_sum_at_one_threshold(scores: dict[tuple[str, str], PlantScore]) -> None:
    together, parts = scores["noisy", ALL_ADDITIVE], [scores["noisy", kind] for kind in ADDITIVE]
    for name in ("planted", "rain", "held", "lost"):
        assert getattr(together, name) == sum(getattr(part, name) for part in parts)
    assert (together.fill == sum(part.fill for part in parts)).all()
    removed = [part.removed[0] / part.planted for part in parts if part.planted]
    assert min(removed) <= together.removed[0] / together.planted <= max(removed)


def test_a_filter_has_the_parameter_that_removes_most_of_a_kind(scores: dict[tuple[str, str], PlantScore]) -> None:
    for kind in ADDITIVE:
        assert (scores["two", kind].removed == scores["noisy", kind].removed).all()
        assert scores["two", kind].choices[0].parameter == "noisy" or not scores["two", kind].removed[0]


def test_a_method_is_asked_about_its_kinds_alone(scores: dict[tuple[str, str], PlantScore]) -> None:
    assert {kind for method, kind in scores if method == "some"} == {"rings", NOTHING}


def test_reflectivity_is_told_apart_where_no_other_radar_echoes(job: Job, frames: Frames) -> None:
    aligned = [Layout(job.results).aligned(RADAR, shard_of(START, "hour"))]
    planter = Planter(frames, PLANTS, WEIGHTS, LABEL, aligned)

    def higher(trial: Trial) -> Answer:
        """Right, but for where the other radar echoes: there 2 dB too much."""
        return Answer(np.ones(SHAPE, np.float32), knows(trial).dbz + 2 * np.float32(is_echo(trial.others)))

    found = {one.kind: one.fill for one in score_plants(planter, [contestant("higher", a=higher)], SCORED)}
    rain = sum(int((picture(time)[1] == METEOROLOGICAL).sum()) for time in SCORED)
    for everywhere, alone in found.values():
        assert alone[1] == alone[2] == 0 and alone[0] <= everywhere[0]
        assert everywhere[1] == everywhere[2] == 2 * (everywhere[0] - alone[0])
    assert found[NOTHING][0][0] == rain and 0 < found[NOTHING][1][0] < rain
    without = Planter(frames, PLANTS, WEIGHTS, LABEL).trial(SCORED[0])
    assert without.alone.all()


def test_nothing_planted_is_the_reference_s_other_echo(scores: dict[tuple[str, str], PlantScore]) -> None:
    others = sum(
        int((is_echo(codes) & (truth == NON_METEOROLOGICAL)).sum()) for codes, truth in map(picture, SCORED)
    )
    assert scores["constant", NOTHING].planted == others


levels = st.lists(st.integers(1, 254), min_size=1, max_size=12, unique=True).map(sorted)


@given(levels, st.lists(st.floats(-40, 100), min_size=1, max_size=8))
def test_a_reflectivity_is_of_the_class_that_is_nearest(codes: list[int], values: list[float]) -> None:
    middles = decode_dbz(np.array(codes, np.uint8))
    assert class_ranks(middles, middles).tolist() == list(range(1, len(codes) + 1))
    ranks = class_ranks(np.sort(values), middles)
    assert (np.diff(ranks) >= 0).all()
    for value, rank in zip(np.sort(values), ranks, strict=True):
        if rank:
            assert abs(middles[rank - 1] - value) <= np.abs(middles - value).min() + 1e-6
        else:
            assert value < middles[0]


def test_errors_are_told_in_dbz_and_in_classes() -> None:
    codes = np.array([0, *LEVELS, NODATA], np.uint8)
    true = decode_dbz(np.array([115, 125, 134], np.uint8))
    given_dbz = true + np.float32([0, 4.5, -20])
    found = dict(zip(FILL_SUMS, fill_sums(given_dbz, true, codes), strict=True))
    assert found == {
        "pixels": 3,
        "error_dbz": -15.5,
        "absolute_dbz": 24.5,
        "error_classes": 1 - 3,  # 134 less 20 dBZ is 94
        "absolute_classes": 4,
        "within_one_class": 2,
    }


pixels = st.lists(st.tuples(st.integers(-4, 4), st.sampled_from([METEOROLOGICAL, NON_METEOROLOGICAL])), min_size=1)


@given(st.lists(pixels, min_size=1, max_size=4))
def test_curves_are_pooled_as_if_all_had_been_counted_at_once(parts: list[list[tuple[int, int]]]) -> None:
    def curve_of(some: list[tuple[int, int]]) -> Curve:
        histogram = Histogram()
        score, classes = zip(*some, strict=True)
        histogram.add(0, np.array(score, float), np.array(classes, np.uint8))
        return histogram.curve()

    pooled, whole = pool([curve_of(part) for part in parts]), curve_of([one for part in parts for one in part])
    assert (pooled.thresholds == whole.thresholds).all()
    assert (pooled.kept == whole.kept).all() and (pooled.total == whole.total).all()


def test_a_model_sees_the_planted_frames_in_place_of_its_own(job: Job, frames: Frames, planter: Planter) -> None:
    ask = load_models(job.models[0], job.results, frames)
    time = SCORED[1]
    real, as_is = ask(time), ask(time, planter.trial(time).own)
    assert (real.score == as_is.score).all() and (real.dbz == as_is.dbz).all()
    for kind in ("sectors", "missing"):
        changed = ask(time, planter.trial(time, kind).own)
        assert (changed.score != real.score).any()
    with pytest.raises(ModelError, match=r"reads input_minutes \[-6, 0, 6\], artefacts are planted at \[-6, 0\]"):
        ask(time, {0: frames.codes[time], -6: frames.codes[time]})


def test_a_model_of_a_single_time_is_judged_on_the_frame_alone(job: Job, frames: Frames, planter: Planter) -> None:
    alone = model_config(input_minutes=(0,))
    path = job.results / "alone.pt"
    network = build_model(alone)
    draw_weights(network, 4)
    save_model(path, alone, network.state_dict(), {})
    ask = load_models(NamedModel("alone", (path,)), job.results, frames)
    trial, plain = planter.trial(SCORED[0], "missing"), planter.trial(SCORED[0])
    assert (ask(SCORED[0], trial.own).score == ask(SCORED[0], plain.own).score).all()


def test_a_model_is_compared_by_itself_and_with_its_votes_unless_it_has_none(job: Job, frames: Frames) -> None:
    model, scene = job.models[0], frames.scene(SCORED[0])
    alone, joined = model_methods(model, job.results, frames, 0.5, votes=3)
    one, both = (method.judges[""](scene) for method in (alone, joined))
    assert (alone.name, joined.name) == ("model", "model + votes") and scene.votes.any()
    assert np.allclose(both.score, one.score + 3 * scene.votes) and both.dbz is one.dbz
    for odd, weight in ((replace(model, joined=False), 3), (model, 0)):
        assert [one.name for one in model_methods(odd, job.results, frames, 0.5, weight)] == ["model"]


def test_models_that_lack_kinds_are_named_on_the_command_line() -> None:
    one = UnseenModel.from_flag("rings,spokes=a.pt")
    assert (one.kinds, one.model.name, one.model.paths) == (("spokes", "rings"), UNSEEN, (Path("a.pt"),))
    for wrong in ("a.pt", "towers=a.pt", "rings=", "=a.pt", "rings,=a.pt"):
        with pytest.raises(ConfigError, match=r"KIND\[,KIND\.\.\.\]=PATH; kinds are spokes, sectors"):
            UnseenModel.from_flag(wrong)
    check_unseen([one, UnseenModel.from_flag("noise=b.pt")])
    with pytest.raises(ConfigError, match="two models for rings; name one for each kind"):
        check_unseen([one, UnseenModel.from_flag("rings=b.pt")])


def scored(radar: str, method: str, kind: str, removed: int, planted: int = 100) -> PlantScore:
    share = np.array([removed] * 4)
    return PlantScore(
        radar, method, "model", kind, 50, planted, share // 2, share, (), 40, 2, np.arange(12.0).reshape(2, 6)
    )


def test_radars_are_added_up_and_the_worst_kind_is_named() -> None:
    found = planted_tables.with_all_radars(
        [
            scored("A", "model", "rings", 90),
            scored("A", "model", "spokes", 20),
            scored("A", UNSEEN, "rings", 10),
            scored("B", "model", "rings", 10),
            scored("B", "model", "spokes", 96),
            scored("B", UNSEEN, "rings", 30),
        ]
    )
    of_all = {(one.method, one.kind): one for one in found if one.radar == "all radars"}
    assert of_all["model", "rings"].removed.tolist() == [100] * 4 and of_all["model", "rings"].planted == 200
    assert of_all[UNSEEN, "rings"].removed[0] == 40 and of_all["model", "spokes"].lost == 4
    worst = {
        radar: planted_tables.worst_kind([one for one in found if one.radar == radar], "model") for radar in "AB"
    }
    assert worst == {"A": ("spokes", 0.2), "B": ("rings", 0.1)}
    page = planted_tables.page(found, "# Planted")
    assert "Worst kind at 99.5 % kept: model: spokes (20.0 %), unseen: rings (10.0 %)." in page
    assert "| rings | 100 | 90.0 / 90.0 / 90.0 / 90.0 | 10.0 / 10.0 / 10.0 / 10.0 |" in page
    assert "| spokes | 100 | 20.0 / 20.0 / 20.0 / 20.0 |  |" in page


def test_one_radar_is_not_added_up() -> None:
    found = planted_tables.with_all_radars([scored("A", "model", "rings", 90, planted=0)])
    assert [one.radar for one in found] == ["A"]
    assert planted_tables.worst_kind(found, "model") is None
    assert np.isnan(planted_tables.plant_rows(found)[0]["removed_at_99.5"])


def test_equal_stores_and_models_give_equal_files(job: Job, tmp_path: Path) -> None:
    unseen = (UnseenModel.from_flag(f"rings,noise={job.models[0].paths[0]}"),)
    part = PlantedPart(PLANTS, WEIGHTS, unseen)

    def make(folder: Path) -> dict[str, bytes]:
        run.write_planted(folder, run.score_planted(replace(job, every=2), part), part, Path("config.yaml"))
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first, second = make(tmp_path / "one"), make(tmp_path / "two")
    assert first == second and first.keys() == {"planted.csv", "planted_fill.csv", "planted.md", "planted.png"}
    table = pd.read_csv(tmp_path / "one/planted.csv").set_index(["method", "planted"])
    for kind in ("rings", "noise"):  # it is the same model
        assert table.loc[(UNSEEN, kind), "removed_at_99.5"] == table.loc[("model", kind), "removed_at_99.5"]
    assert (UNSEEN, "spokes") not in table.index and ("model", ALL_ADDITIVE) in table.index
    names = [one.name for one in classical_contestants(LABEL)]
    assert {*names, "model", "model + votes", UNSEEN} == set(table.index.get_level_values(0))
    fill = pd.read_csv(tmp_path / "one/planted_fill.csv")
    assert set(fill.method) == {"model", UNSEEN} and {"blocked", "missing", NOTHING} <= set(fill.planted)
    assert (fill.pixels_alone <= fill.pixels).all() and (fill.pixels_alone < fill.pixels).any()
    assert (fill.mae_dbz >= fill.bias_dbz.abs()).all() and fill.within_one_class.between(0, 1).all()


def test_what_is_planted_follows_the_config_and_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = Path("config/maritimes.yaml").read_text()
    config = jobs.filled(yaml.safe_load(text))
    unseen = (UnseenModel.from_flag("spokes=a.pt"),)
    part = run.planted_part(config, run.parse(["--seed", "3"]), unseen)
    assert part.plants == Plants(RANGES, (-6, 0, 6), 3) and part.plants.target == 1
    assert part.weights == {name: config["votes"][name] for name in VOTING}
    assert part.unseen == unseen


def test_the_figure_holds_radars_side_by_side_and_models_that_lack_kinds() -> None:
    found = planted_tables.with_all_radars(
        [scored(radar, method, "rings", 40) for radar in "AB" for method in ("model", UNSEEN)]
    )
    one, all_of_them = (figure.draw_planted(part) for part in (found[:1], found))
    assert iio.imread(all_of_them).shape[1] > iio.imread(one).shape[1] > 400


def test_a_contestant_that_is_a_model_is_given_the_planted_frames(planter: Planter) -> None:
    trial = planter.trial(SCORED[0], "rings")
    seen: list[tuple[int, object]] = []

    def ask(time: int, own: object) -> Answer:
        seen.append((time, own))
        return Answer(np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32))

    alone = model_contestant("model", ask).judges[""](trial)
    joined = model_contestant("model + votes", ask, votes=2).judges[""](trial)
    assert seen == [(SCORED[0], trial.own)]  # once for both
    assert (alone.score == 1).all() and alone.dbz is not None
    assert np.array_equal(joined.score, 1 + 2 * trial.scene.votes) and joined.dbz is None
