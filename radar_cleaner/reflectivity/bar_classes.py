"""Find the classes along a bar of colours: where each begins and ends, and its colour.

A line is (length, 3) float, the colours along the bar. In a lossless picture a class is a run of one colour. In a
lossy one, classes are the segments that explain the line best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from radar_cleaner.reflectivity.bar_borders import borders_are_certain

# A run shorter than this share of the usual length is a gap, a soft edge or the background at the tip of an arrow.
SHORT_RUN = 0.3
# In a lossy picture: colours nearer than this are one class (RGB distance), and farther than that are two.
SAME_COLOUR, OTHER_COLOUR = 8.0, 24.0
OUTLIER = 30.0  # RGB distance from which a pixel is no longer noise of its class (gaps, soft edges, numbers)
PIXELS_PER_CLASS = 12  # that the search for segments looks at
SHORTEST, LONGEST = 0.4, 2.5  # length of a segment relative to the mean
# Of segments of a noisy line: shortest and longest relative to the median, longest stretch of other colours
# relative to the mean (a class that was passed over is as long as a segment).
SHORTEST_FITTED, LONGEST_FITTED, LONGEST_GAP = 0.55, 1.6, 0.65
HALF = 0.8  # two neighbours of less than this length and of near colours are halves of one class
EXPLAINED = 0.6  # least share of the pixels in the middle of a segment that have its colour
FURTHER_COLOURS = 3  # of gaps and frame, in a bar without soft edges
MISSED = 1.7  # length of a class relative to the median, from which others may be missing in it
SHORTEST_EVEN = 4  # pixels of a class in a lossy picture, if their number is not known
NOISE_PX = 3  # length over which the noise of a line is measured
EVEN_SCATTER = 2.0  # largest scatter of a segment, relative to the noise of the line
SHORTEST_CONTINUOUS = 30  # pixels of a bar without classes
# Share of the change along a line that is between its segments, beyond their share of the length: more than this
# in a bar with classes. Share in the third of the line with most change: less than this in a bar without.
SHARP, CONCENTRATED = 0.05, 0.75
STEADY = 0.75  # change over two pixels, relative to twice that over one, of a bar without gaps
MOST_ROWS = 132  # classes of a continuous bar in a lossy picture; its decoding needs memory for each
RETURNS_SOON = 0.1  # of the length: within it, noise makes two rows of a continuous bar equal
EVENNESS = 0.5  # weight of equal lengths in the search for segments

Line = NDArray[np.float64]


@dataclass(frozen=True)
class BarClasses:
    """The n classes of a bar, in the order of the line.

    colours: (n, 3) uint8. starts, stops: (n,) pixels along the line, stop excluded. edges: (n + 1,) the bounds of
    the classes along the line; a gap is shared by its neighbours. clear: false if noise may hide other classes.
    """

    colours: NDArray[np.uint8]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    clear: bool = True

    @property
    def edges(self) -> NDArray[np.float64]:
        """(n + 1,) bounds in pixels; evenly spaced if no class is off its place by more than a pixel."""
        gaps = self.starts[1:] - self.stops[:-1]
        outer = float(np.median(gaps)) / 2 if gaps.size else 0.0  # the ends have half a gap, as each class has
        inner = (self.starts[1:] + self.stops[:-1]) / 2
        edges = np.concatenate([[self.starts[0] - outer], inner, [self.stops[-1] + outer]])
        even = np.linspace(edges[0], edges[-1], len(edges))
        return even if np.abs(edges - even).max() <= 1 else edges

    def joined(self) -> BarClasses:
        """Return the classes with neighbours of one colour as one class."""
        if not len(self.colours):
            return self
        changes = np.flatnonzero((np.diff(self.colours.astype(int), axis=0) != 0).any(axis=1))
        first, last = np.append(0, changes + 1), np.append(changes, len(self.colours) - 1)
        return BarClasses(self.colours[first], self.starts[first], self.stops[last], self.clear)

    def shifted(self, pixels: int) -> BarClasses:
        """Return the classes on a line that begins `pixels` earlier."""
        return replace(self, starts=self.starts + pixels, stops=self.stops + pixels)


def find_classes(line: Line, lossy: bool, count: int | None) -> BarClasses:
    """Return the classes of a line; `count` is their number if it is known.

    The result has another number of classes, or is not clear, if the line does not show `count` of them.
    """
    return _lossy_classes(line, count) if lossy else _pure_classes(line, count)


def _pure_classes(line: Line, count: int | None) -> BarClasses:
    runs = _equal_runs(line)
    if count is None and _misses_classes(line, runs):
        runs = _single_runs(line)
    if not runs or not _has_soft_edges(line, runs):
        return _classes(line, runs)
    if count is not None and len(runs) != count:
        fitted = _fit_segments(line, count) if 2 <= count <= len(line) else []
        if not (fitted and _explains(line, fitted, False)):
            return replace(_classes(line, runs), clear=False)
        runs = fitted
    classes = _classes(line, runs)
    is_continuous = count is None and np.median(classes.stops - classes.starts) < SHORTEST_EVEN
    is_certain = _are_alike(runs) and borders_are_certain(line, runs, False)
    return replace(classes, clear=is_continuous or is_certain)


def _lossy_classes(line: Line, count: int | None) -> BarClasses:
    if count is None:
        even = _even_segments(line)
        if _is_continuous(line, even):
            return _rows(line)
    for segments, is_even in _candidates(line, count):
        if _have_one_colour(line, segments) and borders_are_certain(line, segments, is_even):
            return _classes(line, segments)
    runs = (_even_segments(line) if count is None else []) or _merged_runs(line)
    return replace(_classes(line, runs), clear=False)


def _candidates(line: Line, count: int | None) -> Iterator[tuple[list[tuple[int, int]], bool]]:
    """Yield segments that may be the classes of a noisy line, and whether they are equally long."""
    if count is None:
        for number in range(2, len(line) // SHORTEST_EVEN + 1):
            yield _equal_segments(len(line), number), True
        runs = _merged_runs(line)
        if len(runs) > 1 and _are_alike(runs):
            yield runs, False
    elif 2 <= count <= len(line) // 2:
        yield _equal_segments(len(line), count), True
        runs = _merged_runs(line)
        if len(runs) == count and _are_alike(runs):
            yield runs, False
        fitted = _fit_segments(line, count)
        if fitted and _explains(line, fitted, True):
            yield fitted, False


def _equal_segments(length: int, count: int) -> list[tuple[int, int]]:
    edges = np.rint(np.linspace(0, length, count + 1)).astype(np.int64).tolist()
    return list(pairwise(edges))


def _equal_runs(line: Line) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of one colour, without gaps, frames and soft edges."""
    return _without_gaps(line, _all_runs(line), 1)


