"""What the benchmark trains beside the config's model: by which configs, and of which stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.quality import companions
from benchmarks.quality.variants import changed
from radar_cleaner.config.artefacts import PLANT_KINDS

Trained = list[tuple[Path, dict[str, Any]]]
CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config/maritimes.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Trained:
    """What snakemake is asked to train: the folders of the configs, and the configs."""
    found: Trained = []

    def make(path: Path, targets: list[str]) -> None:
        assert targets == ["train"]
        found.append((path.parent, yaml.safe_load(path.read_text(encoding="utf-8"))))

    monkeypatch.setattr(companions, "make_results", make)
    return found


def finished_run(tmp_path: Path, changes: dict[str, Any] | None = None) -> tuple[Path, Path]:
    """A config and the results of its run."""
    path, results = tmp_path / "config.yaml", tmp_path / "results"
    path.write_text(yaml.safe_dump(changed(CONFIG, changes or {})), encoding="utf-8")
    for kind in ("rgb", "labels", "samples", "model"):
        (results / kind).mkdir(parents=True)
    return path, results


def test_the_ceiling_is_taught_by_the_reference_and_shares_all_stores_but_votes(
    trained: Trained, tmp_path: Path
) -> None:
    path, results = finished_run(tmp_path)
    ceiling = companions.make_ceiling(path, "masks", results)
    [(folder, config)] = trained
    assert config == changed(
        CONFIG, {"votes.reference": "masks", "results": str(folder), "cleaning.model": "trained"}
    )
    assert sorted(path.name for path in folder.iterdir() if path.is_symlink()) == ["rgb", "samples"]
    assert ceiling.paths == (folder / "model/best.pt",) and not ceiling.joined


def test_each_planted_kind_is_new_to_one_model_that_learns_the_other_half(
    trained: Trained, tmp_path: Path
) -> None:
    models = companions.make_unseen(*finished_run(tmp_path))
    assert sorted(kind for one in models for kind in one.kinds) == sorted(PLANT_KINDS)
    for one, (folder, config) in zip(models, trained, strict=True):
        planted = config["training"]["plants"]["kinds"]
        assert set(one.kinds).isdisjoint(planted) and {*one.kinds, *planted} == set(PLANT_KINDS)
        assert one.model.paths == (folder / "model/best.pt",)
        assert sorted(path.name for path in folder.iterdir() if path.is_symlink()) == ["labels", "rgb", "samples"]
    assert len({folder for folder, _ in trained}) == 2


@pytest.mark.parametrize("changes", [{"training.plants.fraction": 0}, {"training.plants.kinds": ["rings"]}])
def test_where_less_than_two_kinds_are_planted_none_is_left_out(
    trained: Trained, tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert companions.make_unseen(*finished_run(tmp_path, changes)) == () and not trained
