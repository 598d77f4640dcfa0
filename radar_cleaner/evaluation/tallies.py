"""Count the decisions, probabilities and reflectivity of one frame against its reference, and add frames up.

The reference is a mask (1 meteorological, 2 non-meteorological, anything else not scored) or, without a mask, the
echo class of the label model. Reflectivity is compared with the radar's own value. In inpainting masks, where that
value was hidden from the network, the difference is an error; elsewhere it measures agreement.

Intervals need sums by block of time (`BlockTally`), which are small. Fine histograms are kept once (`FineTally`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN, decode_dbz, is_echo
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.accumulation import Blocks, add
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

# Names of cleaners in the tables; the members of an ensemble are numbered from 1.
WEAK_LABEL, CLUTTER_MASK = "weak label", "label + clutter mask"
MODEL, COMPARED, MEMBER = "model", "compared model", "member"
ON_HOLES, AGREEMENT = "error on holes", "label agreement"
SPREAD_BINS, MAX_SPREAD = 10, 0.5  # of the standard deviation of numbers from 0 to 1
_COARSE = 8  # bins of the logit in one bin of `CleanerTally.ranks`, which each block of time has
# The fine bins at which the coarse ones begin.
_BEGINNINGS = (1 / (1 + np.exp(-LOGIT_EDGES[::_COARSE]))).astype(np.float32)
RANK_STARTS = np.unique([0, *np.searchsorted(PROBABILITY_EDGES, _BEGINNINGS)])

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One frame and its reference, each (y, x): codes, reference classes, distance from the radar."""

    codes: Codes
    reference: Codes
    range_km: Numbers

    @property
    def scored(self) -> Mask:
        """Echo with a class in the reference."""
        return np.asarray(is_echo(self.codes) & is_scored(self.reference))

    @property
    def rain(self) -> Mask:
        """Meteorological echo."""
        return np.asarray(is_echo(self.codes) & (self.reference == METEOROLOGICAL))


@dataclass(frozen=True)
class Answer:
    """A cleaner's scores (y, x) of one frame; echo with a score of at least `threshold` is kept.

    A score is a probability if `probabilistic`; else it only ranks echoes in its own unit.
    """

    score: Numbers
    threshold: float
    probabilistic: bool = False

    @property
    def kept(self) -> Mask:
        """(y, x) pixels whose score reaches the threshold."""
        return np.asarray(self.score >= self.threshold)


@dataclass(frozen=True)
class Margins:
    """Sums of the same pixels by range (range, ...) and by reflectivity (dBZ, ...)."""

    by_range: NDArray[np.number]
    by_dbz: NDArray[np.number]

    @classmethod
    def of(cls, joint: NDArray[np.number]) -> Margins:
        """Take the margins of (range, dBZ, ...) sums."""
        return cls(joint.sum(axis=1), joint.sum(axis=0))


@dataclass(frozen=True)
class CleanerTally:
    """Sums of one cleaner; the last two are None unless its scores are probabilities."""

    decisions: Counts  # (range, dBZ, class, decision)
    ranks: Margins | None = None  # (..., class, bin), coarse bins of the probability
    calibration: Margins | None = None  # (..., bin, 3), of `reliability.sum_by_group`

    @classmethod
    def empty(cls, bands: Bands, probabilistic: bool) -> CleanerTally:
        """Return the tally of no frame."""
        decisions = np.zeros((*bands.shape, 2, 2), np.int64)
        if not probabilistic:
            return cls(decisions)
        ranks, calibration = ((2, RANK_STARTS.size), np.uint32), ((BINS, 3), np.float64)
        margins = (Margins.of(np.zeros((*bands.shape, *shape), dtype)) for shape, dtype in (ranks, calibration))
        return cls(decisions, *margins)


@dataclass(frozen=True)
class BlockTally:
    """Sums over the frames of one block of time."""

    frames: int
    cleaners: Mapping[str, CleanerTally]
    errors: Mapping[int | str, Sums]  # by size of mask, and AGREEMENT: (range, dBZ, ERROR_SUMS)


