"""Judge the cleaners of one frame against a reference, and add the frames up.

The cleaners: the weak label alone, the label with the clutter mask (the classical way), the model, a second model
where one is compared, and the members where the model is an ensemble. The reference is a mask (1 meteorological,
2 non-meteorological, anything else not scored) or, where there is none, the training target's echo class.
Reflectivity is judged against the radar's own value: an error on holes, where that value was hidden from the
network, and a mere agreement with the label where it was not.

What intervals need is kept by blocks of time (`BlockTally`), and is small; histograms that are fine are kept once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN, decode_dbz, is_echo
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.bins import ALL, Bands
from radar_cleaner.evaluation.metrics import (
    PROBABILITY_EDGES,
    Counts,
    Sums,
    count_decisions,
    count_probabilities,
    is_scored,
)
from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES, ERROR_SUMS, count_pairs, sum_errors
from radar_cleaner.evaluation.reliability import BINS, LOGIT_EDGES, sum_by_group

RULES = ("weak label", "label + clutter mask")  # the cleaners that are no models
MODEL, COMPARED, MEMBER = "model", "compared model", "member"  # the members of an ensemble are numbered from 1
ON_HOLES, AGREEMENT = "error on holes", "label agreement"
ALL_RADARS, ALL_BANDS = "all radars", ALL
SPREAD_BINS, MOST_SPREAD = 10, 0.5  # of the standard deviation of numbers from 0 to 1
BLOCK_SECONDS = 3600  # frames of one hour show the same weather: they are one draw of the bootstrap
_COARSE = 8  # bins of the logit in one of `BlockTally.ranks`, where there is one for each block of time
# The fine bins at which the coarse ones begin.
_BEGINNINGS = (1 / (1 + np.exp(-LOGIT_EDGES[::_COARSE]))).astype(np.float32)
RANK_STARTS = np.unique([0, *np.searchsorted(PROBABILITY_EDGES, _BEGINNINGS)])

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float32]
_Tallied = TypeVar("_Tallied", bound="BlockTally | Tally")


@dataclass(frozen=True)
class Frame:
    """What is known of one frame, each (y, x): codes, weak label, clutter mask, reference classes, distance."""

    codes: Codes
    label_class: Codes
    clutter: Mask
    reference: Codes
    range_km: Numbers


@dataclass(frozen=True)
class BlockTally:
    """Sums over the frames of one block of time; `a + b` is the tally over both."""

    frames: int
    decisions: Counts  # (cleaner, range, dBZ, class, decision)
    ranks: NDArray[np.uint32]  # (model, range then dBZ, class, bin), bins of the probability, coarse
    calibration: Sums  # (model, range then dBZ, bin, 3), of `calibration.sum_by_group`
    errors: Sums  # (hole size then agreement, range, dBZ, ERROR_SUMS)

    @classmethod
    def empty(cls, bands: Bands, cleaners: int) -> BlockTally:
        """Of no frame."""
        models, (ranges, dbz) = cleaners - len(RULES), bands.shape
        return cls(
            0,
            np.zeros((cleaners, ranges, dbz, 2, 2), np.int64),
            np.zeros((models, ranges + dbz, 2, RANK_STARTS.size), np.uint32),
            np.zeros((models, ranges + dbz, BINS, 3)),
            np.zeros((len(bands.holes_px) + 1, ranges, dbz, ERROR_SUMS)),
        )

    def __add__(self, other: BlockTally) -> BlockTally:
        return _add(self, other)


@dataclass(frozen=True)
class Tally:
    """Sums over frames, all there are; `a + b` is the tally over both."""

    block: BlockTally
    histogram: Counts  # (model, range, dBZ, class, bin), bins of `metrics.PROBABILITY_EDGES`
    pairs: Counts  # (on holes or agreement, estimate, value), of `reflectivity.count_pairs`
    spread: Counts  # (bin of an ensemble's spread, 2): pixels, and those that it judges wrongly

    @classmethod
    def empty(cls, bands: Bands, cleaners: int) -> Tally:
        """Of no frame."""
        bins = DBZ_EDGES.size - 1
        return cls(
            BlockTally.empty(bands, cleaners),
            np.zeros((cleaners - len(RULES), *bands.shape, 2, PROBABILITY_EDGES.size), np.int64),
            np.zeros((2, bins, bins), np.int64),
            np.zeros((SPREAD_BINS, 2), np.int64),
        )

    def __add__(self, other: Tally) -> Tally:
        return _add(self, other)


class RadarScores:
    """The tallies of one radar: all in all, and by blocks of time."""

    def __init__(self, bands: Bands, models: Sequence[str] = (MODEL,)) -> None:
        self.bands, self.models = bands, tuple(models)
        count = len(self.cleaners)
        self.total = Tally.empty(bands, count)
        self.blocks: dict[int, BlockTally] = defaultdict(lambda: BlockTally.empty(bands, count))
        self.without_reference = 0

    def add(self, time: int, tally: Tally) -> None:
        """Count a frame of this time (seconds since 1970)."""
        self.blocks[time // BLOCK_SECONDS] += tally.block
        self.total += tally

    @property
    def cleaners(self) -> tuple[str, ...]:
        """Their names, rules before models."""
        return (*RULES, *self.models)

    @property
    def frames(self) -> int:
        """How many were counted."""
        return self.total.block.frames

    def stack(self, name: str) -> NDArray[np.number]:
        """(blocks, ...): a field of `BlockTally` over the blocks of time, one at least."""
        blocks = list(self.blocks.values()) or [self.total.block]
        return np.stack([getattr(block, name) for block in blocks])

    def __add__(self, other: RadarScores) -> RadarScores:
        both = RadarScores(self.bands, self.models)
        both.without_reference = self.without_reference + other.without_reference
        both.total = self.total + other.total
        for scores in (self, other):
            for block, tally in scores.blocks.items():
                both.blocks[block] += tally
        return both


def mask_classes(picture: Codes) -> Codes:
    """Echo classes of a reference mask (any shape): 1 and 2 as they are, everything else unknown."""
    known = (picture == METEOROLOGICAL) | (picture == NON_METEOROLOGICAL)
    return np.where(known, picture, UNKNOWN).astype(np.uint8)


def hit_by(holes: Codes, frame: Frame) -> bool:
    """Whether the holes of `hole_lattice` hide any echo that would be scored, else they tell nothing."""
    return bool(((holes > 0) & _rain(frame)).any())


def score_frame(
    frame: Frame,
    probability: Numbers,
    dbz: Numbers,
    threshold: float,
    bands: Bands,
    holes: Codes | None = None,
    hole_dbz: Numbers | None = None,
    compared: Sequence[Numbers] = (),
    spread: Numbers | None = None,
) -> Tally:
    """The tally of one frame: what the model says of it (y, x), and with the holes hidden from it.

    `holes` are those of `hole_lattice`. `compared` holds the probabilities that other models give. `spread` is the
    standard deviation of those of an ensemble's members. Raises ModelError where the model gave no number.
    """
    echo = is_echo(frame.codes)
    answers = [probability[echo], dbz[echo], *(more[echo] for more in (hole_dbz, *compared) if more is not None)]
    if not all(np.isfinite(answer).all() for answer in answers):
        raise ModelError("the model's answer is not a number; train it again with a lower learning_rate")
    removed_by_label = frame.label_class == NON_METEOROLOGICAL
    models = (probability, *compared)
    kept = (~removed_by_label, ~removed_by_label & ~frame.clutter, *(model >= threshold for model in models))
    scored = echo & is_scored(frame.reference)
    classes = frame.reference[scored]
    band = bands.of(decode_dbz(frame.codes[scored]), frame.range_km[scored])
    decisions = [count_decisions(keep[scored], classes, band, bands.count) for keep in kept]
    given = [model[scored] for model in models]
    histogram = np.stack(
        [count_probabilities(one, classes, band, bands.count, PROBABILITY_EDGES) for one in given]
    ).reshape(len(models), *bands.shape, 2, -1)
    errors, pairs = _judge_reflectivity(frame, dbz, bands, holes, hole_dbz)
    return Tally(
        BlockTally(
            1,
            np.stack(decisions).reshape(len(kept), *bands.shape, 2, 2),
            _ranks(histogram),
            np.stack([_calibrations(one, classes == METEOROLOGICAL, band, bands) for one in given]),
            errors,
        ),
        histogram,
        pairs,
        _count_spread(spread, kept[len(RULES)] != (frame.reference == METEOROLOGICAL), scored),
    )


def with_total(scores: Mapping[str, RadarScores]) -> dict[str, RadarScores]:
    """The scores by radar, and over all radars where there is more than one."""
    if len(scores) < 2:
        return dict(scores)
    first, *others = scores.values()
    return {**scores, ALL_RADARS: sum(others, first)}


def references_in_words(kinds: dict[str, str]) -> str:
    """`masks`, `labels`, or which radars have which."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    parts = {kind: [radar for radar in kinds if kinds[radar] == kind] for kind in ("masks", "labels")}
    return "; ".join(f"{kind} of {', '.join(names)}" for kind, names in parts.items())


