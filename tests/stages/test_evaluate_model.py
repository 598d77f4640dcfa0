"""The stage pairs each frame with its reference, predicts it again with masks, and writes the scores."""

import hashlib
import json

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from evaluation_cases import RULES
from learning_cases import config
from store_cases import (
    START,
    make_aligned,
    make_atlas,
    make_labels,
    make_reflectivity,
    make_rgb,
    pattern_codes,
    small_geometry,
    times_from,
)

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.errors import FrameError, ModelError, SampleError
from radar_cleaner.evaluation import summary
from radar_cleaner.evaluation.tallies import whole_rows
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.inference import ensemble as ensembles
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.stages import evaluate_model as stage
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store
from radar_cleaner.targets.splits import sample_table

SHARD = "20240711T00"
TIMES = times_from(count=4)
MINUTES = [-6, 0, 6]
ALL = [(time, radar) for time in TIMES for radar in ("CASGO", "CASCM")]


def digest_of(samples):
    """Return the digest of the table of these samples, as it is written."""
    return f"sha256:{hashlib.sha256(sample_table(samples).to_csv(index=False).encode()).hexdigest()}"


class FakeCleaner:
    """Keeps echo of at least `keep_dbz`; its reflectivity is the input's, and 0 dBZ where that is hidden."""

    config, digest = config(), "sha256:fake"

    def __init__(self, keep_dbz=-99.0, sure=1.0):
        self.keep_dbz, self.sure, self.seen, self.augmented = keep_dbz, sure, [], []

    def inputs_for(self, minutes):
        if tuple(minutes) != self.config.inputs.input_minutes:
            raise ModelError("the model reads other input_minutes")
        return self.config.inputs

    def threshold(self, strength):
        return None

    def check_atlas(self, atlas):
        assert atlas == self.config.inputs.atlas

    def predict(self, inputs, tta):
        self.seen.append(inputs.this_radar)
        self.augmented.append(tta)
        now = inputs.this_radar[1]
        dbz = np.where(is_echo(now), decode_dbz(now), np.float32(0))
        return Prediction(
            (dbz >= self.keep_dbz).astype(np.float32) * np.float32(self.sure), dbz.astype(np.float32)
        )


def reference_of(radar, time):
    """Return classes: echo of at least 40 dBZ is rain; every fifth column is unknown."""
    codes = pattern_codes(radar, time)
    classes = np.where(decode_dbz(codes) >= 40, METEOROLOGICAL, NON_METEOROLOGICAL)
    classes = np.where(is_echo(codes), classes, 0)
    classes[:, ::5] = 3
    return classes.astype(np.uint8)


