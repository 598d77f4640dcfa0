"""Colour scales: palettes and hue scales, from colours to reflectivity.

A colour scale is a function of (n, 3) uint8 colours to (n,) codes of `conventions`, `UNDETECT` for colours without
echo. It depends on the colour alone, so `ColourTable` can tabulate it.
"""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.hues import ROUNDING, join_hues
from radar_cleaner.config.labels import ZR
from radar_cleaner.config.units import DBZ, MM_PER_10_MIN, MM_PER_HOUR, parse_unit
from radar_cleaner.conventions import MAX_ECHO_DBZ, MIN_ECHO_DBZ, UNDETECT, encode_dbz
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.units import check_spacing, conversion_attrs, to_dbz

log = logging.getLogger(__name__)

Colours = NDArray[np.uint8]
ColourScale = Callable[[Colours], NDArray[np.uint8]]

# Hue ranges of the multi-colour method, from weak to strong. They join to one range of hues that goes
# through zero, from green at 0.38 down to the red at 0.97, so that an intensity is a position along it.
HSV_MULTI = ((0.18, 0.38), (0.10, 0.18), (0.03, 0.10), (0.97, 0.03))  # green, yellow, orange, red
HSV_SIMPLE = ((0.03, 0.38),)
DEFAULT_ZR = ZR()
BLOCK = 4096  # colours
IMPOSSIBLE_DBZ = (-100, 120)  # no scale goes beyond: a mistake in the numbers, or in their unit
# Columns of a palette CSV with the lower bounds of the classes, and their units.
BOUND_COLUMNS = {"dbz_min": DBZ, "mm_h_min": MM_PER_HOUR, "mm_10min_min": MM_PER_10_MIN}


@dataclass(frozen=True)
class Palette:
    """Classes of reflectivity, weak to strong: (n, 3) uint8 colours, (n,) lower and (n,) upper bounds in dBZ.

    Classes join: the upper bound of one is the lower bound of the next. `attrs` documents the conversion of rain
    rates, for the attributes of stores.
    """

    colours: Colours
    lower_dbz: NDArray[np.float64]
    upper_dbz: NDArray[np.float64]
    attrs: Mapping[str, object] = field(default_factory=dict)

    @property
    def value_dbz(self) -> NDArray[np.float64]:
        """(n,) middles of the classes."""
        return (self.lower_dbz + self.upper_dbz) / 2

    def classes(self, colours: Colours, tolerance: float) -> NDArray[np.int64]:
        """(n,) class of the nearest palette colour by RGB distance; -1 where it is beyond `tolerance`.

        Of two colours equally near, the weaker class wins.
        """
        return _nearest(colours, self.colours, tolerance)

    def scale(self, tolerance: float, others: Colours | None = None) -> ColourScale:
        """The colour scale of this palette: the middle of the nearest class, within `tolerance`.

        Colours that are nearer to one of `others` (n, 3) than to a class are `undetect`.
        """
        among = self.colours if others is None else np.concatenate([self.colours, others])
        codes = np.full(len(among) + 1, UNDETECT, np.uint8)  # class -1 is the last entry
        codes[: len(self.colours)] = encode_dbz(self.value_dbz)
        return lambda colours: codes[_nearest(colours, among, tolerance)]


def _nearest(colours: Colours, among: Colours, tolerance: float) -> NDArray[np.int64]:
    """(n,) index of the nearest of the colours `among`; -1 where it is beyond `tolerance`."""
    found = np.empty(len(colours), dtype=np.int64)
    for start in range(0, len(colours), BLOCK):  # a block at a time, so that many classes need little memory
        block = slice(start, start + BLOCK)
        # In integers, so that a tie is a tie: the largest square distance is 195075.
        difference = colours[block, None, :].astype(np.int32) - among[None].astype(np.int32)
        square = np.sum(difference**2, axis=2)
        nearest = np.argmin(square, axis=1)
        near = np.take_along_axis(square, nearest[:, None], axis=1)[:, 0] <= tolerance**2
        found[block] = np.where(near, nearest, -1)
    return found


