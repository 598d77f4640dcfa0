"""The learning-rate finder against a sweep: a training of a finished run again, at other rates.

.venv/bin/python benchmarks/learning_rates.py results 0.002 0.006 0.02
Prints the least validation loss of each rate, and the rate that the finder takes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd
from flags import to_flags

from radar_cleaner.checkpoints import read_model_provenance
from radar_cleaner.cli import app

OUTPUTS = {"best": "best.pt", "history": "history.csv", "curves": "history.png", "card": "card.md"}
FOUND = {"rates": "rates.csv", "rates-figure": "rates.png"}


def train(results: Path, parameters: dict[str, object], rate: str, folder: Path) -> tuple[float, float]:
    """The rate of a training, and its least validation loss."""
    names = OUTPUTS | (FOUND if rate == "find" else {})
    flags = to_flags(parameters | {"learning_rate": rate})
    flags += [word for name, file in names.items() for word in (f"--{name}", str(folder / file))]
    flags += [
        "--results",
        str(results),
        "--checkpoint",
        str(folder / "current.pt"),
        "--runs",
        str(folder / "runs"),
    ]
    flags += [f"--{split}={results / 'samples' / split}.csv" for split in ("train", "val")]
    flags += ["--threads", "2", "--memory-mb", "8000", "--micro-batch-size", "0", "--on-out-of-memory", "stop"]
    app(["train-model", *flags, "--checkpoint-minutes", "10", "--tracker", "none"], result_action="return_value")
    found = read_model_provenance(folder / "best.pt")["learning_rate"]
    return float(found), float(pd.read_csv(folder / "history.csv").val_loss.min())


def main() -> None:
    results, *rates = sys.argv[1:]
    parameters = read_model_provenance(Path(results, "model/best.pt"))["parameters"]
    for rate in ("find", *rates):
        folder = Path(tempfile.mkdtemp())
        print(rate, *(f"{value:.4g}" for value in train(Path(results), parameters, rate, folder)), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
