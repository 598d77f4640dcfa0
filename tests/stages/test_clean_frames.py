"""The stage that cleans the frames of a radar."""

import numpy as np
import pytest
import store_cases
import torch
import xarray as xr
from learning_cases import config, inputs

from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.config.frames import Stores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.config.services import credit_of
from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    FLAG_UNDETECT,
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNDETECT,
    encode_dbz,
    is_echo,
)
from radar_cleaner.errors import ModelError, StoreError
from radar_cleaner.inference.frame_reader import FrameReader
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model
from radar_cleaner.products.decision import NO_PROBABILITY
from radar_cleaner.stages.clean_frames import clean_frames
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store, read_provenance

DAYS = {"20240711": store_cases.times_from(count=3), "20240712": store_cases.times_from(1720742400, 2)}
GEOMETRY = store_cases.small_geometry()


@pytest.fixture
def results(tmp_path):
    """Two days of one radar and an untrained model."""
    layout = Layout(tmp_path)
    for day, times in DAYS.items():
        store_cases.make_reflectivity(layout.reflectivity("CASGO", day), times=times)
        store_cases.make_aligned(layout.aligned("CASGO", day), times=times)
    model = build_model(config())
    draw_weights(model, 0)
    save_model(tmp_path / "best.pt", config(), model.state_dict(), {})
    return tmp_path


def run(
    results,
    shard="20240711",
    output=None,
    neighbours=None,
    model=None,
    static=False,
    geometry=GEOMETRY,
    credit=None,
    **keys,
):
    """Clean a shard; `keys` are of the sections `cleaning` and `samples`."""
    output = output or results / "cleaned/CASGO/20240711.zarr/zarr.json"
    samples = {name: keys.pop(name) for name in ("input_minutes", "atlas") if name in keys}
    clean_frames(
        results=results,
        shard=shard,
        neighbours=neighbours,
        geometry=geometry,
        credit=credit,
        model=model or [results / "best.pt"],
        inputs=ModelInputs(**{"input_minutes": (-6, 0, 6), "atlas": "none"} | samples),
        static=static,
        cleaning=FrameCleaning(**{"votes": 0} | keys),
        threads=1,
        stores=Stores(codec="fast"),
        output=output,
    )
    return open_store(output, "product")


def frames_of(results):
    layout = Layout(results)
    return FrameReader([layout.reflectivity("CASGO", "20240711")], [layout.aligned("CASGO", "20240711")], inputs())


def answers(results, time, tta=False):
    return load_predictor(results / "best.pt", 1).predict(frames_of(results).inputs(time), tta)


def test_each_pixel_is_decided_by_its_probability(results):
    answer = answers(results, DAYS["20240711"][1])
    threshold = float(np.quantile(answer.probability, 0.4))
    store = run(results, threshold=threshold)
    assert store.times.tolist() == DAYS["20240711"]
    codes, flags = store.frame("reflectivity", 1), store.frame("quality_flag", 1)
    before = store_cases.pattern_codes("CASGO", DAYS["20240711"][1])
    echo, good = is_echo(before), answer.probability >= threshold
    assert np.array_equal(flags == FLAG_KEPT, echo & good) and np.array_equal(flags == FLAG_REMOVED, echo & ~good)
    assert (flags == FLAG_KEPT).any() and (flags == FLAG_REMOVED).any() and (flags == FLAG_FILLED).any()
    assert np.array_equal(codes[flags == FLAG_KEPT], before[flags == FLAG_KEPT])
    assert (codes[(flags == FLAG_REMOVED) | (before == UNDETECT)] == UNDETECT).all()
    filled = flags == FLAG_FILLED
    assert (before[filled] == NODATA).all()
    assert np.array_equal(codes[filled], encode_dbz(answer.dbz[filled]))


