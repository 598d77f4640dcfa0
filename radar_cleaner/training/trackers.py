"""The log of a training: a line of JSON for each event, and the experiment tracker of the user's choice.

    runs/20261122T102502Z/log.jsonl     always; one object a line: time (UTC), kind, step, values
    runs/20261122T102502Z/tensorboard/  tensorboard --logdir runs
    runs/20261122T102502Z/wandb/        wandb sync runs/*/wandb/offline-run-*
    runs/mlflow.db                      mlflow ui --backend-store-uri sqlite:///runs/mlflow.db

A tracker gets numbers only. Its package is imported only if the tracker is chosen. No tracker uses the network.

The trackers are written here and not taken from a library: lightning.fabric.loggers would add the package
lightning with its dependencies, and its loggers of Weights & Biases and MLflow neither stay offline nor batch
their writes.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import numbers
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from radar_cleaner.errors import ConfigError, Interrupted

logger = logging.getLogger(__name__)

Kind = Literal["parameters", "start", "step", "epoch", "rates", "end", "interrupted", "failed"]
Ending = Literal["end", "interrupted", "failed"]
ENDINGS: tuple[Ending, ...] = ("end", "interrupted", "failed")
# The packages of each tracker; its extra in pyproject.toml has the tracker's name.
PACKAGES = {
    "none": (),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
}
_PROJECT = "radar_cleaner"
_SPLITS = ("train", "val", "ema_val", "swa_val")  # the columns of the history begin with these
_PARAMETER_LENGTH = 500  # characters; the list of shards may be long
_MLFLOW_SECONDS = 5.0  # between two transactions
_MLFLOW_METRICS = 900  # in one transaction, which takes 1000


class Tracker(Protocol):
    """A program that plots the numbers of runs."""

    errors: tuple[type[Exception], ...]
    """Its errors that do not end a training."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Record finite numbers by name, for example `train/loss`."""

    def close(self, ending: Ending) -> None:
        """Write the remaining numbers."""


class RunLog:
    """The log of one run. Without a folder it does nothing; only the first process has one.

    As a context manager it records an error that ends the block as `failed`, or as `interrupted` where the
    error is an exit or Ctrl-C.
    """

    def __init__(self, folder: Path | None = None, tracker: Tracker | None = None) -> None:
        self.folder = folder
        self._tracker = tracker
        self._ending: Ending | None = None
        self.step = 0
        self._lost = False
        # Unbuffered: each line is one write, and stays in the file when the process is killed.
        self._file = None if folder is None else (folder / "log.jsonl").open("ab", buffering=0)

    def record(self, kind: Kind, step: int, values: Mapping[str, object]) -> None:
        """Write an event; `step` is the number of optimizer steps, the axis of trackers. NaN becomes null."""
        if self._file is None:
            return
        self.step = step
        if kind in ENDINGS:
            self._ending = kind
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "kind": kind, "step": step, "values": _plain(values)}
        self._write((json.dumps(line, allow_nan=False) + "\n").encode())
        if tracked := _tracked(kind, values):
            self._call(lambda tracker: tracker.log(tracked, step))

    def _write(self, line: bytes) -> None:
        """Add a line. A full disk is only logged: the training fails when it saves its state."""
        assert self._file is not None
        try:
            self._file.write(line)
        except OSError as error:
            if not self._lost:
                logger.warning("log.jsonl cannot be written, the run goes on without it: %s", error)
            self._lost = True

    def close(self) -> None:
        """End the log; a run without a recorded ending has failed."""
        if self._file is None:
            return
        ending = self._ending or "failed"
        self._call(lambda tracker: tracker.close(ending))
        self._tracker = None
        self._file.close()
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._ending is None:
            stopped = isinstance(error, Interrupted | KeyboardInterrupt | SystemExit)
            values = {"error": f"{type(error).__name__}: {error}"}
            self.record("interrupted" if stopped else "failed", self.step, values)
        self.close()

    def _call(self, call: Callable[[Tracker], None]) -> None:
        """Call the tracker; its errors do not end the training."""
        if self._tracker is None:
            return
        try:
            call(self._tracker)
        except self._tracker.errors as error:
            logger.warning("the tracker failed, the run goes on without it (see log.jsonl): %s", error)
            self._tracker = None


