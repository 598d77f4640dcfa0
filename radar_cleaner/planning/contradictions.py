"""Find what the times of the frames contradict in a config.

The run would end without an error, and its products would lack data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

# Differences of times that are compared; fewer do not show the cadence.
LEAST_DIFFERENCES = 4
# A difference is the cadence if it rounds to the same minute: names may contain the second at which a scan ended.
# Below a minute it is within this share.
SAME = 0.2
# The share of the frames that may have another distance, or no frame at an input time.
MIXED, ALONE = 0.25, 0.5

Times = NDArray[np.int64]


def contradictions(
    times: Mapping[str, Sequence[int]],
    cadence_minutes: float,
    input_minutes: Sequence[int],
    max_offset_minutes: float,
    overlapping: Mapping[str, Collection[str]],
) -> list[str]:
    """Return a line for each contradiction, with the key to change.

    `times` are those of the frames of each radar, in seconds since 1970. `overlapping` are the radars whose plot
    boxes overlap with that of a radar: frames of others are never paired with its frames.
    """
    found = {radar: np.unique(np.asarray(list(values), np.int64)) for radar, values in times.items()}
    lines = [*_unpaired(found, cadence_minutes, max_offset_minutes, overlapping)]
    for radar, own in found.items():
        other_cadence = _other_cadence(radar, own, cadence_minutes)
        lines += [other_cadence] if other_cadence else _without_neighbours(radar, own, input_minutes)
    return lines


def _other_cadence(radar: str, times: Times, cadence_minutes: float) -> str | None:
    """Return a line if most frames have another distance than the cadence, or many one that is not a multiple."""
    steps = np.diff(times)
    if steps.size < LEAST_DIFFERENCES:
        return None
    minutes, counts = np.unique(np.where(steps < 60, steps / 60, np.round(steps / 60)), return_counts=True)
    usual, count = float(minutes[counts.argmax()]), int(counts.max())
    shorter = min(usual, cadence_minutes)
    if 2 * count <= steps.size or abs(usual - cadence_minutes) <= (0.5 if shorter >= 1 else SAME * shorter):
        return _mixed_cadences(radar, minutes, counts, cadence_minutes)
    return (
        f"frames.cadence_minutes: is {cadence_minutes:g}, but {count} of {steps.size} frames of radar {radar} are"
        f" {usual:g} minutes after the frame before; write {usual:g}, or check frames.time_format and"
        " frames.loop"
    )


def _mixed_cadences(
    radar: str, minutes: NDArray[np.float64], counts: NDArray[np.int64], cadence_minutes: float
) -> str | None:
    """Return a line if many frames have one other distance, not a minute beside a multiple of the cadence."""
    away = np.abs(minutes - cadence_minutes * np.maximum(np.round(minutes / cadence_minutes), 1))
    others = np.where((minutes >= 1) & (away > 1), counts, 0)
    if others.max() <= MIXED * counts.sum():
        return None
    return (
        f"frames.cadence_minutes: is {cadence_minutes:g}, but {others.max()} of {counts.sum()} frames of radar"
        f" {radar} are {minutes[others.argmax()]:g} minutes after the frame before; the network finds no"
        " neighbours of these; clean them in a run of their own (frames.period) with their own cadence"
    )


def _without_neighbours(radar: str, times: Times, input_minutes: Sequence[int]) -> list[str]:
    """Return a line if few of the frames have another frame at some of the input times."""
    if times.size <= LEAST_DIFFERENCES:
        return []
    having = {minute: int(np.isin(times + 60 * minute, times).sum()) for minute in input_minutes}
    missing = [minute for minute, count in having.items() if count < ALONE * times.size]
    if not missing:
        return []
    listed = ", ".join(f"{minute:+d}" for minute in missing)
    most = max(having[minute] for minute in missing)
    few = f"at most {most} of {times.size} frames" if most else "no frame"
    return [
        f"samples.input_minutes: {few} of radar {radar} {'have' if most else 'has'} another one at {listed}"
        " minutes; choose times that the frames have, or set frames.snap_minutes if their times are irregular"
    ]


def _unpaired(
    times: Mapping[str, Times],
    cadence_minutes: float,
    max_offset_minutes: float,
    overlapping: Mapping[str, Collection[str]],
) -> Iterator[str]:
    """Yield a line for each radar that an offset would pair, and one for all others that are never paired."""
    elsewhen = []
    for radar, own in times.items():
        others = [times[name] for name in overlapping.get(radar, ()) if times[name].size]
        if not own.size or not others:
            continue
        offsets = _nearest(own, np.unique(np.concatenate(others)))
        if offsets.min() <= 60 * max_offset_minutes:
            continue
        usual = float(np.median(offsets)) / 60
        if usual > cadence_minutes:
            elsewhen.append(radar)
            continue
        yield (
            f"overlap.max_offset_minutes: is {max_offset_minutes:g}, and no frame of radar {radar} is that near to"
            f" one of another radar; half of them are {usual:.3g} minutes apart or less. Write {np.ceil(usual):g}"
            " to pair them, or check frames.time_zone"
        )
    if elsewhen:
        yield (
            f"frames.period: {', '.join(elsewhen)} have no frames at the times of the radars that they overlap"
            " with, so none are paired; check frames.time_zone and frames.time_format, or add frames of the same"
            " days"
        )


def _nearest(times: Times, others: Times) -> Times:
    """Return for each time the distance in seconds to the nearest of other times, both sorted."""
    place = np.searchsorted(others, times)
    before, after = others[np.maximum(place - 1, 0)], others[np.minimum(place, others.size - 1)]
    return np.asarray(np.minimum(np.abs(times - before), np.abs(after - times)), np.int64)
