"""The stage extrapolates cleaned frames, and scores them and the model on the same pixels."""

import json

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from forecast_cases import moving_codes, moving_field
from learning_cases import config
from store_cases import START, make_aligned, make_labels, make_reflectivity, times_from

from radar_cleaner.config.cleaning import ModelDecision
from radar_cleaner.config.evaluation import ForecastScores
from radar_cleaner.config.samples import ForecastInputs
from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNKNOWN,
    decode_dbz,
    is_echo,
)
from radar_cleaner.errors import ConfigError, ModelError, SampleError
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.inference.ensemble import Ensemble
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.stages import evaluate_forecasts as stage
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import sample_table

SHARD = "20240711T00"
SHAPE = (128, 128)
TIMES = times_from(count=12)
LEADS = [0, 6, 18]
AHEAD = config(input_minutes=(-12, -6, 0), lead_minutes=tuple(LEADS))
CLUTTER = np.s_[20:26, 90:96]  # a weak echo that does not move
EDGE = 30.0


def codes_at(radar, time):
    """Rain on its way to the east, clutter, and a column of nodata."""
    seed = 5 if radar == "CASGO" else 6
    codes = moving_codes(moving_field(seed, (time - START) / 360 - 5, SHAPE, (0, 3)))
    codes[CLUTTER] = np.where(codes[CLUTTER] == 0, 80, codes[CLUTTER])
    codes[:, 0] = NODATA
    return codes


def classes_at(radar, time):
    codes = codes_at(radar, time)
    classes = np.where(is_echo(codes), METEOROLOGICAL, NONE)
    classes[is_echo(codes) & (codes == 80)] = NON_METEOROLOGICAL
    return np.where(codes == NODATA, UNKNOWN, classes).astype(np.uint8)


