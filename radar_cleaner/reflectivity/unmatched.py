"""Count the pixels of colours that are neither a class nor the map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_clusters import pack_colours
from radar_cleaner.reflectivity.palette import format_colour

WARN_ABOVE = 0.01  # unmatched pixels for each pixel of echo
MOST_COLOURS = 8  # that a store lists


class UnmatchedColours:
    """Count the colours of unmatched pixels over frames."""

    def __init__(self, soft: bool) -> None:
        self._step = 16 if soft else 1  # of JPEG no two pixels have the same colour
        self._counts: Counter[int] = Counter()

    def add(self, pixels: NDArray[np.uint8], places: NDArray[np.intp]) -> None:
        """Count the unmatched pixels, at these flat places, of a frame (y, x, 3)."""
        if places.size:
            colours = pixels.reshape(-1, 3)[places] // self._step * self._step + self._step // 2
            unique, counts = np.unique(pack_colours(colours), return_counts=True)
            self._counts.update(dict(zip(unique.tolist(), counts.tolist(), strict=True)))

    def summarize(self, echoes: int) -> Unmatched:
        """Return the counts; `echoes` is the number of echo pixels of the same frames."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_COLOURS]
        colours = {format_colour((c >> 16 & 255, c >> 8 & 255, c & 255)): count for c, count in ranked}
        return Unmatched(echoes, self._counts.total(), colours)


@dataclass(frozen=True)
class Unmatched:
    """Numbers of echo pixels and of unmatched pixels; the commonest colours of the latter with their pixels."""

    echoes: int
    pixels: int
    colours: Mapping[str, int]

    @property
    def are_many(self) -> bool:
        """Whether the user should look at them."""
        return self.pixels > WARN_ABOVE * self.echoes

    def attrs(self) -> dict[str, object]:
        """Return the counts as attributes of a store."""
        return {
            "echo_pixels": self.echoes,
            "unmatched_pixels": self.pixels,
            "unmatched_colours": list(self.colours),
            "unmatched_colour_pixels": list(self.colours.values()),
        }

    def describe(self, radar: str) -> str:
        """Return a line for the user."""
        shown = ", ".join(f"{colour} ({count} px)" for colour, count in list(self.colours.items())[:4])
        share = f"{100 * self.pixels / self.echoes:.1f} % of the echo" if self.echoes else "no echo"
        return (
            f"{radar}: {self.pixels} pixels ({share}) are unmatched: their colour is neither a class nor the map;"
            f" the commonest: {shown}; add them to labels.palette, labels.ground_colours or labels.nodata_colours,"
            " or raise labels.tolerance"
        )


def read_unmatched(attrs: Mapping[str, object]) -> Unmatched:
    """Read the counts from the attributes of a store."""
    names, counts = attrs["unmatched_colours"], attrs["unmatched_colour_pixels"]
    assert isinstance(names, list) and isinstance(counts, list), "attributes of a reflectivity store"
    return Unmatched(
        int(str(attrs["echo_pixels"])), int(str(attrs["unmatched_pixels"])), dict(zip(names, counts, strict=True))
    )


def add_unmatched(parts: Iterable[Unmatched]) -> Unmatched:
    """Add the counts of several stores."""
    echoes = pixels = 0
    colours: Counter[str] = Counter()
    for part in parts:
        echoes, pixels = echoes + part.echoes, pixels + part.pixels
        colours.update(part.colours)
    return Unmatched(
        echoes, pixels, dict(sorted(colours.items(), key=lambda item: (-item[1], item[0]))[:MOST_COLOURS])
    )
