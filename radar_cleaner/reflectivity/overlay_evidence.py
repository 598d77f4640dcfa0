"""Evidence for things that are drawn over the echo: pixels that keep their colour while it rains around them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.pixel_colours import alike
from radar_cleaner.reflectivity.row_blocks import row_blocks, widen

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Counts = NDArray[np.int64]

# Pixels around a pixel in which rain is looked for: two squares, 2 and 3 pixels away.
_HALF = [(y, x) for y in range(4) for x in range(-3, 4) if max(y, abs(x)) in (2, 3) and (y > 0 or x > 0)]
_AROUND = _HALF + [(-y, -x) for y, x in _HALF]  # opposite places are half of the list apart
_MIN_AROUND = 10  # of these must belong to something else
_RAINING = 0.75  # share of them that shows rain: the pixel is within it
_MOST = 150_000  # pixels that are looked at: memory is bounded
THIN_PX = 5  # what an opening of this size removes is thin
# Of parts of a map over which it rains: times that their colour returns, on average of the pixels; share of the
# frames with another colour of the map; share of the changed pixels that are beside each other, as rain is.
_MIN_RETURNS, _MOST_BEHIND, _MIN_JOINED = 0.8, 0.03, 0.5


@dataclass(frozen=True)
class Components:
    """Connected pixels of one colour that never changes.

    `labels` (y, x) is the number of the component of each pixel, 0 for none; the arrays have an entry for each
    number, the first for none. `cluster` is the number of its colour, `size` its pixels, `thin` the share of them
    that an opening removes.
    """

    labels: Labels
    cluster: Counts
    size: Counts
    thin: NDArray[np.float64]


def open_thin(mask: NDArray[np.uint8], thin_px: int = THIN_PX) -> NDArray[np.uint8]:
    """Return a mask (y, x) of 0 and 1 without its parts that are thinner than `thin_px`."""
    kernel = np.ones((thin_px, thin_px), np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def find_thin(clusters: NDArray[np.int16]) -> Mask:
    """Return for each number of `clusters` (y, x) whether its pixels are mostly thin; the last is of none."""
    count = int(clusters.max(initial=-1)) + 1
    thin = np.zeros(count + 1, bool)
    for number in range(count):
        mask = (clusters == number).astype(np.uint8)
        thin[number] = 2.5 * open_thin(mask).sum() <= mask.sum()
    return thin


def find_components(clusters: NDArray[np.int16], static: Mask) -> Components:
    """Find the components of the pixels that are `static`.

    `clusters` (y, x) is the number of the usual colour of each pixel, -1 for none.
    """
    labels = np.zeros(clusters.shape, np.int32)
    cluster, thin = [np.array([-1])], [np.zeros(1)]
    total = 1
    for number in np.unique(clusters[static & (clusters >= 0)]):
        mask = ((clusters == number) & static).astype(np.uint8)
        count, found = cv2.connectedComponents(mask, connectivity=8)
        kept = open_thin(mask)
        sizes = count_numbers(found, count)
        thick = count_numbers(found, count, kept)
        np.add(found, total - 1, out=labels, where=mask > 0)
        cluster.append(np.full(count - 1, number))
        thin.append(1 - thick[1:] / np.maximum(sizes[1:], 1))
        total += count - 1
    return Components(
        labels,
        np.concatenate(cluster).astype(np.int64),
        count_numbers(labels, total),
        np.concatenate(thin),
    )


def count_numbers(numbers: Labels, count: int, mask: NDArray[np.uint8] | None = None) -> Counts:
    """Return how many pixels of numbers (y, x) have each of the first `count`, within a mask (y, x) of 0 and 1."""
    total = np.zeros(count, np.int64)
    for rows in row_blocks(numbers.shape):
        part = numbers[rows] if mask is None else numbers[rows][mask[rows] > 0]
        total += np.bincount(part.ravel(), minlength=count)
    return total


class RainAround:
    """Count the frames in which it rains around the pixels of components, and in which they kept their colour.

    Around are the pixels with another usual colour. It rains more often on others of the same colour, so
    that the ground beside them would seem to keep its colour.
    """

    def __init__(self, components: Components, clusters: NDArray[np.int16], observed: Mask) -> None:
        labels = components.labels
        height, width = labels.shape
        self._count = len(components.size)
        rows, columns = np.nonzero((labels > 0) & observed & _edges(clusters))
        step = max(1, len(rows) // _MOST)
        rows, columns = rows[::step], columns[::step]
        own, colour = labels[rows, columns], clusters[rows, columns]
        places, outside = [], []
        for down, right in _AROUND:
            y, x = rows + down, columns + right
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            place = np.where(inside, y * width + x, 0)
            places.append(place.astype(np.int32))
            outside.append(inside & (clusters.ravel()[place] != colour) & observed.ravel()[place])
        # Both sides: at a coast it may rain on one alone, up to the pixel.
        half = len(_HALF)
        both = np.array(outside[:half]) & np.array(outside[half:])
        outside = [*both, *both]
        around = np.array(outside).sum(axis=0)
        used = around >= _MIN_AROUND
        self._pixels = (rows * width + columns)[used]
        self._own = own[used]
        self._places = np.array(places)[:, used]
        self._outside = np.array(outside)[:, used]
        self._needed = _RAINING * around[used]
        self.raining = np.zeros(self._count, np.int64)
        self.kept = np.zeros(self._count, np.int64)

    def add(self, rain: Mask, kept: Mask) -> None:
        """Add a frame (y, x): rain that is not the usual colour of its pixel, and the pixels that keep theirs."""
        if not self._pixels.size or not rain.any():
            return
        # Only pixels with rain two or three pixels away are worth a closer look.
        near = cv2.dilate(rain.view(np.uint8), np.ones((7, 7), np.uint8)).ravel()
        rows = np.flatnonzero(near[self._pixels])
        around = (rain.ravel()[self._places[:, rows]] & self._outside[:, rows]).sum(axis=0)
        rows = rows[around >= self._needed[rows]]
        own = self._own[rows]
        self.raining += np.bincount(own, minlength=self._count)
        self.kept += np.bincount(own[kept.ravel()[self._pixels[rows]]], minlength=self._count)


class Surroundings:
    """Count how often the pixels just outside components show the colour of the component."""

    def __init__(self, components: Components, chosen: Mask, observed: Mask) -> None:
        """`chosen` (components,) are those that are looked at."""
        labels = components.labels
        pixels, own = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        for rows in row_blocks(labels.shape):
            around, inside = widen(rows, len(labels), 1)
            wanted = np.where(chosen[labels[around]], labels[around], 0)
            grown = cv2.dilate(wanted.astype(np.float64), np.ones((3, 3), np.uint8)).astype(np.int32)[inside]
            ring = np.flatnonzero((grown > 0) & (wanted[inside] == 0) & observed[rows])
            pixels.append(ring + rows.start * labels.shape[1])
            own.append(grown.ravel()[ring])
        self._pixels, self._own = np.concatenate(pixels), np.concatenate(own)
        self._count = len(components.size)
        self._frames = 0
        self._same = np.zeros(self._count, np.int64)
        self._size = np.bincount(self._own, minlength=self._count)

    def add(self, frame: NDArray[np.uint8], colours: NDArray[np.uint8], tolerance: int) -> None:
        """Add a frame (y, x, 3); `colours` (components, 3) are those of the components."""
        seen = frame.reshape(-1, 3)[self._pixels].astype(np.int16)
        same = (np.abs(seen - colours[self._own]) <= tolerance).all(axis=1)
        self._same += np.bincount(self._own[same], minlength=self._count)
        self._frames += 1

    def shares(self) -> NDArray[np.float64]:
        """Return the share (components,) of pixels and frames outside that show the component's colour."""
        return np.asarray(self._same / np.maximum(self._size * self._frames, 1))


