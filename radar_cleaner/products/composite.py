"""Combine the products of several radars on one grid: each pixel comes from one radar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import FLAG_FILLED, FLAG_KEPT, FLAG_NODATA, FLAG_REMOVED, FLAG_UNDETECT
from radar_cleaner.products.credit import merge_credits

Codes = NDArray[np.uint8]
Layer = Mapping[str, Codes]  # variables of a product, (y, x) each

# Attributes of the reflectivity store on the decoding and its uncertainty, which products also have.
LABEL_ATTRS = ("label_method", "class_lower_dbz", "class_upper_dbz", "palette_unit", "zr_a", "zr_b")

# Packing of the age in minutes, and its code where no frame shows a pixel.
AGE_STEP, LEAST_AGE, NO_AGE = 0.5, -60.0, 255

# An observation, even of no echo, goes before a value that the network filled in for another radar.
_PRIORITY = (FLAG_NODATA, FLAG_FILLED, FLAG_UNDETECT, FLAG_REMOVED, FLAG_KEPT)  # lowest first
_RANK = np.zeros(256, np.uint16)
_RANK[list(_PRIORITY)] = np.arange(len(_PRIORITY)) << 8


def compose(layers: Sequence[Layer]) -> dict[str, Codes]:
    """Combine the layers of several radars, at least one, all with the same variables and shape.

    The radar with the highest rank wins a pixel, and every variable is taken from it: kept before removed,
    removed before undetect, undetect before filled, filled before nodata. Among equal ranks the highest
    reflectivity wins, then the highest code of the other variables: the order of the radars does not matter.
    """
    best = {name: values.copy() for name, values in layers[0].items()}
    best_order = _order(best)
    for layer in layers[1:]:
        order = _order(layer)
        wins, tie = order > best_order, order == best_order
        for name, values in layer.items():
            wins |= tie & (values > best[name])
            tie &= values == best[name]
        for name, values in layer.items():
            np.copyto(best[name], values, where=wins)
        np.copyto(best_order, order, where=wins)
    return best


def pack_age(age_seconds: int, quality_flag: Codes) -> Codes:
    """Return the packed age of a frame's pixels (y, x); NO_AGE where the quality flag is nodata."""
    code = round((age_seconds / 60 - LEAST_AGE) / AGE_STEP)
    return np.where(quality_flag == FLAG_NODATA, np.uint8(NO_AGE), np.uint8(code))


def _order(layer: Layer) -> NDArray[np.uint16]:
    """(y, x): the rank of the flag, then the reflectivity, as one number."""
    return np.asarray(_RANK.take(layer["quality_flag"]) | layer["reflectivity"])


def composite_attrs(products: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """Merge the attributes LABEL_ATTRS and the credits of several radars' products, {radar: attributes}.

    Attributes that differ are named by their radar: `class_lower_dbz_CASGO`. Credits are joined.
    """
    attrs = merge_credits(products.values())
    for name in LABEL_ATTRS:
        values = {radar: product[name] for radar, product in products.items() if name in product}
        if len(values) == len(products) and all(value == next(iter(values.values())) for value in values.values()):
            attrs[name] = next(iter(values.values()))
        else:
            attrs |= {f"{name}_{radar}": value for radar, value in values.items()}
    return attrs
