"""The stage that trains, as Snakemake calls it."""

import errno
import json
import logging
import os
import signal
import socket
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
import store_cases
import torch
from learning_cases import (
    ARTEFACT_FILE,
    change_flags,
    finish,
    start_training,
    train_flags,
    train_here,
    write_stores,
)

from radar_cleaner.errors import ConfigError, ModelError, SampleError
from radar_cleaner.models.files import load_model, read_model_provenance, save_model
from radar_cleaner.models.registry import model_options
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.paths import Layout

# All that has a state or draws, in steps that are saved often.
EVERYTHING = {
    "ema": 0.9,
    "swa": 0.3,
    "options": '{"base_width": 4, "depth": 2, "dropout": 0.2}',
    "micro_batch_size": 1,
    "hole_shapes": ["blocks", "pixels", "sectors"],
    "input_noise_dbz": 1.0,
    "normalize": True,
    "epochs": 8,
    "checkpoint_minutes": 1e-9,
}


@pytest.fixture(autouse=True)
def _determinism_ends_with_the_test():
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def made(tmp_path):
    """A results folder with stores, and the arguments to train on it."""
    return tmp_path / "results", train_flags(tmp_path / "results", write_stores(tmp_path / "results"))


def read_outputs(results):
    return {path.name: path.read_bytes() for path in sorted((results / "model").iterdir())}


def test_it_writes_a_model_a_history_and_a_card(made, caplog):
    results, arguments = made
    with caplog.at_level(logging.INFO):
        train_here(arguments)
    config, _, model = load_model(results / "model/best.pt")
    assert config.inputs.input_minutes == (-6, 0, 6) and model_options(config).base_width == 4
    history = pd.read_csv(results / "model/history.csv")
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.notna().all().all() and {"train_loss", "val_reflectivity_mae_dbz", "val_mask_f1"} <= {*history}
    provenance = read_model_provenance(results / "model/best.pt")
    assert 0.05 <= provenance["temperature"] <= 20 and provenance["temperature"] != 1
    assert -17 <= provenance["bias"] <= 17 and provenance["bias"] != 0
    assert provenance["parameters"]["learning"]["learning_rate"] == 3e-3
    assert "labels/CASGO/20240711.zarr" in provenance["inputs"] and "artefacts" in provenance["inputs"]
    assert provenance["parameters"]["learning"]["plants"]["ranges"] == str(ARTEFACT_FILE)
    assert not any("atlas" in name or str(results) in name for name in provenance["inputs"])
    card = (results / "model/card.md").read_text()
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert f"| weights | {weights} |" in card
    assert (
        "| training | CASCM | 9 | 2024-07-11T00:06:00Z |" in card and "| learning.learning_rate | 0.003 |" in card
    )
    assert "epoch 1/3" in caplog.text and len(caplog.records) <= 16


def test_equal_trainings_write_equal_files_wherever_they_are(tmp_path):
    outputs = []
    for name in ("one", "two"):
        results = tmp_path / name
        train_here(train_flags(results, write_stores(results)))
        outputs.append(read_outputs(results))
    assert outputs[0] == outputs[1] and set(outputs[0]) == {"best.pt", "card.md", "history.csv", "history.png"}


@pytest.mark.parametrize("atlas", ["mask", "channel"])
def test_the_atlas_is_an_input_where_it_is_used(made, atlas):
    results, arguments = made
    train_here(change_flags(arguments, atlas=atlas, epochs=1))
    config, _, _ = load_model(results / "model/best.pt")
    assert config.channels == (16 if atlas == "channel" else 15)
    assert "atlas/CASGO.zarr" in read_model_provenance(results / "model/best.pt")["inputs"]


def test_without_the_atlas_no_atlas_is_read(made):
    results, arguments = made
    for radar in ("CASGO", "CASCM"):
        (Layout(results).atlas(radar) / "zarr.json").unlink()
    train_here(change_flags(arguments, epochs=1))


