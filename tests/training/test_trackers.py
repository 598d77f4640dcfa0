"""The log of a run outlives its process; what the trackers keep can be read back, without any network."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from radar_cleaner.errors import ConfigError, Interrupted
from radar_cleaner.training.trackers import RunLog, open_run_log, require_tracker

PARAMETERS = {"epochs": 3, "stores": ["CASGO=20240711"], "learning_rate": 0.006, "note": "x" * 20_000}


def lines_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def run_python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def write_a_run(runs, tracker):
    """Two epochs of two steps; validation scores come at the last step of their epoch."""
    with open_run_log(runs, tracker, PARAMETERS) as log:
        log.record("start", 0, {"processes": 2, "device": "cpu"})
        for step in range(4):
            log.record("step", step, {"loss": 1 / (step + 1), "rate": 0.006, "wait_share": np.float32(0.25)})
            if step % 2:
                row = {"epoch": step // 2 + 1, "train_loss": 0.5, "val_loss": 0.25 * step, "ema_val_mask_f1": 0.75}
                log.record("epoch", step, row | {"swa_val_loss": float("nan"), "learning_rate": 0.003})
        log.record("end", 3, {"best_epoch": 1, "best_weights": "ema"})
    return log.folder


def test_a_run_has_a_folder_of_its_own_with_a_line_an_event(tmp_path):
    first, second = write_a_run(tmp_path, "none"), write_a_run(tmp_path, "none")
    assert first != second and re.fullmatch(r"\d{8}T\d{6}Z(-\d+)?", second.name)
    assert [path.name for path in first.iterdir()] == ["log.jsonl"]
    lines = lines_of(first)
    kinds = [line["kind"] for line in lines]
    assert kinds == ["parameters", "start", "step", "step", "epoch", "step", "step", "epoch", "end"]
    assert all(set(line) == {"time", "kind", "step", "values"} for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)
    assert lines[0]["values"] == PARAMETERS
    assert lines[2]["values"] == {"loss": 1.0, "rate": 0.006, "wait_share": 0.25}


def test_what_json_has_no_word_for_is_null_or_text(tmp_path):
    with open_run_log(tmp_path, "none", {"at": tmp_path}) as log:
        log.record(
            "rates", 0, {"losses": [1.0, float("inf"), np.float64("nan")], "stopped": True, "n": np.int64(3)}
        )
        log.record("end", 0, {"nothing": None})
    text = (log.folder / "log.jsonl").read_text()
    assert "NaN" not in text and "Infinity" not in text
    parameters, rates, end = (line["values"] for line in lines_of(log.folder))
    assert parameters == {"at": str(tmp_path)} and end == {"nothing": None}
    assert rates == {"losses": [1.0, None, None], "stopped": True, "n": 3}


def test_without_a_folder_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_run_log(None, "tensorboard", PARAMETERS) as log:
        log.record("step", 0, {"loss": 1.0})
    RunLog().record("step", 0, {"loss": 1.0})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Interrupted("again"), "interrupted"), (KeyboardInterrupt(), "interrupted"), (OSError("full"), "failed")],
)
def test_an_error_that_ends_the_run_is_its_last_line(tmp_path, error, kind):
    with pytest.raises(type(error)), open_run_log(tmp_path, "none", {}) as log:
        log.record("step", 7, {})
        raise error
    last = lines_of(log.folder)[-1]
    assert (last["kind"], last["step"]) == (kind, 7) and type(error).__name__ in last["values"]["error"]


def test_an_ending_that_was_logged_is_not_logged_twice(tmp_path):
    with pytest.raises(Interrupted), open_run_log(tmp_path, "none", {}) as log:
        log.record("interrupted", 7, {"signal": "SIGTERM"})
        raise Interrupted("again")
    assert [line["kind"] for line in lines_of(log.folder)] == ["parameters", "interrupted"]


def test_all_that_was_logged_before_a_sigkill_is_there_in_whole_lines(tmp_path):
    code = """
