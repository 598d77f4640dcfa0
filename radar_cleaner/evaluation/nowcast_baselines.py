"""Extrapolate rain to later frames: unchanged (persistence), or along its own motion (optical flow).

A model must beat these forecasts (Germann and Zawadzki 2002). Motion and extrapolation are those of
pysteps (Pulkkinen et al. 2019), an extra: `pip install 'radar-cleaner[forecasts]'`.

Fields are reflectivity in dBZ (y, x): NO_RAIN where there is none, NaN where nothing is known.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import ADD_OFFSET
from radar_cleaner.errors import ConfigError

Field = NDArray[np.float32]

NO_RAIN = np.float32(ADD_OFFSET)
_FEWEST = 100  # pixels of rain whose motion can be seen
# dB from the weakest echo down to the threshold of rain, and from there to the value without rain, as in pysteps.
_MARGIN = 5.0


def require_pysteps() -> None:
    """Raise ConfigError where pysteps is not installed. It is not imported, which takes seconds."""
    if find_spec("pysteps") is None:
        raise _missing("the package is not installed")


def persist(now: Field, leads: int) -> Field:
    """Return (leads, y, x): the same field at each lead time."""
    return np.repeat(now[np.newaxis], leads, axis=0)


def find_motion(fields: Sequence[Field]) -> NDArray[np.float64]:
    """(2, y, x) pixels a step, by columns and rows, of fields of equal steps, the newest last.

    Features are followed by Lucas and Kanade's method, and their motion is spread over the picture. Where there
    is too little rain to see any motion, or a single field, there is none.
    """
    nothing = np.zeros((2, *fields[-1].shape))
    raining = [field for field in fields if np.count_nonzero(field > NO_RAIN) >= _FEWEST]
    if len(fields) < 2 or len(raining) < len(fields):
        return nothing
    floor = min(_weakest(field) for field in fields) - 2 * _MARGIN
    pictures = np.ma.masked_invalid([np.where(field == NO_RAIN, floor, field) for field in fields])
    with _quiet():
        motion, _ = _pysteps()
        found = motion.get_method("LK")(pictures)
    return np.asarray(np.nan_to_num(found), np.float64)


def carry_on(now: Field, motion: NDArray[np.float64], steps: Sequence[float]) -> Field:
    """(steps, y, x): the field after rising numbers of steps of the motion, by a semi-Lagrangian scheme.

    Pixels whose rain would come from beyond the field or from unknown pixels are NaN. Without motion the result is
    that of `persist`.
    """
    known, raining = np.isfinite(now), now > NO_RAIN
    floor = (_weakest(now) if raining.any() else float(NO_RAIN)) - 2 * _MARGIN
    filled = np.where(raining, now, floor).astype(np.float64)
    with _quiet():
        _, extrapolation = _pysteps()
        method = extrapolation.get_method("semilagrangian")
        carried = method(filled, motion, list(steps), outval=np.nan)
        seen = method(known.astype(np.float64), motion, list(steps), outval=0.0, interp_order=0) > 0.5
    rain = np.where(carried >= floor + _MARGIN, carried, NO_RAIN)
    return np.where(seen & np.isfinite(carried), rain, np.nan).astype(np.float32)


def _weakest(field: Field) -> float:
    """The least reflectivity of rain in a field that has some."""
    return float(field[field > NO_RAIN].min())


def _pysteps() -> tuple[ModuleType, ModuleType]:
    """The modules of motion and of extrapolation."""
    try:
        from pysteps import extrapolation, motion
    except ImportError as error:
        raise _missing(str(error)) from None
    return motion, extrapolation


def _missing(why: str) -> ConfigError:
    return ConfigError(
        f"evaluation.optical_flow: needs pysteps ({why}): pip install 'radar-cleaner[forecasts]', or"
        " -r envs/requirements-forecasts.txt; or set it to false"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the text that pysteps prints on import, and its warnings about features that are in one line."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
