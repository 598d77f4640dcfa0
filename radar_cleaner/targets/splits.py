"""Samples: which (time, radar) can be learnt from, and which of them train and which validate.

A sample reads the frames at its time plus each input and lead minute. Nothing is paired by tolerance: a
sample counts where its radar has a frame at exactly each of the input times and its own. Frames ahead, which
are forecast, may be missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.storage.shards import format_time, parse_time

COLUMNS = ["time", "radar"]


class Sample(NamedTuple):
    """A time, in seconds since 1970, and the radar whose frame is cleaned."""

    time: int
    radar: str

    def __str__(self) -> str:
        return f"{self.radar} at {format_time(self.time)}"


def complete_samples(times: Mapping[str, Iterable[int]], minutes: Iterable[int]) -> list[Sample]:
    """Samples, by time and radar, whose frames are all there.

    `times` are the frame times of each radar in seconds since 1970, `minutes` those that it cannot do without.
    """
    offsets = [60 * minute for minute in minutes]
    samples = []
    for radar, own in times.items():
        known = set(own)
        # The time itself need not be a frame's: a model may look only ahead of or only behind it.
        candidates = {time - offsets[0] for time in known} if offsets else known
        samples += [
            Sample(time, radar) for time in candidates if all(time + offset in known for offset in offsets)
        ]
    return sorted(samples)


def split(
    samples: Sequence[Sample],
    minutes: Iterable[int],
    *,
    validation: float,
    block_minutes: int,
    purge_minutes: int,
) -> tuple[list[Sample], list[Sample]]:
    """Training and validation samples, both in the order given.

    `minutes` are all that a sample may read, the frames ahead too. Time is cut in blocks, counted from 1970, and
    each round(1 / validation)-th is for validation. A sample
    validates where all frames it reads lie in such blocks. It trains where all frames it reads are at least
    the purge away from all that any validation sample reads, whatever the radar: radars see each other.
    Samples that can do neither are left out. No random draw. Raises ConfigError.
    """
    if not 0 <= validation < 1 or block_minutes <= 0 or purge_minutes < 0:
        raise ConfigError(
            f"samples: validation {validation} must be in 0..1, block_minutes {block_minutes} above 0,"
            f" purge_minutes {purge_minutes} 0 or more"
        )
    if not samples:
        return [], []
    offsets = 60 * np.asarray(sorted(set(minutes)) or [0], dtype=np.int64)
    reads = np.asarray([time for time, _ in samples], dtype=np.int64)[:, None] + offsets
    validates = np.zeros(len(samples), dtype=bool)
    if validation > 0:
        every = round(1 / validation)
        validates = (reads // (60 * block_minutes) % every == every - 1).all(axis=1)
    # Even without a purge no frame may be read by both.
    gap = max(60 * purge_minutes, 1)
    trains = (_distance(reads, np.unique(reads[validates])) >= gap).all(axis=1)
    train, validation_samples = (
        [samples[index] for index in np.flatnonzero(chosen).tolist()] for chosen in (trains, validates)
    )
    return train, validation_samples


def sample_table(samples: Iterable[Sample]) -> pd.DataFrame:
    """The table of samples as it is written: ISO time and radar, sorted."""
    rows = [(format_time(time), radar) for time, radar in sorted(samples)]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_samples(path: Path) -> list[Sample]:
    """Samples of a table, in its order. Raises SampleError that names the line."""
    remedy = "delete it and run snakemake again"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SampleError(f"{path}: not readable as a table of samples ({error}); {remedy}") from error
    if not lines or lines[0] != COLUMNS:
        found = ",".join(lines[0]) if lines else "nothing"
        raise SampleError(f"{path} line 1: the columns are '{found}', wanted 'time,radar'; {remedy}")
    samples: dict[Sample, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            text, radar = line
            sample = Sample(parse_time(text), radar)
        except ValueError:
            raise SampleError(
                f"{path} line {number}: '{','.join(line)}' is no sample;"
                f" write 2024-07-11T12:06:00Z,RADAR, or {remedy}"
            ) from None
        if not radar:
            raise SampleError(f"{path} line {number}: names no radar; {remedy}")
        if sample in samples:
            raise SampleError(f"{path} line {number}: the same sample as in line {samples[sample]}; {remedy}")
        samples[sample] = number
    return list(samples)


def _distance(times: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seconds from each time (any shape) to the nearest of the sorted others."""
    if not others.size:
        return np.full(times.shape, np.iinfo(np.int64).max)
    after = np.searchsorted(others, times)
    before = others[np.clip(after - 1, 0, None)]
    behind = others[np.clip(after, None, others.size - 1)]
    nearest: NDArray[np.int64] = np.minimum(np.abs(times - before), np.abs(times - behind))
    return nearest
