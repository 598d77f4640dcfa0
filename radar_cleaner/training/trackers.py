"""What a training run tells as it goes: a line of JSON for each event, and the tracker of the user's choice.

    runs/20261122T102502Z/log.jsonl     always; one object a line: time (UTC), kind, step, values
    runs/20261122T102502Z/tensorboard/  tensorboard --logdir runs
    runs/20261122T102502Z/wandb/        wandb sync runs/*/wandb/offline-run-*
    runs/mlflow.db                      mlflow ui --backend-store-uri sqlite:///runs/mlflow.db

A tracker gets numbers only, and its package is imported only where it was asked for. None of them reaches for
the network.
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
# The packages that each tracker needs; its extra in pyproject.toml has the tracker's name.
PACKAGES = {
    "none": (),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
}
_PROJECT = "radar_cleaner"
_SPLITS = ("train", "val", "ema_val", "swa_val")  # the columns of the history begin with these
_PARAMETER_LENGTH = 500  # characters; the list of shards may be as long as a command line
_MLFLOW_SECONDS = 5.0  # between two transactions
_MLFLOW_METRICS = 900  # in one transaction, which takes 1000


class Tracker(Protocol):
    """A program that draws the numbers of runs."""

    errors: tuple[type[Exception], ...]
    """What may go wrong in it while a training runs."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Take finite numbers by names such as `train/loss`."""

    def close(self, ending: Ending) -> None:
        """Write what is left."""


class RunLog:
    """The log of one run. Without a folder it does nothing, as on all processes but the first.

    As a context manager it notes an error that ends the block, as `failed`, or as `interrupted` where the
    error is an exit or Ctrl-C.
    """

    def __init__(self, folder: Path | None = None, tracker: Tracker | None = None) -> None:
        self.folder = folder
        self._tracker = tracker
        self._ending: Ending | None = None
        self.step = 0
        self._lost = False
        # Unbuffered, so that each line is one write: what was said stays said when the process is killed.
        self._file = None if folder is None else (folder / "log.jsonl").open("ab", buffering=0)

    def record(self, kind: Kind, step: int, values: Mapping[str, object]) -> None:
        """Write an event; `step` counts optimizer steps, and is where trackers draw it. NaN becomes null."""
        if self._file is None:
            return
        self.step = step
        if kind in ENDINGS:
            self._ending = kind
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "kind": kind, "step": step, "values": _plain(values)}
        self._write((json.dumps(line, allow_nan=False) + "\n").encode())
        if tracked := _tracked(kind, values):
            self._ask(lambda tracker: tracker.log(tracked, step))

    def _write(self, line: bytes) -> None:
        """Add a line; a full disk is the training's to tell, which saves its state there."""
        assert self._file is not None
        try:
            self._file.write(line)
        except OSError as error:
            if not self._lost:
                logger.warning("log.jsonl cannot be written, the run goes on without it: %s", error)
            self._lost = True

    def close(self) -> None:
        """End the log; a run that did not say how it ended has failed."""
        if self._file is None:
            return
        ending = self._ending or "failed"
        self._ask(lambda tracker: tracker.close(ending))
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

    def _ask(self, ask: Callable[[Tracker], None]) -> None:
        """Let the tracker do something; hours of training do not end because a drawing of them does."""
        if self._tracker is None:
            return
        try:
            ask(self._tracker)
        except self._tracker.errors as error:
            logger.warning("the tracker failed, the run goes on without it (see log.jsonl): %s", error)
            self._tracker = None


def open_run_log(runs: Path | None, tracker: str, parameters: Mapping[str, object]) -> RunLog:
    """Begin the log of a run in a new folder below `runs`, named by the time; its first line is the parameters.

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
        raise ConfigError(f"training.tracker: '{tracker}' is not known; there is {', '.join(PACKAGES)}")
    for package in PACKAGES[tracker]:
        if importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"training.tracker: {package} is not installed; pip install 'radar-cleaner[{tracker}]'"
            )


class TensorBoardTracker:
    """Event files, by torch's own writer."""

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
    """A run of Weights & Biases that stays on this machine until the user syncs it."""

    def __init__(self, folder: Path, parameters: Mapping[str, object]) -> None:
        os.environ["WANDB_ERROR_REPORTING"] = "false"  # else it looks for its error server, also offline
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
        # Its own step may not go back, but events of epochs come between those of steps.
        self._run.define_metric("*", step_metric="step")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, "step": step})

    def close(self, ending: Ending) -> None:
        self._run.finish(exit_code=0 if ending == "end" else 1)


class MlflowTracker:
    """A run in a local SQLite store, which all runs share so that MLflow can compare them."""

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
        # A transaction waits for the disk, which may be a cluster's: not one a step.
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
    """A new folder named by the time; a second one of the same second ends in -2."""
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
    """What JSON can say of a value: no NaN, no infinity, text for what it does not know."""
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
    """The finite numbers: `train_loss` as `train/loss`, what belongs to no split below its kind, `step/rate`."""
    found = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
            continue
        split = next((split for split in _SPLITS if name.startswith(f"{split}_")), None)
        found[f"{split}/{name[len(split) + 1 :]}" if split else f"{kind}/{name}"] = float(value)
    return found


def _texts(parameters: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value)[:_PARAMETER_LENGTH] or "-" for name, value in parameters.items()}
