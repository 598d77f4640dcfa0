"""Rain rates as reflectivity, by the relation Z = a R^b."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import ZR
from radar_cleaner.config.units import DBZ, MM_PER_10_MIN, MM_PER_HOUR
from radar_cleaner.errors import ConfigError

PER_HOUR = {MM_PER_HOUR: 1, MM_PER_10_MIN: 6}
# Bounds of rain rates begin below this and the widths of their classes grow at least by this factor; bounds in dBZ
# are evenly spaced. It takes SHOWN_BY classes to show it.
SMALL_RATE, GROWTH, SHOWN_BY = 1.5, 4.0, 5
log = logging.getLogger(__name__)


def to_dbz(values: Sequence[float] | NDArray[np.float64], unit: str, zr: ZR, name: str) -> NDArray[np.float64]:
    """Return the dBZ of numbers (n,) in a unit of `config.units.UNITS`.

    A rain rate R in mm/h has the reflectivity factor Z = a R^b in mm^6/m^3. Raises ConfigError for a rate that is
    not above 0; `name` is the source of the numbers.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if unit == DBZ:
        return numbers
    if not (numbers > 0).all():
        raise ConfigError(
            f"{name}: {numbers[~(numbers > 0)][0]:g} {unit} has no reflectivity in dBZ (Z = a R^b must be above 0)"
            "; write the smallest rate that the service draws in this colour, for example 0.1"
        )
    return np.asarray(10 * np.log10(zr.a) + 10 * zr.b * np.log10(PER_HOUR[unit] * numbers))


def check_spacing(values: Sequence[float] | NDArray[np.float64], unit: str, name: str) -> None:
    """Warn if lower bounds (n,), weak to strong, are spaced like those of the other quantity."""
    bounds = np.asarray(values, dtype=np.float64)
    widths = np.diff(bounds)
    if len(bounds) < SHOWN_BY or not (widths > 0).all():
        return
    if unit == DBZ and 0 <= bounds[0] < SMALL_RATE and widths[-1] >= GROWTH * widths[0]:
        log.warning(
            "%s: its bounds, %g to %g dBZ, grow from class to class like rain rates; if they are in mm/h, set"
            " labels.unit to mm/h, or name the column of the palette mm_h_min",
            name,
            bounds[0],
            bounds[-1],
        )
    if unit != DBZ and np.allclose(widths, widths[0], rtol=1e-3):
        log.warning(
            "%s: its bounds, %g to %g %s, are evenly spaced like reflectivity; if they are in dBZ, set labels.unit"
            " to dBZ, or name the column of the palette dbz_min",
            name,
            bounds[0],
            bounds[-1],
            unit,
        )


def conversion_attrs(unit: str, zr: ZR) -> dict[str, object]:
    """Return the attributes of a store that document the conversion; empty for numbers in dBZ."""
    if unit == DBZ:
        return {}
    return {"palette_unit": unit, "zr_a": zr.a, "zr_b": zr.b}
