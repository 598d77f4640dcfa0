"""The figure of forecasts is drawn for any number of methods and events, also where nothing was scored."""

import pytest
from figure_cases import pixels

from radar_cleaner.evaluation.forecast_tallies import METHODS, event_names
from radar_cleaner.plotting.forecasts import forecast_figure


def rows(radars=("CASGO", "all radars"), methods=METHODS, edges=(15, 35), leads=(6, 18, 30), csi=0.5, ends=True):
    counts = {"hits": 20, "misses": 10, "false_alarms": 10, "correct_negatives": 400}
    return [
        {
            "radar": radar,
            "lead_minutes": lead,
            "event": event,
            "method": method,
            **counts,
            "csi": csi and csi / (1 + number + lead / 30),
            "csi_low": csi / 3 if ends and csi else None,
            "csi_high": csi if ends and csi else None,
            "mae_dbz": 3.0 + number,
        }
        for radar in radars
        for lead in leads
        for event in event_names(edges)
        for number, method in enumerate(methods)
    ]


@pytest.mark.parametrize(
    "how",
    [{}, {"radars": ["A"], "methods": METHODS[:2]}, {"edges": (15, 25, 35, 45)}, {"ends": False, "leads": (6,)}],
)
def test_any_number_of_methods_events_and_lead_times_is_drawn(how):
    assert pixels(forecast_figure(rows(**how))).shape[0] > 300


def test_the_last_radar_is_drawn():
    both = rows(["A"], csi=0.1) + rows(["all radars"])
    assert forecast_figure(both) == forecast_figure(rows(["all radars"]))


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_method_without_a_hit_has_no_line_of_errors():
    missed = [
        row | ({"mae_dbz": None, "csi": 0.0} if row["method"] == "model" else {}) for row in rows(edges=(30,))
    ]
    pixels(forecast_figure(missed))


@pytest.mark.parametrize("nothing", [[], rows(csi=None)])
def test_a_figure_without_scores_has_a_note(nothing):
    pixels(forecast_figure(nothing))
