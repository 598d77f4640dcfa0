"""Names and codes that all stores share.

Reflectivity is packed by the CF convention into one byte, with ODIM_H5's usual gain and offset:
dBZ = code * 0.5 - 32, 0 is `undetect` (observed, no echo), 255 is `nodata` (not observed: legend, overlay,
beyond range, no frame). The two are never the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNDETECT = 0
NODATA = 255
SCALE_FACTOR = 0.5  # dBZ per code
ADD_OFFSET = -32.0  # dBZ of code 0, `undetect`
MIN_ECHO_DBZ = ADD_OFFSET + SCALE_FACTOR
MAX_ECHO_DBZ = ADD_OFFSET + 254 * SCALE_FACTOR

# echo_class: the class of a pixel's echo.
NONE, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN = 0, 1, 2, 3
ECHO_CLASS_MEANINGS = "none meteorological non_meteorological unknown"

# quality_flag: the effect of cleaning on a pixel.
FLAG_UNDETECT, FLAG_KEPT, FLAG_REMOVED, FLAG_FILLED, FLAG_NODATA = 0, 1, 2, 3, 255
QUALITY_FLAGS = {
    "undetect": FLAG_UNDETECT,
    "kept": FLAG_KEPT,
    "removed": FLAG_REMOVED,
    "filled": FLAG_FILLED,
    "nodata": FLAG_NODATA,
}

NO_UNCERTAINTY = 255  # of a pixel without echo, or without a known class

NO_RADAR = 255  # of the pixel's nearest other radar: no other radar sees it

TIME_UNITS = "seconds since 1970-01-01 00:00:00"

REFLECTIVITY_ATTRS: dict[str, object] = {
    "standard_name": "equivalent_reflectivity_factor",
    "long_name": "radar reflectivity",
    "units": "dBZ",
    "scale_factor": SCALE_FACTOR,
    "add_offset": ADD_OFFSET,
    "_FillValue": NODATA,
    "undetect": UNDETECT,
    "comment": "code 0 (-32 dBZ) is undetect: looked, saw no echo; 255 is nodata: did not look",
}
UNCERTAINTY_STEP = 0.5  # dB
UNCERTAINTY_ATTRS: dict[str, object] = {
    "long_name": "uncertainty of the reflectivity by the classes of the palette",
    "units": "dBZ",
    "scale_factor": UNCERTAINTY_STEP,
    "add_offset": 0.0,
    "_FillValue": NO_UNCERTAINTY,
    "comment": "half the width of the class, twice as much where its colour was mixed; echoes only",
}
ECHO_CLASS_ATTRS: dict[str, object] = {
    "long_name": "kind of echo",
    "flag_values": [NONE, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN],
    "flag_meanings": ECHO_CLASS_MEANINGS,
}

# Log-odds of an echo to be meteorological, natural logarithm, packed into int8: -12.7 to 12.7.
LOG_ODDS_STEP = 0.1
MAX_LOG_ODDS = 127 * LOG_ODDS_STEP


def encode_dbz(dbz: NDArray[np.floating] | float) -> NDArray[np.uint8]:
    """Pack reflectivity in dBZ into echo codes 1..254 (any shape); NaN becomes `nodata`.

    Values outside -31.5..95 dBZ are clipped: every value is an echo, never `undetect`.
    """
    values = np.asarray(dbz, dtype=np.float64)
    codes = np.clip(np.rint((values - ADD_OFFSET) / SCALE_FACTOR), 1, NODATA - 1)
    return np.where(np.isnan(values), NODATA, codes).astype(np.uint8)


def decode_dbz(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unpack codes (any shape) to dBZ: `undetect` to -32, `nodata` to NaN."""
    return _DECODED[codes]


def encode_uncertainty(decibels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Pack uncertainties in dB (any shape), rounded up, into 1..254."""
    steps = np.ceil(np.asarray(decibels, np.float64) / UNCERTAINTY_STEP - 1e-9)
    return np.asarray(np.clip(steps, 1, NO_UNCERTAINTY - 1), dtype=np.uint8)


def log_odds_attrs(long_name: str) -> dict[str, object]:
    """Return the attributes of packed log-odds, by the CF convention."""
    return {
        "long_name": long_name,
        "units": "1",
        "scale_factor": LOG_ODDS_STEP,
        "comment": "natural logarithm of the odds to be meteorological; 0 without evidence and without echo",
    }


def encode_log_odds(values: NDArray[np.floating]) -> NDArray[np.int8]:
    """Pack log-odds (any shape) into -127..127; values beyond are clipped."""
    return np.asarray(np.clip(np.rint(values / LOG_ODDS_STEP), -127, 127), np.int8)


def decode_log_odds(packed: NDArray[np.int8]) -> NDArray[np.float32]:
    """Unpack log-odds (any shape)."""
    return packed.astype(np.float32) * np.float32(LOG_ODDS_STEP)


def is_echo(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where packed reflectivity (any shape) is an echo: neither undetect nor nodata."""
    return np.asarray((codes != UNDETECT) & (codes != NODATA))


_DECODED = (np.arange(256) * SCALE_FACTOR + ADD_OFFSET).astype(np.float32)
_DECODED[NODATA] = np.nan
