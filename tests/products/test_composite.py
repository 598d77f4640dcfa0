"""The composite: each pixel is of the radar with the best observation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from product_cases import SHAPE, layers

from radar_cleaner.conventions import FLAG_FILLED, FLAG_KEPT, FLAG_NODATA, FLAG_REMOVED, FLAG_UNDETECT
from radar_cleaner.products.composite import compose, composite_attrs

ORDER = {FLAG_KEPT: 4, FLAG_REMOVED: 3, FLAG_UNDETECT: 2, FLAG_FILLED: 1, FLAG_NODATA: 0}
Layer = dict[str, NDArray[np.uint8]]


@given(st.lists(layers(), min_size=1, max_size=4))
def test_each_pixel_is_that_of_one_radar_with_the_best_flag_and_the_highest_reflectivity(
    several: list[Layer],
) -> None:
    composite = compose(several)
    for pixel in np.ndindex(SHAPE):
        candidates = [{name: int(values[pixel]) for name, values in layer.items()} for layer in several]
        result = {name: int(values[pixel]) for name, values in composite.items()}
        assert result in candidates  # a pixel is of one radar, never a mixture
        best = max((ORDER[one["quality_flag"]], one["reflectivity"]) for one in candidates)
        assert (ORDER[result["quality_flag"]], result["reflectivity"]) == best


@given(st.lists(layers(), min_size=2, max_size=4), st.randoms())
def test_the_order_of_the_radars_does_not_matter(several: list[Layer], random: object) -> None:
    shuffled = list(several)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = compose(several), compose(shuffled)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_label_attributes_that_differ_are_named_by_their_radar() -> None:
    same = {"class_lower_dbz": [7.0], "other": 1}
    assert composite_attrs({"A": same, "B": same}) == {"class_lower_dbz": [7.0]}
    assert composite_attrs({"A": same, "B": {"class_lower_dbz": [9.0]}}) == {
        "class_lower_dbz_A": [7.0],
        "class_lower_dbz_B": [9.0],
    }
    assert composite_attrs({"A": same, "B": {}}) == {"class_lower_dbz_A": [7.0]}
    rates = {"palette_unit": "mm/h", "zr_a": 200, "zr_b": 1.6}
    assert composite_attrs({"A": rates, "B": rates}) == rates
    assert composite_attrs({"A": rates, "B": {}}) == {f"{name}_A": value for name, value in rates.items()}