def open_run_log(runs: Path | None, tracker: str, parameters: Mapping[str, object]) -> RunLog:
    """Begin the log of a run in a new folder of `runs`, named by the time; its first line has the parameters.

    Without `runs` the log does nothing. Raises ConfigError where the tracker's package is missing.
    """
    require_tracker(tracker)
    if runs is None:
        return RunLog()
    folder = _make_folder(runs)
    chosen: Tracker | None = None
    if tracker == "tensorboard":
        chosen = TensorBoardTracker(folder, parameters)
    elif tracker == "wandb":
        chosen = WandbTracker(folder, parameters)
    elif tracker == "mlflow":
        chosen = MlflowTracker(folder, parameters)
    log = RunLog(folder, chosen)
    log.record("parameters", 0, {name: _plain(value) for name, value in parameters.items()})
    return log


def require_tracker(tracker: str) -> None:
    """Raise ConfigError unless this tracker is known and its package installed."""
    if tracker not in PACKAGES:
        raise ConfigError(f"training.tracker: '{tracker}' is not known; choose one of {', '.join(PACKAGES)}")
    for package in PACKAGES[tracker]:
        if importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"training.tracker: {package} is not installed; pip install 'radar-cleaner[{tracker}]'"
            )


class TensorBoardTracker:
    """TensorBoard event files, written by torch."""

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.errors: tuple[type[Exception], ...] = (OSError,)
        self._writer = SummaryWriter(str(folder / "tensorboard"), flush_secs=10)  # type: ignore[no-untyped-call]
        rows = [f"| {name} | {value} |" for name, value in _texts(parameters).items()]
        table = "\n".join(["| parameter | value |", "|---|---|", *rows])
        self._writer.add_text("parameters", table)  # type: ignore[no-untyped-call]

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]

    def close(self, ending: Ending) -> None:
        self._writer.close()  # type: ignore[no-untyped-call]


class WandbTracker:
    """An offline run of Weights & Biases, which the user may sync later."""

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        os.environ["WANDB_ERROR_REPORTING"] = "false"  # otherwise it contacts its error server, even offline
        import wandb

        self.errors: tuple[type[Exception], ...] = (wandb.Error, OSError)
        self._run = wandb.init(
            project=_PROJECT,
            name=folder.name,
            dir=folder,
            mode="offline",
            config=_texts(parameters),
            settings=wandb.Settings(console="off", silent=True),
        )
        # The step of W&B must not decrease, but epochs are recorded between steps.
        self._run.define_metric("*", step_metric="step")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, "step": step})

    def close(self, ending: Ending) -> None:
        self._run.finish(exit_code=0 if ending == "end" else 1)


class MlflowTracker:
    """A run in a local SQLite store; all runs share it, so that MLflow can compare them."""

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
        from mlflow.exceptions import MlflowException

        self.errors: tuple[type[Exception], ...] = (MlflowException, OSError)
        runs = folder.parent.absolute()
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        self._client = MlflowClient(tracking_uri=f"sqlite:///{runs / 'mlflow.db'}")
        experiment = self._client.get_experiment_by_name(_PROJECT)
        identity = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(_PROJECT, artifact_location=(runs / "mlflow").as_uri())
        )
        self._run_id = self._client.create_run(identity, run_name=folder.name).info.run_id
        self._metric = Metric
        self._waiting: list[Metric] = []
        self._written = time.monotonic()
        self._client.log_batch(self._run_id, params=[Param(*item) for item in _texts(parameters).items()])

    def log(self, values: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._waiting += [self._metric(name, value, now, step) for name, value in values.items()]
        # A transaction waits for the disk, which may be slow, so several steps share one.
        if len(self._waiting) >= _MLFLOW_METRICS or time.monotonic() - self._written >= _MLFLOW_SECONDS:
            self._write()

    def close(self, ending: Ending) -> None:
        self._write()
        status = {"end": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}[ending]
        self._client.set_terminated(self._run_id, status)

    def _write(self) -> None:
        while self._waiting:
            self._client.log_batch(self._run_id, metrics=self._waiting[:_MLFLOW_METRICS])
            self._waiting = self._waiting[_MLFLOW_METRICS:]
        self._written = time.monotonic()


def _make_folder(runs: Path) -> Path:
    """Make a folder named by the time; a second one in the same second ends in -2."""
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = runs / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _plain(value: object) -> object:
    """Convert a value to JSON types: NaN and infinity become null, unknown types become text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def _tracked(kind: str, values: Mapping[str, object]) -> dict[str, float]:
    """Return the finite numbers by name: `train_loss` as `train/loss`, others as `step/rate`."""
    found = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
            continue
        split = next((split for split in _SPLITS if name.startswith(f"{split}_")), None)
        found[f"{split}/{name[len(split) + 1 :]}" if split else f"{kind}/{name}"] = float(value)
    return found


def _texts(parameters: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value)[:_PARAMETER_LENGTH] or "-" for name, value in parameters.items()}
