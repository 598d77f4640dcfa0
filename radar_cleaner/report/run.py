"""Read the files of a finished run that the report describes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from radar_cleaner.report.coverage import Period, ShardFrames, count_coverage
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries, open_store, store_path

Shards = Mapping[str, Sequence[str]]  # by radar


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: its folder, and the stores that its config lists.

    `shards` are all shards, `labelled` those with labels, `trained_on` those of the training, each by radar.
    `started` is when the run began, in seconds since 1970: older files were reused. `layouts` are the shards of
    each layout of a radar.
    """

    layout: Layout
    shards: Shards
    labelled: Shards
    trained_on: Shards
    atlases: Sequence[Path]
    trained: bool
    evaluated: bool
    started: float | None
    layouts: Shards = field(default_factory=dict)

    @property
    def pictures(self) -> dict[str, Sequence[str]]:
        """The shards of the pictures of each radar and each layout, by name."""
        return dict(sorted({**self.shards, **self.layouts}.items()))

    @property
    def evaluation(self) -> Path:
        """The folder of the scores."""
        return self.layout.results / "evaluation"

    @cached_property
    def metrics(self) -> dict[str, Any] | None:
        """The scores, None if the run has none."""
        if not self.evaluated:
            return None
        return dict(json.loads((self.evaluation / "metrics.json").read_text(encoding="utf-8")))

    @cached_property
    def history(self) -> pd.DataFrame | None:
        """The training by epoch, None if the run trained no model."""
        return pd.read_csv(self.layout.results / "model" / "history.csv") if self.trained else None

    @cached_property
    def places(self) -> dict[str, dict[str, Any]]:
        """The checks of the places of pictures, by radar or layout."""
        files = {name: self.layout.place(name) for name in self.pictures}
        return {
            name: dict(json.loads(file.read_text(encoding="utf-8")))
            for name, file in files.items()
            if file.exists()
        }

    def count_samples(self, split: str) -> int:
        """Count the samples of `train` or `val`."""
        return len(pd.read_csv(self.layout.results / "samples" / f"{split}.csv"))

    def series(self, kind: str, radar: str) -> TimeSeries:
        """Open a radar's stores of a kind: rgb, reflectivity, labels or cleaned."""
        shards = (self.labelled if kind == "labels" else self.shards).get(radar, [])
        place = {
            "rgb": self.layout.rgb,
            "reflectivity": self.layout.reflectivity,
            "labels": self.layout.labels,
            "cleaned": self.layout.cleaned,
        }[kind]
        return TimeSeries([place(radar, shard) for shard in shards], "product" if kind == "cleaned" else kind)

    def composite(self) -> TimeSeries | None:
        """Open the composite of several radars, None if there is none."""
        names = sorted({shard for shards in self.shards.values() for shard in shards})
        paths = [self.layout.composite(name) for name in names if self.layout.composite(name).exists()]
        return TimeSeries(paths, "product") if len(self.shards) > 1 and paths else None

    def labeler_rows(self) -> Iterator[dict[Any, Any]]:
        """Read the tables of the labelers of the training."""
        for radar, names in self.trained_on.items():
            for shard in names:
                yield from pd.read_csv(self.layout.labelers(radar, shard)).to_dict("records")

    def read_coverage(self, cadence_minutes: float, period: Period) -> tuple[pd.DataFrame, list[dict[str, str]]]:
        """Return the coverage table, and every rejected file as radar, file, reason."""
        rejects: list[dict[str, str]] = []

        def read(path: Path, radar: str) -> int:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            rejects.extend(
                {"radar": radar, "file": file, "reason": reason}
                for file, reason in zip(table["file"], table["reason"], strict=True)
            )
            return len(table)

        parts = {
            radar: [
                ShardFrames(
                    shard,
                    open_store(self.layout.reflectivity(radar, shard), "reflectivity").times.tolist(),
                    read(self.layout.rejects(radar, shard), radar),
                )
                for shard in names
            ]
            for radar, names in self.shards.items()
        }
        tables = {radar: self.layout.unplaced(radar) for radar in self.shards}
        unplaced = {radar: read(path, radar) for radar, path in tables.items() if path.exists()}
        return count_coverage(parts, unplaced, cadence_minutes, period), rejects

    def write_times(self) -> dict[str, list[float]]:
        """Return when the files of each stage were written, in seconds since 1970."""
        layout = self.layout
        every = [(radar, shard) for radar, names in self.shards.items() for shard in names]
        stores = {
            "build_rgb_store": [layout.rgb(*pair) for pair in every],
            "decode_reflectivity": [layout.reflectivity(*pair) for pair in every],
            "build_clutter_atlas": [store_path(path) for path in self.atlases],
            "build_warp_grid": [
                layout.warp(target, radar) for target in (*self.shards, "composite") for radar in self.shards
            ],
            "align_radars": [layout.aligned(*pair) for pair in every],
            "label_echoes": [layout.labels(*pair) for pair in every],
            "clean_frames": [layout.cleaned(*pair) for pair in every],
            "compose_radars": [layout.composite(shard) for shard in sorted({shard for _, shard in every})],
        }
        files = {stage: [path / "zarr.json" for path in paths] for stage, paths in stores.items()}
        files["train_model"] = [layout.results / "model" / "best.pt"] * self.trained
        files["evaluate_model"] = [self.evaluation / "metrics.json"] * self.evaluated
        order = [*list(stores)[:6], "train_model", "evaluate_model", *list(stores)[6:]]
        written = {stage: [path.stat().st_mtime for path in files[stage] if path.exists()] for stage in order}
        return {stage: times for stage, times in written.items() if times}
