"""Judge the cleaners of one frame against a reference, and add the frames up.

The cleaners: the weak label alone, the label with the clutter mask (the classical way), the model, and a second
model where one is compared. The
reference is a mask (1 meteorological, 2 non-meteorological, anything else not scored) or, where there is
none, the training target's echo class. Reflectivity is judged against the radar's own value: an error on
holes, where that value was hidden from the network, and a mere agreement with the label where it was not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ModelError
from radar_cleaner.metrics import (
    THRESHOLDS,
    Counts,
    Sums,
    band_names,
    band_of,
    block_intervals,
    count_decisions,
    count_probabilities,
    decision_scores,
    error_scores,
    removal_curve,
    sum_errors,
)
from radar_cleaner.vocabulary import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    UNKNOWN,
    decode_dbz,
    is_echo,
)

CLEANERS = ("weak label", "label + clutter mask", "model", "compared model")  # the last where there is one
ON_HOLES, AGREEMENT = "error on holes", "label agreement"
ALL_RADARS, ALL_BANDS = "all radars", "all"
BLOCK_SECONDS = 3600  # frames of one hour show the same weather: they are one draw of the bootstrap
LATTICE = 4  # one box in 4 x 4 is a hole
_GOLDEN = 2654435769  # 2^32 / golden ratio: spreads equally spaced times evenly over the lattice's shifts

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """What is known of one frame, each (y, x): codes, weak label, clutter mask, reference classes."""

    codes: Codes
    label_class: Codes
    clutter: Mask
    reference: Codes


@dataclass(frozen=True)
class Tally:
    """Sums over frames; `a + b` is the tally over both."""

    frames: int
    decisions: Counts  # (cleaner, band, class, decision)
    histogram: Counts  # (class, threshold), of the model's probability
    hole_errors: Sums  # (band, 4)
    agreement: Sums  # (band, 4)

    @classmethod
    def empty(cls, bands: int, cleaners: int = 3) -> Tally:
        """Of no frame."""
        return cls(
            0,
            np.zeros((cleaners, bands, 2, 2), np.int64),
            np.zeros((2, THRESHOLDS.size), np.int64),
            np.zeros((bands, 4)),
            np.zeros((bands, 4)),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


class RadarScores:
    """The tallies of one radar by blocks of time."""

    def __init__(self, bands: int, cleaners: int = 3) -> None:
        self.bands, self.cleaners = bands, cleaners
        self.blocks: dict[int, Tally] = defaultdict(self.nothing)
        self.without_reference = 0

    def add(self, time: int, tally: Tally) -> None:
        """Count a frame of this time (seconds since 1970)."""
        self.blocks[time // BLOCK_SECONDS] += tally

    @property
    def total(self) -> Tally:
        """Over all blocks."""
        return sum(self.blocks.values(), self.nothing())

    def nothing(self) -> Tally:
        """The tally of no frame."""
        return Tally.empty(self.bands, self.cleaners)

    def __add__(self, other: RadarScores) -> RadarScores:
        both = RadarScores(self.bands, self.cleaners)
        both.without_reference = self.without_reference + other.without_reference
        for scores in (self, other):
            for block, tally in scores.blocks.items():
                both.blocks[block] += tally
        return both


def mask_classes(picture: Codes) -> Codes:
    """Echo classes of a reference mask (any shape): 1 and 2 as they are, everything else unknown."""
    known = (picture == METEOROLOGICAL) | (picture == NON_METEOROLOGICAL)
    return np.where(known, picture, UNKNOWN).astype(np.uint8)


def hole_lattice(codes: Codes, time: int, hole_size: int) -> Mask:
    """(y, x) holes in a frame at a time (seconds since 1970): every 4th box each way, where data is.

    Which boxes depends on the time alone, such that equally spaced frames come to cover every place.
    """
    shift = (time // 60 * _GOLDEN % 2**32 * LATTICE**2) >> 32
    row, column = np.indices(codes.shape) // hole_size % LATTICE
    chosen = (row == shift // LATTICE) & (column == shift % LATTICE)
    return np.asarray(chosen & (codes != NODATA))


def hide(codes: Codes, holes: Mask) -> Codes:
    """Codes (..., y, x) with the holes (y, x) as nodata."""
    return np.where(holes, NODATA, codes).astype(np.uint8)


def hit_by(holes: Mask, frame: Frame) -> bool:
    """Whether the holes hide any echo that would be scored, else they tell nothing."""
    return bool((holes & _rain(frame)).any())


def score_frame(
    frame: Frame,
    probability: NDArray[np.float32],
    dbz: NDArray[np.float32],
    threshold: float,
    dbz_bands: Sequence[float],
    holes: Mask | None = None,
    hole_dbz: NDArray[np.float32] | None = None,
    compared: Sequence[NDArray[np.float32]] = (),
) -> Tally:
    """The tally of one frame: what the model says of it (y, x), and with the holes hidden from it.

    `compared` holds the probability that a second model gives, if there is one.
    Raises ModelError where the model gave no number.
    """
    echo, bands = is_echo(frame.codes), len(dbz_bands) + 1
    answers = [probability[echo], dbz[echo], *(more[echo] for more in (hole_dbz, *compared) if more is not None)]
    if not all(np.isfinite(answer).all() for answer in answers):
        raise ModelError("the model's answer is not a number; train it again with a lower learning_rate")
    own_dbz = decode_dbz(frame.codes)
    removed_by_label = frame.label_class == NON_METEOROLOGICAL
    by_models = (model >= threshold for model in (probability, *compared))
    kept = (~removed_by_label, ~removed_by_label & ~frame.clutter, *by_models)
    classes, band = frame.reference[echo], band_of(own_dbz[echo], dbz_bands)
    rain = _rain(frame)
    hole_errors = np.zeros((bands, 4))
    if holes is not None and hole_dbz is not None:
        hole_errors = _errors(hole_dbz, own_dbz, holes & rain, dbz_bands)
    return Tally(
        1,
        np.stack([count_decisions(keep[echo], classes, band, bands) for keep in kept]),
        count_probabilities(probability[echo], classes, THRESHOLDS),
        hole_errors,
        _errors(dbz, own_dbz, rain, dbz_bands),
    )


def with_total(scores: Mapping[str, RadarScores]) -> dict[str, RadarScores]:
    """The scores by radar, and over all radars where there is more than one."""
    if len(scores) < 2:
        return dict(scores)
    first, *others = scores.values()
    return {**scores, ALL_RADARS: sum(others, first)}


def score_rows(scores: Mapping[str, RadarScores], dbz_bands: Sequence[float]) -> list[dict[str, Any]]:
    """One row a radar, band (and all of them) and cleaner, with 90 % intervals for all bands together."""
    rows = []
    for radar, found in scores.items():
        blocks = list(found.blocks.values()) or [found.nothing()]
        total = found.total
        for cleaner, name in enumerate(CLEANERS[: found.cleaners]):
            head = {"radar": radar, "cleaner": name}
            counts = np.stack([tally.decisions[cleaner].sum(axis=0) for tally in blocks])
            # The same draws for each cleaner: their differences are not blurred by the draw.
            intervals = block_intervals(counts, np.random.default_rng(0))
            rows.append(_row(head, ALL_BANDS, decision_scores(counts.sum(axis=0)), intervals))
            for band, counted in zip(band_names(dbz_bands), total.decisions[cleaner], strict=True):
                rows.append(_row(head, band, decision_scores(counted), {}))
    return rows


def reflectivity_rows(scores: Mapping[str, RadarScores], dbz_bands: Sequence[float]) -> list[dict[str, Any]]:
    """One row a radar, measure (error on holes, label agreement) and band (and all of them)."""
    rows = []
    for radar, found in scores.items():
        total = found.total
        for measure, sums in ((ON_HOLES, total.hole_errors), (AGREEMENT, total.agreement)):
            by_band = zip((ALL_BANDS, *band_names(dbz_bands)), (sums.sum(axis=0), *sums), strict=True)
            rows += [
                {"radar": radar, "measure": measure, "band": band, **error_scores(row)} for band, row in by_band
            ]
    return rows


def curve_rows(scores: Mapping[str, RadarScores]) -> list[dict[str, Any]]:
    """One row a radar and threshold of the model's probability."""
    return [
        {"radar": radar, **row}
        for radar, found in scores.items()
        for row in removal_curve(found.total.histogram, THRESHOLDS)
    ]


def _row(
    head: dict[str, Any], band: str, scores: dict[str, Any], intervals: Mapping[str, list[float] | None]
) -> dict[str, Any]:
    ends = {
        f"{name}_{end}": (intervals.get(name) or (None, None))[index]
        for name in ("retention", "removal")
        for index, end in enumerate(("low", "high"))
    }
    return {**head, "band": band, **scores, **ends}


def _rain(frame: Frame) -> Mask:
    return np.asarray(is_echo(frame.codes) & (frame.reference == METEOROLOGICAL))


def _errors(
    estimate: NDArray[np.float32], own: NDArray[np.float32], where: Mask, dbz_bands: Sequence[float]
) -> Sums:
    band = band_of(own[where], dbz_bands)
    return sum_errors(estimate[where], own[where], band, len(dbz_bands) + 1)