class FakeCleaner:
    """Keeps everything except clutter; forecasts the true later frames, or dry weather."""

    config, digest = AHEAD, "sha256:fake"

    def __init__(self, knows=True, radar_of=None):
        self.knows, self.asked = knows, []

    def inputs_for(self, minutes):
        assert tuple(minutes) == self.config.inputs.input_minutes
        return self.config.inputs

    def threshold(self, strength):
        return None

    def check_atlas(self, atlas):
        assert atlas == self.config.inputs.atlas

    def judge(self, codes):
        rain = is_echo(codes) & (codes != 80)
        return Prediction(rain.astype(np.float32), np.nan_to_num(decode_dbz(codes)).astype(np.float32))

    def predict(self, inputs, tta=False):
        self.asked.append(inputs.time)
        return self.judge(inputs.this_radar[-1])

    def predict_all(self, frames, tta=False):
        return [self.predict(inputs, tta) for inputs in frames]

    def forecast(self, inputs, tta=False):
        radar = next(
            radar
            for radar in ("CASGO", "CASCM")
            if np.array_equal(codes_at(radar, inputs.time), inputs.this_radar[-1])
        )
        ahead = [codes_at(radar, inputs.time + 60 * lead) for lead in LEADS[1:]]
        return [self.predict(inputs, tta), *(self.judge(codes if self.knows else codes * 0) for codes in ahead)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    layout = Layout(tmp_path / "results")

    def write(radar, times=TIMES):
        codes = np.stack([codes_at(radar, time) for time in times])
        make_reflectivity(layout.reflectivity(radar, SHARD), radar, times, codes)
        make_aligned(layout.aligned(radar, SHARD), radar, times, np.full_like(codes, NODATA))
        make_labels(
            layout.labels(radar, SHARD), radar, times, np.stack([classes_at(radar, time) for time in times])
        )

    for radar in ("CASGO", "CASCM"):
        write(radar)

    def call(*cleaners, samples=None, **changes):
        members = cleaners or [FakeCleaner()]
        samples = samples or [(time, radar) for time in TIMES[2:] for radar in ("CASGO", "CASCM")]
        sample_table(samples).to_csv(tmp_path / "test.csv", index=False)
        monkeypatch.setattr(stage, "load_ensemble", lambda *_: Ensemble(tuple(members)))
        flags = {
            "results": layout.results,
            "stores": [f"CASGO={SHARD}", f"CASCM={SHARD}"],
            "samples": tmp_path / "test.csv",
            "model": [tmp_path / f"{number}.pt" for number, _ in enumerate(members)],
            "inputs": ForecastInputs(input_minutes=[-12, -6, 0], lead_minutes=changes.pop("lead_minutes", LEADS)),
            "decision": ModelDecision(threshold=changes.pop("threshold", 0.5)),
            "evaluation": ForecastScores(
                dbz_bands=changes.pop("dbz_bands", [EDGE]), optical_flow=changes.pop("optical_flow", True)
            ),
            "output": tmp_path / "out",
        }
        stage.evaluate_forecasts(**flags | changes)
        return json.loads((tmp_path / "out/forecasts.json").read_text())

    call.folder, call.write = tmp_path, write
    return call


def find(found, method, lead=6, event="any rain", radar="all radars"):
    wanted = {"method": method, "lead_minutes": lead, "event": event, "radar": radar}
    (row,) = [row for row in found["scores"] if wanted.items() <= row.items()]
    return row


def test_a_perfect_forecast_has_perfect_scores_and_flow_is_better_than_persistence(run):
    found = run()
    assert found["methods"] == ["model", "persistence", "optical flow"] and found["lead_minutes"] == [6, 18]
    for lead in (6, 18):
        for event in ("any rain", "30 dBZ and more"):
            model, stays, flows = (find(found, method, lead, event) for method in found["methods"])
            assert model["csi"] == model["pod"] == 1
            assert stays["csi"] + 0.1 < flows["csi"] and flows["csi"] > 0.9
            assert stays["model_minus"] == pytest.approx(1 - stays["csi"])
            hits = [row["hits"] + row["misses"] for row in (model, stays, flows)]
            total = [row["false_alarms"] + row["correct_negatives"] for row in (model, stays, flows)]
            assert len(set(hits)) == len(set(total)) == 1  # the same pixels for all
        assert find(found, "model", lead)["mae_dbz"] == 0 < find(found, "optical flow", lead)["mae_dbz"]
    table = pd.read_csv(run.folder / "out/forecasts.csv")
    assert len(table) == len(found["scores"]) == 3 * 2 * 2 * 3
    assert iio.imread(run.folder / "out/forecasts.png").shape[1] > 600


def test_persistence_is_the_cleaned_frame_counted_pixel_by_pixel(run):
    found = run(FakeCleaner(knows=False), optical_flow=False)
    assert found["methods"] == ["model", "persistence"]
    counts = np.zeros((2, 2), int)
    for time in TIMES[2:-1]:
        now, then = codes_at("CASGO", time), classes_at("CASGO", time + 360)
        kept = is_echo(now) & (now != 80)  # clutter is removed and not extrapolated
        known = (then != UNKNOWN) & (now != NODATA)
        for came in (0, 1):
            for forecast in (0, 1):
                counts[came, forecast] += (known & ((then == 1) == came) & (kept == forecast)).sum()
    row = find(found, "persistence", radar="CASGO")
    names = ("correct_negatives", "false_alarms", "misses", "hits")
    assert [row[name] for name in names] == counts.reshape(-1).tolist()
    assert find(found, "model")["csi"] == 0 and find(found, "model")["far"] is None
    pixels = found["pixels"][0]
    assert pixels["frames"] == 9 and pixels["truth_unknown"] == 9 * SHAPE[0] and pixels["unanswered"] == 0
    assert pixels["scored"] == counts.sum()


def test_what_flows_in_from_where_nothing_is_known_is_scored_for_nobody(run):
    alone, beside = run(optical_flow=False), run()
    first, second = (found["pixels"][0] for found in (alone, beside))
    assert first["scored"] == second["scored"] + second["unanswered"] and second["unanswered"] > 0


def test_frames_that_are_not_there_are_not_scored_and_flow_takes_those_that_are(run):
    there = [time for time in TIMES if time not in (TIMES[4], TIMES[7])]
    run.write("CASGO", there)
    samples = [(time, "CASGO") for time in TIMES[2:]]
    found = run(samples=samples)
    wanted = [sum(time in there and time + 60 * lead in there for time in TIMES[2:]) for lead in LEADS[1:]]
    assert [row["frames"] for row in found["pixels"]] == wanted
    unknown = sum(
        time not in there or not any(time + 60 * lead in there for lead in LEADS[1:]) for time in TIMES[2:]
    )
    assert found["samples"] == {"listed": 10, "without_observation": {"CASGO": unknown}}
    assert (
        find(found, "optical flow", radar="CASGO")["csi"] > find(found, "persistence", radar="CASGO")["csi"] + 0.1
    )


def test_masks_are_the_reference_where_there_are_some(run):
    folder = run.folder / "masks/CASGO"
    folder.mkdir(parents=True)
    for time in TIMES:
        mask = classes_at("CASGO", time)
        mask[64:] = 3  # echo there is unknown; pixels without echo are dry
        iio.imwrite(folder / f"{pd.Timestamp(time, unit='s'):%Y%m%d%H%M}.png", mask)
    source = ReferenceSource(
        radar="CASGO", folder=str(folder), pattern=r"(\d{12})", time_format="%Y%m%d%H%M", time_zone="UTC"
    )
    by_masks, by_votes = run(references=References(sources=[source])), run()
    assert by_masks["references"] == {"CASCM": "labels", "CASGO": "masks"}
    assert by_votes["references"] == {"CASCM": "labels", "CASGO": "labels"}
    masks, votes = (find(found, "persistence", radar="CASGO") for found in (by_masks, by_votes))
    assert 0 < masks["hits"] + masks["misses"] < 0.8 * (votes["hits"] + votes["misses"])
    assert masks["correct_negatives"] > votes["correct_negatives"] * 0.9


def test_labels_do_not_change_extrapolated_frames_because_they_look_ahead(run):
    time, names = TIMES[4], ("hits", "misses", "false_alarms", "correct_negatives")
    samples = [(time, "CASGO")]
    found = run(FakeCleaner(knows=False), samples=samples)
    classes = [classes_at("CASGO", at) if at != time else np.full(SHAPE, NON_METEOROLOGICAL) for at in TIMES]
    targets = Layout(run.folder / "results").labels("CASGO", SHARD)
    make_labels(targets, "CASGO", TIMES, np.stack(classes), evidence=100)
    again = run(FakeCleaner(knows=False), samples=samples)
    for method in ("persistence", "optical flow"):
        one, other = (find(table, method, radar="CASGO") for table in (found, again))
        assert [one[name] for name in names] == [other[name] for name in names] and one["hits"] > 0


def test_an_ensemble_forecasts_what_its_members_say_on_average(run):
    """One member is right and one forecasts no rain: their mean is 0.5, which is rain at 0.5 and not at 0.6."""
    members = FakeCleaner(), FakeCleaner(knows=False)
    assert find(run(*members, threshold=0.5, optical_flow=False), "model")["csi"] == 1
    found = run(*members, threshold=0.6, optical_flow=False)
    assert find(found, "model")["csi"] == 0 < find(found, "persistence")["csi"]
    assert found["model"] == "sha256:fake sha256:fake"


def test_past_frames_are_cleaned_once_each(run):
    cleaner = FakeCleaner()
    run(cleaner, samples=[(time, "CASGO") for time in TIMES[2:]])
    assert sorted(cleaner.asked) == TIMES[:-1]  # nothing comes after the last


def test_what_does_not_fit_is_refused(run, monkeypatch):
    with pytest.raises(ModelError, match=r"0.pt: forecasts \[6, 18\] .*lead_minutes is \[0, 6\]"):
        run(lead_minutes=[0, 6])
    cleaner = FakeCleaner()
    cleaner.config = config(input_minutes=(-12, -6, 0))
    with pytest.raises(ModelError, match=r"1.pt: forecasts \[\] minutes ahead"):
        run(FakeCleaner(), cleaner)
    with pytest.raises(ValueError, match="dbz_bands"):
        run(dbz_bands=[30.0, 20.0])
    with pytest.raises(SampleError, match="radar CASGO has no stores"):
        run(stores=[f"CASCM={SHARD}"])
    monkeypatch.setattr("radar_cleaner.evaluation.nowcast_baselines.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs pysteps"):
        run()
    run(optical_flow=False, samples=[(TIMES[3], "CASGO")])


def test_a_fast_run_scores_two_samples(run):
    found = run(fast_dev_run=True)
    assert found["samples"]["listed"] == 2 and found["fast_dev_run"]
