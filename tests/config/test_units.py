"""Units of rain are known by their usual spellings; other quantities are refused by name."""

import pytest

from radar_cleaner.config.units import parse_unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("dBZ", "dBZ"),
        ("dbz", "dBZ"),
        ("mm/h", "mm/h"),
        ("mm / hr", "mm/h"),
        ("mm h⁻¹", "mm/h"),
        ("mm/10min", "mm/10min"),
        ("mm/10 min", "mm/10min"),
    ],
)
def test_usual_spellings_are_one_unit(text, unit):
    assert parse_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mm", "accumulation"),
        ("mm/24h", "accumulation"),
        ("mm/day", "accumulation"),
        ("mm/60min", "accumulation"),
        ("kg/m2", "accumulation"),
        ("in", "accumulation"),
        ("m/s", "velocity"),
        ("KT", "velocity"),
        ("mm/5min", "multiply the numbers by 12"),
        ("in/h", "by 25.4"),
        ("heavy", "not a unit"),
        ("dB", "not a unit"),
        ("", "not a unit"),
    ],
)
def test_other_quantities_are_refused_with_the_remedy(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_unit(text)
    assert text in str(caught.value) and ("write" in str(caught.value) or "use" in str(caught.value))
