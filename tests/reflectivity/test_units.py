"""Rain rates and reflectivity, by Z = a R^b."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.config.labels import ZR
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.reflectivity.units import check_spacing, conversion_attrs, to_dbz

MARSHALL_PALMER = ZR()
rates = st.floats(1e-3, 500)


@pytest.mark.parametrize(("rate", "dbz"), [(0.15, 9.8), (1, 23.0), (5, 34.2), (15, 41.8), (50, 50.2)])
def test_the_default_relation_is_marshall_and_palmers(rate, dbz):
    assert to_dbz([rate], "mm/h", MARSHALL_PALMER, "here")[0] == pytest.approx(dbz, abs=0.05)


@given(rates, st.floats(50, 500), st.floats(1, 2))
def test_the_reflectivity_factor_is_a_times_the_rate_to_the_b(rate, a, b):
    dbz = to_dbz([rate], "mm/h", ZR(a=a, b=b), "here")[0]
    assert 10 ** (dbz / 10) == pytest.approx(a * rate**b, rel=1e-9)


@given(rates)
def test_ten_minutes_have_a_sixth_of_an_hours_rain(rate):
    by_hour, by_minutes = (
        to_dbz([value], unit, MARSHALL_PALMER, "") for value, unit in [(6 * rate, "mm/h"), (rate, "mm/10min")]
    )
    assert by_hour == pytest.approx(by_minutes)


def test_dbz_stay_as_they_are():
    assert to_dbz([-10, 0, 60.5], "dBZ", MARSHALL_PALMER, "here").tolist() == [-10, 0, 60.5]
    assert conversion_attrs("dBZ", MARSHALL_PALMER) == {}


def test_the_relation_goes_into_the_attributes():
    assert conversion_attrs("mm/h", ZR(a=316, b=1.5)) == {"palette_unit": "mm/h", "zr_a": 316, "zr_b": 1.5}


@pytest.mark.parametrize("rate", [0, -1, np.nan])
def test_no_rain_has_no_reflectivity(rate):
    with pytest.raises(ConfigError, match=r"legend: .* mm/h has no reflectivity .* smallest rate"):
        to_dbz([5, rate], "mm/h", MARSHALL_PALMER, "legend")


@pytest.mark.parametrize(
    ("bounds", "unit", "noticed"),
    [
        ([0.1, 0.5, 1, 2, 5, 10, 20, 50], "dBZ", "labels.unit to mm/h"),
        ([5, 10, 15, 20, 25, 30, 35], "mm/h", "labels.unit to dBZ"),
        ([0.1, 0.5, 1, 2, 5, 10, 20, 50], "mm/h", ""),
        ([0, 5, 10, 15, 20, 25, 30], "dBZ", ""),
        ([-10, 0, 5, 8, 20, 60], "dBZ", ""),
    ],
)
def test_bounds_in_the_other_unit_are_noticed(bounds, unit, noticed, caplog):
    check_spacing(bounds, unit, "here")
    assert (noticed in caplog.text) if noticed else not caplog.records


def test_no_palette_of_a_service_is_suspected(caplog):
    for path in (Path(__file__).parents[2] / "config").glob("**/palettes/*.csv"):
        parse_palette(path.read_text(encoding="utf-8"), path.name)
    assert "labels.unit" not in caplog.text