@pytest.fixture
def run(tmp_path, monkeypatch):
    layout = Layout(tmp_path / "results")
    for radar in ("CASGO", "CASCM"):
        classes = np.stack([reference_of(radar, time) for time in TIMES])
        make_reflectivity(layout.reflectivity(radar, SHARD), radar, TIMES)
        make_aligned(layout.aligned(radar, SHARD), radar, TIMES)
        make_rgb(layout.rgb(radar, SHARD), radar, TIMES)
        make_labels(layout.labels(radar, SHARD), radar, TIMES, classes)
        make_atlas(layout.atlas(radar), radar, clutter=np.eye(48))
        for time, picture in zip(TIMES, classes, strict=True):
            path = tmp_path / "masks" / radar / f"{time}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            iio.imwrite(path, picture)

    def drawn(rows):
        call.rows = rows
        return b""

    def call(cleaner=None, samples=None, draw=False, **changes):
        if not draw:  # drawing takes longer than all else
            monkeypatch.setattr(summary.score_figures, "scores_figure", lambda *_: b"")
            monkeypatch.setattr(summary.score_figures, "removal_curve_figure", lambda *_: b"")
            monkeypatch.setattr(summary.reliability_figures, "calibration_figure", lambda *_: b"")
            monkeypatch.setattr(summary.reliability_figures, "reflectivity_figure", lambda *_: b"")
            monkeypatch.setattr(summary.worst_figures, "worst_frames_figure", lambda rows, *_: call.drawn(rows))
        samples = samples or ALL
        sample_table(samples).to_csv(tmp_path / "test.csv", index=False)
        cleaner = cleaner or FakeCleaner(40)
        monkeypatch.setattr(ensembles, "load_predictor", lambda path, *_: call.others.get(path.name, cleaner))
        out = tmp_path / "out"
        reference = changes.pop("reference", tmp_path / "masks")
        sources = [
            ReferenceSource(
                radar=radar,
                folder=str(reference / radar),
                pattern=r"(\d{12})",
                time_format="%Y%m%d%H%M",
                time_zone="UTC",
            )
            for radar in ("CASGO", "CASCM")
            if reference
        ]
        decision = {"votes": 0.0} | {key: changes.pop(key) for key in Decision.model_fields if key in changes}
        scores = {"dbz_bands": [30.0], "range_bands_km": [120.0], "hole_sizes_px": [2, 4]}
        scores |= {key: changes.pop(key) for key in CleaningScores.model_fields if key in changes}
        flags = {
            "results": layout.results,
            "stores": [f"CASGO={SHARD}", f"CASCM={SHARD}"],
            "samples": tmp_path / "test.csv",
            "model": [tmp_path / "best.pt"],
            "inputs": ModelInputs(input_minutes=changes.pop("input_minutes", MINUTES)),
            "decision": Decision(**decision),
            "evaluation": CleaningScores(**scores),
            "references": References(sources=sources),
            "output": out,
        }
        stage.evaluate_model(**flags | changes)
        return json.loads((out / "metrics.json").read_text())

    for path in (tmp_path / "masks").rglob("*.png"):
        moment = pd.Timestamp(int(path.stem), unit="s")
        path.rename(path.with_name(f"{moment:%Y%m%d%H%M}.png"))
    call.folder, call.drawn, call.others = tmp_path, drawn, {}
    call.layout = layout
    return call


def find(metrics, radar="all radars", cleaner="model", place="all", band="all"):
    key = (radar, cleaner, place, band)
    names = ("radar", "cleaner", "range", "band")
    return next(row for row in metrics["scores"] if tuple(row[name] for name in names) == key)


def frames_of(run):
    return pd.read_csv(run.folder / "out" / "frames.csv")


@pytest.mark.parametrize("reference", ["masks", None])
def test_the_frames_table_adds_up_to_the_scores(run, reference):
    metrics = run(FakeCleaner(30), reference=reference and run.folder / reference)
    for radar, frames in frames_of(run).groupby("radar"):
        row = find(metrics, radar)
        assert frames["misses"].sum() == row["misses"] and frames["false_alarms"].sum() == row["false_alarms"] > 0
        assert frames["meteorological"].sum() == row["hits"] + row["misses"]
        assert frames["non_meteorological"].sum() == row["false_alarms"] + row["correct_removals"]
    assert len(frames_of(run)) == 8


def test_the_worst_frames_are_listed_and_drawn_the_worst_first_with_their_errors(run):
    metrics = run(FakeCleaner(30))
    table = frames_of(run).sort_values("harm", ascending=False)
    listed = [(row["radar"], row["time"]) for row in metrics["worst_frames"]]
    assert listed == list(zip(table["radar"], table["time"], strict=True))  # eight frames, all with errors
    for told_row, drawn, count in zip(metrics["worst_frames"], run.rows, table["false_alarms"], strict=True):
        assert told_row["left"] == drawn.words[1] and told_row["left"].startswith(f"{count} px of other echo kept")
        assert told_row["lost"] == "no weather lost" and not drawn.lost.any()
        assert drawn.left.sum() == count and drawn.reference_name == "the mask"
        # The published picture is at the place of the codes.
        assert ((drawn.picture == (0, 200, 0)).all(axis=-1) == is_echo(drawn.codes)).all()


def test_scored_against_labels_the_figure_names_them_and_a_perfect_model_has_no_worst_frame(run):
    run(FakeCleaner(30), reference=None)
    assert {row.reference_name for row in run.rows} == {"the labels (no masks)"}
    assert run(FakeCleaner(40))["worst_frames"] == [] == run.rows


