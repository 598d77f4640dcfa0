"""The ablation: which runs it plans, what they share, and differences to the base over the same hours."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rerun_cases import KEYS
from workflow_cases import REPOSITORY, SMOKE, Workspace, make_workspace

from benchmarks.quality import ablation, readings
from benchmarks.quality import ablation_tables as tables
from benchmarks.quality.ablation_tables import Outcome
from benchmarks.quality.readings import NETWORK, VOTES, Reading, difference, reading_of
from benchmarks.quality.scoring import SHARES, Histogram
from benchmarks.quality.variants import (
    BASE,
    KINDS,
    KINDS_OF_NETWORK,
    NETWORKS,
    Variant,
    changed,
    link_shared,
    plan_variants,
    select,
)
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.errors import ConfigError
from radar_cleaner.targets.label_model import LABELERS

MARITIMES = yaml.safe_load((REPOSITORY / "config/maritimes.yaml").read_text(encoding="utf-8"))
WITH_ATLAS = changed(MARITIMES, {"samples.atlas": "channel", "votes.atlas": 1})
RULES = {
    "rgb": "build_rgb_store",
    "reflectivity": "decode_reflectivity",
    "atlas": "build_clutter_atlas",
    "warp": "build_warp_grid",
    "aligned": "align_radars",
    "static": "place_static_fields",
    "labels": "label_echoes",
    "samples": "split_samples",
}


def named(config: dict[str, Any]) -> dict[str, Variant]:
    return {variant.name: variant for variant in plan_variants(config)}


def test_every_part_is_left_out_once() -> None:
    labelers = [f"votes-without-{labeler}" for labeler in LABELERS if labeler != "reference"]
    others = ["without-planting", "only-CASGO", "only-CASCM", "one-time", "without-atlas", "without-holes"]
    assert list(named(WITH_ATLAS)) == [BASE, *labelers, *others, *NETWORKS, *KINDS_OF_NETWORK, "other-seed"]


def test_what_is_off_already_is_no_variant() -> None:
    off = {"votes.spoke": 0, "training.plants.fraction": 0, "samples.input_minutes": [0]}
    assert not {"votes-without-spoke", "without-planting", "one-time"} & named(changed(WITH_ATLAS, off)).keys()
    assert "votes-without-reference" in named(changed(WITH_ATLAS, {"votes.reference": "truth"}))
    alone = changed(WITH_ATLAS, {"radars": WITH_ATLAS["radars"][:1]})
    assert not any(name.startswith("only") for name in named(alone))


def test_of_two_equal_variants_one_does_for_both() -> None:
    """Where no channel holds the atlas, it is only a vote."""
    variants = plan_variants(changed(WITH_ATLAS, {"samples.atlas": "none"}))
    assert "without-atlas" not in [variant.name for variant in variants]
    for asked in ("atlas", "without-atlas", "votes-without-atlas"):
        assert [variant.name for variant in select(variants, [asked])] == [BASE, "votes-without-atlas"]


def test_variants_are_asked_for_by_group_or_name() -> None:
    variants = plan_variants(WITH_ATLAS)
    assert [one.name for one in select(variants, ["planting", "radar", "one-time"])] == [
        BASE,
        "without-planting",
        "only-CASGO",
        "only-CASCM",
        "one-time",
    ]
    assert [one.name for one in variants if one not in select(variants, [])] == [*NETWORKS, *KINDS_OF_NETWORK]
    assert [one.name for one in select(variants, ["cost"])] == [BASE, *NETWORKS]
    assert [one.name for one in select(variants, ["networks"])] == [BASE, *KINDS_OF_NETWORK]
    with pytest.raises(ConfigError, match=r"--only plants: choose of .*planting"):
        select(variants, ["plants"])


def test_all_variants_have_the_same_epochs_and_but_one_the_same_seed() -> None:
    for variant in plan_variants(WITH_ATLAS):
        touched = {key for key in variant.changes if key.startswith("training.")}
        allowed = {"training.plants.fraction", "training.holes.fraction", "training.seed"}
        touched -= {f"training.model.{key}" for key in NETWORKS.get(variant.name, ("", {}))[1]}
        if variant.name in KINDS_OF_NETWORK:
            touched -= {"training.model.name", *KINDS_OF_NETWORK[variant.name]}
        assert touched <= allowed and ("training.seed" in touched) == (variant.name == "other-seed")


def test_the_epochs_asked_for_are_those_of_all_and_a_ready_model_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**MARITIMES, "cleaning": {"model": "mine.pt", "fill": False}}))
    config = ablation.read_config(file, 3, seed=9)
    assert (config["training"]["epochs"], config["training"]["seed"]) == (3, 9)
    assert config["cleaning"] == {"model": "trained", "fill": False}
    assert ablation.read_config(file, None)["training"] == MARITIMES["training"]


def test_inside_the_training_period_nothing_of_the_evaluation_period_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(MARITIMES))
    config = ablation.read_config(file, None, inside=True)
    assert config["training"]["period"] == ["2024-07-10 19:00", "2024-07-11 06:00"]
    assert config["evaluation"]["period"] == ["2024-07-11 06:00", MARITIMES["training"]["period"][1]]


TREES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
)


@given(st.dictionaries(st.sampled_from("abc"), TREES, max_size=3), st.sampled_from(["d", "d.e", "d.e.f"]))
def test_a_change_touches_its_key_and_nothing_else(config: dict[str, Any], key: str) -> None:
    before = copy.deepcopy(config)
    after = changed(config, {key: 7})
    assert config == before and {name: part for name, part in after.items() if name != "d"} == before
    part = after
    for name in key.split("."):
        part = part[name]
    assert part == 7


def test_a_change_below_a_section_without_keys_is_made() -> None:
    assert changed({"votes": None}, {"votes.area": 0}) == {"votes": {"area": 0}}


def test_what_a_variant_shares_the_table_of_reruns_leaves_as_it_is() -> None:
    for variant in plan_variants(WITH_ATLAS):
        for key in variant.changes.keys() & KEYS.keys() - {"samples.atlas"}:  # its row is of another change
            assert not {RULES[kind] for kind in KINDS - variant.own} & KEYS[key][1], (variant.name, key)


def test_stores_are_shared_by_links_until_a_variant_makes_its_own(tmp_path: Path) -> None:
    base, folder = tmp_path / BASE, tmp_path / "one"
    for kind in ("reflectivity", "labels"):
        (base / kind).mkdir(parents=True)
    link_shared(folder, base, {"labels"})
    assert sorted(path.name for path in folder.iterdir()) == ["reflectivity"]
    assert (folder / "reflectivity").resolve() == base / "reflectivity" and not (
        folder / "reflectivity"
    ).readlink().is_absolute()
    link_shared(folder, base, set())
    assert (folder / "labels").is_symlink()
    link_shared(folder, base, {"labels"})
    assert not (folder / "labels").exists() and (base / "labels").is_dir()
    (folder / "labels").mkdir()
    link_shared(folder, base, set())
    assert not (folder / "labels").is_symlink()  # what it made stays


@pytest.fixture(scope="module")
def based(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which Snakemake thinks that the base ran."""
    config = changed(SMOKE, {"results": f"results-ablation/{BASE}", "samples.atlas": "channel"})
    workspace = make_workspace(tmp_path_factory.mktemp("based"), config)
    workspace.pretend("prepare", "train")
    return workspace