def test_one_radar_alone_without_validation_takes_the_last_epoch(tmp_path):
    results = tmp_path / "results"
    arguments = train_flags(results, write_stores(results, ["CASGO"]))
    write_text(arguments["val_table"], "time,radar\n")
    train_here(arguments)
    assert read_model_provenance(results / "model/best.pt")["best_epoch"] == 3
    assert "the last: there are no validation samples" in (results / "model/card.md").read_text()


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a parameter", {"learning_rate": 1e-3}),
        ("a weight of the loss", {"dice_weight": 0.6}),
        ("the samples", None),
        ("a store", None),
        ("the ranges of artefacts", None),
    ],
)
def test_another_training_never_resumes_the_old_one(made, caplog, what, change):
    results, arguments = made
    ranges = results / "plants.yaml"
    arguments = change_flags(arguments, plant_ranges=str(ranges))
    write_text(ranges, ARTEFACT_FILE.read_text())
    train_here(change_flags(arguments, epochs=1))
    if what == "the ranges of artefacts":
        write_text(ranges, ranges.read_text().replace("dbz: [8, 32]", "dbz: [8, 33]"))
    elif what == "the samples":
        lines = arguments["train_table"].read_text().splitlines()
        write_text(arguments["train_table"], "\n".join([*lines[:-1], ""]))
    elif what == "a store":
        layout, times = Layout(results), store_cases.times_from(count=12)
        store_cases.make_aligned(layout.aligned("CASGO", "20240711"), "CASGO", times, shape=(32, 32))
    caplog.clear()
    with caplog.at_level(logging.INFO):
        train_here(change_flags(arguments, epochs=1, **(change or {})))
    assert "other parameters, data or code" in caplog.text
    if what not in ("a parameter", "a store"):
        return
    resumed = read_outputs(results)
    (results / "checkpoints/current.pt").unlink()
    train_here(change_flags(arguments, epochs=1, **(change or {})))
    assert resumed == read_outputs(results)


def steps_done(results):
    """Steps that the runs of a training have logged so far."""
    return sum(path.read_text().count('"kind": "step"') for path in results.glob("runs/*/log.jsonl"))


def wait_for_steps(process, results, wanted):
    deadline = time.monotonic() + 300
    while process.poll() is None and steps_done(results) < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def workers(process):
    """The training processes that torchrun has started."""
    return [child for child in psutil.Process(process.pid).children() if "train-model" in child.cmdline()]


