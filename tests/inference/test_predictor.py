"""A trained model on whole frames."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import store_cases
import torch
from learning_cases import MINUTES, config, inputs, sampler

from radar_cleaner.config.training import Holes
from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.dihedral import FLIP_ROTATIONS, flip_rotate, flip_rotate_point
from radar_cleaner.datasets.frame_cache import RadarSources, open_frame_cache, write_frame_cache
from radar_cleaner.errors import ModelError
from radar_cleaner.inference.frame_reader import FrameReader
from radar_cleaner.inference.predictor import Predictor, load_predictor
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import build_model
from radar_cleaner.targets.splits import Sample

TIMES = store_cases.times_from(count=5)
SHAPE = (30, 37)  # neither can be halved twice
ALL_THERE_IS = {"time_of_day": True, "day_of_year": True, "coordinates": True, "static": ("terrain", "sea")}


@pytest.fixture
def stores(tmp_path):
    codes = np.stack([store_cases.pattern_codes("CASGO", time, SHAPE) for time in TIMES])
    seen = np.stack([store_cases.pattern_codes("CASCM", time, SHAPE) for time in TIMES])
    frequency = np.zeros(SHAPE)
    frequency[4:9, 4:9] = 0.8
    terrain = np.add.outer(10.0 * np.arange(SHAPE[0]), 7.0 * np.arange(SHAPE[1]))
    return RadarSources(
        [
            store_cases.make_reflectivity(tmp_path / "reflectivity1.zarr", times=TIMES[:3], codes=codes[:3]),
            store_cases.make_reflectivity(tmp_path / "reflectivity2.zarr", times=TIMES[3:], codes=codes[3:]),
        ],
        [store_cases.make_aligned(tmp_path / "aligned.zarr", times=TIMES[:4], codes=seen[:4])],
        [store_cases.make_labels(tmp_path / "labels.zarr", times=TIMES, shape=SHAPE)],
        store_cases.make_atlas(tmp_path / "atlas.zarr", echo_frequency=frequency),
        store_cases.make_static(
            tmp_path / "static.zarr", fields={"terrain": terrain, "sea": terrain < 200}, shape=SHAPE
        ),
    )


def make_predictor(tmp_path, **changes):
    model = build_model(config(**changes))
    draw_weights(model, 4)
    save_model(tmp_path / "best.pt", config(**changes), model.state_dict(), {})
    return load_predictor(tmp_path / "best.pt", threads=1)


def make_reader(stores, use="none", minutes=MINUTES, **extra):
    options = inputs(atlas=use, input_minutes=minutes, **extra)
    return FrameReader(stores.reflectivity, stores.aligned, options, stores.atlas, stores.static)


def turned_inputs(given, turn):
    """Return the inputs of the flipped and rotated frame."""
    pictures = {}
    for name in ("this_radar", "other_radars", "echo_frequency", "fields"):
        values = getattr(given, name)
        pictures[name] = None if values is None else flip_rotate(torch.from_numpy(values), turn).numpy()
    return replace(
        given, center_px=flip_rotate_point(given.center_px, given.this_radar.shape[1:], turn), **pictures
    )


def test_a_prediction_has_the_size_of_the_frame_and_is_reproducible(tmp_path, stores):
    predictor, reader = make_predictor(tmp_path), make_reader(stores)
    first, second = (predictor.predict(reader.inputs(TIMES[2])) for _ in range(2))
    assert first.probability.shape == first.dbz.shape == SHAPE
    assert first.probability.dtype == first.dbz.dtype == np.float32
    assert 0 <= first.probability.min() < first.probability.max() <= 1
    assert np.array_equal(first.probability, second.probability) and np.array_equal(first.dbz, second.dbz)


@pytest.mark.parametrize(
    "extra", [{}, {"time_of_day": True}, {"day_of_year": True}, {"static": ("sea",)}, ALL_THERE_IS], ids=str
)
@pytest.mark.parametrize("use", ["none", "mask", "channel"])
def test_inference_encodes_frames_as_validation_does(tmp_path, stores, use, extra):
    predictor, reader = make_predictor(tmp_path, atlas=use, **extra), make_reader(stores, use, **extra)
    sample = Sample(TIMES[2], "CASGO")
    (tmp_path / "cache").mkdir()
    how, no_holes = inputs(atlas=use, **extra), Holes(fraction=0)
    write_frame_cache(tmp_path / "cache", {"CASGO": stores}, [sample], how, 10**9)
    cache = open_frame_cache(tmp_path / "cache")
    draw = sampler(None, no_holes, how, 0).validation(cache, sample, 0)
    batch = make_batch(cut_crops(cache, [sample], [draw], how), how, torch.device("cpu"))
    seen = []
    predictor.model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    answer = predictor.predict(reader.inputs(TIMES[2]))
    assert len(seen) == 1 and torch.equal(seen[0][..., : SHAPE[0], : SHAPE[1]], batch.channels)
    assert seen[0].shape[-2:] == (32, 40)
    with torch.inference_mode():
        logit, scaled = apply_padded(predictor.model, batch.channels, "reflect")
    assert np.array_equal(answer.probability, torch.sigmoid(logit[:, 0])[0].numpy())
    assert np.array_equal(answer.dbz, unscale_dbz(scaled)[0, 0].numpy())


@pytest.mark.parametrize("tta", [False, True])
@pytest.mark.parametrize(("use", "extra"), [("none", {}), ("channel", ALL_THERE_IS)])
def test_a_batch_gives_the_predictions_of_single_frames(tmp_path, stores, use, extra, tta):
    predictor, reader = make_predictor(tmp_path, atlas=use, **extra), make_reader(stores, use, **extra)
    given = [reader.inputs(time) for time in TIMES[1:4]]
    together = predictor.predict_all(given, tta)
    assert len(together) == 3 and predictor.predict_all([], tta) == []
    for one, found in zip(given, together, strict=True):
        alone = predictor.predict(one, tta)
        assert np.allclose(found.probability, alone.probability, atol=1e-5)
        assert np.allclose(found.dbz, alone.dbz, atol=1e-3)
    assert not np.allclose(together[0].probability, together[1].probability, atol=1e-3)


def test_frames_come_from_all_stores_and_missing_ones_are_unavailable(stores):
    reader = make_reader(stores)
    assert reader.times == TIMES
    middle = reader.inputs(TIMES[3])
    assert np.array_equal(middle.this_radar, np.stack([reader.codes(time) for time in TIMES[2:5]]))
    assert (middle.other_radars[2] == NODATA).all() and not (middle.other_radars[1] == NODATA).all()
    first, last = reader.inputs(TIMES[0]), reader.inputs(TIMES[4])
    assert (first.this_radar[0] == NODATA).all() and (first.other_radars[0] == NODATA).all()
    assert (last.this_radar[2] == NODATA).all() and not (last.this_radar[:2] == NODATA).all()


def test_a_missing_neighbour_acts_as_an_unavailable_one(tmp_path, stores):
    predictor, reader = make_predictor(tmp_path), make_reader(stores)
    alone = FrameReader(stores.reflectivity[:1], stores.aligned, inputs())
    less = reader.inputs(TIMES[2])
    own, others = less.this_radar.copy(), less.other_radars.copy()
    own[2] = NODATA
    marked = predictor.predict(replace(less, this_radar=own, other_radars=others))
    missing = predictor.predict(alone.inputs(TIMES[2]))
    assert np.array_equal(marked.probability, missing.probability)
    assert not np.array_equal(marked.probability, predictor.predict(less).probability)


def test_the_clutter_mask_hides_pixels_from_the_model_not_from_the_codes(stores):
    reader, plain = make_reader(stores, "mask"), make_reader(stores)
    own = reader.inputs(TIMES[2]).this_radar
    assert (own[:, 4:9, 4:9] == NODATA).all()
    assert np.array_equal(own[:, 9:, 9:], plain.inputs(TIMES[2]).this_radar[:, 9:, 9:])
    assert np.array_equal(reader.codes(TIMES[2]), plain.codes(TIMES[2]))


def test_frames_of_another_cadence_are_predicted_with_a_warning(tmp_path, caplog):
    predictor = make_predictor(tmp_path)
    predictor.inputs_for([-6, 0, 6])
    assert not caplog.records
    predictor.inputs_for([-15, 0, 15])
    assert "trained with input_minutes [-6, 0, 6] and now reads [-15, 0, 15]" in caplog.text


def test_inputs_that_do_not_fit_the_model_are_refused(tmp_path, stores):
    predictor = make_predictor(tmp_path)
    predictor.inputs_for([-6, 0, 6])
    with pytest.raises(ModelError, match=r"reads input_minutes \[-6, 0, 6\], the config has \[0\]"):
        predictor.inputs_for([0])
    with pytest.raises(ModelError, match="as many times before and after"):
        predictor.inputs_for([-12, -6, 0])
    with pytest.raises(ModelError, match="reads 3 times"):
        predictor.predict(make_reader(stores, minutes=[0]).inputs(TIMES[2]))
    with pytest.raises(ModelError, match="atlas 'none'"):
        predictor.predict(make_reader(stores, "channel").inputs(TIMES[2]))
    with pytest.raises(ModelError, match="no atlas is given"):
        FrameReader(stores.reflectivity, stores.aligned, inputs(atlas="mask"))
    with pytest.raises(ModelError, match=r"the fields \[\], got 1 fields"):
        predictor.predict(replace(make_reader(stores).inputs(TIMES[2]), fields=np.zeros((1, *SHAPE), np.float32)))


def test_the_time_and_the_static_fields_change_the_prediction(tmp_path, stores):
    predictor = make_predictor(tmp_path, **ALL_THERE_IS)
    given = make_reader(stores, **ALL_THERE_IS).inputs(TIMES[2])
    assert given.time == TIMES[2]
    first = predictor.predict(given).probability
    for other in (replace(given, time=given.time + 6 * 3600), replace(given, fields=given.fields + 1)):
        assert not np.array_equal(predictor.predict(other).probability, first)


def test_missing_inputs_are_named_with_the_keys_to_set(tmp_path, stores):
    bare = replace(stores, static=None)
    with pytest.raises(ModelError, match=r"samples\.time_of_day: true and samples\.coordinates: true"):
        make_reader(bare, time_of_day=True, coordinates=True)
    with pytest.raises(ModelError, match=r"no\.zarr; set samples\.static with terrain, sea"):
        make_reader(replace(stores, static=tmp_path / "no.zarr"), static=("terrain", "sea"))
    with pytest.raises(ModelError, match=r"static fields are \['terrain', 'sea'\], the model also reads snow"):
        make_reader(stores, static=("terrain", "snow"))
    assert make_reader(bare, day_of_year=True).grid.fields is None  # which needs no store


def test_only_the_stores_that_the_model_uses_are_opened(tmp_path, stores):
    nowhere = replace(stores, atlas=tmp_path / "no.zarr", static=tmp_path / "no.zarr")
    assert set(make_reader(nowhere).digests) == {str(path) for path in [*stores.reflectivity, *stores.aligned]}
    noted = set(make_reader(stores, "mask", coordinates=True).digests)
    assert noted == {str(path) for path in [*stores.reflectivity, *stores.aligned, stores.atlas, stores.static]}


class Pointwise(torch.nn.Module):
    """A network of single pixels without the azimuth: its output is flipped and rotated as its input."""

    multiple = 1

    def forward(self, x):
        kept = torch.cat([x[:, :13], x[:, 15:]], dim=1)
        return kept.sum(1, keepdim=True) - 3, kept.mean(1, keepdim=True)


class Northward(torch.nn.Module):
    """Returns the cosine of the azimuth."""

    multiple = 1

    def forward(self, x):
        return x[:, 13:14], x[:, 13:14]


@pytest.mark.parametrize("use", ["none", "channel"])
def test_augmentation_of_an_equivariant_model_changes_nothing(stores, use):
    predictor = Predictor(config(atlas=use), "sha256:made", Pointwise())
    given = make_reader(stores, use).inputs(TIMES[2])
    plain, mean = predictor.predict(given), predictor.predict(given, tta=True)
    assert np.allclose(plain.probability, mean.probability, atol=1e-6)
    assert np.allclose(plain.dbz, mean.dbz, atol=1e-4) and np.ptp(plain.dbz) > 1


@pytest.mark.parametrize(("use", "extra"), [("none", {}), ("channel", ALL_THERE_IS)])
@pytest.mark.parametrize("turn", FLIP_ROTATIONS)
def test_an_augmented_prediction_is_flipped_and_rotated_with_its_input(tmp_path, stores, use, extra, turn):
    predictor = make_predictor(tmp_path, atlas=use, **extra)
    given = make_reader(stores, use, **extra).inputs(TIMES[2])
    answer, turned = predictor.predict(given, tta=True), predictor.predict(turned_inputs(given, turn), tta=True)
    for name in ("probability", "dbz"):
        wanted = flip_rotate(torch.from_numpy(getattr(answer, name)), turn).numpy()
        assert np.allclose(getattr(turned, name), wanted, atol=1e-4)


def test_an_augmented_prediction_is_the_mean_over_eight_flips_and_rotations(tmp_path, stores):
    predictor, given = make_predictor(tmp_path), make_reader(stores).inputs(TIMES[2])
    answers = []
    for turn in FLIP_ROTATIONS:
        answer = predictor.predict(turned_inputs(given, turn))
        for name in ("probability", "dbz"):
            laid = np.rot90(getattr(answer, name), -turn.quarter_turns)
            answers.append((name, laid[:, ::-1] if turn.flip else laid))
    both = predictor.predict(given, tta=True)
    assert both.probability.shape == SHAPE and both.probability.dtype == both.dbz.dtype == np.float32
    for name in ("probability", "dbz"):
        laid = np.stack([values for of, values in answers if of == name])
        assert np.allclose(getattr(both, name), laid.mean(axis=0), atol=1e-4)
        assert np.ptp(laid, axis=0).max() > 1e-3  # the eight differ
    assert not np.array_equal(both.probability, predictor.predict(given).probability)


def test_a_rotated_frame_has_its_own_azimuth(stores):
    predictor = Predictor(config(), "sha256:made", Northward())
    given = make_reader(stores).inputs(TIMES[2])
    # The eight put a pixel twice in each direction from the radar: the mean cosine is 0.
    scaled = predictor.predict(given, tta=True).dbz
    assert np.allclose(scaled, float(unscale_dbz(torch.tensor(0.0))), atol=1e-3)
    assert np.ptp(predictor.predict(given).dbz) > 100


@pytest.mark.parametrize("tta", [False, True])
def test_a_forecast_has_the_frame_itself_and_one_prediction_per_lead(tmp_path, stores, tta):
    predictor = make_predictor(tmp_path, input_minutes=(-12, -6, 0), lead_minutes=(0, 6, 18))
    inputs = make_reader(stores, minutes=(-12, -6, 0)).inputs(TIMES[2])
    now, *later = predictor.forecast(inputs, tta)
    alone = predictor.predict(inputs, tta)
    assert np.array_equal(now.probability, alone.probability) and np.array_equal(now.dbz, alone.dbz)
    assert len(later) == 2 and all(one.probability.shape == one.dbz.shape == SHAPE for one in later)
    answers = [one.probability for one in (now, *later)]
    assert not any(np.array_equal(*pair) for pair in itertools.combinations(answers, 2))


def test_a_model_without_lead_times_forecasts_the_frame_alone(tmp_path, stores):
    predictor, inputs = make_predictor(tmp_path), make_reader(stores).inputs(TIMES[2])
    (now,) = predictor.forecast(inputs)
    assert np.array_equal(now.probability, predictor.predict(inputs).probability)