@pytest.mark.parametrize(
    "name", ["votes-without-spoke", "without-planting", "only-CASGO", "one-time", "without-atlas", "without-holes"]
)
def test_a_variant_makes_what_is_its_own_and_nothing_else(based: Workspace, name: str) -> None:
    variant = named(based.config)[name]
    config = changed(based.config, {**variant.changes, "results": f"results-ablation/{name}"})
    link_shared(based.root / "results-ablation" / name, based.root / "results-ablation" / BASE, variant.own)
    own = {RULES[kind] for kind in variant.own}
    if name.startswith("only"):
        own.remove("build_warp_grid")  # of one radar onto nothing
    assert based.rules("prepare", "train", config=config) == own | {"train_model"}


HOURS, PIXELS = 12, 300


def simulated(skill: float, seed: int, weather: int = 0) -> Reading:
    """A reading of scores that tell rain from other echo with some skill; `weather` is how hard each hour is."""
    histogram = Histogram()
    hard = np.random.default_rng(weather).normal(0, 0.8, HOURS)
    for hour in range(HOURS):
        rng = np.random.default_rng([seed, hour])
        for code, middle in ((METEOROLOGICAL, 1.0), (NON_METEOROLOGICAL, -1.0)):
            scores = middle * skill - hard[hour] * (code == METEOROLOGICAL) + rng.normal(size=PIXELS)
            histogram.add(hour, scores.astype(np.float32), np.full(PIXELS, code, np.uint8))
    return reading_of(histogram.curve())


