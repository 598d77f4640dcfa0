"""The training target: votes on each echo by its colour, the labeler that looks at areas, and the atlas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.vocabulary import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN, is_echo


@dataclass(frozen=True)
class Weights:
    """How much each vote counts, 0 or more. Raises ConfigError."""

    colour: float
    area: float
    atlas: float

    def __post_init__(self) -> None:
        weights = {"colour": self.colour, "area": self.area, "atlas": self.atlas}
        if not all(0 <= weight < np.inf for weight in weights.values()) or not any(weights.values()):
            raise ConfigError(f"vote weights {weights}: each must be 0 or more, and one above 0")


def vote(
    codes: NDArray[np.uint8],
    echo_class: NDArray[np.uint8],
    clutter: NDArray[np.bool_],
    weights: Weights,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Echo class and confidence 0..255 of packed reflectivity, its label and the clutter mask, all (y, x).

    On an echo, colour votes meteorological, the area labeler as its label says, and the atlas
    non-meteorological where the pixel is clutter. The sign of the weighted sum is the class, and its share
    of the weights that voted the confidence; a draw is unknown. What the labeler calls unknown stays so.
    Where there is no echo the class is none, surely; `nodata` is unknown. Unknown has confidence 0.
    """
    classes, confidence = _table(weights)
    label = np.where(echo_class <= UNKNOWN, echo_class, UNKNOWN)
    mark = clutter.astype(np.intp)
    echo = is_echo(codes)
    elsewhere = codes != NODATA
    return (
        np.where(echo, classes[label, mark], np.where(elsewhere, NONE, UNKNOWN)).astype(np.uint8),
        np.where(echo, confidence[label, mark], np.where(elsewhere, 255, 0)).astype(np.uint8),
    )


def _table(weights: Weights) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Class and confidence of an echo by [label, is clutter]: there are no more cases than that."""
    classes = np.full((4, 2), UNKNOWN, np.uint8)
    confidence = np.zeros((4, 2), np.uint8)
    for label, sign in ((METEOROLOGICAL, 1), (NON_METEOROLOGICAL, -1)):
        for clutter in (0, 1):
            score = weights.colour + sign * weights.area - clutter * weights.atlas
            total = weights.colour + weights.area + clutter * weights.atlas
            if abs(score) <= 1e-9 * total:  # 0.1 + 0.2 - 0.3 is a draw
                continue
            classes[label, clutter] = METEOROLOGICAL if score > 0 else NON_METEOROLOGICAL
            confidence[label, clutter] = round(255 * abs(score) / total)
    return classes, confidence