def test_the_product_names_the_service_of_its_pictures(results):
    with xr.open_zarr(run(results, credit=credit_of(["bom_128km"])).path) as product:
        assert product.attrs["attribution"] == "Bureau of Meteorology, Australia"
        assert product.attrs["references"].startswith(
            "http://www.bom.gov.au/australia/radar/; reflectivity is packed"
        )
    with xr.open_zarr(run(results, output=results / "plain.zarr").path) as product:
        assert "attribution" not in product.attrs and product.attrs["references"].startswith("reflectivity is")


def test_with_augmentation_the_mean_of_eight_predictions_decides(results):
    time = DAYS["20240711"][1]
    one, mean = answers(results, time), answers(results, time, tta=True)
    threshold = float(np.quantile(mean.probability, 0.4))
    plain = run(results, threshold=threshold)
    store = run(results, threshold=threshold, tta=True, output=results / "tta.zarr")
    assert (plain.attrs["tta"], store.attrs["tta"]) == (0, 1) and store.digest != plain.digest
    echo = is_echo(store_cases.pattern_codes("CASGO", time))
    kept = store.frame("quality_flag", 1) == FLAG_KEPT
    assert np.array_equal(kept, echo & (mean.probability >= threshold))
    assert not np.array_equal(kept, echo & (one.probability >= threshold))


def test_an_ensemble_decides_by_its_mean_and_its_product_has_the_spread(results):
    other = config(base_width=4, input_minutes=(-6, 0))
    model = build_model(other)
    draw_weights(model, 3)
    save_model(results / "other.pt", other, model.state_dict(), {})
    with pytest.raises(ModelError, match="input_minutes"):
        run(results, model=[results / "best.pt", results / "other.pt"])
    same = config(base_width=4)
    model = build_model(same)
    draw_weights(model, 3)
    save_model(results / "other.pt", same, model.state_dict(), {})
    paths = [results / "best.pt", results / "other.pt"]
    product = run(results, model=paths)
    time = DAYS["20240711"][1]
    first, second = (load_predictor(path, 1).predict(frames_of(results).inputs(time)) for path in paths)
    mean = (first.probability + second.probability) / 2
    echo = np.isin(product.frame("quality_flag", 1), (FLAG_KEPT, FLAG_REMOVED))
    assert (
        echo.any()
        and (product.frame("quality_flag", 1)[echo] == FLAG_KEPT).tolist() == (mean[echo] >= 0.5).tolist()
    )
    spread = product.frame("probability_spread", 1)
    assert np.allclose(
        spread[echo] / 254 * 0.5, np.abs(first.probability - second.probability)[echo] / 2, atol=0.0011
    )
    assert (spread[product.frame("quality_flag", 1) == FLAG_UNDETECT] == NO_PROBABILITY).all()
    with xr.open_zarr(product.path) as opened:
        assert "probability_spread" in opened.reflectivity.attrs["ancillary_variables"]
        assert float(opened.probability_spread.max()) <= 0.5
    assert product.attrs["model_digest"].count("sha256:") == 2
    assert "probability_spread" not in run(results).group


def test_a_stronger_cleaning_removes_more_and_a_given_threshold_goes_before(results, caplog):
    content = torch.load(results / "best.pt", weights_only=True)
    frame = frames_of(results).inputs(DAYS["20240711"][1])
    probability = load_predictor(results / "best.pt").predict(frame).probability
    low, middle, high = np.log(1 / np.quantile(1 - probability, [0.8, 0.5, 0.2]) - 1)
    points = {"gentle": float(low), "normal": float(middle), "strong": float(high)}
    save_model(results / "best.pt", config(), content["weights"], {"points": points})

    def kept(**decision):
        product = run(results, threshold=None, **decision)
        return int((product.read("quality_flag") == FLAG_KEPT).sum()), product.attrs

    (gentle, _), (normal, attrs), (strong, _) = (kept(strength=name) for name in points)
    assert gentle > normal > strong > 0 and attrs["strength"] == "normal"
    assert attrs["threshold"] == pytest.approx(1 / (1 + np.exp(-middle)))
    save_model(results / "best.pt", config(), content["weights"], {"points": points | {"normal": float("nan")}})
    with pytest.raises(ModelError, match="invalid operating points"):
        run(results, threshold=None)
    save_model(results / "best.pt", config(), content["weights"], {})
    assert run(results, threshold=None, strength="strong").attrs["threshold"] == 0.5
    assert "cleaning.strength: strong has no effect" in caplog.text
    given = run(results, threshold=0.25)
    assert given.attrs["threshold"] == 0.25 and "strength" not in given.attrs


