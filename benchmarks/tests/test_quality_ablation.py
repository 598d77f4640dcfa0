"""The ablation: which runs it plans, what they share, and differences to the base over the same hours."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from rerun_cases import KEYS
from workflow_cases import REPOSITORY

from benchmarks.quality import ablation
from benchmarks.quality import ablation_tables as tables
from benchmarks.quality.ablation_tables import Outcome
from benchmarks.quality.runs import KINDS, RunError, changed, link_shared
from benchmarks.quality.variants import BASE, KINDS_OF_NETWORK, NETWORKS, Variant, plan_variants, select
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.removal import save_removals
from radar_cleaner.evaluation.threshold_sweep import SHARES, Removal, ScoreHistogram

MARITIMES = yaml.safe_load((REPOSITORY / "config/maritimes.yaml").read_text(encoding="utf-8"))
WITH_ATLAS = changed(MARITIMES, {"samples.atlas": "channel", "votes.atlas": 1})
ALONE = ["only-CASGO", "only-CASGO-on-CASCM", "only-CASCM", "only-CASCM-on-CASGO"]
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


def test_every_part_is_left_out_once_and_parts_already_off_are_not_variants() -> None:
    names = list(named(WITH_ATLAS))
    others = ["without-injection", *ALONE, "one-time", "without-atlas", "without-holes"]
    assert [name for name in names if not name.startswith("votes-without-")] == [
        BASE,
        *others,
        *NETWORKS,
        *KINDS_OF_NETWORK,
        "other-seed",
    ]
    off = {"votes.spoke": 0, "training.plants.fraction": 0, "samples.input_minutes": [0]}
    assert not {"votes-without-spoke", "without-injection", "one-time"} & named(changed(WITH_ATLAS, off)).keys()
    assert "votes-without-reference" in named(changed(WITH_ATLAS, {"votes.reference": "truth"}))


def test_one_of_two_equal_variants_stands_for_both_and_a_group_or_a_name_selects() -> None:
    variants = plan_variants(changed(WITH_ATLAS, {"samples.atlas": "none"}))
    for asked in ("atlas", "without-atlas", "votes-without-atlas"):
        assert [variant.name for variant in select(variants, [asked])] == [BASE, "votes-without-atlas"]
    variants = plan_variants(WITH_ATLAS)
    assert [one.name for one in select(variants, ["injection", "radar"])] == [BASE, "without-injection", *ALONE]
    assert [one.name for one in variants if one not in select(variants, [])] == [*NETWORKS, *KINDS_OF_NETWORK]
    with pytest.raises(ConfigError, match=r"--only plants: choose of .*injection"):
        select(variants, ["plants"])


def test_epochs_and_seed_are_those_of_all_and_inside_nothing_of_the_evaluation_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**MARITIMES, "cleaning": {"model": "mine.pt", "fill": False}}))
    config = ablation.prepare_config(file, 3, seed=9)
    assert (config["training"]["epochs"], config["training"]["seed"]) == (3, 9)
    assert config["cleaning"] == {"model": "trained", "fill": False}
    config = ablation.prepare_config(file, None, inside=True)
    assert config["training"]["period"] == ["2024-07-10 19:00", "2024-07-11 06:00"]
    assert config["evaluation"]["period"] == ["2024-07-11 06:00", MARITIMES["training"]["period"][1]]


def test_a_change_touches_its_key_and_nothing_else() -> None:
    config = {"a": {"b": 1}, "votes": None}
    before = copy.deepcopy(config)
    assert changed(config, {"votes.area": 0, "c.d.e": 7}) == {
        "a": {"b": 1},
        "votes": {"area": 0},
        "c": {"d": {"e": 7}},
    }
    assert config == before


def test_a_variant_shares_no_store_that_its_changes_affect() -> None:
    for variant in plan_variants(WITH_ATLAS):
        for key in variant.changes.keys() & KEYS.keys() - {"samples.atlas"}:  # its row is of another change
            assert not {RULES[kind] for kind in KINDS - variant.own} & KEYS[key][1], (variant.name, key)


def test_stores_are_shared_by_links_until_a_variant_makes_its_own(tmp_path: Path) -> None:
    base, folder = tmp_path / BASE, tmp_path / "one"
    for kind in ("reflectivity", "labels"):
        (base / kind).mkdir(parents=True)
    link_shared(folder, base, {"labels"})
    assert sorted(path.name for path in folder.iterdir()) == ["reflectivity"]
    link = folder / "reflectivity"
    assert link.resolve() == base / "reflectivity" and not link.readlink().is_absolute()
    link_shared(folder, base, set())
    assert (folder / "labels").is_symlink()
    link_shared(folder, base, {"labels"})
    assert not (folder / "labels").exists() and (base / "labels").is_dir()
    (folder / "labels").mkdir()
    link_shared(folder, base, set())
    assert not (folder / "labels").is_symlink()  # what it made stays


HOURS, PIXELS = 12, 300


def simulated(skill: float, seed: int) -> Removal:
    """A removal of scores that separate rain from other echo with some skill; some hours are harder."""
    histogram, hard = ScoreHistogram(), np.random.default_rng(0).normal(0, 0.8, HOURS)
    for hour in range(HOURS):
        rng = np.random.default_rng([seed, hour])
        for code, middle in ((METEOROLOGICAL, 1.0), (NON_METEOROLOGICAL, -1.0)):
            scores = middle * skill - hard[hour] * (code == METEOROLOGICAL) + rng.normal(size=PIXELS)
            histogram.add(hour, scores.astype(np.float32), np.full(PIXELS, code, np.uint8))
    return Removal.of({"": histogram.curve()})


def test_a_pair_that_is_better_in_every_hour_is_certainly_better_though_hours_differ_more() -> None:
    worse, better = simulated(1.5, 1), simulated(1.9, 1)
    more, (low, high) = better.minus(worse)
    assert (low > 0).all() and (low <= more).all() and (more <= high).all()
    apart = np.quantile(better.resampled, 0.95, axis=1) - np.quantile(worse.resampled, 0.05, axis=1)
    assert (high - low < apart).all()  # pairing removes the weather that both share
    with pytest.raises(AssertionError, match="different frames"):
        better.minus(replace(worse, total=worse.total + 1))


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    by_name = named(WITH_ATLAS)
    base, worse, better = simulated(1.5, 1), simulated(1.2, 1), simulated(1.9, 1)

    def removals(network: Removal, *radars: str) -> dict[str, dict[str, Removal]]:
        return {radar: {"network": network, "model": network, "label model": worse} for radar in radars}

    return [
        Outcome(by_name[BASE], removals(base, "CASGO", "CASCM")),
        Outcome(by_name["only-CASGO"], removals(worse, "CASGO")),
        Outcome(by_name["only-CASGO-on-CASCM"], removals(worse, "CASCM")),
        Outcome(by_name["without-holes"], removals(better, "CASGO", "CASCM")),
    ]


def test_the_table_has_each_variant_on_each_radar_at_each_share(outcomes: list[Outcome]) -> None:
    table = pd.DataFrame(tables.rows_of(outcomes))
    networks = table[table.answer == "network"]
    assert len(networks) == 3 * 2 * len(SHARES) and not networks.duplicated(["variant", "radar", "share"]).any()
    assert table[table.answer == "label model"].groupby("variant").size().to_dict() == {
        BASE: 2 * len(SHARES),
        "only-CASGO": len(SHARES),
    }
    base = networks[networks.variant == BASE].set_index(["radar", "share"])
    for _, row in networks.iterrows():
        expected = row.removed - base.removed[row.radar, row.share]
        assert row.difference == pytest.approx(expected, abs=2e-5) and row.kept >= row.share
    assert (networks[networks.variant == "without-holes"].difference_low > 0).all()
    assert (networks[networks.variant == "only-CASGO"].difference_high < 0).all()


def test_the_page_marks_a_radar_that_training_has_not_seen_and_names_a_failed_run(outcomes: list[Outcome]) -> None:
    words = {one.variant.name: one.variant.words for one in outcomes} | {"one-time": "one-time"}
    text = tables.page(tables.rows_of(outcomes), words, "# Head", {"one-time": "train_model; see one-time.log"})
    seen, unseen = (text.split(f"## {radar}: the network\n")[1].split("##")[0] for radar in ("CASGO", "CASCM"))
    assert "| CASGO alone |" in seen and "| CASGO alone (this radar not seen) |" in unseen
    assert "- one-time: train_model; see one-time.log" in text


def test_a_failed_variant_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcomes: list[Outcome]
) -> None:
    def make(variant: Variant, config: object, folder: Path, cores: str) -> str:
        if variant.name == "without-injection":
            raise RunError("train_model; see its.log")
        save_removals(folder / variant.name / "evaluation/removal.npz", outcomes[0].removals)
        return "up to date"

    monkeypatch.setattr(ablation, "make", make)
    monkeypatch.chdir(REPOSITORY)
    options = ablation.parse(["--folder", str(tmp_path), "--only", "injection,holes"])
    assert ablation.run(options) == {"without-injection": "train_model; see its.log"}
    table = pd.read_csv(tmp_path / "ablation.csv")
    assert set(table.variant) == {BASE, "without-holes"} and not table.difference.any()
    assert "2/3 without-injection: failed: train_model" in capsys.readouterr().out
    assert {"ablation.csv", "ablation.md", "ablation.png"} <= {path.name for path in tmp_path.iterdir()}
