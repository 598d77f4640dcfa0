"""Samples, each a (time, radar), and their split into training and validation.

A sample reads the frames at its time plus each input and lead minute. Times match exactly: a radar has a sample
at a time if it has a frame at that time and at each input time. Frames at lead times may be missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radar_cleaner.config.samples import Split
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.storage.shards import decode_stores, format_time, parse_time

COLUMNS = ["time", "radar"]


class Sample(NamedTuple):
    """A time, in seconds since 1970, and the radar whose frame is cleaned."""

    time: int
    radar: str

    def __str__(self) -> str:
        return f"{self.radar} at {format_time(self.time)}"


def complete_samples(times: Mapping[str, Iterable[int]], minutes: Iterable[int]) -> list[Sample]:
    """Return the samples whose frames all exist, by time and radar.

    `times` are the frame times of each radar in seconds since 1970. `minutes` are the offsets that must exist.
    """
    offsets = [60 * minute for minute in minutes]
    samples = []
    for radar, frame_times in times.items():
        known = set(frame_times)
        # The time of a sample need not be that of a frame: a model may read only earlier or only later frames.
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
    validation_radars: Iterable[str] = (),
) -> tuple[list[Sample], list[Sample]]:
    """Return the training and the validation samples, both in the given order.

    `minutes` are the offsets of all frames that a sample may read. Time is divided into blocks, counted from 1970;
    every round(1 / validation)-th block is for validation. A validation sample reads only frames of these blocks,
    or is of one of the `validation_radars`.
    A training sample reads only frames that are at least the purge away from those of all validation samples of
    any radar, because a sample also reads the other radars. Other samples are left out. Raises ConfigError.
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
    left_out = set(validation_radars)
    validates |= np.asarray([radar in left_out for _, radar in samples])
    # Even without a purge, no frame is read by both.
    gap = max(60 * purge_minutes, 1)
    trains = (_distance(reads, np.unique(reads[validates])) >= gap).all(axis=1)
    train, validation_samples = (
        [samples[index] for index in np.flatnonzero(chosen).tolist()] for chosen in (trains, validates)
    )
    return train, validation_samples


def read_times(layout: Layout, stores: Sequence[str]) -> dict[str, list[int]]:
    """Read the frame times of each radar in stores given as RADAR=SHARD,FIRST..LAST,..."""
    return {
        radar: TimeSeries([layout.reflectivity(radar, shard) for shard in shards], "reflectivity").times
        for radar, shards in decode_stores(stores).items()
    }


def check_split(
    options: Split,
    times: Mapping[str, Sequence[int]],
    samples: Sequence[Sample],
    training: Sequence[Sample],
    validating: Sequence[Sample],
) -> None:
    """Raise SampleError if there is no training sample, no validation sample, or no frame at a lead time."""
    found = f"{sum(map(len, times.values()))} frames, {len(samples)} with all input frames"
    if not samples:
        minutes = sorted({0, *(options.input_minutes or ())})
        raise SampleError(
            f"no samples: {found} at minutes {minutes}; widen training.period, or make samples.input_minutes"
            " multiples of the cadence"
        )
    if not training:
        raise SampleError(
            f"no training samples: {found}, {len(validating)} for validation, the rest within"
            f" {options.purge_minutes} minutes of those; widen training.period, or lower samples.validation or"
            " samples.purge_minutes"
        )
    if options.validation > 0 and not validating:
        raise SampleError(
            f"no validation samples: {found}, none wholly in every {round(1 / options.validation)}th block of"
            f" {options.block_minutes} minutes; widen training.period, change samples.block_minutes, or set"
            " samples.validation to 0"
        )
    for lead in filter(None, options.lead_minutes):
        if not count_with_lead(training, times, lead):
            raise SampleError(
                f"no training sample has a frame {lead} minutes later; make samples.lead_minutes multiples of the"
                " cadence, or widen training.period"
            )


def count_with_lead(samples: Sequence[Sample], times: Mapping[str, Sequence[int]], minutes: int) -> int:
    """Count the samples whose radar has a frame this many minutes later."""
    known = {radar: set(frame_times) for radar, frame_times in times.items()}
    return sum(time + 60 * minutes in known[radar] for time, radar in samples)


def sample_table(samples: Iterable[Sample]) -> pd.DataFrame:
    """Return the table of samples: ISO time and radar, sorted."""
    rows = [(format_time(time), radar) for time, radar in sorted(samples)]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_samples(path: Path) -> list[Sample]:
    """Read the samples of a table in its order. Raises SampleError with the line."""
    remedy = "delete it and run snakemake again"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except FileNotFoundError:
        raise SampleError(f"{path}: the table of samples is missing; run snakemake to make it") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SampleError(f"{path}: not readable as a table of samples ({error}); {remedy}") from error
    if not lines or lines[0] != COLUMNS:
        columns = ",".join(lines[0]) if lines else "nothing"
        raise SampleError(f"{path} line 1: the columns are '{columns}', expected 'time,radar'; {remedy}")
    samples: dict[Sample, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            text, radar = line
            sample = Sample(parse_time(text), radar)
        except ValueError:
            raise SampleError(
                f"{path} line {number}: '{','.join(line)}' is not a sample;"
                f" write 2024-07-11T12:06:00Z,RADAR, or {remedy}"
            ) from None
        if not radar:
            raise SampleError(f"{path} line {number}: no radar; {remedy}")
        if sample in samples:
            raise SampleError(f"{path} line {number}: the same sample as in line {samples[sample]}; {remedy}")
        samples[sample] = number
    return list(samples)


def _distance(times: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the seconds from each time (any shape) to the nearest of the sorted other times."""
    if not others.size:
        return np.full(times.shape, np.iinfo(np.int64).max)
    after = np.searchsorted(others, times)
    before = others[np.clip(after - 1, 0, None)]
    behind = others[np.clip(after, None, others.size - 1)]
    nearest: NDArray[np.int64] = np.minimum(np.abs(times - before), np.abs(times - behind))
    return nearest