def test_a_calibrated_model_applies_its_temperature_and_its_bias(results, caplog):
    content = torch.load(results / "best.pt", weights_only=True)
    save_model(results / "best.pt", config(), content["weights"], {"temperature": 4.0, "bias": 0.5})
    raw, calibrated_ = (load_predictor(results / "best.pt", 1, None, calibrated) for calibrated in (False, True))
    frame = frames_of(results).inputs(DAYS["20240711"][1])
    before, after = (np.log(p / (1 - p)) for p in (one.predict(frame).probability for one in (raw, calibrated_)))
    assert np.allclose(before, 4 * (after - 0.5), atol=1e-3)
    product = run(results, calibrated=True)
    assert product.attrs["calibrated"] == 1 and not caplog.text
    save_model(results / "best.pt", config(), content["weights"], {})
    run(results, calibrated=True)
    assert "has no temperature" in caplog.text
    save_model(results / "best.pt", config(), content["weights"], {"temperature": float("nan")})
    with pytest.raises(ModelError, match="temperature nan"):
        run(results, calibrated=True)


def test_evidence_changes_the_decision_for_echoes_alone(results):
    time, labels = DAYS["20240711"][1], Layout(results).labels("CASGO", "20240711")
    echo = is_echo(store_cases.pattern_codes("CASGO", time))
    plain = run(results, threshold=0.5, output=results / "plain.zarr")
    for kind, flag in ((METEOROLOGICAL, FLAG_KEPT), (NON_METEOROLOGICAL, FLAG_REMOVED)):
        classes = [
            np.where(is_echo(store_cases.pattern_codes("CASGO", moment)), kind, NONE)
            for moment in DAYS["20240711"]
        ]
        store_cases.make_labels(labels, times=DAYS["20240711"], echo_class=classes, evidence=100)
        store = run(results, threshold=0.5, votes=2.0, output=results / f"{kind}.zarr")
        flags = store.frame("quality_flag", 1)
        assert (flags[echo] == flag).all()
        assert np.array_equal(flags[~echo], plain.frame("quality_flag", 1)[~echo])
        assert (
            store.attrs["votes"] == 2
            and str(open_store(labels, "labels").path) in read_provenance(store.path)["inputs"]
        )


def test_nothing_is_filled_beyond_the_range_or_with_fill_off(results):
    corner = run(results, threshold=0.0).frame("quality_flag", 0)
    assert corner[0, 0] == FLAG_NODATA and (corner[0] == FLAG_FILLED).any()
    assert not (run(results, threshold=0.0, fill=False).frame("quality_flag", 0) == FLAG_FILLED).any()


def test_every_frame_is_cleaned_and_only_the_given_shards_are_read(results):
    layout = Layout(results)
    alone = run(results, shard="20240712")
    assert alone.times.tolist() == DAYS["20240712"]
    (layout.reflectivity("CASGO", "20240711") / "zarr.json").unlink()
    again = run(results, shard="20240712", output=results / "again.zarr")
    assert again.digest == alone.digest
    with pytest.raises(StoreError, match="reflectivity/CASGO/20240711"):
        run(results, shard="20240712", neighbours=["20240711"])