def _all_runs(line: Line) -> list[tuple[int, int]]:
    changes = np.flatnonzero((np.diff(line, axis=0) != 0).any(axis=1)) + 1
    bounds = [0, *changes.tolist(), len(line)]
    return list(pairwise(bounds))


def _single_runs(line: Line) -> list[tuple[int, int]]:
    """Return the runs whose colour occurs once, soft edges as well: each is right at its place."""
    runs = _all_runs(line)
    colours = [tuple(line[start].tolist()) for start, _ in runs]
    number = Counter(colours)
    return [run for run, colour in zip(runs, colours, strict=True) if number[colour] == 1]


def _has_soft_edges(line: Line, runs: list[tuple[int, int]]) -> bool:
    """Return whether a line has more colours than its classes, gaps and frame."""
    return len({tuple(line[start].tolist()) for start, _ in _all_runs(line)}) > len(runs) + FURTHER_COLOURS


def _misses_classes(line: Line, runs: list[tuple[int, int]]) -> bool:
    """Return whether a class is so long that others may be missing in it."""
    lengths = np.diff(_classes(line, runs).edges) if runs else np.zeros(1)
    return bool(lengths.max() > MISSED * np.median(lengths) or len(runs) < 2)


def _merged_runs(line: Line) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of near colours: cut where a colour leaves the median of the run so far."""
    if len(line) < 2:
        return []
    differences = np.linalg.norm(np.diff(line, axis=0), axis=1)
    # Most neighbours are of one class: twice their usual difference is its noise.
    limit = float(np.clip(4 * np.median(differences), SAME_COLOUR, OTHER_COLOUR))
    runs, start = [], 0
    for at in range(1, len(line) + 1):
        if at == len(line) or np.linalg.norm(line[at] - np.median(line[start:at], axis=0)) > limit:
            runs.append((start, at))
            start = at
    kept = _without_gaps(line, runs, OTHER_COLOUR)
    joined: list[tuple[int, int]] = []
    for run in kept:
        if joined and np.linalg.norm(_colour(line, run) - _colour(line, joined[-1])) <= limit:
            joined[-1] = (joined[-1][0], run[1])
        else:
            joined.append(run)
    return joined


def _without_gaps(line: Line, runs: list[tuple[int, int]], step: float) -> list[tuple[int, int]]:
    """Return the runs that are classes: the long ones, and no colour that returns between the others.

    Colours are one if they are equal in steps of `step`.
    """
    lengths = np.array([stop - start for start, stop in runs])
    colours = [tuple(np.rint(_colour(line, run) / step).tolist()) for run in runs]
    gaps = _returning(colours, lengths)
    body = np.delete(lengths, list(gaps))
    usual = _usual_length(body if body.size else lengths)
    return [
        run
        for place, (run, length) in enumerate(zip(runs, lengths, strict=True))
        if place not in gaps and length >= usual * SHORT_RUN
    ]


def _returning(colours: list[tuple[float, ...]], lengths: NDArray[np.int64]) -> set[int]:
    """Return the places of runs of colours that return between others. A class has its colour once.

    A much longer run of the same colour is a class in the colour of the gaps.
    """
    places: dict[tuple[float, ...], list[int]] = {}
    for place, colour in enumerate(colours):
        places.setdefault(colour, []).append(place)
    usual = _usual_length(lengths)
    found: set[int] = set()
    for same in places.values():
        limit = 1.5 * float(np.median(lengths[same])) if len(same) > 2 else usual / 2
        short = [place for place in same if lengths[place] <= limit]
        if len(short) > 1 and np.diff(same).min() > 1:
            found.update(short)
    return found


def _usual_length(lengths: NDArray[np.int64]) -> float:
    """Return the length that half of the line is in runs of or above: many short runs do not lower it."""
    rising = np.sort(lengths)
    return float(rising[np.searchsorted(np.cumsum(rising), rising.sum() / 2)])


def _even_segments(line: Line) -> list[tuple[int, int]]:
    """Return the fewest segments of equal length that scatter little more than the noise, if there are any."""
    sums, squares = (np.concatenate([np.zeros((1, 3)), np.cumsum(values, axis=0)]) for values in (line, line**2))

    def scatter(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.float64]:
        number = (stops - starts)[:, None]
        mean = (sums[stops] - sums[starts]) / number
        return np.asarray(((squares[stops] - squares[starts]) / number - mean**2).sum(axis=1))

    windows = np.arange(len(line) - NOISE_PX)
    if not windows.size:
        return []
    noise = float(np.median(scatter(windows, windows + NOISE_PX)))
    for count in range(2, len(line) // SHORTEST_EVEN + 1):
        segments = _equal_segments(len(line), count)
        edges = np.array([0, *(stop for _, stop in segments)])
        quarter = (edges[1:] - edges[:-1]) // 4
        if scatter(edges[:-1] + quarter, edges[1:] - quarter).mean() <= EVEN_SCATTER * noise + SAME_COLOUR:
            return segments
    return []


def _is_continuous(line: Line, segments: list[tuple[int, int]]) -> bool:
    """Return whether the colour changes all along the line, not only between the segments or at a few places."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    if len(line) < SHORTEST_CONTINUOUS or not 0 < steps.mean() <= OUTLIER:
        return False
    over_two = np.linalg.norm(line[2:] - line[:-2], axis=1)
    if over_two.sum() < STEADY * 2 * steps.sum():  # there and back, as at a gap
        return False
    if not segments:
        largest = np.sort(steps)[-(len(steps) // 3) :]
        return bool(largest.sum() < CONCENTRATED * steps.sum())
    between = np.zeros(len(steps), dtype=bool)
    for start, _ in segments[1:]:
        between[max(start - 2, 0) : start + 1] = True
    return bool(steps[between].sum() / steps.sum() - between.mean() < SHARP)


def _rows(line: Line) -> BarClasses:
    """Return the rows of a continuous bar as classes, few rows together, with the noise of their colours reduced.

    A colour that returns after a few rows is left out there: its neighbours share the place.
    """
    padded = np.pad(line, ((1, 1), (0, 0)), mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    together = -(-len(line) // MOST_ROWS)
    seen: dict[tuple[int, ...], int] = {}
    colours, starts = [], []
    for start in range(0, len(line), together):
        colour = tuple(np.rint(smooth[start : start + together].mean(axis=0)).astype(int).tolist())
        if start - seen.get(colour, -len(line)) > RETURNS_SOON * len(line):
            seen[colour] = start
            colours.append(colour)
            starts.append(start)
    first = np.array(starts, dtype=np.int64)
    return BarClasses(np.array(colours, dtype=np.uint8), first, np.minimum(first + together, len(line)))


def _fit_segments(line: Line, count: int) -> list[tuple[int, int]]:
    """Return the `count` segments of the line with the least distance of its pixels from their segment's colour.

    The distance of a pixel is limited, so that gaps and edges cost the same in every segment. Segments of equal
    length are preferred a little.
    """
    stride = max(1, len(line) // (PIXELS_PER_CLASS * count))
    seen = line[stride // 2 :: stride]
    total, mean = len(seen), len(seen) / count
    shortest, longest = max(1, int(SHORTEST * mean)), min(total, int(np.ceil(LONGEST * mean)))
    sums = np.concatenate([np.zeros((1, 3)), np.cumsum(seen, axis=0)])
    limit = OUTLIER**2
    costs = {}
    for length in range(shortest, longest + 1):
        edge = length // 4
        core = length - 2 * edge
        first = np.arange(total - length + 1) + edge
        colour = (sums[first + core] - sums[first]) / core
        square = ((sliding_window_view(seen, length, axis=0) - colour[:, :, None]) ** 2).sum(axis=1)
        costs[length] = np.minimum(square, limit).sum(axis=1) + EVENNESS * limit * mean * (length / mean - 1) ** 2
    best = np.full(total + 1, np.inf)
    best[0] = 0
    choices = np.zeros((count, total + 1), dtype=np.int64)
    for number in range(count):
        following = np.full(total + 1, np.inf)
        for length, cost in costs.items():
            candidate = best[: total - length + 1] + cost
            better = candidate < following[length:]
            following[length:][better] = candidate[better]
            choices[number, length:][better] = length
        best = following
    if not np.isfinite(best[total]):
        return []
    segments, stop = [], total
    for number in reversed(range(count)):
        start = stop - int(choices[number, stop])
        segments.append((start * stride, len(line) if stop == total else stop * stride))
        stop = start
    return segments[::-1]


def _explains(line: Line, segments: list[tuple[int, int]], lossy: bool) -> bool:
    """Return whether the segments are the classes of a line, so that none is missing and none is cut in two.

    Each segment has one colour, which is not that of the segment before it. Noise may make the colours of
    neighbours equal; that they are as long as the others then proves them.
    """
    colours = np.array([_colour(line, segment) for segment in segments])
    lengths = np.array([stop - start for start, stop in segments])
    relative = lengths / np.median(lengths)
    if not _are_alike(segments):
        return False
    even = np.abs(lengths - lengths.mean()).max() <= max(1.5, lengths.mean() / 4)
    steps = np.linalg.norm(np.diff(colours, axis=0), axis=1)
    halves = np.maximum(relative[1:], relative[:-1]) < HALF
    if steps.min() < (SAME_COLOUR / 2 if lossy else 1) and not (lossy and even):
        return False
    if (halves & (steps < 2 * SAME_COLOUR)).any():
        return False
    if not _have_one_colour(line, segments):
        return False
    other = np.linalg.norm(line - np.repeat(colours, lengths, axis=0), axis=1) > OUTLIER
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], other, [False]]).astype(int)))
    return not bounds.size or bool(np.max(bounds[1::2] - bounds[::2]) <= LONGEST_GAP * lengths.mean())


def _are_alike(segments: list[tuple[int, int]]) -> bool:
    """Return whether the lengths of segments are so alike that none is a gap, and none is two classes."""
    lengths = np.array([stop - start for start, stop in segments])
    relative = lengths / np.median(lengths)
    return bool(relative.min() >= SHORTEST_FITTED and relative.max() <= LONGEST_FITTED)


def _have_one_colour(line: Line, segments: list[tuple[int, int]]) -> bool:
    """Return whether each segment mostly has one colour: a part of a continuous bar has several."""
    drifts = []
    for segment in segments:
        core = _core(line, segment)
        near = np.linalg.norm(core - np.median(core, axis=0), axis=1) <= OUTLIER
        if near.mean() < EXPLAINED:
            return False
        half = max(len(core) // 2, 1)
        drift = np.median(core[:half], axis=0) - np.median(core[-half:], axis=0)
        drifts.append(float(np.linalg.norm(drift)))
    return bool(np.median(drifts) <= OTHER_COLOUR / 2)


def _classes(line: Line, runs: list[tuple[int, int]]) -> BarClasses:
    colours = np.array([_colour(line, run) for run in runs]).reshape(-1, 3)
    starts, stops = (np.array([run[end] for run in runs], dtype=np.int64) for end in (0, 1))
    return BarClasses(np.rint(colours).astype(np.uint8), starts, stops)


def _core(line: Line, run: tuple[int, int]) -> Line:
    """Return the middle half of a run; the rest may contain colour of its neighbours."""
    start, stop = run
    edge = (stop - start) // 4
    return line[start + edge : stop - edge]


def _colour(line: Line, run: tuple[int, int]) -> NDArray[np.float64]:
    return np.asarray(np.median(_core(line, run), axis=0))
