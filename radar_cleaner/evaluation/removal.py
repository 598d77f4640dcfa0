"""Removal at fixed shares kept: sweep each cleaner of a run over its settings and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import is_echo
from radar_cleaner.evaluation.accumulation import BLOCK_SECONDS
from radar_cleaner.evaluation.certain_part import PARTS, reference_parts
from radar_cleaner.evaluation.cleaners.registry import Cleaner
from radar_cleaner.evaluation.cleaners.scene import Scene, StoredFrames, Values
from radar_cleaner.evaluation.metrics import is_scored, known
from radar_cleaner.evaluation.references import Classes
from radar_cleaner.evaluation.scorer import Run
from radar_cleaner.evaluation.threshold_sweep import (
    SHARES,
    Choice,
    Curve,
    Removal,
    ScoreHistogram,
    log_odds,
    removed_shares,
)
from radar_cleaner.storage.atomic import write_bytes

LOST = np.geomspace(1e-3, 0.12, 120)  # shares of meteorological echo lost in the figure


@dataclass(frozen=True)
class Sweep:
    """The curves of a radar by cleaner and setting, and the cleaners whose scores are probabilities."""

    curves: Mapping[str, Mapping[str, Curve]]
    probabilistic: tuple[str, ...]

    @property
    def removals(self) -> dict[str, Removal]:
        """The removal of each cleaner at SHARES."""
        return {name: Removal.of(of_cleaner) for name, of_cleaner in self.curves.items()}

    @property
    def envelopes(self) -> dict[str, NDArray[np.float64]]:
        """The most that any setting of a cleaner removes at each share of LOST."""
        shares = [1 - lost for lost in LOST]
        return {name: removed_shares(of_cleaner, shares) for name, of_cleaner in self.curves.items()}


def ranking_score(cleaner: Cleaner, scene: Scene, setting: str) -> Values:
    """Return (y, x) the score of a cleaner, log-odds instead of a probability."""
    score = cleaner.score(scene, setting)
    return log_odds(score) if cleaner.probabilistic else score


def sweep_radar(run: Run, radar: str, scored_shards: Sequence[str]) -> dict[str, Sweep]:
    """Sweep the cleaners of a radar over their settings and thresholds, on each part of its reference.

    Scored are the frames of `scored_shards` with a reference; those of the run's other shards are neighbours.
    """
    frames, reference = StoredFrames(run.layout, radar, run.shards[radar]), run.reference(radar)

    def scenes() -> Iterator[tuple[Scene, Classes]]:
        for time in StoredFrames(run.layout, radar, scored_shards).times:
            scene = frames.scene(time)
            classes = reference.classes(time, scene.codes.shape)
            if classes is not None:
                yield scene, classes

    return sweep_scenes(run.cleaners(radar, run.networks(radar)), scenes())


def sweep_scenes(cleaners: Sequence[Cleaner], scenes: Iterable[tuple[Scene, Classes]]) -> dict[str, Sweep]:
    """Sweep cleaners over their settings and thresholds on scenes with the classes (y, x) of a reference.

    The sweeps are by part of the reference. Each score is computed once.
    """
    histograms = {
        part: {cleaner.name: {setting: ScoreHistogram() for setting in cleaner.settings} for cleaner in cleaners}
        for part in PARTS
    }
    for scene, reference in scenes:
        echo = is_echo(scene.codes)
        parts = [
            (histograms[part], echo & is_scored(classes), classes)
            for part, classes in reference_parts(echo, reference).items()
        ]
        for cleaner in cleaners:
            for setting in cleaner.settings:
                score = ranking_score(cleaner, scene, setting)
                for histogram, where, classes in parts:
                    block = scene.time // BLOCK_SECONDS
                    histogram[cleaner.name][setting].add(block, score[where], classes[where])
    probabilistic = tuple(cleaner.name for cleaner in cleaners if cleaner.probabilistic)
    return {
        part: Sweep(
            {
                name: {setting: one.curve() for setting, one in of_cleaner.items()}
                for name, of_cleaner in histogram.items()
            },
            probabilistic,
        )
        for part, histogram in histograms.items()
    }


def removal_rows(removals: Mapping[str, Mapping[str, Removal]]) -> list[dict[str, Any]]:
    """Return one row for each radar, cleaner and share kept: the share removed, and its setting and threshold."""
    rows = []
    for radar, of_radar in removals.items():
        for name, removal in of_radar.items():
            ends = removal.intervals()
            for index, (share, choice) in enumerate(zip(SHARES, removal.choices, strict=True)):
                rows.append(
                    {
                        "radar": radar,
                        "cleaner": name,
                        "share": share,
                        "removed": known(choice.removed),
                        "removed_low": known(ends[0, index]),
                        "removed_high": known(ends[1, index]),
                        "kept": known(choice.kept),
                        "setting": choice.setting,
                        "threshold": choice.threshold,
                    }
                )
    return rows


def save_removals(path: Path, removals: Mapping[str, Mapping[str, Removal]]) -> None:
    """Write the removals of a run, so that runs can be compared over the same hours."""
    arrays: dict[str, Any] = {}
    for number, (radar, name) in enumerate((radar, name) for radar, each in removals.items() for name in each):
        removal = removals[radar][name]
        arrays[f"{number} name"] = np.array([radar, name])
        arrays[f"{number} choices"] = np.array(
            [[choice.threshold, choice.kept, choice.removed] for choice in removal.choices]
        )
        arrays[f"{number} settings"] = np.array([choice.setting for choice in removal.choices])
        arrays[f"{number} resampled"], arrays[f"{number} total"] = removal.resampled, removal.total
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def load_removals(path: Path) -> dict[str, dict[str, Removal]]:
    """Read what `save_removals` wrote, by radar and cleaner."""
    removals: dict[str, dict[str, Removal]] = {}
    with np.load(path) as arrays:
        for number in range(len(arrays.files) // 5):
            radar, name = arrays[f"{number} name"].tolist()
            settings, numbers = arrays[f"{number} settings"].tolist(), arrays[f"{number} choices"].tolist()
            choices = tuple(Choice(setting, *row) for setting, row in zip(settings, numbers, strict=True))
            removal = Removal(choices, arrays[f"{number} resampled"], arrays[f"{number} total"])
            removals.setdefault(radar, {})[name] = removal
    return removals