def test_neighbouring_shards_are_read_at_midnight(results):
    last = DAYS["20240712"][0] - 360
    store_cases.make_reflectivity(Layout(results).reflectivity("CASGO", "20240711"), times=[last])
    store_cases.make_aligned(Layout(results).aligned("CASGO", "20240711"), times=[last])
    alone = run(results, shard="20240712")
    both = run(results, shard="20240712", neighbours=["20240711", "20240712"], output=results / "both.zarr")
    name = "meteorological_probability"
    assert alone.times.tolist() == both.times.tolist()
    assert not np.array_equal(alone.frame(name, 0), both.frame(name, 0))
    assert np.array_equal(alone.frame(name, 1), both.frame(name, 1))


def test_equal_runs_are_equal_stores_that_xarray_opens(results):
    first = run(results)
    second = run(results, output=results / "second.zarr")
    assert (first.path / "zarr.json").read_bytes() == (second.path / "zarr.json").read_bytes()
    with xr.open_zarr(first.path) as product:
        assert product.sizes == {"time": 3, "y": 48, "x": 48}
        assert float(product.reflectivity.max()) > 0
        assert product.attrs["class_lower_dbz"] == store_cases.CLASS_LOWER_DBZ
        assert product.attrs["threshold"] == 0.5


def test_a_shard_without_frames_is_an_empty_product(results):
    store_cases.make_reflectivity(Layout(results).reflectivity("CASGO", "20240713"), times=[])
    store_cases.make_aligned(Layout(results).aligned("CASGO", "20240713"), times=[])
    assert run(results, shard="20240713", output=results / "empty.zarr").times.size == 0


def test_inputs_that_differ_from_the_model_are_refused(results):
    with pytest.raises(ModelError, match="reads input_minutes"):
        run(results, input_minutes=(-12, 0))
    with pytest.raises(ModelError, match=r"samples\.atlas is 'mask'"):
        run(results, atlas="mask")
    with pytest.raises(ModelError, match="no model file"):
        run(results, model=[results / "none.pt"])
    with pytest.raises(StoreError, match=r"its frames are \(48, 48\), --geometry of CASGO is \(20, 20\)"):
        run(results, geometry=store_cases.small_geometry(shape=(20, 20)))


@pytest.mark.parametrize("use", ["mask", "channel"])
def test_the_atlas_is_read_if_the_model_uses_it(results, use):
    model = build_model(config(atlas=use))
    draw_weights(model, 0)
    save_model(results / "best.pt", config(atlas=use), model.state_dict(), {})
    with pytest.raises(StoreError, match=r"atlas/CASGO\.zarr"):
        run(results, atlas=use)
    atlas = np.zeros(store_cases.SHAPE)
    store_cases.make_atlas(Layout(results).atlas("CASGO"), echo_frequency=atlas)
    before = run(results, atlas=use, output=results / "before.zarr")
    atlas[10:20, 10:20] = 0.9
    store_cases.make_atlas(Layout(results).atlas("CASGO"), echo_frequency=atlas)
    assert run(results, atlas=use).digest != before.digest
    assert torch.get_num_threads() == 1


def test_the_static_store_is_read_if_the_model_uses_it(results):
    extra = {"time_of_day": True, "static": ("terrain",)}
    model = build_model(config(**extra))
    draw_weights(model, 0)
    save_model(results / "best.pt", config(**extra), model.state_dict(), {})
    with pytest.raises(
        ModelError, match=r"static/CASGO\.zarr; set samples\.time_of_day: true and samples\.static"
    ):
        run(results, static=True)
    path = Layout(results).static("CASGO")
    store_cases.make_static(path, fields={"terrain": np.zeros(store_cases.SHAPE)}, geometry=GEOMETRY)
    with pytest.raises(ModelError, match=r"samples\.time_of_day: true"):
        run(results)  # one that an older config has left is not read
    before = run(results, static=True, output=results / "before.zarr")
    provenance = (before.path / "provenance.json").read_text()
    assert str(path) in provenance
    store_cases.make_static(path, fields={"terrain": np.full(store_cases.SHAPE, 500.0)}, geometry=GEOMETRY)
    assert run(results, static=True).digest != before.digest