def test_the_worst_frames_of_one_radar_in_a_fast_dev_run_are_drawn(run):
    samples = [(time, "CASGO") for time in TIMES]
    metrics = run(FakeCleaner(-99), samples, stores=[f"CASGO={SHARD}"], fast_dev_run=True, draw=True)
    assert len(metrics["worst_frames"]) == 2
    assert iio.imread(run.folder / "out" / "worst_frames.png").shape[0] > 800


def test_a_model_that_knows_the_truth_is_perfect_on_masks(run):
    metrics = run()
    row = find(metrics)
    assert metrics["reference"] == "masks"
    assert (row["retention"], row["removal"], row["csi"], row["far"]) == (1, 1, 1, 0)
    echo = sum(
        (is_echo(pattern_codes(radar, time)) & (reference_of(radar, time) == METEOROLOGICAL)).sum()
        for radar in ("CASGO", "CASCM")
        for time in TIMES
    )
    assert row["hits"] == echo


def test_the_classical_cleaners_are_scored_beside_it(run):
    metrics = run(FakeCleaner(-99))
    label, masked = (find(metrics, cleaner=name) for name in ("weak label", "label + clutter mask"))
    assert (label["retention"], label["removal"]) == (1, 0)  # the made labels call every echo rain
    assert 0 < masked["removal"] < 0.1 and 0.9 < masked["retention"] < 1
    assert (find(metrics)["retention"], find(metrics)["removal"]) == (1, 0)


def test_any_cleaner_is_one_more_row_and_changes_no_other(run):
    alone = run(FakeCleaner(30))
    more = ["weak_label", "clutter_mask", "model", "network", "label_model", "despeckle_by_area", "median_in_time"]
    metrics = run(FakeCleaner(30), cleaners=more)
    names = list(dict.fromkeys(row["cleaner"] for row in metrics["scores"]))
    assert names == [*RULES, "model", "network", "label model", "despeckle by area", "median in time"]
    assert [row for row in metrics["scores"] if row["cleaner"] in (*RULES, "model")] == alone["scores"]
    assert find(metrics, cleaner="network")["csi"] == find(metrics)["csi"]  # the label model has no weight here
    assert find(metrics, cleaner="label model")["roc_auc"] is not None
    assert find(metrics, cleaner="median in time")["roc_auc"] is None
    assert metrics["worst_frames"] == alone["worst_frames"]


def test_a_second_model_is_scored_beside_the_first_and_changes_none_of_its_scores(run):
    alone = run(FakeCleaner(30))
    run.others["other.pt"] = FakeCleaner(40)
    both = run(FakeCleaner(30), compare_model=[run.folder / "other.pt"], draw=True)
    assert both["models"] == {
        "model": str(run.folder / "best.pt"),
        "compared model": str(run.folder / "other.pt"),
    }
    assert [row for row in both["scores"] if row["cleaner"] != "compared model"] == alone["scores"]
    scores = find(both, cleaner="compared model")
    assert scores["retention"] == scores["removal"] == 1 and find(both)["removal"] < 1
    assert {name: both[name] for name in ("reflectivity", "worst_frames")} == {
        name: alone[name] for name in ("reflectivity", "worst_frames")
    }


def test_pixels_are_scored_by_their_distance_from_the_radar(run):
    metrics = run()
    row, column = np.indices((48, 48))
    attrs = open_store(run.layout.reflectivity("CASGO", SHARD), "reflectivity").attrs
    x, y = attrs["center_px"]
    near = np.hypot(column - x, row - y) * attrs["pixel_size"][0] < 120_000
    for place, inside in (("within 120 km", near), ("120 km and beyond", ~near)):
        rain = [
            (
                is_echo(pattern_codes("CASGO", time)) & (reference_of("CASGO", time) == METEOROLOGICAL) & inside
            ).sum()
            for time in TIMES
        ]
        assert find(metrics, "CASGO", place=place)["hits"] == sum(rain) > 0