@dataclass(frozen=True)
class FineTally:
    """Sums over all frames, in fine bins."""

    histogram: Mapping[str, Counts]  # by probabilistic cleaner: (range, dBZ, class, bin of PROBABILITY_EDGES)
    pairs: Mapping[str, Counts]  # ON_HOLES and AGREEMENT: (estimate, value), of `count_pairs`
    spread: Counts  # (bin of the ensemble's spread, 2): pixels, and those with a wrong decision


@dataclass(frozen=True)
class Tally:
    """All sums of one frame."""

    block: BlockTally
    fine: FineTally


@dataclass(frozen=True)
class Reflectivity:
    """Reflectivity in dBZ (y, x) that the network gives, and that it gives with the masks `holes` hidden from it.

    `holes` are those of `hole_lattice`; without them there is no error to count.
    """

    dbz: Numbers
    holes: Codes | None = None
    hole_dbz: Numbers | None = None


class RadarScores:
    """The tallies of one radar. `cleaners`: whether the scores of each cleaner are probabilities."""

    def __init__(self, bands: Bands, cleaners: Mapping[str, bool]) -> None:
        self.bands, self.cleaners = bands, dict(cleaners)
        bins = DBZ_EDGES.size - 1
        errors = np.zeros((*bands.shape, ERROR_SUMS))
        self.blocks = Blocks(
            BlockTally(
                0,
                {name: CleanerTally.empty(bands, probabilistic) for name, probabilistic in cleaners.items()},
                dict.fromkeys((*bands.holes_px, AGREEMENT), errors),
            )
        )
        self.fine = FineTally(
            {name: np.zeros((*bands.shape, 2, PROBABILITY_EDGES.size), np.int64) for name in self.probabilistic},
            {measure: np.zeros((bins, bins), np.int64) for measure in (ON_HOLES, AGREEMENT)},
            np.zeros((SPREAD_BINS, 2), np.int64),
        )
        self.without_reference = 0

    @property
    def probabilistic(self) -> tuple[str, ...]:
        """The cleaners whose scores are probabilities."""
        return tuple(name for name, probabilistic in self.cleaners.items() if probabilistic)

    @property
    def frames(self) -> int:
        """The number of frames that were counted."""
        return self.blocks.total().frames

    def add(self, time: int, tally: Tally) -> None:
        """Count a frame of this time (seconds since 1970)."""
        self.blocks.add(time, tally.block)
        self.fine = add(self.fine, tally.fine)

    def __add__(self, other: RadarScores) -> RadarScores:
        both = RadarScores(self.bands, self.cleaners)
        both.without_reference = self.without_reference + other.without_reference
        both.blocks, both.fine = self.blocks + other.blocks, add(self.fine, other.fine)
        return both


def mask_classes(mask: Codes) -> Codes:
    """Return echo classes of a reference mask (any shape): 1 and 2 as they are, everything else unknown."""
    known = (mask == METEOROLOGICAL) | (mask == NON_METEOROLOGICAL)
    return np.where(known, mask, UNKNOWN).astype(np.uint8)


def score_frame(
    frame: Frame,
    answers: Mapping[str, Answer],
    bands: Bands,
    reflectivity: Reflectivity,
    spread: Numbers | None = None,
    spread_of: str = MODEL,
) -> Tally:
    """Tally one frame: the answer of each cleaner, and the network's reflectivity.

    `spread` (y, x) is the standard deviation of the probabilities of an ensemble, whose decisions are those of the
    cleaner `spread_of`. Raises ModelError if a score is NaN, or a probability or a reflectivity not finite.
    """
    _check_finite(frame, answers, reflectivity)
    scored = frame.scored
    classes = frame.reference[scored]
    band = bands.of(decode_dbz(frame.codes[scored]), frame.range_km[scored])
    cleaners: dict[str, CleanerTally] = {}
    histograms: dict[str, Counts] = {}
    for name, answer in answers.items():
        decisions = count_decisions(answer.kept[scored], classes, band, bands.count)
        cleaners[name] = CleanerTally(decisions.reshape(*bands.shape, 2, 2))
        if answer.probabilistic:
            probability = answer.score[scored]
            histogram = count_probabilities(probability, classes, band, bands.count, PROBABILITY_EDGES)
            sums = sum_by_group(probability, classes == METEOROLOGICAL, band, bands.count)
            histograms[name] = histogram.reshape(*bands.shape, 2, -1)
            cleaners[name] = CleanerTally(
                cleaners[name].decisions, _ranks(histograms[name]), Margins.of(sums.reshape(*bands.shape, BINS, 3))
            )
    errors, pairs = _score_reflectivity(frame, reflectivity, bands)
    wrong = None if spread is None else answers[spread_of].kept != (frame.reference == METEOROLOGICAL)
    return Tally(
        BlockTally(1, cleaners, errors), FineTally(histograms, pairs, _count_spread(spread, wrong, scored))
    )