def test_a_run_does_not_differ_from_itself() -> None:
    base = simulated(1.5, 1)
    for index in range(len(SHARES)):
        assert difference(base, base, index) == (0, (0, 0))


def test_a_difference_is_of_opposite_sign_the_other_way_round() -> None:
    one, other = simulated(1.5, 1), simulated(1.8, 2)
    there, (low, high) = assured(difference(one, other, 0))
    back, ends = assured(difference(other, one, 0))
    assert there == -back and ends == pytest.approx((-high, -low))


def test_what_is_better_in_every_hour_is_surely_better_though_hours_differ_more() -> None:
    worse, better = simulated(1.5, 1), simulated(1.9, 1)
    for index in range(len(SHARES)):
        more, (low, high) = assured(difference(better, worse, index))
        assert 0 < low <= more <= high
        apart = np.quantile(better.resampled[index], 0.95) - np.quantile(worse.resampled[index], 0.05)
        assert high - low < apart  # the pairing takes out what the hours have in common


def test_intervals_of_no_difference_hold_nought_about_as_often_as_they_say() -> None:
    """Two scores of equal skill and noise of their own; 90 % wide intervals, of few hours."""
    held = 0
    for trial in range(40):
        one, other = simulated(1.5, 2 * trial, trial), simulated(1.5, 2 * trial + 1, trial)
        _, (low, high) = assured(difference(one, other, 2))
        held += low <= 0 <= high
    assert held >= 30


def test_readings_of_other_frames_are_not_paired() -> None:
    one = simulated(1.5, 1)
    with pytest.raises(AssertionError, match="other frames"):
        difference(one, replace(one, total=one.total + 1), 0)


def assured(found: tuple[float, tuple[float, float] | None]) -> tuple[float, tuple[float, float]]:
    assert found[1] is not None
    return found[0], found[1]


def test_kept_readings_are_taken_while_what_they_are_of_is_the_same(tmp_path: Path) -> None:
    path, source = tmp_path / "kept/CASGO.npz", tmp_path / "model.pt"
    source.write_bytes(b"weights")
    digest = readings.digest_of([source], "times")
    assert readings.load(path, digest) is None
    made = {NETWORK: simulated(1.5, 1), VOTES: simulated(1.2, 2)}
    readings.save(path, digest, made)
    first = path.read_bytes()
    kept = readings.load(path, digest)
    assert kept is not None and list(kept) == [NETWORK, VOTES]
    for name, reading in made.items():
        for key in ("removed", "kept", "resampled", "total"):
            assert np.array_equal(getattr(kept[name], key), getattr(reading, key))
    readings.save(path, digest, made)
    assert path.read_bytes() == first
    source.write_bytes(b"others")
    assert readings.load(path, readings.digest_of([source], "times")) is None
    assert readings.load(path, readings.digest_of([source], "other times")) is None
    path.write_bytes(first[:100])  # a broken file is none
    assert readings.load(path, digest) is None


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    by_name = named(WITH_ATLAS)
    base, worse, better = simulated(1.5, 1), simulated(1.2, 1), simulated(1.9, 1)
    return [
        Outcome(by_name[BASE], {radar: {NETWORK: base, VOTES: worse} for radar in ("CASGO", "CASCM")}),
        Outcome(by_name["only-CASGO"], {"CASGO": {NETWORK: worse, VOTES: base}, "CASCM": {NETWORK: worse}}),
        Outcome(by_name["without-holes"], {radar: {NETWORK: better} for radar in ("CASGO", "CASCM")}),
    ]


def test_the_table_has_each_variant_on_each_radar_at_each_share(outcomes: list[Outcome]) -> None:
    table = pd.DataFrame(tables.rows_of(outcomes))
    networks = table[table.answer == NETWORK]
    assert len(networks) == 3 * 2 * len(SHARES) and not networks.duplicated(["variant", "radar", "share"]).any()
    assert set(table[table.answer == VOTES].groupby("variant").size().to_dict().items()) == {
        (BASE, 2 * len(SHARES)),
        ("only-CASGO", len(SHARES)),
    }
    base = networks[networks.variant == BASE].set_index(["radar", "share"])
    for _, row in networks.iterrows():
        expected = row.removed - base.removed[row.radar, row.share]
        assert row.difference == pytest.approx(expected, abs=2e-5) and row.kept >= row.share
    assert (networks[networks.variant == "without-holes"].difference_low > 0).all()
    assert (networks[networks.variant == "only-CASGO"].difference_high < 0).all()