import sys
from pathlib import Path
from radar_cleaner.training.trackers import open_run_log
log = open_run_log(Path(sys.argv[1]), "none", {})
for step in range(10**9):
    log.record("step", step, {"loss": 1.0, "rate": 0.5})
    print(step, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    logged = [int(process.stdout.readline()) for _ in range(200)][-1]
    process.send_signal(signal.SIGKILL)
    logged = max([logged, *map(int, process.stdout.read().split())])  # more lines may have come before the signal
    assert process.wait(60) == -signal.SIGKILL
    steps = [line["step"] for line in lines_of(only(tmp_path, "*"))[1:]]
    assert steps == list(range(len(steps))) and len(steps) - 1 >= logged >= 199


def test_tensorboard_reads_what_was_written(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = write_a_run(tmp_path, "tensorboard")
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert {"step/loss", "train/loss", "val/loss", "ema_val/mask_f1", "epoch/learning_rate"} <= {
        *events.Tags()["scalars"]
    }
    assert "swa_val/loss" not in events.Tags()["scalars"]  # it was never a number
    assert [(event.step, event.value) for event in events.Scalars("step/loss")] == [
        (step, pytest.approx(1 / (step + 1))) for step in range(4)
    ]
    assert [(event.step, event.value) for event in events.Scalars("val/loss")] == [(1, 0.25), (3, 0.75)]
    assert b"CASGO" in events.Tensors("parameters/text_summary")[0].tensor_proto.string_val[0]


@pytest.mark.slow  # MLflow makes its database
def test_mlflow_reads_what_was_written_and_compares_runs(tmp_path):
    write_a_run(tmp_path, "mlflow")
    with pytest.raises(Interrupted), open_run_log(tmp_path, "mlflow", {}) as log:
        log.record("step", 0, {"loss": 2.0})
        raise Interrupted("again")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = (one for one in client.search_experiments() if one.name == "radar_cleaner")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert sorted(runs) == folders
    whole, broken = (runs[name] for name in folders)
    assert (whole.info.status, broken.info.status) == ("FINISHED", "KILLED")
    assert whole.data.params["epochs"] == "3" and whole.data.params["stores"] == "['CASGO=20240711']"
    losses = client.get_metric_history(whole.info.run_id, "val/loss")
    assert [(metric.step, metric.value) for metric in losses] == [(1, 0.25), (3, 0.75)]
    assert len(client.get_metric_history(whole.info.run_id, "step/loss")) == 4
    assert broken.data.metrics["step/loss"] == 2.0


def read_wandb(path):
    """The history rows in a file of W&B: LevelDB's log format (7 bytes first) around protobuf records."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, rows, whole = path.read_bytes(), 7, [], b""
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:  # no header fits at the end of a block
            place += 32768 - place % 32768
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or its last part
            record = Record.FromString(whole)
            whole = b""
            if record.history.item:
                items = record.history.item
                rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
    return rows


def test_wandb_keeps_an_offline_run(tmp_path, monkeypatch):
    import wandb

    monkeypatch.setenv("WANDB_MODE", "online")  # not even then does it call
    folder = write_a_run(tmp_path, "wandb")
    wandb.teardown()  # as at the end of the process: the writer of the file does not report its end
    rows = read_wandb(only(folder, "wandb/offline-run-*/run-*.wandb"))
    assert [row["step/loss"] for row in rows if "step/loss" in row] == [1 / (step + 1) for step in range(4)]
    assert [(row["step"], row["val/loss"]) for row in rows if "val/loss" in row] == [(1, 0.25), (3, 0.75)]
    assert not [path for path in folder.rglob("*") if path.is_dir() and path.name.startswith("run-")]


@pytest.mark.parametrize(
    ("tracker", "package"),
    [("tensorboard", "tensorboard"), ("wandb", "wandb"), ("mlflow", "mlflow"), ("mlflow", "alembic")],
)
def test_a_missing_package_is_named_with_its_extra_before_any_output(tmp_path, monkeypatch, tracker, package):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(
        ConfigError, match=rf"training.tracker: {package} is not installed; pip install 'radar-cl.*\[{tracker}\]'"
    ):
        open_run_log(tmp_path, tracker, {})
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="none, tensorboard, wandb, mlflow"):
        require_tracker("excel")


def test_the_packages_of_trackers_are_not_imported_unless_used(tmp_path):
    code = """
import sys
from pathlib import Path
from radar_cleaner.training.trackers import open_run_log
with open_run_log(Path(sys.argv[1]), "none", {"epochs": 1}) as log:
    log.record("end", 0, {})
print({name.split(".")[0] for name in sys.modules} & {"torch", "tensorboard", "wandb", "mlflow", "sqlalchemy"})
"""
    assert run_python(code, tmp_path).stdout.strip() == "set()"


def requests_to(proxy):
    """The HTTP requests to a proxy. Other programs of the machine may try a port that was free before."""
    proxy.settimeout(1.0)
    found = []
    with contextlib.suppress(TimeoutError):
        while True:
            connection, _ = proxy.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1.0)
                words = connection.recv(1000)
                found += [words] if b"HTTP/" in words else []
    return found


@pytest.mark.slow  # each tracker is imported by a process of its own
@pytest.mark.parametrize("tracker", ["tensorboard", "wandb", "mlflow"])
def test_a_tracker_tries_no_network_and_delays_nothing(tmp_path, monkeypatch, tracker):
    code = """
import sys, time
from pathlib import Path
tried = []
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        tried.append(arguments)
    if event == "socket.connect" and not isinstance(arguments[1], str | bytes):
        tried.append(arguments[1])
sys.addaudithook(watch)
from radar_cleaner.training.trackers import open_run_log
log = open_run_log(Path(sys.argv[1]), sys.argv[2], {"epochs": 1})
log.record("step", 0, {"loss": 1.0})
log.record("end", 1, {})
ending = time.monotonic()
log.close()
print(tried, round(time.monotonic() - ending, 2), flush=True)
"""
    # Everything that a tracker's processes send passes this hook.
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("CI", "PYTEST_CURRENT_TEST", "PYTEST_VERSION"):  # where MLflow is quiet anyway
            monkeypatch.delenv(name, raising=False)
        began = time.monotonic()
        done = run_python(code, tmp_path, tracker)
        took = time.monotonic() - began
        assert requests_to(proxy) == []
    assert done.returncode == 0, done.stderr
    tried, closing = re.fullmatch(r"(.*) (\S+)\n", done.stdout).groups()
    assert tried == "[]"
    assert float(closing) < 10 and took < 100


def test_a_tracker_that_breaks_does_not_end_the_training(tmp_path, caplog):
    class Broken:
        errors = (ConnectionError,)

        def log(self, values, step):
            raise ConnectionResetError("its process is gone")

        def close(self, ending):
            raise AssertionError("it is no longer asked")

    with RunLog(tmp_path, Broken()) as log:
        log.record("step", 0, {"loss": 1.0})
        log.record("step", 1, {"loss": 1.0})
        log.record("end", 2, {})
    assert [line["step"] for line in lines_of(tmp_path)] == [0, 1, 2]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "its process is gone" in caplog.text


def test_a_disk_without_room_for_the_log_stops_no_training(tmp_path, caplog):
    log = open_run_log(tmp_path, "none", {})
    log._file.close()
    with Path("/dev/full").open("wb", buffering=0) as log._file, log:
        log.record("step", 1, {"loss": 1.0})
        log.record("step", 2, {"loss": 1.0})
    assert caplog.text.count("log.jsonl cannot be written, the run goes on without it") == 1
