"""Planted artefacts: what is no weather, painted into real frames, so that training knows it for certain.

Like holes they are drawn as a few numbers on the CPU (`draw_plants`), in the picture as it lies after flips and
turns, and painted on the device that trains (`plant_batch`); `plant` paints on whole frames, for a benchmark.
What is random in a sample hangs on its key alone.
"""

from __future__ import annotations

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
    KINDS,
    PLANT_KINDS,
    KindRanges,
    PlantKind,
    PlantRanges,
    read_plant_ranges,
)
from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT
from radar_cleaner.datasets.artefacts.canvas import Canvas, Plant, block, sector
from radar_cleaner.datasets.artefacts.kinds import PAINTERS
from radar_cleaner.datasets.channels import is_echo
from radar_cleaner.datasets.polar import polar_grid
from radar_cleaner.errors import ConfigError, require

Codes = NDArray[np.uint8]

_KEY = 3  # beside a sample's key, which noise takes; holes and dropout take the next
_AT_TARGET = 0.75  # how often the time that a plant shows at for sure is the one that is judged
_TRIES = 4  # to lay a plant over a pixel within the range


@dataclass(frozen=True)
class PlantOptions:
    """Which artefacts are planted into the crops.

    Attributes
    ----------
    plant_fraction
        Share of the crops that get artefacts.
    plant_kinds
        Kinds of artefacts.
    plant_ranges
        YAML file of the ranges that their numbers are drawn from, such as config/plants.yaml.
    """

    plant_fraction: float
    plant_kinds: tuple[PlantKind, ...]
    plant_ranges: Path

    def __post_init__(self) -> None:
        require("plant_fraction", self.plant_fraction, 0, 1)
        if not self.plant_kinds:
            raise ConfigError(f"plant_kinds is [], allowed is one or more of {list(PLANT_KINDS)}")


@dataclass(frozen=True)
class Planting:
    """How often to plant, and what."""

    fraction: float
    ranges: PlantRanges


NO_PLANTS = Planting(0.0, PlantRanges((1, 1), {}))


class Planted(NamedTuple):
    """Painted frames: `codes` (K, H, W), and of which kind what has changed is, `kinds` (K, H, W) uint8.

    A kind is its position in PLANT_KINDS and one more; 0 is as it was. Of `blocked` (and where a `frozen` block
    shows none) it is where an echo is gone.
    """

    codes: Codes
    kinds: Codes

    @property
    def where(self) -> NDArray[np.bool_]:
        """Echo that was planted, (K, H, W)."""
        return np.asarray((self.kinds > 0) & (self.codes != UNDETECT) & (self.codes != NODATA))


def read_planting(options: PlantOptions) -> Planting:
    """The ranges of the kinds that options name. Raises ConfigError where the file is not there or not right."""
    return Planting(options.plant_fraction, read_plant_ranges(options.plant_ranges, options.plant_kinds))


def draw_plants(
    random: np.random.Generator,
    planting: Planting,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    times: int,
    target: int,
) -> tuple[Plant, ...]:
    """Plants for a picture of `shape` (rows, columns) with its radar at `center_px` (column, row); often none.

    It has so many input `times`, of which `target` is judged. With but one no kind comes that needs another.
    """
    if random.random() >= planting.fraction:
        return ()
    kinds = {
        kind: ranges
        for kind, ranges in planting.ranges.kinds.items()
        if ranges.weight > 0 and (times > 1 or KINDS[kind].shows in ("all", "some"))
    }
    if not kinds:
        return ()
    least, most = planting.ranges.together
    number = min(int(random.integers(least, most + 1)), len(kinds))
    weights = np.array([ranges.weight for ranges in kinds.values()])
    chosen = random.choice(list(kinds), number, replace=False, p=weights / weights.sum())
    plants: list[Plant] = []
    for kind in sorted(chosen.tolist(), key=PLANT_KINDS.index):
        count = KINDS[kind].numbers.get("count")  # the first where there is one
        for _ in range(int(count.draw(random.random(), kinds[kind].spans[0])) if count else 1):
            plants.append(_draw(random, kind, kinds[kind], shape, center_px, range_px, times, target))
    return tuple(plants)


