"""A mistake in the config is reported in one line with place and remedy, before any job starts."""

from __future__ import annotations

import copy
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_cases import MISTAKES, put
from PIL import Image
from workflow_cases import REPOSITORY, SMOKE

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.config.load import read_config
from radar_cleaner.config.network_choice import network_files
from radar_cleaner.config.training import Network
from radar_cleaner.errors import ConfigError
from radar_cleaner.planning.plan import Plan


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The smoke config on the repository's own frames."""
    monkeypatch.chdir(REPOSITORY)
    config = copy.deepcopy(SMOKE)
    for radar in config["radars"]:
        radar["frames"] = f"resources/maritimes/frames/{radar['id']}"
    config["evaluation"]["reference"] = "resources/maritimes/truth"
    return config


def plan_of(config: dict[str, Any]) -> Plan:
    return Plan(read_config(config))


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        plan_of(config).references()
    return str(error.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_place_and_remedy(mistake: str, config: dict[str, Any]) -> None:
    change, place, remedy = MISTAKES[mistake]
    change(config)
    message = complaint(config)
    assert "\n" not in message
    assert message.startswith(f"{place}: ")
    assert remedy in message


def test_every_mistake_of_the_schema_is_reported_at_once(config: dict[str, Any]) -> None:
    config["labels"]["min_dbs"] = 3
    config["radars"][1]["longitude"] = 999
    lines = complaint(config).splitlines()
    assert {line.split(":")[0] for line in lines} == {"labels.min_dbs", "radars[1].longitude"}


@pytest.mark.parametrize("path", [("evaluation",), ("labels", "legend"), ("radars", 0, "overlay"), ("stores",)])
def test_a_section_without_a_key_counts_as_left_out(path: tuple[str | int, ...], config: dict[str, Any]) -> None:
    left_out = copy.deepcopy(config)
    part: Any = left_out
    for key in path[:-1]:
        part = part[key]
    part.pop(path[-1], None)
    put(*path, value=None)(config)
    assert read_config(config) == read_config(left_out)


@pytest.mark.parametrize("share", [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.33, 1 / 3, 0.34, 0.5])
def test_a_share_near_what_blocks_make_is_taken(share: float, config: dict[str, Any]) -> None:
    config["samples"]["validation"] = share
    assert plan_of(config).trains


def test_block_and_share_are_free_where_they_are_not_used(config: dict[str, Any]) -> None:
    config["samples"] |= {"block_minutes": 1, "validation": 0}
    assert plan_of(config).trains


def test_no_static_field_is_called_as_another_channel(config: dict[str, Any]) -> None:
    from radar_cleaner.config.inputs import Inputs

    names = Inputs(
        (-6, 0, 6), "channel", "max", time_of_day=True, day_of_year=True, coordinates=True, scale=True
    ).names
    assert len(names) > 20
    for name in names:
        config["samples"]["static"] = {name: "README.md"}
        assert complaint(config).startswith(f"samples.static.{name}: is the name of a channel")
    config["samples"]["static"] = {"terrain": "README.md", "land_sea": "README.md"}
    assert plan_of(config).trains


def test_a_learning_rate_is_a_number_or_to_be_found(config: dict[str, Any]) -> None:
    for value in ("find", 1.0e-3, 1):
        config["training"]["learning_rate"] = value
        assert plan_of(config).settings.training.learning_rate == value


def test_averages_and_early_stopping_need_a_suitable_schedule(config: dict[str, Any]) -> None:
    config["training"] |= {"averaging": {"ema": 0.99, "swa": 1}, "early_stopping": 2}
    assert plan_of(config).trains
    config["training"] |= {"averaging": {"ema": 0.99}, "schedule": {"name": "plateau"}}
    assert plan_of(config).trains
    config["samples"]["validation"] = 0
    assert len(complaint(config).splitlines()) == 1


def test_a_mask_of_the_frames_size_is_taken(config: dict[str, Any], tmp_path: Path) -> None:
    Image.new("L", (580, 480)).save(tmp_path / "mask.png")
    config["frames"]["overlay"]["mask"] = str(tmp_path / "mask.png")
    assert plan_of(config).radars["CASGO"].overlay.mask == str(tmp_path / "mask.png")


@pytest.fixture
def given(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The config with a model file, so that nothing trains, and with nothing scored."""
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as file:
        file.writestr("data", "")
    config["cleaning"] = {"model": str(tmp_path / "model.pt"), "votes": 0}
    del config["training"], config["evaluation"]
    return config


def test_the_files_of_a_backbone_are_inputs_and_its_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_text("")
    (tmp_path / "runs.d").mkdir()
    model = {"name": "encoder_unet", "code": None, "start_from": None, "backbone": str(tmp_path)}
    assert network_files(Network.model_validate(model)) == [
        str(tmp_path / "config.json"),
        str(tmp_path / "model.safetensors"),
    ]


@pytest.fixture
def own(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The config with models in its results folder, of an earlier run of it."""
    config["results"] = str(tmp_path / "results")
    for name in ("best.pt", "seed-3/best.pt", "copy.pt"):
        path = tmp_path / "results/model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("data", "")
    return config


@pytest.mark.parametrize("name", ["best.pt", "seed-3/best.pt", "../model/best.pt"])
def test_a_training_does_not_begin_with_what_it_writes(own: dict[str, Any], name: str) -> None:
    own["training"]["model"] = {"start_from": f"{own['results']}/model/copy.pt"}
    assert plan_of(own).trains
    own["training"]["model"] = {"start_from": f"{own['results']}/model/{name}"}
    message = complaint(own)
    assert message.startswith("training.model.start_from: ") and "copy it elsewhere first" in message


@pytest.mark.parametrize(("section", "key"), [("cleaning", "model"), ("evaluation", "compare_model")])
def test_what_is_trained_here_is_not_named_by_its_path(own: dict[str, Any], section: str, key: str) -> None:
    own["cleaning"] = {"model": "trained"}
    own.setdefault(section, {})[key] = f"{own['results']}/model/best.pt"
    message = complaint(own)
    assert message.startswith(f"{section}.{key}: ") and "write trained, or copy it elsewhere" in message


def test_a_model_trained_earlier_cleans_where_nothing_trains(
    own: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a period to train on; or spelled otherwise than Snakemake knows its output."""
    own["cleaning"] = {"model": f"{own['results']}/model/best.pt"}
    assert complaint(own).startswith("cleaning.model: ")
    period = own["training"].pop("period")
    own["evaluation"], own["atlas"]["period"] = {}, period
    assert not plan_of(own).trains
    own["training"]["period"] = period
    (tmp_path / "link").symlink_to(tmp_path / "results")
    own["cleaning"] = {"model": str(tmp_path / "link/model/best.pt")}
    assert not plan_of(own).trains
    own["evaluation"] = {"period": HOUR, "compare_model": "trained"}
    assert complaint(own).startswith("cleaning.model: ")


HOUR = ["2024-07-11 13:00", "2024-07-11 14:00"]


def test_scores_need_an_atlas_of_other_times(given: dict[str, Any]) -> None:
    given["evaluation"] = {"period": HOUR}
    assert complaint(given).startswith("atlas.period: is missing; ")
    given["atlas"]["period"] = ["2024-07-10 22:00", "2024-07-11 00:00"]
    assert plan_of(given).uses_atlas


def test_where_no_atlas_is_used_its_period_is_free(given: dict[str, Any], tmp_path: Path) -> None:
    given["atlas"]["period"] = ["2025-07-10 22:00", "2025-07-11 00:00"]
    assert not plan_of(given).uses_atlas
    given["samples"]["atlas"] = "mask"
    assert complaint(given).startswith("atlas.period: no radar has a frame")
    given["samples"]["atlas"], given["cleaning"]["votes"] = "none", 1
    assert complaint(given).startswith("atlas.period: no radar has a frame")
    given["votes"] = {"atlas": 0}
    assert not plan_of(given).uses_atlas
    given["atlas"]["period"], given["votes"] = None, {"atlas": 1}
    assert plan_of(given).uses_atlas


def test_a_radar_without_frames_for_its_atlas_is_refused_by_its_id(given: dict[str, Any], tmp_path: Path) -> None:
    Image.new("RGB", (580, 480)).save(tmp_path / "CASCM_202407111300.png")
    given["radars"][1]["frames"] = str(tmp_path)
    given["atlas"]["period"] = ["2024-07-10 22:00", "2024-07-11 00:00"]
    assert plan_of(given).shards("CASCM") == ["20240711T13"]
    given["samples"]["atlas"] = "channel"
    message = complaint(given)
    assert message.startswith("atlas.period: radar CASCM has no frame in it")
    assert "\n" not in message and "lengthen it, or clean that radar in a run of its own" in message


def test_the_shipped_configs_are_whole(config: dict[str, Any]) -> None:
    for name in ("config.yaml", "maritimes.yaml", "forecasts.yaml"):
        shipped = yaml.safe_load((REPOSITORY / "config" / name).read_text())
        plan = plan_of(shipped)
        assert plan.references() and plan.trains and plan.evaluates


def test_a_radar_overrides_the_common_keys_for_itself_alone(config: dict[str, Any]) -> None:
    config["radars"][1] |= {"legend_width_px": 90, "labels": {"min_dbz": 12}, "overlay": {"border_px": 7}}
    del config["radars"][1]["center_px"]
    plan = plan_of(config)
    first, second = plan.radars.values()
    assert first.box((580, 480)) == (100, 0, 580, 480) and second.box((580, 480)) == (90, 0, 580, 480)
    assert first.labels.min_dbz == 5 and second.labels.min_dbz == 12
    assert second.labels.palette == first.labels.palette
    assert (second.overlay.border_px, len(second.overlay.boxes_px)) == (7, 1)
    assert second.center((580, 480)) == ((90 + 579) / 2, 479 / 2)


def test_window_and_purge_follow_from_the_cadence(config: dict[str, Any]) -> None:
    config["frames"]["cadence_minutes"] = 15
    config["samples"]["block_minutes"] = 60
    plan = plan_of(config)
    assert plan.settings.samples.input_minutes == (-15, 0, 15)
    assert plan.settings.samples.purge_minutes == 30


def test_the_frame_size_is_what_most_headers_say(config: dict[str, Any], tmp_path: Path) -> None:
    import numpy as np
    from imageio import v3 as iio

    for minute in range(5):
        size = (30, 40) if minute != 2 else (31, 40)
        iio.imwrite(tmp_path / f"{202407102200 + minute}.png", np.zeros((*size, 3), np.uint8))
    (tmp_path / "202407102259.png").write_bytes(b"")
    config["radars"] = [{**config["radars"][0], "frames": str(tmp_path), "center_px": None}]
    config["frames"] = {"shard": "hour"}
    config["training"]["period"] = ["2024-07-10 22:00", "2024-07-10 23:00"]
    del config["evaluation"]
    assert plan_of(config).sizes == {"CASGO": (40, 30)}


def test_unquoted_yaml_times_are_times(config: dict[str, Any]) -> None:
    config["frames"]["shard"] = "day"
    config["frames"].pop("period", None)
    config["training"]["period"] = yaml.safe_load("[2024-07-10, 2024-07-11]")
    config["evaluation"]["period"] = yaml.safe_load("[2024-07-11 00:00:00, 2024-07-12]")
    plan = plan_of(config)
    assert plan.shards("CASGO", "training") == ["20240710"]
    assert plan.shards("CASGO", "evaluation") == ["20240711"]


def test_the_guides_worked_example_is_a_whole_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from imageio import v3 as iio

    text = (REPOSITORY / "docs/how-to/own_radars.md").read_text()
    block = text.split("```yaml")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(REPOSITORY / "config")
    for radar in ("nkm", "njk"):
        (tmp_path / "frames" / radar).mkdir(parents=True)
        for day in (1, 2):
            name = f"{radar}_202606{day:02d}0715.png"
            iio.imwrite(tmp_path / "frames" / radar / name, np.zeros((800, 800, 3), np.uint8))
    plan = plan_of(yaml.safe_load(block))
    assert plan.shards("NKM") == ["20260601", "20260602"]
    geometry = plan.radars["NKM"].geometry(plan.sizes["NKM"])
    assert (geometry.grid.width, geometry.grid.height) == (800, 800)
    assert geometry.center_px == pytest.approx((399.5, 399.5), abs=0.6)
    assert geometry.grid.pixel_km == pytest.approx((0.375, 0.375), rel=0.01)
    assert plan.settings.samples.input_minutes == (-15, 0, 15)


def test_a_value_that_init_left_to_the_user_is_named(config: dict[str, Any]) -> None:
    config["radars"][0]["latitude"] = "???"
    config["labels"]["palette"] = "???"
    lines = complaint(config).splitlines()
    assert {line.split(":")[0] for line in lines} == {"labels.palette", "radars[0].latitude"}
    assert all("is still ???" in line for line in lines)


def test_radars_that_are_left_out_must_exist_and_leave_one_to_learn_from(config: dict[str, Any]) -> None:
    config["samples"]["validation_radars"] = ["CASGO"]
    assert plan_of(config).trains
    config["samples"]["validation_radars"] = ["CASGU"]
    assert complaint(config) == "samples.validation_radars: there is no radar 'CASGU'; did you mean 'CASGO'?"
    config["samples"]["validation_radars"] = [radar["id"] for radar in config["radars"]]
    assert "leaves out all radars" in complaint(config)


def test_a_reference_may_be_the_only_labeler(config: dict[str, Any]) -> None:
    config["votes"] = {"reference": "resources/maritimes/truth"}
    config["votes"] |= {labeler.key: 0 for labeler in declared_labelers() if labeler.name != "reference"}
    assert plan_of(config).trains
    config["votes"].pop("reference")
    assert "are all 0" in complaint(config)
