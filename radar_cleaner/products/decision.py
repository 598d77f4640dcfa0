"""Decide what happens to each pixel of a frame, and pack the result into the variables of the product.

`decide` applies the threshold and sets the quality flag. Each other function returns one packed variable, (y, x)
uint8, of a decided frame; `products.cf.PRODUCT_VARIABLES` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    FLAG_UNDETECT,
    NO_UNCERTAINTY,
    NODATA,
    encode_dbz,
    is_echo,
)
from radar_cleaner.errors import ModelError

Codes = NDArray[np.uint8]

NO_PROBABILITY = 255
PROBABILITY_STEPS = 254  # of a packed probability: 0 is 0, 254 is 1
MAX_SPREAD = 0.5  # the standard deviation of numbers in 0..1 is never larger


@dataclass(frozen=True)
class DecidedFrame:
    """A frame with the decision for each pixel, all (y, x).

    `codes` are the decoded reflectivity and `uncertainty` its packed uncertainty, `probability` (0..1) that the
    echo is meteorological, `dbz` the reflectivity predicted by the network. `spread` is the standard deviation of
    the probability over the members of an ensemble, None of a single model.
    """

    codes: Codes
    uncertainty: Codes
    probability: NDArray[np.float32]
    dbz: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    flags: Codes


def decide(
    codes: Codes,
    probability: NDArray[np.float32],
    dbz: NDArray[np.float32],
    spread: NDArray[np.float32] | None = None,
    *,
    threshold: float,
    fill: bool,
    in_range: NDArray[np.bool_],
    uncertainty: Codes | None = None,
) -> DecidedFrame:
    """Decide each pixel (y, x): keep, remove or fill.

    An echo is kept if its probability reaches the threshold, else removed. Pixels without data and `in_range`
    are filled, with `fill`, if their probability reaches the threshold. Pixels where the radar saw no echo stay
    empty: no echo is ever invented there. Raises ModelError if the network's output is NaN or infinite.
    """
    echo = is_echo(codes)
    hole = (codes == NODATA) & (in_range & fill)
    used = echo | hole
    if not (np.isfinite(probability) | ~used).all() or not (np.isfinite(dbz) | ~hole).all():
        raise ModelError("the output of the model is not finite; train it again with a lower learning_rate")
    chosen = probability >= threshold
    filled = hole & chosen
    # Sums of masks: `np.select` takes many times as long.
    flags = (echo & chosen) * np.uint8(FLAG_KEPT) + (echo & ~chosen) * np.uint8(FLAG_REMOVED)
    flags += filled * np.uint8(FLAG_FILLED) + (~filled & (codes == NODATA)) * np.uint8(FLAG_NODATA)
    if uncertainty is None:
        uncertainty = np.full_like(codes, NO_UNCERTAINTY)
    return DecidedFrame(codes, uncertainty, probability, dbz, spread, flags)


def reflectivity(frame: DecidedFrame) -> Codes:
    """Return the cleaned codes: removed echo is `undetect`, filled pixels have the network's reflectivity."""
    cleaned: Codes = frame.codes * (frame.flags != FLAG_REMOVED)  # `undetect` is 0
    filled = frame.flags == FLAG_FILLED
    cleaned[filled] = encode_dbz(frame.dbz[filled])
    return cleaned


def reflectivity_uncertainty(frame: DecidedFrame) -> Codes:
    """Return the packed uncertainty of the reflectivity that was decoded and kept."""
    return np.asarray(frame.uncertainty | (frame.flags != FLAG_KEPT) * np.uint8(NO_UNCERTAINTY), dtype=np.uint8)


def quality_flag(frame: DecidedFrame) -> Codes:
    """Return the flag: kept, removed, filled, undetect or nodata."""
    return frame.flags


def pack_probability(frame: DecidedFrame) -> Codes:
    """Pack the probability where it decided: where the flag is kept, removed or filled."""
    return _pack(frame, frame.probability, 1.0)


def pack_spread(frame: DecidedFrame) -> Codes:
    """Pack the standard deviation of an ensemble's probabilities, where the product has a probability."""
    assert frame.spread is not None, "only the frames of an ensemble have a spread"
    return _pack(frame, frame.spread, MAX_SPREAD)


def _pack(frame: DecidedFrame, values: NDArray[np.float32], largest: float) -> Codes:
    share = np.fmin(np.fmax(values / np.float32(largest), 0), 1)  # finite where no probability is needed, too
    packed: Codes = np.rint(share * np.float32(PROBABILITY_STEPS)).astype(np.uint8)
    decided = (frame.flags != FLAG_UNDETECT) & (frame.flags != FLAG_NODATA)
    packed |= ~decided * np.uint8(NO_PROBABILITY)
    return packed
