"""The class of an echo by area or by a mask is evidence for it, against it, or none."""

from __future__ import annotations

import numpy as np
from labeler_cases import (
    CODE,
    evidence_of,
)

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, NONE, UNKNOWN
from radar_cleaner.targets.labelers.base import by_class
from radar_cleaner.targets.labelers.reference import mask_log_odds


def test_area_and_masks_are_for_or_against_or_silent() -> None:
    codes = np.full((1, 5), CODE, np.uint8)
    classes = np.array([[METEOROLOGICAL, NON_METEOROLOGICAL, NONE, UNKNOWN, 255]], np.uint8)
    assert by_class(classes).tolist() == [[1, -1, 0, 0, 0]]
    assert evidence_of(mask_log_odds, codes, classes).tolist() == [[20, -20, 0, 0, 0]]
