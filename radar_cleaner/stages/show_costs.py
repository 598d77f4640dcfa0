"""Print time, memory and bytes of the jobs of a run, rule by rule."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radar_cleaner.errors import StoreError
from radar_cleaner.report.costs import Cost, add_costs, duration, measure_outputs, read_costs
from radar_cleaner.storage.atomic import write_csv

HEAD = ("rule", "jobs", "total time", "longest", "memory", "CPUs", "on disk")


def show_costs(*, results: Path, csv: Path | None = None) -> None:
    """Print time, memory and bytes of the jobs of a run, rule by rule.

    Parameters
    ----------
    results
        Folder of the run.
    csv
        Table to write as well: seconds, MiB, mean number of busy CPUs, bytes.
    """
    benchmarks = results / "benchmarks"
    costs = read_costs(benchmarks)
    if not costs:
        raise StoreError(f"{benchmarks}: has no benchmark file; run snakemake, whose jobs write them")
    sizes = [measure_outputs(results, cost.rule) for cost in costs]
    total = add_costs("all", costs)
    rows = [HEAD, *map(_cells, [*costs, total], [*sizes, sum(size or 0 for size in sizes)])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        print("  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]))
    print("\ntime: sum of the run times of all jobs; memory: peak of one job; CPUs: mean number that were busy")
    if total.unreadable:
        print(f"{total.unreadable} of the jobs have a benchmark file without a time; the sums lack them")
    if csv is not None:
        write_csv(csv, _table(costs, sizes))


def _cells(cost: Cost, size: int | None) -> tuple[str, ...]:
    return (
        cost.rule,
        f"{cost.jobs:,}",
        duration(cost.seconds),
        duration(cost.longest),
        "-" if cost.memory is None else f"{cost.memory:,.0f} MiB",
        "-" if cost.cpus is None else f"{cost.cpus:.1f}",
        "-" if size is None else f"{size / 1e6:,.1f} MB",
    )


def _table(costs: list[Cost], sizes: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rule": [cost.rule for cost in costs],
            "jobs": [cost.jobs for cost in costs],
            "seconds": [cost.seconds for cost in costs],
            "longest_seconds": [cost.longest for cost in costs],
            "peak_memory_mib": [cost.memory for cost in costs],
            "mean_cpus": [cost.cpus for cost in costs],
            "bytes": pd.array(sizes, dtype="Int64"),
        }
    )