def interrupt(process, how):
    """Kill a training and all that it has started, or send it a signal and let it end."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    if how == signal.SIGKILL:
        for member in family:
            member.kill()
    else:
        process.send_signal(how)
    output, _ = process.communicate(timeout=300)
    psutil.wait_procs(family, timeout=30)
    assert process.returncode != 0
    return output


@pytest.mark.slow
def test_a_run_killed_while_it_trains_resumes_to_the_same_files(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train_here(train_flags(whole, write_stores(whole), **EVERYTHING), draw=True)
    arguments = train_flags(killed, write_stores(killed), **EVERYTHING)
    process = start_training(arguments)
    wait_for_steps(process, killed, 9)
    interrupt(process, signal.SIGKILL)
    assert not (arguments["output"] / "best.pt").exists()
    assert "resumes after epoch" in finish(start_training(arguments))
    assert read_outputs(whole) == read_outputs(killed)


@pytest.mark.slow  # five starts; `make test` interrupts trainings in tests/training/test_loop.py
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_an_interrupted_run_asks_for_a_retry_and_resumes(tmp_path, number):
    """SIGUSR1 goes to two processes."""
    results = tmp_path / "results"
    arguments = train_flags(results, write_stores(results), **EVERYTHING)
    process = start_training(arguments, processes=2 if number == signal.SIGUSR1 else None)
    wait_for_steps(process, results, 3)
    output = interrupt(process, number)
    assert process.returncode == (1 if number == signal.SIGUSR1 else os.EX_TEMPFAIL)
    mark = results / "checkpoints/again"
    assert mark.read_text().startswith(f"again: stopped by {signal.Signals(number).name} after epoch")
    assert f"stopped by {signal.Signals(number).name}" in output
    lines = [json.loads(line) for path in results.glob("runs/*/log.jsonl") for line in path.open()]
    assert lines[-1]["kind"] == "interrupted"
    if number == signal.SIGTERM:
        assert "resumes after epoch" in finish(start_training(arguments))
        assert not mark.exists()


def test_a_signal_while_the_model_is_written_lets_it_be_written(made, monkeypatch):
    _, arguments = made

    def interrupted(*given, save=save_model):
        signal.raise_signal(signal.SIGTERM)
        save(*given)

    monkeypatch.setattr("radar_cleaner.training.outputs.save_model", interrupted)
    train_here(change_flags(arguments, epochs=1))
    assert (arguments["output"] / "best.pt").exists() and (arguments["output"] / "card.md").exists()
    assert not arguments["checkpoint"].with_name("again").exists()


def test_a_full_disk_is_reported_by_the_state_not_by_the_log(made, monkeypatch, caplog):
    _, arguments = made

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        ModelError, match=r"current\.pt: .* cannot be saved \(No space left on device\); make room"
    ):
        train_here(change_flags(arguments, epochs=1))
    assert not list(arguments["checkpoint"].parent.glob("*"))


@pytest.mark.slow  # five starts of two processes
def test_interruptions_of_two_processes_change_no_bit(tmp_path):
    """EMA, SWA, accumulation, inpainting, dropout and two processes, killed or asked to stop.

    The first kill comes before a state is saved, the second within an epoch whose steps are lost and taken again.
    """
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    finish(start_training(train_flags(whole, write_stores(whole), **EVERYTHING), processes=2))
    arguments = train_flags(parted, write_stores(parted), **EVERYTHING)
    for way, minutes, more in ((signal.SIGKILL, 10, 1), (signal.SIGKILL, 10, 7), (signal.SIGUSR1, 1e-9, 4)):
        process = start_training(change_flags(arguments, checkpoint_minutes=minutes), processes=2)
        wait_for_steps(process, parted, steps_done(parted) + more)
        interrupt(process, way)
        assert (parted / "checkpoints/again").exists() == (way != signal.SIGKILL)
    assert not (arguments["output"] / "best.pt").exists()
    assert "resumes after epoch" in finish(start_training(arguments, processes=2))
    assert read_outputs(whole) == read_outputs(parted)
    assert not (parted / "checkpoints/again").exists()


@pytest.mark.slow  # three starts of two processes
def test_a_process_that_dies_takes_the_others_down_and_a_restart_resumes(tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    finish(start_training(train_flags(whole, write_stores(whole), **EVERYTHING), processes=2))
    arguments = train_flags(parted, write_stores(parted), **EVERYTHING)
    process = start_training(arguments, processes=2)
    wait_for_steps(process, parted, 5)
    began = time.monotonic()
    first, second = workers(process)
    second.kill()
    output, _ = process.communicate(timeout=300)
    assert time.monotonic() - began < 30 and process.returncode != 0
    assert not first.is_running()
    assert "SIGKILL" in output  # torchrun names who died and how
    process = start_training(arguments, processes=2, torchrun=("--standalone", "--max-restarts", "1"))
    wait_for_steps(process, parted, steps_done(parted) + 3)
    workers(process)[0].kill()
    output = finish(process)
    assert output.count("resumes after epoch") == 2
    assert read_outputs(whole) == read_outputs(parted)


@pytest.mark.slow  # three starts of a launcher
def test_two_launchers_as_on_two_machines_train_as_one_does(tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    finish(start_training(train_flags(whole, write_stores(whole)), processes=2))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{free.getsockname()[1]}"
    torchrun = ("--nnodes", "2", "--rdzv-backend", "c10d", "--rdzv-id", "a", "--rdzv-endpoint", endpoint)
    torchrun += ("--local-addr", "127.0.0.1")
    arguments = train_flags(parted, write_stores(parted))
    launchers = [start_training(arguments, processes=1, torchrun=torchrun) for _ in range(2)]
    output = "".join(finish(launcher) for launcher in launchers)
    assert output.count("the best weights (raw)") == 1
    assert read_outputs(whole) == read_outputs(parted)


def test_every_step_and_epoch_is_in_the_log(made):
    results, arguments = made
    train_here(arguments)
    lines = [json.loads(line) for path in results.glob("runs/*/log.jsonl") for line in path.open()]
    assert [line["kind"] for line in lines[:2]] == ["parameters", "start"] and lines[-1]["kind"] == "end"
    steps = [line for line in lines if line["kind"] == "step"]
    assert [line["step"] for line in steps] == list(range(15))
    assert {"loss", "inpainting", "inpainting_mae_dbz", "learning_rate", "samples_per_s", "wait_share"} <= {
        *steps[0]["values"]
    }
    epochs = pd.DataFrame([line["values"] for line in lines if line["kind"] == "epoch"])
    written = pd.read_csv(results / "model/history.csv")
    assert epochs.val_loss.tolist() == pytest.approx(written.val_loss.tolist(), rel=1e-5)
    # The mean over an epoch of the steps' values; the last batch is smaller.
    sizes = [4, 4, 4, 4, 1]
    mean = sum(line["values"]["loss"] * size for line, size in zip(steps, sizes, strict=False)) / 17
    assert mean == pytest.approx(written.train_loss[0], rel=1e-4)


def test_a_rate_is_found_drawn_and_kept(made):
    results, arguments = made
    flags = train_flags(results, arguments["stores"], learning_rate="find", epochs=1)
    train_here(flags)
    tried = pd.read_csv(results / "model/rates.csv")
    found = read_model_provenance(results / "model/best.pt")["learning_rate"]
    assert tried.learning_rate.is_monotonic_increasing and tried.learning_rate[0] < found < 1
    assert (results / "model/rates.png").read_bytes().startswith(b"\x89PNG")
    assert f"{found:.3g}" in (results / "model/card.md").read_text()
    before = read_outputs(results)
    train_here(flags)
    assert read_outputs(results) == before


def test_another_way_of_running_resumes_the_finished_training(made, caplog):
    _, arguments = made
    train_here(change_flags(arguments, epochs=1))
    other = {"micro_batch_size": 2, "checkpoint_minutes": 3, "on_out_of_memory": "stop"}
    for key, value in other.items():
        caplog.clear()
        with caplog.at_level(logging.INFO):
            train_here(change_flags(arguments, epochs=1, **{key: value}))
        assert "resumes after epoch 1 and 0 step(s)" in caplog.text and "epoch 1/1" not in caplog.text, key


def test_hours_channels_and_static_fields_train(tmp_path):
    results = tmp_path / "results"
    stores = write_stores(results, static=("terrain",))
    changes = {"time_of_day": True, "day_of_year": True, "coordinates": True, "static": ["terrain"], "epochs": 1}
    train_here(train_flags(results, stores, **changes))
    config, _, model = load_model(results / "model/best.pt")
    assert config.inputs.names[-1] == "terrain" and config.channels == 15 + 2 + 2 + 4 + 1
    assert next(model.parameters()).shape[1] == config.channels
    assert "static/CASGO.zarr" in read_model_provenance(results / "model/best.pt")["inputs"]


@pytest.mark.slow  # two starts of two processes
def test_torchrun_with_two_processes_is_reproducible_and_close_to_one(tmp_path):
    outputs = []
    for name in ("one", "two"):
        results = tmp_path / name
        stores = write_stores(results)
        output = finish(start_training(train_flags(results, stores, global_batch_size=5), processes=2))
        assert "2 process(es) of 1 thread(s)" in output and output.count("the best weights (") == 1
        outputs.append(read_outputs(results))
    assert outputs[0] == outputs[1]
    alone = tmp_path / "alone"
    train_here(train_flags(alone, write_stores(alone), global_batch_size=5))
    ours, theirs = (pd.read_csv(folder / "model/history.csv") for folder in (tmp_path / "one", alone))
    assert ours.train_loss.tolist() == pytest.approx(theirs.train_loss.tolist(), rel=1e-2)
    assert ours.val_loss.tolist() == pytest.approx(theirs.val_loss.tolist(), rel=1e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lead_minutes": [30]}, r"lead_minutes \[30\]: must rise from 0"),
        ({"model": "huge"}, "model 'huge' is not known; choose one of encoder_unet, .*tiny_unet"),
        ({"plant_ranges": Path("my.yaml")}, r"there is no file my\.yaml"),
    ],
)
def test_impossible_values_are_refused_before_anything_is_read(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train_here(train_flags(tmp_path, ["CASGO=20240711"], **changes))


def test_an_empty_table_of_training_samples_is_refused(made):
    _, arguments = made
    write_text(arguments["train_table"], "time,radar\n")
    with pytest.raises(SampleError, match=r"train\.csv: has no samples"):
        train_here(arguments)
