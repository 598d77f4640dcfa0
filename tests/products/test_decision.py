"""The decision for each pixel: nothing is invented, and nodata stays nodata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from product_cases import SHAPE, some_codes, some_dbz, some_probability, some_range

from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    FLAG_UNDETECT,
    NODATA,
    UNDETECT,
    decode_dbz,
    is_echo,
)
from radar_cleaner.errors import ModelError
from radar_cleaner.products.cf import pack_frame
from radar_cleaner.products.decision import MAX_SPREAD, NO_PROBABILITY, decide

EVERYWHERE = np.ones(SHAPE, bool)


@given(
    codes=some_codes,
    probability=some_probability,
    dbz=some_dbz,
    spread=some_probability,
    threshold=st.floats(0, 1),
    fill=st.booleans(),
    in_range=some_range,
)
def test_each_pixel_is_kept_removed_or_filled_and_no_echo_is_invented(
    codes: NDArray[np.uint8],
    probability: NDArray[np.float32],
    dbz: NDArray[np.float32],
    spread: NDArray[np.float32],
    threshold: float,
    fill: bool,
    in_range: NDArray[np.bool_],
) -> None:
    frame = decide(codes, probability, dbz, spread / 2, threshold=threshold, fill=fill, in_range=in_range)
    packed = pack_frame(frame)
    cleaned, flags = packed["reflectivity"], packed["quality_flag"]
    echo, likely = is_echo(codes), probability >= threshold
    assert (cleaned[codes == UNDETECT] == UNDETECT).all()
    assert (flags[codes == UNDETECT] == FLAG_UNDETECT).all()
    np.testing.assert_array_equal(flags == FLAG_KEPT, echo & likely)
    np.testing.assert_array_equal(cleaned[flags == FLAG_KEPT], codes[flags == FLAG_KEPT])
    np.testing.assert_array_equal(flags == FLAG_REMOVED, echo & ~likely)
    assert (cleaned[flags == FLAG_REMOVED] == UNDETECT).all()
    hole = (codes == NODATA) & in_range & likely
    np.testing.assert_array_equal(flags == FLAG_FILLED, hole if fill else np.zeros(SHAPE, bool))
    filled = flags == FLAG_FILLED
    assert is_echo(cleaned[filled]).all()
    assert np.abs(decode_dbz(cleaned[filled]) - np.clip(dbz[filled], -31.5, 95)).max(initial=0) <= 0.25
    np.testing.assert_array_equal(cleaned == NODATA, (codes == NODATA) & ~filled)
    np.testing.assert_array_equal(flags == FLAG_NODATA, cleaned == NODATA)
    decided = np.isin(flags, [FLAG_KEPT, FLAG_REMOVED, FLAG_FILLED])
    for name, values, largest in (
        ("meteorological_probability", probability, 1.0),
        ("probability_spread", spread / 2, MAX_SPREAD),
    ):
        np.testing.assert_array_equal(packed[name] != NO_PROBABILITY, decided)
        error = packed[name][decided] / 254 * largest - values[decided]
        assert np.abs(error).max(initial=0) <= 0.5 / 254 + 1e-6


@given(codes=some_codes, probability=some_probability)
def test_a_higher_threshold_never_keeps_more(codes: NDArray[np.uint8], probability: NDArray[np.float32]) -> None:
    dbz = np.zeros(SHAPE, np.float32)
    low, high = (
        decide(codes, probability, dbz, threshold=threshold, fill=False, in_range=EVERYWHERE).flags == FLAG_KEPT
        for threshold in (0.2, 0.6)
    )
    assert not (high & ~low).any()


def test_a_model_whose_output_is_not_finite_is_refused() -> None:
    broken = np.full(SHAPE, np.nan, np.float32)
    with pytest.raises(ModelError, match="not finite"):
        decide(np.full(SHAPE, 90, np.uint8), broken, broken, threshold=0.5, fill=True, in_range=EVERYWHERE)
    # Where the output is not used it may be NaN.
    empty = np.full(SHAPE, UNDETECT, np.uint8)
    frame = decide(empty, broken, broken, threshold=0.5, fill=True, in_range=EVERYWHERE)
    assert (pack_frame(frame)["meteorological_probability"] == NO_PROBABILITY).all()