def references_in_words(kinds: dict[str, str]) -> str:
    """Return `masks`, `labels`, or which radars have which."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    parts = {kind: [radar for radar in kinds if kinds[radar] == kind] for kind in ("masks", "labels")}
    return "; ".join(f"{kind} of {', '.join(names)}" for kind, names in parts.items())


def shown_cleaners(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the cleaners of a table of scores without the members of an ensemble, too many for a figure."""
    return list(dict.fromkeys(row["cleaner"] for row in rows if not row["cleaner"].startswith(MEMBER)))


def whole_rows(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of a table (`tables`) over all ranges and all reflectivities."""
    return [row for row in rows if row["band"] == ALL and row["range"] == ALL]


def _check_finite(frame: Frame, answers: Mapping[str, Answer], reflectivity: Reflectivity) -> None:
    echo = is_echo(frame.codes)
    for name, answer in answers.items():
        scores = answer.score[echo]
        if np.isnan(scores).any() or (answer.probabilistic and not np.isfinite(scores).all()):
            raise ModelError(f"{name}: a score is not finite; train the model again with a lower learning_rate")
    for dbz in (reflectivity.dbz, reflectivity.hole_dbz):
        if dbz is not None and not np.isfinite(dbz[echo]).all():
            raise ModelError("the reflectivity is not finite; train the model again with a lower learning_rate")


def _ranks(histogram: Counts) -> Margins:
    """Return the margins of a (range, dBZ, class, bin) histogram in coarse bins."""
    margins = Margins.of(histogram)
    coarse = (np.add.reduceat(part, RANK_STARTS, axis=-1) for part in (margins.by_range, margins.by_dbz))
    return Margins(*(part.astype(np.uint32) for part in coarse))


def _count_spread(spread: Numbers | None, wrong: Mask | None, scored: Mask) -> Counts:
    """Return `FineTally.spread` of one frame, (y, x) each; zeros without a spread."""
    if spread is None or wrong is None:
        return np.zeros((SPREAD_BINS, 2), np.int64)
    where = np.minimum(spread[scored] / MAX_SPREAD * SPREAD_BINS, SPREAD_BINS - 1).astype(np.int64)
    pixels, errors = (np.bincount(part, minlength=SPREAD_BINS) for part in (where, where[wrong[scored]]))
    return np.stack([pixels, errors], axis=1)


def _score_reflectivity(
    frame: Frame, reflectivity: Reflectivity, bands: Bands
) -> tuple[dict[int | str, Sums], dict[str, Counts]]:
    """Return `BlockTally.errors` and `FineTally.pairs` of one frame."""
    rain = frame.rain
    value = decode_dbz(frame.codes[rain])
    band = bands.of(value, frame.range_km[rain])
    empty = np.zeros(0, np.float32)
    errors: dict[int | str, Sums] = {size: np.zeros((*bands.shape, ERROR_SUMS)) for size in bands.holes_px}
    pairs = {ON_HOLES: count_pairs(empty, empty), AGREEMENT: count_pairs(reflectivity.dbz[rain], value)}
    if reflectivity.holes is not None and reflectivity.hole_dbz is not None:
        number, estimate = reflectivity.holes[rain], reflectivity.hole_dbz[rain]
        pairs[ON_HOLES] = count_pairs(estimate[number > 0], value[number > 0])
        for index, size in enumerate(bands.holes_px, 1):
            inside = number == index
            errors[size] = _sum_errors(estimate[inside], value[inside], band[inside], bands)
    errors[AGREEMENT] = _sum_errors(reflectivity.dbz[rain], value, band, bands)
    return errors, pairs


def _sum_errors(estimate: Numbers, value: Numbers, band: NDArray[np.int64], bands: Bands) -> Sums:
    return sum_errors(estimate, value, band, bands.count).reshape(*bands.shape, ERROR_SUMS)
