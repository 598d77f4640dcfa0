"""The stage that trains, as Snakemake calls it."""

import logging
import os
import signal
import time

import pandas as pd
import pytest
import store_cases
import torch
from learning_cases import finish, start_training, train_arguments, write_stores

from radar_cleaner.checkpoints import load_model, load_state, read_model_provenance
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.layout import Layout
from radar_cleaner.stages.train_model import train_model
from radar_cleaner.tables import write_text


@pytest.fixture(autouse=True)
def _determinism_ends_with_the_test():
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def made(tmp_path):
    """A results folder with stores, and the arguments to train on it."""
    return tmp_path / "results", train_arguments(tmp_path / "results", write_stores(tmp_path / "results"))


def read_outputs(results):
    return {path.name: path.read_bytes() for path in sorted((results / "model").iterdir())}


def test_it_writes_a_model_a_history_and_a_card(made, caplog):
    results, arguments = made
    with caplog.at_level(logging.INFO):
        train_model(**arguments)
    config, _, model = load_model(results / "model/best.pt")
    assert config.input_minutes == (-6, 0, 6) and config.base_width == 4
    history = pd.read_csv(results / "model/history.csv")
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.notna().all().all() and {"train_loss", "val_reflectivity_mae_dbz", "val_mask_f1"} <= {*history}
    provenance = read_model_provenance(results / "model/best.pt")
    assert provenance["parameters"]["learning_rate"] == 3e-3
    assert "labels/CASGO/20240711.zarr" in provenance["inputs"]
    assert not any("atlas" in name or str(results) in name for name in provenance["inputs"])
    card = (results / "model/card.md").read_text()
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert f"of {weights} weights" in card
    assert "| training | CASCM | 9 | 2024-07-11T00:06:00Z |" in card and "| learning_rate | 0.003 |" in card
    assert "epoch 1/3" in caplog.text and len(caplog.records) <= 12


def test_equal_trainings_write_equal_files_wherever_they_lie(tmp_path):
    outputs = []
    for name in ("one", "two"):
        results = tmp_path / name
        train_model(**train_arguments(results, write_stores(results)))
        outputs.append(read_outputs(results))
    assert outputs[0] == outputs[1] and set(outputs[0]) == {"best.pt", "card.md", "history.csv"}


@pytest.mark.parametrize("atlas", ["mask", "channel"])
def test_the_atlas_is_an_input_where_it_is_used(made, atlas):
    results, arguments = made
    train_model(**{**arguments, "atlas": atlas, "epochs": 1})
    config, _, _ = load_model(results / "model/best.pt")
    assert config.channels == (16 if atlas == "channel" else 15)
    assert "atlas/CASGO.zarr" in read_model_provenance(results / "model/best.pt")["inputs"]


def test_without_the_atlas_no_atlas_is_read(made):
    results, arguments = made
    for radar in ("CASGO", "CASCM"):
        (Layout(results).atlas(radar) / "zarr.json").unlink()
    train_model(**{**arguments, "epochs": 1})


def test_one_radar_alone_without_validation_takes_the_last_epoch(tmp_path):
    results = tmp_path / "results"
    arguments = train_arguments(results, write_stores(results, ["CASGO"]))
    write_text(arguments["val"], "time,radar\n")
    train_model(**arguments)
    assert read_model_provenance(results / "model/best.pt")["best_epoch"] == 3
    assert "the last: there are no validation samples" in (results / "model/card.md").read_text()


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a parameter", {"learning_rate": 1e-3}),
        ("a weight of the loss", {"dice_weight": 0.6}),
        ("the samples", None),
        ("a store", None),
    ],
)
def test_another_training_never_goes_on_from_the_old_one(made, caplog, what, change):
    results, arguments = made
    train_model(**{**arguments, "epochs": 1})
    if what == "the samples":
        lines = arguments["train"].read_text().splitlines()
        write_text(arguments["train"], "\n".join([*lines[:-1], ""]))
    elif what == "a store":
        layout, times = Layout(results), store_cases.times_from(count=12)
        store_cases.make_aligned(layout.aligned("CASGO", "20240711"), "CASGO", times, shape=(32, 32))
    caplog.clear()
    with caplog.at_level(logging.INFO):
        train_model(**{**arguments, "epochs": 1, **(change or {})})
    assert "other parameters, data or code" in caplog.text
    resumed = read_outputs(results)
    (results / "checkpoints/current.pt").unlink()
    train_model(**{**arguments, "epochs": 1, **(change or {})})
    assert resumed == read_outputs(results)


def test_a_run_killed_in_its_second_epoch_goes_on_to_the_same_files(tmp_path):
    results = tmp_path / "whole"
    train_model(**train_arguments(results, write_stores(results), epochs=25))
    killed = tmp_path / "killed"
    arguments = train_arguments(killed, write_stores(killed), epochs=25)
    process = start_training(arguments)
    state = killed / "checkpoints/current.pt"
    deadline = time.monotonic() + 60
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    digest = torch.load(state, weights_only=True)["digest"]
    assert 1 <= load_state(state, digest)["epoch"] < 25
    assert not arguments["best"].exists()
    assert "goes on after epoch" in finish(start_training(arguments))
    assert read_outputs(results) == read_outputs(killed)


def test_torchrun_with_two_processes_is_reproducible_and_close_to_one(tmp_path):
    outputs = []
    for name in ("one", "two"):
        results = tmp_path / name
        stores = write_stores(results)
        said = finish(start_training(train_arguments(results, stores, global_batch_size=5), processes=2))
        assert "2 process(es) of 1 thread(s)" in said and said.count("best epoch") == 1
        outputs.append(read_outputs(results))
    assert outputs[0] == outputs[1]
    alone = tmp_path / "alone"
    train_model(**train_arguments(alone, write_stores(alone), global_batch_size=5))
    ours, theirs = (pd.read_csv(folder / "model/history.csv") for folder in (tmp_path / "one", alone))
    assert ours.train_loss.tolist() == pytest.approx(theirs.train_loss.tolist(), rel=1e-2)
    assert ours.val_loss.tolist() == pytest.approx(theirs.val_loss.tolist(), rel=1e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lead_minutes": [30]}, r"lead_minutes \[30\]: other than 0 needs"),
        ({"model": "huge"}, "model 'huge' is not known; there is tiny_unet"),
        ({"drop_others": 1.5}, "drop_others is 1.5, allowed is 0 to 1"),
        ({"epochs": 0}, "epochs is 0, allowed is 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0, allowed is above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"input_minutes": []}, "input_minutes is empty"),
    ],
)
def test_impossible_values_are_refused_before_anything_is_read(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train_model(**train_arguments(tmp_path, ["CASGO=20240711"], **changes))


def test_an_empty_table_of_training_samples_is_refused(made):
    _, arguments = made
    write_text(arguments["train"], "time,radar\n")
    with pytest.raises(SampleError, match=r"train\.csv: holds no samples"):
        train_model(**arguments)
