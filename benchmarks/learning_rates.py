"""Compare the learning-rate finder with a sweep: repeat the training of a finished run at other rates.

    .venv/bin/python benchmarks/learning_rates.py results 0.002 0.006 0.02

It prints the smallest validation loss of each rate, and the rate that the finder takes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd
from flags import to_flags, train_options

from radar_cleaner.cli import app
from radar_cleaner.models.files import read_model_provenance


def train(results: Path, model: Path, rate: str, folder: Path) -> tuple[float, float]:
    """Train at a rate; return the rate and the smallest validation loss."""
    options = train_options(model, results, folder)
    learning = options["learning"].model_copy(update={"learning_rate": rate if rate == "find" else float(rate)})
    options |= {"learning": learning}
    app(["train-model", *to_flags(options)], result_action="return_value")
    found = read_model_provenance(folder / "best.pt")["learning_rate"]
    return float(found), float(pd.read_csv(folder / "history.csv").val_loss.min())


def main() -> None:
    results, *rates = sys.argv[1:]
    model = Path(results, "model/best.pt")
    for rate in ("find", *rates):
        folder = Path(tempfile.mkdtemp())
        print(rate, *(f"{value:.4g}" for value in train(Path(results), model, rate, folder)), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
