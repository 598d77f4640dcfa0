"""Compare the evaluations of several runs."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.compare_runs import (
    comparison_figure,
    comparison_lines,
    comparison_rows,
    read_run,
    unlike,
)
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv

logger = logging.getLogger(__name__)


def compare(*runs: Path, output: Path | None = None) -> None:
    """Print a table of the scores of several runs beside each other.

    Parameters
    ----------
    runs
        Results folders of runs that were evaluated, the one to compare with first.
    output
        Folder for comparison.csv, with intervals, and comparison.png.
    """
    if not runs:
        raise ConfigError(
            "compare: name the results folders of runs, as in `radar-cleaner compare results results-2`"
        )
    found = [read_run(path, name) for path, name in zip(runs, _names(runs), strict=True)]
    if differ := unlike(found):
        logger.warning("the runs were not scored alike: they differ in %s", ", ".join(differ))
    rows = comparison_rows(found)
    print("\n".join(comparison_lines(rows)))
    if output is not None:
        write_csv(output / "comparison.csv", pd.DataFrame(rows))
        write_png(output / "comparison.png", comparison_figure(found, rows))
        print(f"written to {output}")


def _names(runs: tuple[Path, ...]) -> list[str]:
    """The folders' own names, or whole paths where those are equal. Raises ConfigError for one folder twice."""
    whole = [path.resolve() for path in runs]
    for place, path in enumerate(whole):
        if path in whole[:place]:
            first = runs[whole.index(path)]
            as_well = "" if str(first) == str(runs[place]) else f" (as {first} too)"
            raise ConfigError(f"compare: {runs[place]} is named twice{as_well}; name each run once")
    short = [path.name for path in whole]
    return short if len(set(short)) == len(short) else [str(path) for path in runs]
