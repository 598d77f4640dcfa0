"""Names of the units of a palette's or a legend's numbers. Quantities that are not reflectivity are refused."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

DBZ, MM_PER_HOUR, MM_PER_10_MIN = "dBZ", "mm/h", "mm/10min"
UNITS = (DBZ, MM_PER_HOUR, MM_PER_10_MIN)
_SPELLINGS = {
    "dbz": DBZ,
    **dict.fromkeys(("mm/h", "mm/hr", "mm/hour", "mmh-1", "mmhr-1"), MM_PER_HOUR),
    **dict.fromkeys(("mm/10min", "mm/10mn", "mm/10minutes"), MM_PER_10_MIN),
}
_VELOCITIES = ("m/s", "ms-1", "kt", "kts", "kn", "knots", "km/h", "mph")
_KNOWN = "write dBZ, mm/h or mm/10min"
LONGEST_RATE_MINUTES = 15  # the rain of a longer time is not the reflectivity of a moment


def parse_unit(text: str) -> str:
    """Return the unit of a text, one of UNITS. Raises ValueError for every other quantity, with the remedy."""
    short = re.sub(r"\s", "", text).replace("⁻¹", "-1").lower()
    if short in _SPELLINGS:
        return _SPELLINGS[short]
    if short in _VELOCITIES:
        raise ValueError(
            f"'{text}' is the unit of a velocity, and pictures of Doppler wind have no reflectivity; use the"
            " service's pictures of reflectivity (dBZ) or rain rate (mm/h)"
        )
    minutes = re.fullmatch(r"mm/?(\d+)mi?n|mm/mi?n", short)
    if minutes and 0 < (length := int(minutes[1] or 1)) <= LONGEST_RATE_MINUTES:
        raise ValueError(f"'{text}': multiply the numbers by {60 / length:g} and write mm/h")
    if re.fullmatch(r"in(ch)?/h(r|our)?", short):
        raise ValueError(f"'{text}': multiply the numbers by 25.4 and write mm/h")
    if re.fullmatch(r"(mm|cm|in|l/m2|kg/?m-?2)(/?\d*(mi?n|h|hr|hours?|d|days?))?", short):
        raise ValueError(
            f"'{text}' is the unit of an accumulation, which is not the reflectivity of one moment; use the"
            " service's pictures of reflectivity (dBZ) or rain rate (mm/h)"
        )
    raise ValueError(f"'{text}' is not a unit of reflectivity or rain rate; {_KNOWN}")


Unit = Annotated[str, AfterValidator(parse_unit), Field(json_schema_extra={"examples": list(UNITS)})]
