"""Read a palette off the legend bar that is drawn in the frames themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.palette import Palette, make_palette

# Colours of one class differ by less than this RGB distance (noise of JPEG at quality 75 is some 10),
# those of neighbouring classes by more.
SAME_COLOUR = 24.0
# A stretch of one colour that is shorter than this share of the usual one is a separator or a blur.
SHORT_RUN = 0.3


def read_legend(
    bar: NDArray[np.uint8], dbz: Sequence[float], scale: Literal["ends", "bounds"], name: str
) -> Palette:
    """Read the palette of a legend bar, cropped tightly: (height, width, 3) uint8.

    The strong end of a vertical bar is at the top, that of a horizontal bar at the right. `dbz` has either the two
    ends of the bar, which is divided into equal steps, or the lower bounds of its classes, rising. `name` is the
    place of the legend, for errors. Raises ConfigError.
    """
    colours = class_colours(_middle_line(bar))
    found = f"{name}: its bar shows {len(colours)} classes of colour"
    if len(colours) < 2:
        raise ConfigError(f"{found}; set legend_box to the bar, without frame, numbers or gaps")
    if scale == "bounds":
        if len(dbz) != len(colours):
            raise ConfigError(
                f"{found}, but legend_dbz gives {len(dbz)} lower bounds; "
                "give one for each class, or set legend_box to exactly the bar"
            )
        return make_palette(colours, dbz, name)
    if len(dbz) != 2 or not dbz[0] < dbz[1]:
        raise ConfigError(f"{name}: legend_dbz {list(dbz)}: write the dBZ of the bar's two ends, low, high")
    return make_palette(colours, np.linspace(dbz[0], dbz[1], len(colours) + 1)[:-1].tolist(), name)


def class_colours(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 3) colours of the classes along a (length, 3) line, in its order.

    Runs of near-equal colours; short ones (separators, blurred edges) are dropped, and runs of one colour
    that only those parted are joined.
    """
    runs = _runs(line)
    lengths = np.sort([len(run) for run in runs])
    # Half of the line consists of runs of this length or longer: many separators do not lower it.
    usual = lengths[np.searchsorted(np.cumsum(lengths), lengths.sum() / 2)]
    shortest = max(2.0, SHORT_RUN * float(usual))
    colours: list[NDArray[np.float64]] = []
    for run in runs:
        if len(run) < shortest:
            continue
        edge = len(run) // 4  # where JPEG lets the neighbour's colour in
        colour = np.median(run[edge : len(run) - edge], axis=0)
        if not colours or _distance(colour, colours[-1]) > SAME_COLOUR:
            colours.append(colour)
    return np.rint(np.array(colours).reshape(-1, 3)).astype(np.uint8)


def _middle_line(bar: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(length, 3) colours along the bar from weak to strong: medians over the middle third across it."""
    height, width = bar.shape[:2]
    along = bar[::-1] if height >= width else bar.transpose(1, 0, 2)
    across = along.shape[1]
    middle = along[:, across // 3 : max(across - across // 3, across // 3 + 1)]
    return np.asarray(np.rint(np.median(middle, axis=1)), dtype=np.uint8)


def _runs(line: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Cut a line where its colour leaves the median of the run so far."""
    runs: list[NDArray[np.float64]] = []
    start, values = 0, line.astype(np.float64)
    for at in range(1, len(values) + 1):
        if at == len(values) or _distance(values[at], np.median(values[start:at], axis=0)) > SAME_COLOUR:
            runs.append(values[start:at])
            start = at
    return runs


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(first - second))