def test_the_pixels_of_a_mosaic_are_in_a_band_without_range(run, caplog):
    caplog.set_level("INFO")
    mosaic = RadarGeometry("CASCM", small_geometry("CASCM").grid)
    make_reflectivity(run.layout.reflectivity("CASCM", SHARD), "CASCM", TIMES, geometry=mosaic)
    metrics = run(draw=True)
    whole, none = find(metrics, "CASCM"), find(metrics, "CASCM", place="no range")
    assert none["hits"] == whole["hits"] > 0
    assert find(metrics, "CASCM", place="within 120 km")["hits"] == 0
    assert find(metrics, "CASGO", place="no range")["hits"] == 0
    both = find(metrics, "all radars")
    assert both["hits"] == whole["hits"] + find(metrics, "CASGO")["hits"]
    assert "CASCM: a mosaic has no range" in caplog.text


def test_an_ensemble_is_scored_beside_its_members_and_its_spread_is_where_they_disagree(run):
    """One of three keeps all echo, two what the reference keeps: the mean is right, apart where one is wrong."""
    run.others |= {"all.pt": FakeCleaner(-99), "one.pt": FakeCleaner(40), "two.pt": FakeCleaner(40)}
    paths = [run.folder / name for name in ("all.pt", "one.pt", "two.pt")]
    metrics = run(model=paths, draw=True)
    assert set(metrics["models"]) == {"model", "member 1", "member 2", "member 3"}
    assert metrics["models"]["member 2"] == str(paths[1])
    assert (find(metrics)["retention"], find(metrics)["removal"]) == (1, 1)
    assert find(metrics, cleaner="member 1")["removal"] == 0 and find(metrics, cleaner="member 3")["removal"] == 1
    spread = [row for row in metrics["spread"] if row["radar"] == "all radars"]
    assert sum(row["pixels"] for row in spread) == find(metrics)["hits"] + find(metrics)["correct_removals"]
    assert [row["pixels"] for row in spread if row["pixels"]] == [
        find(metrics)[name] for name in ("hits", "correct_removals")
    ]
    assert spread[0]["pixels"] and spread[9]["pixels"]  # the deviation of 1, 0, 0 is 0.47
    assert all(row["wrong"] == 0 for row in spread) and run()["spread"] is None


def test_labels_change_decisions_of_the_model_and_of_those_compared(run):
    """All keep all echo with some doubt; the label model is sure of clutter, except in the first ten rows."""
    for radar in ("CASGO", "CASCM"):
        classes = np.stack([reference_of(radar, time) for time in TIMES])
        classes[:, :10] = np.where(classes[:, :10] == NON_METEOROLOGICAL, METEOROLOGICAL, classes[:, :10])
        make_labels(run.layout.labels(radar, SHARD), radar, TIMES, classes, evidence=60)
    run.others |= {name: FakeCleaner(-99, sure=0.7) for name in ("one.pt", "two.pt", "other.pt")}
    paths = [run.folder / name for name in ("one.pt", "two.pt")]
    other = sum(reference_of("CASGO", time) == NON_METEOROLOGICAL for time in TIMES)
    for votes, removed in ((0.0, 0), (1.0, other[10:].sum())):
        metrics = run(model=paths, compare_model=[run.folder / "other.pt"], votes=votes)
        for name in ("model", "compared model", "member 1", "member 2"):
            row = find(metrics, "CASGO", name)
            assert (row["correct_removals"], row["false_alarms"]) == (removed, other.sum() - removed)
            assert row["retention"] == 1
        assert {bool(row.left[10:].any()) for row in run.rows} == {not votes}
        assert all(row.left[:10].any() for row in run.rows)


def test_a_perfect_ranking_has_areas_of_1_and_right_sure_outputs_have_no_calibration_error(run):
    metrics = run()
    row = find(metrics)
    assert (row["roc_auc"], row["pr_auc"], row["ece"]) == (1, 1, 0) and metrics["ece"]["all radars"] == 0
    backwards = run(FakeCleaner(-99))  # keeps all, for sure
    assert find(backwards)["roc_auc"] == 0.5
    wrong = find(backwards)
    assert wrong["ece"] == pytest.approx(wrong["false_alarms"] / (wrong["false_alarms"] + wrong["hits"]))


def test_without_masks_the_targets_are_the_reference(run):
    by_masks, by_labels = run(), run(reference=None)
    assert by_labels["reference"] == "labels"
    assert by_labels["scores"] == by_masks["scores"]  # here they are equal