def make_palette(
    colours: Sequence[Sequence[int]] | Colours,
    lower_dbz: Sequence[float] | NDArray[np.float64],
    name: str,
    last_dbz: float | None = None,
) -> Palette:
    """Return a checked palette, weak to strong. `name` is its source, for errors. Raises ConfigError.

    `last_dbz` is the upper bound of the last class; by default that class is as wide as the one before. Bounds
    that no store can contain are clipped, with a warning.
    """
    table, lower = np.asarray(colours, dtype=np.uint8).reshape(-1, 3), np.asarray(lower_dbz, dtype=np.float64)
    if len(table) < 2:
        raise ConfigError(f"{name}: a palette has two classes or more, not {len(table)}")
    if not (np.isfinite(lower).all() and (np.diff(lower) > 0).all()):
        twice = len(np.unique(lower)) < len(lower)
        remedy = (
            ". A second ramp of colours, as for snow, is not read: keep one, and list the colours of the other in"
            " labels.nodata_colours"
        )
        raise ConfigError(
            f"{name}: lower bounds must rise from class to class, not {shown_numbers(lower)}; sort its classes"
            f" from weak to strong{remedy if twice else ''}"
        )
    if lower[-1] > IMPOSSIBLE_DBZ[1] or lower[0] < IMPOSSIBLE_DBZ[0]:
        raise ConfigError(
            f"{name}: its classes begin at {lower[0]:g} to {lower[-1]:g} dBZ; a store can contain {MIN_ECHO_DBZ:g}"
            f" to {MAX_ECHO_DBZ:g} dBZ; correct the bounds, or the unit (labels.unit)"
        )
    seen: set[tuple[int, ...]] = set()
    for colour in map(tuple, table.tolist()):
        if colour in seen:
            raise ConfigError(f"{name}: colour {format_colour(colour)} belongs to two classes; keep one")
        seen.add(colour)
    upper = np.append(lower[1:], 2 * lower[-1] - lower[-2] if last_dbz is None else last_dbz)
    if lower[0] < MIN_ECHO_DBZ or upper[-1] > MAX_ECHO_DBZ:
        log.warning(
            "%s: its classes reach from %g to %g dBZ; a store can contain %g to %g, and bounds beyond are clipped",
            name,
            lower[0],
            upper[-1],
            MIN_ECHO_DBZ,
            MAX_ECHO_DBZ,
        )
    return Palette(table, np.clip(lower, MIN_ECHO_DBZ, MAX_ECHO_DBZ), np.clip(upper, MIN_ECHO_DBZ, MAX_ECHO_DBZ))


def parse_palette(text: str, name: str, unit: str | None = None, zr: ZR = DEFAULT_ZR) -> Palette:
    """Read a palette CSV: columns `colour` (#rrggbb) and one of BOUND_COLUMNS (lower bound), weak to strong.

    Commas, semicolons or tabs part the columns. Other columns are ignored. `unit` must be that of the column; None
    takes it from there. Rain rates become reflectivity by `zr`. `name` is the file's, for errors.
    Raises ConfigError.
    """
    lines = text.splitlines()
    mark = next((mark for mark in ";\t" if lines and mark in lines[0]), ",")
    rows = list(csv.DictReader(lines, delimiter=mark, skipinitialspace=True))
    column = _bound_column([str(key).strip() for key in rows[0]] if rows else [], name)
    if unit not in (None, BOUND_COLUMNS[column]):
        raise ConfigError(
            f"{name}: its column {column} is in {BOUND_COLUMNS[column]}, and labels.unit is {unit}; rename the"
            " column or leave out labels.unit"
        )
    colours, lower = [], []
    for number, row in enumerate(rows, start=2):
        cells = {str(key).strip(): str(cell or "").strip() for key, cell in row.items()}
        colour, bound = cells["colour"], cells[column]
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise ConfigError(f"{name}, line {number}: '{colour}' is not a colour; write it as #99ccff")
        try:
            lower.append(float(bound))
        except ValueError:
            raise ConfigError(
                f"{name}, line {number}: {column} '{bound}' is not a number; write the lower bound of the class in"
                f" {BOUND_COLUMNS[column]} with a decimal point (a word like 'heavy' has no reflectivity)"
            ) from None
        colours.append([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    unit = BOUND_COLUMNS[column]
    check_spacing(lower, unit, f"{name}, column {column}")
    palette = make_palette(colours, to_dbz(lower, unit, zr, f"{name}, column {column}"), name)
    return replace(palette, attrs=conversion_attrs(unit, zr))


def _bound_column(columns: Sequence[str], name: str) -> str:
    """Return the column with the lower bounds. Raises ConfigError."""
    found = [column for column in columns if column in BOUND_COLUMNS]
    if "colour" in columns and len(found) == 1:
        return found[0]
    for column in columns:
        if column.endswith("_min") and column not in BOUND_COLUMNS:
            try:
                parse_unit(column.removesuffix("_min").replace("_", "/"))
            except ValueError as error:
                raise ConfigError(f"{name}, column {column}: {error}") from None
    problem = f"it has {' and '.join(found)}" if len(found) > 1 else f"it has {', '.join(columns) or 'no line'}"
    raise ConfigError(
        f"{name}: a palette has the columns colour,dbz_min (or mm_h_min or mm_10min_min for dbz_min) and a line a"
        f" class; {problem}"
    )


def shown_numbers(values: NDArray[np.float64]) -> str:
    """Return numbers as a list, `[5, 10, 15]`."""
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def format_colour(colour: Sequence[int]) -> str:
    """`#rrggbb` of three numbers."""
    return "#" + "".join(f"{value:02x}" for value in colour)


def hue_scale(
    ranges: Sequence[Sequence[float]],
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
    try:
        span = join_hues(ranges)
    except ValueError as error:
        raise ConfigError(f"labels.hues: {error}") from None

    def scale(colours: Colours) -> NDArray[np.uint8]:
        hue, saturation, value = hue_saturation_value(colours)
        along = hue - span.start if span.rises else span.start - hue
        # The ends are decimal fractions: rounding must not exclude a colour at an end.
        along = np.where(along < -ROUNDING, along + 1, along)
        echo = (along <= span.length + ROUNDING) & (saturation >= min_saturation) & (value >= min_value)
        dbz = weak + along / span.length * (strong - weak)
        return np.where(echo, encode_dbz(dbz), np.uint8(UNDETECT))

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
