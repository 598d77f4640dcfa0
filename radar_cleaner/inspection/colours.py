"""Count the colours of frames, and compare them with known palettes."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config import shipped
from radar_cleaner.reflectivity.palette import BOUND_COLUMNS

Pixels = NDArray[np.uint8]
Colours = NDArray[np.uint8]  # (n, 3)

PALETTES = ("config/palettes", "config/services/palettes")
NEAR = 12.0  # RGB distance of a colour of a JPEG from its class
FAR = 100.0  # distances divided by this decide between palettes that fit equally well
ENOUGH_COLOURS = 2.5  # of a palette, weighted: colours that any picture may have count less
PURE_WEIGHT = 0.4
MOST_UNEXPLAINED = 0.5  # share of the changing pixels that a matching palette leaves without a class
LEGEND_SHARE = 0.85  # of the classes of a legend, and of the palette
TAKEN_FOR_CLASS = 24.0  # RGB distance at which a colour of the map may count as a class
COMMON_GROUND = 0.05  # share of the pixels of the map
MOVED = 40  # difference of a channel that JPEG does not cause
MOST_MOVING = 0.3  # of the pixels of a colour of the map that are elsewhere in other frames
RIM_SHARE, SWITCHING_SHARE = 0.5, 0.005
FEW_COLOURS = 256
MOST_OF_MAP = 0.3  # share of the pixels that only a colour of the ground has
SATURATED = 40
GRAY = 12  # largest difference of the channels of a gray


@dataclass(frozen=True)
class ColourCounts:
    """The colours of a plot box over frames, the commonest first.

    `pixels` (n,) are counted over all frames, `moving` (n,) those of them that differ from the commonest colour of
    their place: echo, and what echo hid. `usual` (y, x, 3) has the commonest colour of each place.
    """

    colours: Colours
    pixels: NDArray[np.int64]
    moving: NDArray[np.int64]
    usual: Pixels
    frames: int

    @property
    def shares(self) -> NDArray[np.float64]:
        """(n,) shares of all pixels."""
        return np.asarray(self.pixels / self.pixels.sum())

    def echo_candidates(self, count: int) -> list[int]:
        """Return indices of the colours that may be echo: those that move most, then other saturated ones."""
        rare = self.shares < MOST_OF_MAP
        weights = [np.where(rare, self.moving, 0), np.where(rare & saturated(self.colours), self.pixels, 0)]
        ranked = [
            int(index) for weight in weights for index in np.argsort(-weight, kind="stable") if weight[index]
        ]
        return list(dict.fromkeys(ranked))[:count]


def count_colours(frames: Sequence[Pixels]) -> ColourCounts:
    """Count the colours of plot boxes (y, x, 3) uint8 of one size."""
    stack = np.stack([_packed(frame) for frame in frames])
    votes = np.stack([(stack == frame).sum(axis=0, dtype=np.uint16) for frame in stack])
    usual = np.take_along_axis(stack, votes.argmax(axis=0)[None], axis=0)[0]
    values, inverse, pixels = np.unique(stack, return_inverse=True, return_counts=True)
    moving = np.bincount(inverse.ravel(), weights=(stack != usual).ravel(), minlength=len(values))
    order = np.argsort(-pixels, kind="stable")
    return ColourCounts(
        _unpacked(values[order]),
        pixels[order].astype(np.int64),
        moving[order].astype(np.int64),
        _unpacked(usual),
        len(frames),
    )


def _packed(pixels: Pixels) -> NDArray[np.int32]:
    red, green, blue = (pixels[..., band].astype(np.int32) for band in range(3))
    return np.asarray(red << 16 | green << 8 | blue)


def _unpacked(values: NDArray[np.int32]) -> Pixels:
    return np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1).astype(np.uint8)


@dataclass(frozen=True)
class PaletteMatch:
    """A known palette: its name, how many of its classes are seen, and the share of the echo in their colours."""

    name: str
    seen: int
    classes: int
    explained: float


def match_palettes(counts: ColourCounts, palettes: Mapping[str, Colours]) -> list[PaletteMatch]:
    """Return the palettes that fit best: none, one, or several that are equally good.

    A picture of few colours shows the exact colours of its palette. Colours near them count in other pictures.
    """
    vivid = saturated(counts.colours)
    weights = np.where(vivid, counts.moving, 0)
    if not weights.any():
        vivid &= counts.shares < MOST_OF_MAP
        weights = np.where(vivid, counts.pixels, 0)
    tolerance = 0.0 if len(counts.colours) <= FEW_COLOURS else NEAR
    found: list[tuple[float, PaletteMatch]] = []
    for name, palette in palettes.items() if weights.any() else ():
        distance = np.linalg.norm(counts.colours[:, None].astype(float) - palette[None].astype(float), axis=2)
        fits = distance.min(axis=1) <= tolerance
        seen = sorted({int(index) for index in distance.argmin(axis=1)[fits]})
        score = sum(PURE_WEIGHT if is_pure(palette[index]) else 1.0 for index in seen)
        explained = float(weights[fits].sum() / weights.sum())
        known = 1.0 if tolerance else float(fits[vivid].mean())
        if score >= ENOUGH_COLOURS and min(explained, known) >= 1 - MOST_UNEXPLAINED:
            score -= float(distance.min(axis=1)[fits].mean()) / FAR
            found.append((round(score * explained, 3), PaletteMatch(name, len(seen), len(palette), explained)))
    best = max((score for score, _ in found), default=0.0)
    return [match for score, match in found if score == best]


def match_legend(colours: Colours, palettes: Mapping[str, Colours]) -> list[PaletteMatch]:
    """Return the palettes that have nearly all colours of a legend (n, 3): none, one, or several that tie.

    A palette with other colours beside them has other classes, and other bounds.
    """
    found: list[tuple[float, PaletteMatch]] = []
    for name, palette in palettes.items():
        if not len(palette):
            continue
        distance = np.linalg.norm(colours[:, None].astype(float) - palette[None].astype(float), axis=2)
        near = distance.min(axis=1) <= NEAR
        seen = len({int(index) for index in distance.argmin(axis=1)[near]})
        share = min(float(near.mean()), seen / len(palette))
        if share >= LEGEND_SHARE:
            score = share - float(distance.min(axis=1)[near].mean()) / FAR
            found.append((round(score, 3), PaletteMatch(name, seen, len(palette), float(near.mean()))))
    best = max((score for score, _ in found), default=0.0)
    return [match for score, match in found if score == best]


def corner_share(frames: Sequence[Pixels], counts: ColourCounts) -> float:
    """Return the share of the echo that is outside the circle in the longer side of plot boxes (y, x, 3).

    Echo are saturated colours that move; without any, saturated colours that are rare.
    """
    vivid = saturated(counts.colours) & (counts.shares < MOST_OF_MAP)
    usual = counts.usual.astype(np.int16)
    moves = [(np.abs(frame - usual) > MOVED).any(axis=-1) & saturated(frame) for frame in frames]
    if not any(move.any() for move in moves):
        moves = [np.isin(_packed(frame), _packed(counts.colours[vivid])) for frame in frames]
    height, width = usual.shape[:2]
    y, x = np.ogrid[:height, :width]
    outside = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2) > max(width, height) / 2
    total = sum(int(echo.sum()) for echo in moves)
    return sum(int((echo & outside).sum()) for echo in moves) / total if total else 0.0


def ground_like_classes(counts: ColourCounts, classes: Colours | None) -> Colours:
    """Return the common colours (n, 3) that seldom move and are near those of a class, but not equal."""
    if classes is None or not len(classes):
        return counts.colours[:0]
    distance = np.linalg.norm(counts.colours[:, None].astype(float) - classes[None].astype(float), axis=2)
    near = (distance.min(axis=1) > 0) & (distance.min(axis=1) <= TAKEN_FOR_CLASS)
    common = counts.shares >= COMMON_GROUND
    still = counts.moving <= MOST_MOVING * counts.pixels
    return np.asarray(counts.colours[near & common & still])


def saturated(colours: Colours) -> NDArray[np.bool_]:
    """Return (n,): true for colours that are not a shade of gray."""
    return np.asarray(np.ptp(colours.astype(np.int16), axis=-1) > SATURATED)


def is_pure(colour: Colours) -> bool:
    """Return whether a colour has only the values 0 and 255: many pictures have it without any palette."""
    return bool(np.isin(colour, (0, 255)).all())


def read_palette_colours(path: Path) -> Colours:
    """Return the colours of a palette CSV (n, 3), whatever its unit; empty if it is not one."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row.get("colour") or "" for row in csv.DictReader(file)]
    colours = [list(bytes.fromhex(row.strip().removeprefix("#"))) for row in rows if len(row.strip()) == 7]
    return np.asarray(colours, dtype=np.uint8).reshape(-1, 3)