def test_samples_without_a_reference_are_counted_and_not_scored(run):
    (run.folder / "masks" / "CASGO" / "202407110006.png").unlink()
    samples = run()["samples"]
    assert samples == {
        "listed": 8,
        "scored": {"CASCM": 4, "CASGO": 3},
        "without_reference": {"CASCM": 0, "CASGO": 1},
        "first": "2024-07-11T00:00:00Z",
        "last": "2024-07-11T00:18:00Z",
        "digest": digest_of([(time, radar) for time, radar in ALL if (time, radar) != (TIMES[1], "CASGO")]),
    }


def test_the_scored_frames_are_recorded_whatever_their_order(run):
    some = [(TIMES[2], "CASGO"), (TIMES[1], "CASCM")]
    found, again, others = (
        run(samples=samples)["samples"] for samples in (some, some[::-1], [*some[:1], (TIMES[2], "CASCM")])
    )
    assert found == again and found["digest"] == digest_of(some) != others["digest"]
    assert (found["first"], found["last"]) == ("2024-07-11T00:06:00Z", "2024-07-11T00:12:00Z")
    assert others["first"] == "2024-07-11T00:12:00Z" and others["listed"] == found["listed"]


def test_without_any_reference_there_are_no_scores_but_whole_files(run):
    for radar in ("CASGO", "CASCM"):
        (run.folder / "empty" / radar).mkdir(parents=True)
    metrics = run(reference=run.folder / "empty", draw=True)
    assert find(metrics)["retention"] is None
    assert sum(metrics["samples"]["scored"].values()) == 0
    assert metrics["samples"]["first"] is metrics["samples"]["last"] is None
    assert metrics["worst_frames"] == [] and frames_of(run).empty
    assert set(metrics["ece"].values()) == {None}
    assert set(pd.read_csv(run.folder / "out" / "calibration.csv")["pixels"]) == {0}
    for name in ("curve.png", "worst_frames.png", "calibration.png", "reflectivity.png"):
        assert (run.folder / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_a_radar_without_masks_is_scored_against_its_labels_and_that_is_recorded(run):
    (run.folder / "masks" / "CASCM").rename(run.folder / "gone")
    metrics = run()
    assert metrics["references"] == {"CASCM": "labels", "CASGO": "masks"}
    assert metrics["reference"] == "masks of CASGO; labels of CASCM"
    assert all(count > 0 for count in metrics["samples"]["scored"].values())


def test_masks_hide_the_own_value_at_all_times_and_only_there_is_an_inpainting_error(run):
    cleaner = FakeCleaner(-99)
    metrics = run(cleaner, [(TIMES[1], "CASGO")])
    seen, hidden = cleaner.seen[:2]
    holes = (hidden != seen).any(axis=0)
    assert holes.any() and (hidden[:, holes] == NODATA).all()
    assert (hidden[:, ~holes] == seen[:, ~holes]).all()
    assert not (holes & (seen[1] == NODATA)).any()
    rows = {row["measure"]: row for row in whole_rows(metrics["reflectivity"]) if row["hole_px"] == "all"}
    own = decode_dbz(seen[1])
    rain = holes & is_echo(seen[1]) & (reference_of("CASGO", TIMES[1]) == METEOROLOGICAL)
    # The fake model's output is 0 dBZ for hidden pixels, and exact for all others.
    assert rows["error on holes"]["mae_dbz"] == pytest.approx(own[rain].mean())
    assert rows["error on holes"]["pixels"] == rain.sum()
    assert rows["label agreement"]["mae_dbz"] == 0
    by_size = {
        row["hole_px"]: row for row in whole_rows(metrics["reflectivity"]) if row["measure"] == "error on holes"
    }
    # The frame is 48 px wide, 3 x 3 boxes, so that both sizes are in it.
    assert by_size[2]["pixels"] + by_size[4]["pixels"] == rain.sum() and 0 not in (
        by_size[2]["pixels"],
        by_size[4]["pixels"],
    )


def test_without_masks_the_model_runs_once(run):
    cleaner = FakeCleaner(40)
    metrics = run(cleaner, holes=False)
    assert len(cleaner.seen) == 8 and metrics["hole_sizes_px"] is None


@pytest.mark.parametrize("tta", [False, True])
def test_augmentation_applies_to_every_prediction_also_with_masks_and_is_recorded(run, tta):
    cleaner = FakeCleaner(-99)
    metrics = run(cleaner, tta=tta)
    # Eight samples, each predicted whole and with masks, and again for the figure of the worst.
    assert cleaner.augmented == [tta] * 24
    assert metrics["tta"] is tta


def test_a_fast_dev_run_scores_the_first_two_samples_and_writes_all_files(run):
    cleaner = FakeCleaner(40)
    metrics = run(cleaner, fast_dev_run=True, holes=False, draw=True)
    assert len(cleaner.seen) == 2 and metrics["fast_dev_run"] is True
    assert metrics["samples"] == {
        "listed": 2,
        "scored": {"CASCM": 1, "CASGO": 1},
        "without_reference": {"CASCM": 0, "CASGO": 0},
        "first": "2024-07-11T00:00:00Z",
        "last": "2024-07-11T00:00:00Z",
        "digest": digest_of(ALL[:2]),
    }
    assert len(list((run.folder / "out").iterdir())) == 10


@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_log_has_a_few_lines_on_the_progress_of_the_scoring(run, caplog, count):
    caplog.set_level("INFO")
    samples = [(time, radar) for time in TIMES[:count] for radar in ("CASGO", "CASCM")]
    run(samples=samples)
    messages = [record.getMessage() for record in caplog.records if "samples done" in record.getMessage()]
    assert 2 <= len(messages) <= 5
    assert messages[-1].startswith(f"{2 * count} of {2 * count} samples done")


def test_one_radar_alone_has_no_total(run):
    metrics = run(samples=[(time, "CASGO") for time in TIMES], stores=[f"CASGO={SHARD}"])
    assert {row["radar"] for row in metrics["scores"]} == {"CASGO"}


def test_tables_agree_with_the_metrics_and_the_same_run_gives_the_same_files(run):
    metrics = run()
    names = ("metrics.json", "scores.csv", "curve.csv", "calibration.csv", "frames.csv")
    files = {name: (run.folder / "out" / name).read_bytes() for name in names}
    scores, curve = (pd.read_csv(run.folder / "out" / name) for name in ("scores.csv", "curve.csv"))
    assert len(scores) == len(metrics["scores"]) + len(metrics["reflectivity"])
    assert set(curve["radar"]) == {"CASGO", "CASCM", "all radars"}
    calibration = pd.read_csv(run.folder / "out" / "calibration.csv")
    assert list(calibration.groupby("radar").size()) == [20, 20, 20]
    run()
    assert files == {name: (run.folder / "out" / name).read_bytes() for name in names}


@pytest.mark.parametrize("picture", [np.zeros((47, 48), np.uint8), np.zeros((48, 48, 3), np.uint8), None])
def test_a_file_that_is_not_a_mask_is_named(run, picture):
    path = run.folder / "masks" / "CASGO" / "202407110006.png"
    path.write_bytes(b"x") if picture is None else iio.imwrite(path, picture)
    with pytest.raises(FrameError, match=r"202407110006\.png"):
        run()


def test_two_masks_of_one_time_are_refused(run):
    folder = run.folder / "masks" / "CASGO"
    (folder / "again_202407110006.png").write_bytes((folder / "202407110006.png").read_bytes())
    with pytest.raises(FrameError, match="same time"):
        run()


def test_parameters_that_do_not_fit_are_refused(run):
    with pytest.raises(ModelError, match="input_minutes"):
        run(input_minutes=[0])
    for key, values in (("dbz_bands", [30.0, 20.0]), ("range_bands_km", [60.0, 60.0]), ("hole_sizes_px", [8, 4])):
        with pytest.raises(ValueError, match=key):
            run(**{key: values})
    with pytest.raises(SampleError, match="CASXX"):
        run(samples=[(START, "CASXX")])


def test_an_output_that_is_not_finite_is_refused(run):
    class Broken(FakeCleaner):
        def predict(self, inputs, tta):
            nothing = np.full(inputs.this_radar.shape[1:], np.nan, np.float32)
            return Prediction(nothing, nothing)

    with pytest.raises(ModelError, match="not finite"):
        run(Broken())