def shown_cleaners(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The cleaners of a table of scores without the members of an ensemble: side by side they are too many."""
    return list(dict.fromkeys(row["cleaner"] for row in rows if not row["cleaner"].startswith(MEMBER)))


def whole_rows(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of a table (`score_tables`) that hold all ranges and all reflectivities."""
    return [row for row in rows if row["band"] == ALL and row["range"] == ALL]


def _rain(frame: Frame) -> Mask:
    return np.asarray(is_echo(frame.codes) & (frame.reference == METEOROLOGICAL))


def _count_spread(spread: Numbers | None, wrong: Mask, scored: Mask) -> Counts:
    """`Tally.spread` of one frame, (y, x) each; nothing without a spread."""
    if spread is None:
        return np.zeros((SPREAD_BINS, 2), np.int64)
    where = np.minimum(spread[scored] / MOST_SPREAD * SPREAD_BINS, SPREAD_BINS - 1).astype(np.int64)
    pixels, errors = (np.bincount(part, minlength=SPREAD_BINS) for part in (where, where[wrong[scored]]))
    return np.stack([pixels, errors], axis=1)


def _ranks(histogram: Counts) -> NDArray[np.uint32]:
    """(model, range then dBZ, class, coarse bin) of (model, range, dBZ, class, bin)."""
    return np.add.reduceat(_alone(histogram, 1), RANK_STARTS, axis=-1).astype(np.uint32)


def _calibrations(probability: Numbers, event: Mask, band: NDArray[np.int64], bands: Bands) -> Sums:
    """(range then dBZ, bin, 3) of (pixels,) what a model says, whether it came, and the pair of bands."""
    sums = sum_by_group(probability, event, band, bands.count)
    return np.asarray(_alone(sums.reshape(*bands.shape, BINS, 3), 0), np.float64)


def _alone(values: NDArray[np.number], axis: int) -> NDArray[np.number]:
    """An array by range and band, at `axis` and the next: by range over all bands, then by band."""
    return np.concatenate([values.sum(axis=axis + 1), values.sum(axis=axis)], axis=axis)


def _judge_reflectivity(
    frame: Frame, dbz: Numbers, bands: Bands, holes: Codes | None, hole_dbz: Numbers | None
) -> tuple[Sums, Counts]:
    """`BlockTally.errors` and `Tally.pairs` of one frame."""
    rain = _rain(frame)
    own = decode_dbz(frame.codes[rain])
    band = bands.of(own, frame.range_km[rain])
    sizes = len(bands.holes_px)
    errors = np.zeros((sizes + 1, bands.count, ERROR_SUMS))
    errors[sizes] = sum_errors(dbz[rain], own, band, bands.count)
    pairs = np.zeros((2, *count_pairs(own, own).shape), np.int64)
    pairs[1] = count_pairs(dbz[rain], own)
    if holes is not None and hole_dbz is not None:
        size = holes[rain].astype(np.int64)
        hidden = size > 0
        estimate, value = hole_dbz[rain][hidden], own[hidden]
        group = (size[hidden] - 1) * bands.count + band[hidden]
        by_size = sum_errors(estimate, value, group, sizes * bands.count)
        errors[:sizes] = by_size.reshape(sizes, bands.count, ERROR_SUMS)
        pairs[0] = count_pairs(estimate, value)
    return errors.reshape(sizes + 1, *bands.shape, ERROR_SUMS), pairs


def _add(one: _Tallied, other: _Tallied) -> _Tallied:
    return type(one)(*(getattr(one, field.name) + getattr(other, field.name) for field in fields(one)))