def plant(
    codes: Codes,
    center_px: tuple[float, float],
    range_px: float,
    plants: Sequence[Plant],
    key: int,
    levels: Codes | None = None,
) -> Planted:
    """Paint on the frames (K, H, W) of K input times, whole or cut; they stay as they are.

    Planted echo takes the nearest of `levels`, the codes that the radar's palette makes; by default those that the
    frames hold.
    """
    if levels is None:
        levels = np.unique(codes)
    painted, kinds = _paint(torch.tensor(codes), plants, center_px, range_px, key, level_table(levels))
    return Planted(painted.numpy(), kinds.numpy())


def plant_batch(
    codes_BKHW: Tensor,
    plants: Sequence[Sequence[Plant]],
    centers: Sequence[tuple[float, float]],
    ranges_px: Sequence[float],
    keys: Sequence[int],
    levels: Sequence[Codes | None],
) -> tuple[Tensor, Tensor]:
    """The painted codes of samples and their kinds (as in `Planted`), (B, K, H, W) uint8 each, on their device."""
    painted, kinds = codes_BKHW.clone(), torch.zeros_like(codes_BKHW)
    for item, found in enumerate(plants):
        if found:
            table = level_table(levels[item])
            sample = _paint(codes_BKHW[item], found, centers[item], ranges_px[item], keys[item], table)
            painted[item], kinds[item] = sample
    return painted, kinds


def level_table(levels: Codes | None) -> Codes:
    """(256,) the nearest echo code of `levels` of each code; none below the weakest by half the step to the next.

    Each code is its own where `levels` are not known or hold no echo.
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


def _draw(
    random: np.random.Generator,
    kind: PlantKind,
    ranges: KindRanges,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    times: int,
    target: int,
) -> Plant:
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
    return Plant(
        kind, shown, source, column, row, int(places[-1, 1]), int(places[-1, 0]), free, numbers, ranges.loss
    )


def _paint(
    codes_KHW: Tensor,
    plants: Sequence[Plant],
    center_px: tuple[float, float],
    range_px: float,
    key: int,
    table: Codes,
) -> tuple[Tensor, Tensor]:
    """Painted codes of one sample and their kinds, (K, H, W) uint8 each."""
    device, clean_KHW = codes_KHW.device, codes_KHW
    codes_KHW, kinds_KHW = clean_KHW.clone(), torch.zeros_like(clean_KHW)
    table_256 = torch.tensor(table, device=device)
    polar = polar_grid(
        torch.tensor(center_px, dtype=torch.float32, device=device), (clean_KHW.shape[1], clean_KHW.shape[2])
    )
    for number, one in enumerate(plants):
        random = torch.Generator(device).manual_seed((key + _KEY + number) % 2**63)
        shown = [time for time, shows in enumerate(one.shown) if shows]
        there = codes_KHW[shown]
        canvas = Canvas(there, *polar, center_px, range_px, random)
        kind = kinds_KHW[shown]
        if one.kind in PAINTERS:
            code = (PAINTERS[one.kind](one, canvas) - ADD_OFFSET) / SCALE_FACTOR
            planted = table_256[code.round().clamp(0, NODATA - 1).long()]
            new = torch.maximum(planted, there)  # nodata is more than any echo
            changed = new != there
        elif one.kind == "blocked":
            changed = sector(one, canvas) & is_echo(there)
            new = there.masked_fill(changed, UNDETECT)
        else:
            new = _copy(one, canvas, codes_KHW)
            # Rain in place of rain is still rain.
            changed = (new != clean_KHW[shown]) & ~(is_echo(new) & is_echo(clean_KHW[shown]))
            kind = kind.masked_fill(new != there, 0)
            changed &= new != there
        codes_KHW[shown] = new
        kinds_KHW[shown] = kind.masked_fill(changed, PLANT_KINDS.index(one.kind) + 1)
    return codes_KHW, kinds_KHW


def _copy(one: Plant, canvas: Canvas, codes_KHW: Tensor) -> Tensor:
    """(T, H, W): what a time shows that is missing, or shows another one, in a block or all over."""
    if one.kind == "missing":
        return torch.full_like(canvas.codes, NODATA)
    source_HW = codes_KHW[one.source]
    if one.kind == "repeated":
        return source_HW.expand_as(canvas.codes).clone()
    known = block(one, canvas) & (source_HW != NODATA) & (canvas.codes != NODATA)
    return torch.where(known, source_HW, canvas.codes)
