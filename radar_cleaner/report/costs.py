"""Sum the costs of the jobs by rule: time, memory and load from Snakemake's benchmark files, bytes on disk."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The outputs of the rules below the results folder, in the order of the pipeline.
OUTPUTS = {
    "list_unplaced_frames": ("rgb/*/unplaced.rejected.csv",),
    "build_rgb_store": ("rgb/*/[0-9]*",),
    "check_frames": ("rgb/*/refused.csv",),
    "learn_picture": ("picture/*",),
    "check_place": ("place/*",),
    "decode_reflectivity": ("reflectivity/*/*",),
    "build_clutter_atlas": ("atlas/*",),
    "build_warp_grid": ("warp/*/*",),
    "place_static_fields": ("static/*",),
    "align_radars": ("aligned/*/*",),
    "label_echoes": ("labels/*/*",),
    "split_samples": ("samples/train.csv", "samples/val.csv"),
    "train_model": ("model/*.*",),
    "train_member": ("model/seed-*/*",),
    "list_test_samples": ("samples/test.csv",),
    "evaluate_model": (
        "evaluation/metrics.json",
        *(f"evaluation/{name}.*" for name in ("scores", "curve", "calibration", "reflectivity", "*frames")),
    ),
    "sweep_thresholds": ("evaluation/removal*",),
    "evaluate_forecasts": ("evaluation/forecasts.*",),
    "clean_frames": ("cleaned/*/*",),
    "compose_radars": ("composite/*",),
    "export_geotiff": ("geotiff/*/*",),
    "write_report": ("report/*",),
}


@dataclass(frozen=True)
class Cost:
    """The costs of jobs: seconds, peak memory in MiB; None where nothing was measured."""

    rule: str
    jobs: int
    unreadable: int  # benchmark files without a time
    seconds: float
    longest: float | None
    memory: float | None
    cpu_seconds: float
    measured_seconds: float  # of the jobs whose CPU time is known: very short ones are not measured

    @property
    def cpus(self) -> float | None:
        """The mean number of busy CPUs."""
        return self.cpu_seconds / self.measured_seconds if self.measured_seconds else None


def read_costs(benchmarks: Path) -> list[Cost]:
    """Read the costs of each rule with a benchmark file, in the order of the pipeline.

    A file records the last completed run of its job. It stays when a config no longer needs the job.
    """
    costs: dict[str, list[Cost]] = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule = path.relative_to(benchmarks).parts[0].removesuffix(".tsv")
        costs.setdefault(rule, []).append(_read_job(rule, path))
    order = list(OUTPUTS)
    rules = sorted(costs, key=lambda rule: (order.index(rule) if rule in OUTPUTS else len(order), rule))
    return [add_costs(rule, costs[rule]) for rule in rules]


def add_costs(name: str, costs: Sequence[Cost]) -> Cost:
    """Add costs up."""
    return Cost(
        name,
        sum(cost.jobs for cost in costs),
        sum(cost.unreadable for cost in costs),
        sum(cost.seconds for cost in costs),
        max((cost.longest for cost in costs if cost.longest is not None), default=None),
        max((cost.memory for cost in costs if cost.memory is not None), default=None),
        sum(cost.cpu_seconds for cost in costs),
        sum(cost.measured_seconds for cost in costs),
    )


def measure_outputs(results: Path, rule: str) -> int | None:
    """Return the bytes of a rule's files, with those of older configs beside them; None of an unknown rule."""
    if rule not in OUTPUTS:
        return None
    places = [place for pattern in OUTPUTS[rule] for place in results.glob(pattern)]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file())


def duration(seconds: float | None) -> str:
    """Format a time in a readable unit."""
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02} min" if hours else f"{minutes} min"


def _read_job(rule: str, path: Path) -> Cost:
    """Read the last row of a benchmark file; an empty or broken file gives no numbers."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    row = rows[-1] if rows else {}
    seconds, memory, cpu = (_number(row.get(name)) for name in ("s", "max_rss", "cpu_time"))
    measured = seconds is not None and cpu is not None
    return Cost(
        rule,
        jobs=1,
        unreadable=int(seconds is None),
        seconds=seconds or 0.0,
        longest=seconds,
        memory=memory,
        cpu_seconds=(cpu or 0.0) * measured,
        measured_seconds=(seconds or 0.0) * measured,
    )


def _number(text: str | None) -> float | None:
    """Read a number of a benchmark file; Snakemake writes NA or - where it measured nothing."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
