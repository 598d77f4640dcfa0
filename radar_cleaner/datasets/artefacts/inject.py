"""Artefact injection: non-meteorological echo and gaps of known class, painted into real frames.

Like inpainting masks, artefacts are sampled as a few numbers on the CPU (`sample_artefacts`), in the flipped and
rotated crop. The training device paints them (`inject_batch`). `inject` paints on whole frames, for a benchmark.
The random numbers of a sample depend on its key alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.config.artefacts import (
    ARTEFACT_KINDS,
    KINDS,
    ArtefactKind,
    ArtefactRanges,
    KindRanges,
    read_artefact_ranges,
)
from radar_cleaner.config.training import Plants
from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT
from radar_cleaner.datasets.artefacts.canvas import Artefact, Canvas, block, sector
from radar_cleaner.datasets.artefacts.kinds import PAINTERS
from radar_cleaner.datasets.channels import is_echo
from radar_cleaner.datasets.polar import polar_grid

Codes = NDArray[np.uint8]

_KEY = 3  # added to a sample's key: input noise uses the key itself, masks and dropout the next two
_AT_TARGET = 0.75  # share of the artefacts that certainly appear at the sample's own time
_TRIES = 4  # to place an artefact within the radar's range


@dataclass(frozen=True)
class ArtefactInjection:
    """The share of the crops with artefacts, and the ranges of their parameters."""

    fraction: float
    ranges: ArtefactRanges


NO_ARTEFACTS = ArtefactInjection(0.0, ArtefactRanges((1, 1), {}))


class Injected(NamedTuple):
    """Frames with artefacts: `codes` (K, H, W), and the kind of each changed pixel, `kinds` (K, H, W) uint8.

    A kind is its position in ARTEFACT_KINDS plus one; 0 is unchanged. For `blocked`, and where a `frozen`
    block has no echo, the pixels are those that lost an echo.
    """

    codes: Codes
    kinds: Codes

    @property
    def echo(self) -> NDArray[np.bool_]:
        """Return where echo was injected, (K, H, W)."""
        return np.asarray((self.kinds > 0) & (self.codes != UNDETECT) & (self.codes != NODATA))


def read_injection(plants: Plants, ranges: Path) -> ArtefactInjection:
    """Read the ranges of the kinds in the section. Raises ConfigError where the file is missing or wrong."""
    return ArtefactInjection(plants.fraction, read_artefact_ranges(ranges, plants.kinds))


def sample_artefacts(
    random: np.random.Generator,
    injection: ArtefactInjection,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    times: int,
    target: int,
) -> tuple[Artefact, ...]:
    """Sample the artefacts of a frame; often none.

    The frame has the `shape` (rows, columns) and its radar is at `center_px` (column, row). `times` is the
    number of input times, `target` the position of the sample's own time. With one input time, kinds
    that need another time are left out. A mosaic, whose range is infinite, has no kinds that follow rays.
    """
    if random.random() >= injection.fraction:
        return ()
    kinds = {
        kind: ranges
        for kind, ranges in injection.ranges.kinds.items()
        if ranges.weight > 0
        and (times > 1 or KINDS[kind].shows in ("all", "some"))
        and not (math.isinf(range_px) and KINDS[kind].polar)
    }
    if not kinds:
        return ()
    least, most = injection.ranges.together
    number = min(int(random.integers(least, most + 1)), len(kinds))
    weights = np.array([ranges.weight for ranges in kinds.values()])
    chosen = random.choice(list(kinds), number, replace=False, p=weights / weights.sum())
    artefacts: list[Artefact] = []
    for kind in sorted(chosen.tolist(), key=ARTEFACT_KINDS.index):
        count = KINDS[kind].numbers.get("count")  # its range is the first
        for _ in range(int(count.draw(random.random(), kinds[kind].spans[0])) if count else 1):
            artefacts.append(_sample(random, kind, kinds[kind], shape, center_px, range_px, times, target))
    return tuple(artefacts)


def inject(
    codes: Codes,
    center_px: tuple[float, float],
    range_px: float,
    artefacts: Sequence[Artefact],
    key: int,
    levels: Codes | None = None,
) -> Injected:
    """Paint artefacts on the frames (K, H, W) of K input times, whole or cropped; the input is not changed.

    Injected echo takes the nearest of `levels`, the codes of the radar's palette. By default these are the
    codes that occur in the frames.
    """
    if levels is None:
        levels = np.unique(codes)
    painted, kinds = _paint(torch.tensor(codes), artefacts, center_px, range_px, key, level_table(levels))
    return Injected(painted.numpy(), kinds.numpy())


def inject_batch(
    codes_BKHW: Tensor,
    artefacts: Sequence[Sequence[Artefact]],
    centers: Sequence[tuple[float, float]],
    ranges_px: Sequence[float],
    keys: Sequence[int],
    levels: Sequence[Codes | None],
) -> tuple[Tensor, Tensor]:
    """Return the codes of a batch with artefacts and their kinds (see `Injected`), (B, K, H, W) uint8 each."""
    painted, kinds = codes_BKHW.clone(), torch.zeros_like(codes_BKHW)
    for item, found in enumerate(artefacts):
        if found:
            table = level_table(levels[item])
            sample = _paint(codes_BKHW[item], found, centers[item], ranges_px[item], keys[item], table)
            painted[item], kinds[item] = sample
    return painted, kinds


def level_table(levels: Codes | None) -> Codes:
    """Return (256,): the nearest echo code of `levels` for each code.

    A code below the weakest level by more than half a step becomes undetect. Every code is unchanged where
    `levels` are unknown or have no echo.
    """
    return _table(b"" if levels is None else np.asarray(levels, np.uint8).tobytes())


@lru_cache(maxsize=64)
def _table(content: bytes) -> Codes:
    codes = np.arange(256, dtype=np.uint8)
    levels = np.unique(np.frombuffer(content, np.uint8))
    levels = levels[(levels != UNDETECT) & (levels != NODATA)]
    if levels.size:
        middles = (levels[1:].astype(int) + levels[:-1]) // 2
        nearest = levels[np.searchsorted(middles, codes, side="left")]
        weakest = int(levels[0]) - (int(levels[1]) - int(levels[0])) // 2 if levels.size > 1 else int(levels[0])
        codes = np.where(codes < max(1, weakest), UNDETECT, nearest).astype(np.uint8)
    codes.setflags(write=False)
    return codes


def _sample(
    random: np.random.Generator,
    kind: ArtefactKind,
    ranges: KindRanges,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    times: int,
    target: int,
) -> Artefact:
    places = random.integers(0, shape, (_TRIES + 1, 2))  # of pixels: row, column
    away = np.hypot(places[:_TRIES, 0] - center_px[1], places[:_TRIES, 1] - center_px[0])
    row, column = places[int(np.argmax(away <= range_px))].tolist()
    names = KINDS[kind].numbers
    uniform = random.random(len(names)).tolist()
    numbers = tuple(
        number.draw(value, span) for number, value, span in zip(names.values(), uniform, ranges.spans, strict=True)
    )
    lasting = dict(zip(names, numbers, strict=True)).get("lasting", 0.0)
    others = [time for time in range(times) if time != target]
    neighbour = KINDS[kind].shows == "neighbour" or (bool(others) and random.random() >= _AT_TARGET)
    sure = int(random.choice(others)) if neighbour else target
    again = (random.random(times) < lasting).tolist()
    shown = tuple(KINDS[kind].shows == "all" or time == sure or again[time] for time in range(times))
    source = target
    if kind == "frozen":
        source = int(random.choice([time for time in range(times) if time != sure]))
    free = tuple(random.random(3).tolist())
    return Artefact(
        kind, shown, source, column, row, int(places[-1, 1]), int(places[-1, 0]), free, numbers, ranges.loss
    )


def _paint(
    codes_KHW: Tensor,
    artefacts: Sequence[Artefact],
    center_px: tuple[float, float],
    range_px: float,
    key: int,
    table: Codes,
) -> tuple[Tensor, Tensor]:
    """Return the codes of one sample with artefacts, and their kinds, (K, H, W) uint8 each."""
    device, clean_KHW = codes_KHW.device, codes_KHW
    codes_KHW, kinds_KHW = clean_KHW.clone(), torch.zeros_like(clean_KHW)
    table_256 = torch.tensor(table, device=device)
    center_2 = torch.tensor(center_px, dtype=torch.float32, device=device)
    polar = polar_grid(center_2, (clean_KHW.shape[1], clean_KHW.shape[2]))
    for number, artefact in enumerate(artefacts):
        random = torch.Generator(device).manual_seed((key + _KEY + number) % 2**63)
        shown = [time for time, shows in enumerate(artefact.shown) if shows]
        there = codes_KHW[shown]
        canvas = Canvas(there, *polar, center_px, range_px, random)
        kind = kinds_KHW[shown]
        if artefact.kind in PAINTERS:
            code = (PAINTERS[artefact.kind](artefact, canvas) - ADD_OFFSET) / SCALE_FACTOR
            injected = table_256[code.round().clamp(0, NODATA - 1).long()]
            new = torch.maximum(injected, there)  # the nodata code is larger than any echo
            changed = new != there
        elif artefact.kind == "blocked":
            changed = sector(artefact, canvas) & is_echo(there)
            new = there.masked_fill(changed, UNDETECT)
        else:
            new = _copy(artefact, canvas, codes_KHW)
            # Rain that replaces rain is not an artefact.
            changed = (new != clean_KHW[shown]) & ~(is_echo(new) & is_echo(clean_KHW[shown]))
            kind = kind.masked_fill(new != there, 0)
            changed &= new != there
        codes_KHW[shown] = new
        kinds_KHW[shown] = kind.masked_fill(changed, ARTEFACT_KINDS.index(artefact.kind) + 1)
    return codes_KHW, kinds_KHW


def _copy(artefact: Artefact, canvas: Canvas, codes_KHW: Tensor) -> Tensor:
    """Return (T, H, W): frames that are missing, or that repeat another time, in a block or everywhere."""
    if artefact.kind == "missing":
        return torch.full_like(canvas.codes, NODATA)
    source_HW = codes_KHW[artefact.source]
    if artefact.kind == "repeated":
        return source_HW.expand_as(canvas.codes).clone()
    known = block(artefact, canvas) & (source_HW != NODATA) & (canvas.codes != NODATA)
    return torch.where(known, source_HW, canvas.codes)