def known_palettes() -> dict[str, Colours]:
    """Return the colours of the palettes that come with the workflow, by their path."""
    paths = sorted(path for folder in PALETTES for path in (shipped.ROOT / folder).glob("*.csv"))
    return {os.path.relpath(path): read_palette_colours(path) for path in paths}


def read_bounds(path: str) -> list[str]:
    """Return the lower bounds of a palette that comes with the workflow, as they are written, and their unit."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next(name for name in rows[0] if name in BOUND_COLUMNS)
    bounds = [row[column].strip() for row in rows]
    return [*bounds[:-1], f"{bounds[-1]} {BOUND_COLUMNS[column]}"]


def nodata_candidate(frames: Sequence[Pixels], counts: ColourCounts) -> tuple[Colours, bool] | None:
    """Return a gray that surrounds the map and may mean that no radar observes there; None without one.

    The flag is true if the gray gives way to the commonest other gray at some times, as it does where a radar is
    off at other times.
    """
    usual = counts.usual
    rim = np.concatenate([usual[0], usual[-1], usual[:, 0], usual[:, -1]])
    values, votes = np.unique(rim, axis=0, return_counts=True)
    colour = values[votes.argmax()]
    inside = usual[usual.shape[0] // 3 : -usual.shape[0] // 3, usual.shape[1] // 3 : -usual.shape[1] // 3]
    covered = float((inside == colour).all(axis=-1).mean())
    neutral = int(colour.max()) - int(colour.min()) <= GRAY and 0 < int(colour.max()) < 255
    if votes.max() < RIM_SHARE * len(rim) or covered > RIM_SHARE or not neutral:
        return None
    shown = np.stack([(frame == colour).all(axis=-1) for frame in frames])
    switching = shown.any(axis=0) & ~shown.all(axis=0)
    others = [one for one in counts.colours if np.ptp(one) <= GRAY and not np.array_equal(one, colour)]
    uncovered = np.zeros_like(switching)
    for frame in frames if others else ():
        uncovered |= (frame == others[0]).all(axis=-1)
    return colour, bool((switching & uncovered).mean() > SWITCHING_SHARE)
