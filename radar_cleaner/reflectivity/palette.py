"""Colour scales: palettes and hue scales, from colours to reflectivity.

A colour scale is a function of (n, 3) uint8 colours to (n,) codes of `conventions`, `UNDETECT` for colours without
echo. It depends on the colour alone, so `ColourTable` can tabulate it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import MAX_ECHO_DBZ, MIN_ECHO_DBZ, UNDETECT, encode_dbz
from radar_cleaner.errors import ConfigError

Colours = NDArray[np.uint8]
ColourScale = Callable[[Colours], NDArray[np.uint8]]

# Hue ranges of the multi-colour method, from weak to strong. They join to one range of hues that goes
# through zero, from green at 0.38 down to the red at 0.97, so that an intensity is a position along it.
HSV_MULTI = {"green": (0.18, 0.38), "yellow": (0.10, 0.18), "orange": (0.03, 0.10), "red": (0.97, 0.03)}
HSV_SIMPLE = {"any": (0.03, 0.38)}
ROUNDING = 1e-9


@dataclass(frozen=True)
class Palette:
    """Classes of reflectivity, weak to strong: (n, 3) uint8 colours, (n,) lower and (n,) upper bounds in dBZ.

    Classes join: the upper bound of one is the lower bound of the next.
    """

    colours: Colours
    lower_dbz: NDArray[np.float64]
    upper_dbz: NDArray[np.float64]

    @property
    def value_dbz(self) -> NDArray[np.float64]:
        """(n,) middles of the classes."""
        return (self.lower_dbz + self.upper_dbz) / 2

    def classes(self, colours: Colours, tolerance: float) -> NDArray[np.int64]:
        """(n,) class of the nearest palette colour by RGB distance; -1 where it is beyond `tolerance`.

        Of two colours equally near, the weaker class wins.
        """
        # In integers, so that a tie is a tie: the largest square distance is 195075.
        difference = colours[:, None, :].astype(np.int32) - self.colours[None].astype(np.int32)
        square = np.sum(difference**2, axis=2)
        nearest = np.argmin(square, axis=1)
        near = np.take_along_axis(square, nearest[:, None], axis=1)[:, 0] <= tolerance**2
        return np.where(near, nearest, -1)

    def scale(self, tolerance: float) -> ColourScale:
        """The colour scale of this palette: the middle of the nearest class, within `tolerance`."""
        codes = np.append(encode_dbz(self.value_dbz), np.uint8(UNDETECT))
        return lambda colours: codes[self.classes(colours, tolerance)]  # class -1 is the last entry


def make_palette(
    colours: Sequence[Sequence[int]] | Colours,
    lower_dbz: Sequence[float],
    name: str,
    last_dbz: float | None = None,
) -> Palette:
    """Return a checked palette, weak to strong. `name` is its source, for errors. Raises ConfigError.

    `last_dbz` is the upper bound of the last class; by default that class is as wide as the one before.
    """
    table, lower = np.asarray(colours, dtype=np.uint8).reshape(-1, 3), np.asarray(lower_dbz, dtype=np.float64)
    if len(table) < 2:
        raise ConfigError(f"{name}: a palette has two classes or more, not {len(table)}")
    if not (np.isfinite(lower).all() and (np.diff(lower) > 0).all()):
        raise ConfigError(f"{name}: lower bounds in dBZ must rise from class to class, not {list(lower_dbz)}")
    last = 2 * lower[-1] - lower[-2] if last_dbz is None else last_dbz
    palette = Palette(table, lower, np.append(lower[1:], last))
    first = lower[0]
    if first < MIN_ECHO_DBZ or last > MAX_ECHO_DBZ:
        raise ConfigError(
            f"{name}: its classes reach from {first:g} to {last:g} dBZ; "
            f"what can be stored is {MIN_ECHO_DBZ:g} to {MAX_ECHO_DBZ:g} dBZ"
        )
    seen: set[tuple[int, ...]] = set()
    for colour in map(tuple, palette.colours.tolist()):
        if colour in seen:
            raise ConfigError(f"{name}: colour {format_colour(colour)} belongs to two classes; keep one")
        seen.add(colour)
    return palette


def parse_palette(text: str, name: str) -> Palette:
    """Read a palette CSV: columns `colour` (#rrggbb) and `dbz_min` (lower bound), weak to strong.

    Other columns are ignored. `name` is the file's, for errors. Raises ConfigError.
    """
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or not {"colour", "dbz_min"} <= rows[0].keys():
        raise ConfigError(f"{name}: a palette has the columns colour,dbz_min and a line a class")
    colours, lower = [], []
    for number, row in enumerate(rows, start=2):
        colour, bound = (row["colour"] or "").strip(), (row["dbz_min"] or "").strip()
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise ConfigError(f"{name}, line {number}: '{colour}' is not a colour; write it as #99ccff")
        try:
            lower.append(float(bound))
        except ValueError:
            raise ConfigError(f"{name}, line {number}: dbz_min '{bound}' is not a number") from None
        colours.append([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return make_palette(colours, lower, name)


def format_colour(colour: Sequence[int]) -> str:
    """`#rrggbb` of three numbers."""
    return "#" + "".join(f"{value:02x}" for value in colour)


def hue_scale(
    ranges: dict[str, tuple[float, float]],
    dbz_range: tuple[float, float],
    min_saturation: float,
    min_value: float,
) -> ColourScale:
    """A colour scale by hue: position along the joined `ranges` (0..1, weak to strong), linear in dBZ.

    `dbz_range` is the dBZ of the weak and of the strong end. Ends of ranges and minima count as inside.
    Raises ConfigError where they cannot be.
    """
    weak, strong = dbz_range
    if not MIN_ECHO_DBZ <= weak < strong <= MAX_ECHO_DBZ:
        raise ConfigError(
            f"dbz_range {list(dbz_range)}: write low, high within {MIN_ECHO_DBZ:g} to {MAX_ECHO_DBZ:g} dBZ"
        )
    joined = list(ranges.values())
    top, bottom = joined[0][1], joined[-1][0]
    if bottom > top:  # the joined range goes through hue 0: count its red end as negative
        bottom -= 1

    def scale(colours: Colours) -> NDArray[np.uint8]:
        hue, saturation, value = hue_saturation_value(colours)
        # The ends are decimal fractions: rounding must not exclude a colour at an end.
        hue = np.where(hue > top + ROUNDING, hue - 1, hue)
        echo = (hue >= bottom - ROUNDING) & (saturation >= min_saturation) & (value >= min_value)
        position = (top - hue) / (top - bottom)
        return np.where(echo, encode_dbz(weak + position * (strong - weak)), np.uint8(UNDETECT))

    return scale


def hue_saturation_value(colours: Colours) -> tuple[NDArray[np.float64], ...]:
    """Hue, saturation, value of (n, 3) uint8 colours: three (n,) arrays, 0..1 (A. R. Smith, 1978).

    The hue of a gray is 0, as is its saturation.
    """
    red, green, blue = (colours[:, band].astype(np.float64) for band in range(3))
    high, low = colours.max(axis=1).astype(np.float64), colours.min(axis=1).astype(np.float64)
    spread = np.where(high > low, high - low, 1)
    sixths = np.where(
        high == red,
        (green - blue) / spread,
        np.where(high == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    return (sixths / 6) % 1, (high - low) / np.where(high > 0, high, 1), high / 255