class Changes:
    """Count how often the pixels of components change their usual colour, and what they show then."""

    def __init__(self, components: Components, chosen: Mask, usual: NDArray[np.uint8], tolerance: int) -> None:
        """`chosen` (components,) are those that are looked at, `usual` (y, x, 3) the colours."""
        self._chosen = chosen[components.labels]
        self._own = components.labels[self._chosen]
        self._usual, self._tolerance, self._size = usual, tolerance, components.size
        self._returns, self._behind, self._changed, self._joined = np.zeros((4, len(components.size)))
        self._before: Mask = np.ones(len(self._own), bool)

    def add(self, frame: NDArray[np.uint8], mapped: Mask) -> None:
        """Add a frame (y, x, 3); `mapped` (y, x) are the pixels that show a colour of the map."""
        own = self._chosen & alike(frame, self._usual, self._tolerance)
        other = ~mapped & ~own
        joined = open_thin(other.view(np.uint8), 3) > 0
        shown = own[self._chosen]
        for total, found in (
            (self._returns, shown & ~self._before),
            (self._behind, mapped[self._chosen] & ~shown),
            (self._changed, other[self._chosen]),
            (self._joined, joined[self._chosen]),
        ):
            total += np.bincount(self._own[found], minlength=len(self._size))
        self._before = shown

    def are_of_rain(self, frames: int) -> Mask:
        """Return which components (n,) rain hides from time to time; no clutter is."""
        returns = self._returns >= _MIN_RETURNS * self._size
        covers = self._behind <= _MOST_BEHIND * self._size * frames
        return np.asarray(returns & covers & (self._joined >= _MIN_JOINED * self._changed))


def _edges(numbers: NDArray[np.int16]) -> Mask:
    """Return the pixels with another number at most three pixels away."""
    kernel = np.ones((7, 7), np.uint8)
    return np.asarray(cv2.dilate(numbers, kernel) != cv2.erode(numbers, kernel))
