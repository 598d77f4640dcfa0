"""Count what became of the pixels of a frame: classes, overlay, no coverage, unmatched colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, decode_dbz, encode_dbz, is_echo
from radar_cleaner.plotting.checked_frame import ClassRow
from radar_cleaner.reflectivity.palette import Palette, format_colour

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]

OVERLAY, UNCOVERED, BEYOND, UNMATCHED = "#8a8f94", "#b9a48c", "#c3cad1", "#ff00ff"
UNDETECTED = "#ececec"  # the middle of the pale map that is drawn there
HUE_STEP_DBZ = 5
# Shares of the map that a class seldom covers: from this reflectivity on, and below it.
STRONG_DBZ, MOST_STRONG, MOST_WEAK = 55.0, 0.03, 0.6


@dataclass(frozen=True)
class CheckedFrame:
    """The rows of the table of a frame, and the index of the row of each pixel (y, x); -1 is undetect."""

    rows: tuple[ClassRow, ...]
    kinds: NDArray[np.int16]

    @property
    def echo_pixels(self) -> int:
        """The number of pixels with an echo."""
        return sum(row.pixels for row in self.rows if row.reflectivity)

    def pixels(self, name: str) -> int:
        """Return the number of pixels of a row by its name."""
        return next((row.pixels for row in self.rows if row.name == name), 0)


def check_frame(
    pixels: Pixels,
    codes: Codes,
    palette: Palette | None,
    overlay: Mask,
    in_range: Mask,
    unmatched: NDArray[np.intp],
) -> CheckedFrame:
    """Return what the pixels (y, x, 3) of a frame are.

    `codes` (y, x) are its reflectivity, `overlay` (y, x) the pixels that something hides, `in_range` (y, x) those
    that the radar sees, `unmatched` flat indices of pixels whose colour fits nothing.
    """
    kinds = np.full(codes.shape, -1, np.int16)
    names: list[tuple[str, str, str]] = []
    for mask, row in _kinds(pixels, codes, palette, overlay, in_range, unmatched):
        kinds[mask] = len(names)
        names.append(row)
    total = codes.size
    counts = np.bincount(kinds.ravel() + 1, minlength=len(names) + 1)
    rows = [
        ClassRow(name, colour, text, int(count), float(count / total))
        for (name, colour, text), count in zip(names, counts[1:], strict=True)
    ]
    rows.append(ClassRow("no echo", UNDETECTED, "", int(counts[0]), float(counts[0] / total)))
    return CheckedFrame(tuple(rows), kinds)


def doubtful_classes(checked: CheckedFrame) -> list[str]:
    """Return a line for each class that covers more of the map than rain of its strength does."""
    lines = []
    for row in checked.rows:
        low = float(row.reflectivity.split()[0]) if row.reflectivity else -np.inf
        if row.share > (MOST_STRONG if low >= STRONG_DBZ else MOST_WEAK) and low > -np.inf:
            lines.append(
                f"{row.name}, {row.reflectivity} dBZ, covers {100 * row.share:.0f} % of the map. Is {row.colour} a"
                " colour of the map? Then add it to labels.ground_colours"
            )
    return lines


def _kinds(
    pixels: Pixels,
    codes: Codes,
    palette: Palette | None,
    overlay: Mask,
    in_range: Mask,
    unmatched: NDArray[np.intp],
) -> Iterator[tuple[Mask, tuple[str, str, str]]]:
    """Yield the mask of each row and its name, colour and reflectivity. Later ones replace earlier ones."""
    echo = is_echo(codes)
    if palette is None:
        dbz = decode_dbz(codes)
        for low in range(-30, 95, HUE_STEP_DBZ):
            mask = echo & (dbz >= low) & (dbz < low + HUE_STEP_DBZ)
            if mask.any():
                yield mask, ("hue", _usual(pixels[mask]), f"{low} to {low + HUE_STEP_DBZ}")
    else:
        class_codes = encode_dbz(palette.value_dbz)
        for number, code in enumerate(class_codes):
            text = f"{palette.lower_dbz[number]:.4g} to {palette.upper_dbz[number]:.4g}"
            yield (
                echo & (codes == code),
                (f"class {number + 1}", format_colour(palette.colours[number].tolist()), text),
            )
    yield (codes == NODATA) & in_range, ("no coverage", UNCOVERED, "")
    yield ~in_range, ("beyond the range", BEYOND, "")
    yield overlay & in_range, ("overlay", OVERLAY, "")
    mask = np.zeros(codes.shape, bool)
    mask.ravel()[unmatched] = True
    yield mask, ("unmatched", UNMATCHED, "")


def _usual(colours: Pixels) -> str:
    """Return the median of colours (n, 3)."""
    return format_colour([int(value) for value in np.median(colours, axis=0)])


def table_lines(rows: Sequence[ClassRow]) -> list[str]:
    """Return the table of a frame as text: class, colour, reflectivity, pixels and share."""
    head = f"{'class':<17} {'colour':<8} {'dBZ':>14} {'pixels':>10} {'%':>6}"
    return [head] + [
        f"{row.name:<17} {row.colour if row.reflectivity else '':<8} {row.reflectivity:>14} {row.pixels:>10,}"
        f" {100 * row.share:>6.2f}"
        for row in rows
    ]