def words_of(outcomes: list[Outcome]) -> Mapping[str, str]:
    return {one.variant.name: one.variant.words for one in outcomes} | {"one-time": "one-time"}


def test_the_page_names_the_radar_that_was_not_seen_and_the_run_that_failed(outcomes: list[Outcome]) -> None:
    rows = tables.rows_of(outcomes)
    text = tables.page(rows, words_of(outcomes), "# Head", {"one-time": "train_model; see one-time.log"})
    seen, unseen = (text.split(f"## {radar}: the network\n")[1].split("##")[0] for radar in ("CASGO", "CASCM"))
    assert "| CASGO alone |" in seen and "| CASGO alone (this radar not seen) |" in unseen
    assert "- one-time: train_model; see one-time.log" in text
    first = next(line for line in seen.splitlines() if line.startswith("| as configured"))
    assert "(" not in first and first.count("%") == len(SHARES)


def test_equal_outcomes_give_equal_files(outcomes: list[Outcome], tmp_path: Path) -> None:
    def make(folder: Path, chosen: list[Outcome]) -> dict[str, bytes]:
        ablation.write(folder, chosen, {}, Path("config.yaml"), {"training": {"epochs": 2, "seed": 1}})
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = make(tmp_path / "one", outcomes)
    assert first == make(tmp_path / "two", outcomes)
    assert first.keys() == {"ablation.csv", "ablation.md", "ablation.png"}
    assert make(tmp_path / "base", outcomes[:1]).keys() == first.keys()  # as far as it has come


def test_a_failed_variant_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcomes: list[Outcome]
) -> None:
    def make(variant: Variant, *_: object) -> str:
        if variant.name == "without-planting":
            raise ablation.RunError("train_model; see its.log")
        return "up to date"

    monkeypatch.setattr(ablation, "make", make)
    monkeypatch.setattr(ablation, "score", lambda *_: outcomes[0].readings)
    monkeypatch.chdir(REPOSITORY)
    options = ablation.parse(["--folder", str(tmp_path), "--only", "planting,holes"])
    assert ablation.run(options) == {"without-planting": "train_model; see its.log"}
    assert set(pd.read_csv(tmp_path / "ablation.csv").variant) == {BASE, "without-holes"}
    assert "2/3 without-planting: failed: train_model" in capsys.readouterr().out
    monkeypatch.setattr(ablation, "make", lambda variant, *_: make(replace(variant, name="without-planting")))
    assert list(ablation.run(options)) == [BASE]  # without it there is nothing to compare


@pytest.mark.slow
def test_runs_are_made_once_and_scored_against_the_base(tmp_path: Path) -> None:
    """The command as a user gives it, on a few hours; the second call trains nothing and writes the same."""
    workspace = make_workspace(tmp_path)
    shutil.copytree(REPOSITORY / "benchmarks", workspace.root / "benchmarks")
    workspace.write_config()
    command = [sys.executable, "-m", "benchmarks.quality.ablation", "--config", "config.yaml", "--cores", "2"]

    def run(*more: str) -> tuple[str, dict[str, bytes]]:
        done = subprocess.run(
            [*command, "--only", "votes-without-spoke,only-CASGO", *more],
            cwd=workspace.root,
            env=workspace.environment(),
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        folder = workspace.root / "results-ablation"
        return done.stdout, {path.name: path.read_bytes() for path in folder.glob("ablation.*")}

    said, first = run()
    assert said.count("made in") == 3
    models = {path: path.stat().st_mtime_ns for path in workspace.root.glob("results-ablation/*/model/best.pt")}
    assert len(models) == 3
    again, second = run()
    assert again.count("up to date") == 3 and second == first
    assert all(path.stat().st_mtime_ns == time for path, time in models.items())
    table = pd.read_csv(workspace.root / "results-ablation/ablation.csv")
    assert set(table.variant) == {BASE, "votes-without-spoke", "only-CASGO"}
    assert set(table[table.answer == VOTES].variant) == {BASE, "votes-without-spoke", "only-CASGO"}
