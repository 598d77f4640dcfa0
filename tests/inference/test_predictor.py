"""A trained model on whole frames."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import store_cases
import torch
from learning_cases import MINUTES, config, inputs

from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.augmentation import draw_validation
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut
from radar_cleaner.datasets.dihedral import ALL_TURNS, turn_picture, turn_point
from radar_cleaner.datasets.frame_cache import RadarSources, Sample, open_bank, write_bank
from radar_cleaner.datasets.inpainting_masks import HoleOptions
from radar_cleaner.errors import ModelError
from radar_cleaner.inference.predictor import Cleaner, RadarFrames, load_cleaner
from radar_cleaner.models import apply_padded, draw_weights
from radar_cleaner.training.checkpoints import save_model

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
            store_cases.make_labels(tmp_path / "labels1.zarr", times=TIMES[:3], codes=codes[:3]),
            store_cases.make_labels(tmp_path / "labels2.zarr", times=TIMES[3:], codes=codes[3:]),
        ],
        [store_cases.make_aligned(tmp_path / "aligned.zarr", times=TIMES[:4], codes=seen[:4])],
        [store_cases.make_targets(tmp_path / "targets.zarr", times=TIMES, shape=SHAPE)],
        store_cases.make_atlas(tmp_path / "atlas.zarr", echo_frequency=frequency),
        store_cases.make_static(
            tmp_path / "static.zarr", fields={"terrain": terrain, "sea": terrain < 200}, shape=SHAPE
        ),
    )


def make_cleaner(tmp_path, **changes):
    model = config(**changes).build()
    draw_weights(model, 4)
    save_model(tmp_path / "best.pt", config(**changes), model.state_dict(), {})
    return load_cleaner(tmp_path / "best.pt", threads=1)


def make_frames(stores, use="none", minutes=MINUTES, **told):
    how = inputs(atlas=use, input_minutes=minutes, **told)
    return RadarFrames(stores.labels, stores.aligned, how, stores.atlas, stores.static)


def turned_inputs(given, turn):
    """What the model would be told if the picture lay so."""
    pictures = {}
    for name in ("own", "others", "echo_frequency", "fields"):
        values = getattr(given, name)
        pictures[name] = None if values is None else turn_picture(torch.from_numpy(values), turn).numpy()
    return replace(given, center_px=turn_point(given.center_px, given.own.shape[1:], turn), **pictures)


def test_a_prediction_has_the_frames_size_and_is_the_same_each_time(tmp_path, stores):
    cleaner, frames = make_cleaner(tmp_path), make_frames(stores)
    first, second = (cleaner.predict(frames.inputs(TIMES[2])) for _ in range(2))
    assert first.probability.shape == first.dbz.shape == SHAPE
    assert first.probability.dtype == first.dbz.dtype == np.float32
    assert 0 <= first.probability.min() < first.probability.max() <= 1
    assert np.array_equal(first.probability, second.probability) and np.array_equal(first.dbz, second.dbz)


@pytest.mark.parametrize(
    "told", [{}, {"time_of_day": True}, {"day_of_year": True}, {"static": ("sea",)}, ALL_THERE_IS], ids=str
)
@pytest.mark.parametrize("use", ["none", "mask", "channel"])
def test_the_model_sees_what_it_saw_in_validation(tmp_path, stores, use, told):
    cleaner, frames = make_cleaner(tmp_path, atlas=use, **told), make_frames(stores, use, **told)
    sample = Sample(TIMES[2], "CASGO")
    (tmp_path / "bank").mkdir()
    how, no_holes = inputs(atlas=use, **told), HoleOptions(0, ("blocks",), 8, 0.3, 15)
    write_bank(tmp_path / "bank", {"CASGO": stores}, [sample], MINUTES, how, 10**9)
    bank = open_bank(tmp_path / "bank")
    draw = draw_validation(bank, sample, no_holes, how, 0, 0)
    batch = make_batch(cut(bank, [sample], [draw], how), how, torch.device("cpu"))
    seen = []
    cleaner.model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    answer = cleaner.predict(frames.inputs(TIMES[2]))
    assert len(seen) == 1 and torch.equal(seen[0][..., : SHAPE[0], : SHAPE[1]], batch.channels)
    assert seen[0].shape[-2:] == (32, 40)
    with torch.inference_mode():
        logit, scaled = apply_padded(cleaner.model, batch.channels, "reflect")
    assert np.array_equal(answer.probability, torch.sigmoid(logit[:, 0])[0].numpy())
    assert np.array_equal(answer.dbz, unscale_dbz(scaled)[0, 0].numpy())


@pytest.mark.parametrize("tta", [False, True])
@pytest.mark.parametrize(("use", "told"), [("none", {}), ("channel", ALL_THERE_IS)])
def test_frames_are_judged_alike_alone_and_with_others(tmp_path, stores, use, told, tta):
    cleaner, frames = make_cleaner(tmp_path, atlas=use, **told), make_frames(stores, use, **told)
    given = [frames.inputs(time) for time in TIMES[1:4]]
    together = cleaner.predict_all(given, tta)
    assert len(together) == 3 and cleaner.predict_all([], tta) == []
    for one, found in zip(given, together, strict=True):
        alone = cleaner.predict(one, tta)
        assert np.allclose(found.probability, alone.probability, atol=1e-5)
        assert np.allclose(found.dbz, alone.dbz, atol=1e-3)
    assert not np.allclose(together[0].probability, together[1].probability, atol=1e-3)


def test_frames_are_looked_up_over_all_stores_and_missing_ones_are_unavailable(stores):
    frames = make_frames(stores)
    assert frames.times == TIMES
    middle = frames.inputs(TIMES[3])
    assert np.array_equal(middle.own, np.stack([frames.codes(time) for time in TIMES[2:5]]))
    assert (middle.others[2] == NODATA).all() and not (middle.others[1] == NODATA).all()
    first, last = frames.inputs(TIMES[0]), frames.inputs(TIMES[4])
    assert (first.own[0] == NODATA).all() and (first.others[0] == NODATA).all()
    assert (last.own[2] == NODATA).all() and not (last.own[:2] == NODATA).all()


def test_a_missing_neighbour_acts_by_its_availability_alone(tmp_path, stores):
    cleaner, frames = make_cleaner(tmp_path), make_frames(stores)
    alone = RadarFrames(stores.labels[:1], stores.aligned, inputs())
    less = frames.inputs(TIMES[2])
    own, others = less.own.copy(), less.others.copy()
    own[2] = NODATA
    marked = cleaner.predict(replace(less, own=own, others=others))
    missing = cleaner.predict(alone.inputs(TIMES[2]))
    assert np.array_equal(marked.probability, missing.probability)
    assert not np.array_equal(marked.probability, cleaner.predict(less).probability)


def test_the_clutter_mask_hides_from_the_model_not_from_the_codes(stores):
    frames, plain = make_frames(stores, "mask"), make_frames(stores)
    own = frames.inputs(TIMES[2]).own
    assert (own[:, 4:9, 4:9] == NODATA).all()
    assert np.array_equal(own[:, 9:, 9:], plain.inputs(TIMES[2]).own[:, 9:, 9:])
    assert np.array_equal(frames.codes(TIMES[2]), plain.codes(TIMES[2]))


def test_frames_of_another_cadence_are_judged_with_a_warning(tmp_path, caplog):
    cleaner = make_cleaner(tmp_path)
    cleaner.inputs_for([-6, 0, 6])
    assert not caplog.records
    cleaner.inputs_for([-15, 0, 15])
    assert "learned with input_minutes [-6, 0, 6] and now reads [-15, 0, 15]" in caplog.text


def test_inputs_that_do_not_fit_the_model_are_refused(tmp_path, stores):
    cleaner = make_cleaner(tmp_path)
    cleaner.inputs_for([-6, 0, 6])
    with pytest.raises(ModelError, match=r"reads input_minutes \[-6, 0, 6\], the config says \[0\]"):
        cleaner.inputs_for([0])
    with pytest.raises(ModelError, match="as many before and after"):
        cleaner.inputs_for([-12, -6, 0])
    with pytest.raises(ModelError, match="reads 3 times"):
        cleaner.predict(make_frames(stores, minutes=[0]).inputs(TIMES[2]))
    with pytest.raises(ModelError, match="atlas 'none'"):
        cleaner.predict(make_frames(stores, "channel").inputs(TIMES[2]))
    with pytest.raises(ModelError, match="no atlas is given"):
        RadarFrames(stores.labels, stores.aligned, inputs(atlas="mask"))
    with pytest.raises(ModelError, match=r"the fields \[\], got 1 fields"):
        cleaner.predict(replace(make_frames(stores).inputs(TIMES[2]), fields=np.zeros((1, *SHAPE), np.float32)))


def test_the_hour_and_the_terrain_reach_the_answer(tmp_path, stores):
    cleaner = make_cleaner(tmp_path, **ALL_THERE_IS)
    given = make_frames(stores, **ALL_THERE_IS).inputs(TIMES[2])
    assert given.time == TIMES[2]
    first = cleaner.predict(given).probability
    for other in (replace(given, time=given.time + 6 * 3600), replace(given, fields=given.fields + 1)):
        assert not np.array_equal(cleaner.predict(other).probability, first)


def test_a_model_that_is_told_more_than_there_is_says_what_to_set(tmp_path, stores):
    bare = replace(stores, static=None)
    with pytest.raises(ModelError, match=r"samples\.time_of_day: true and samples\.coordinates: true"):
        make_frames(bare, time_of_day=True, coordinates=True)
    with pytest.raises(ModelError, match=r"no\.zarr; set samples\.static with terrain, sea"):
        make_frames(replace(stores, static=tmp_path / "no.zarr"), static=("terrain", "sea"))
    with pytest.raises(ModelError, match=r"static fields \['terrain', 'sea'\], the model reads snow as well"):
        make_frames(stores, static=("terrain", "snow"))
    assert make_frames(bare, day_of_year=True).grid.fields is None  # which needs no store


def test_only_what_the_model_uses_is_opened_and_noted(tmp_path, stores):
    nowhere = replace(stores, atlas=tmp_path / "no.zarr", static=tmp_path / "no.zarr")
    assert set(make_frames(nowhere).digests) == {str(path) for path in [*stores.labels, *stores.aligned]}
    noted = set(make_frames(stores, "mask", coordinates=True).digests)
    assert noted == {str(path) for path in [*stores.labels, *stores.aligned, stores.atlas, stores.static]}


class Pointwise(torch.nn.Module):
    """Looks at each pixel alone and not at the azimuth: what it says turns with the picture."""

    multiple = 1

    def forward(self, x):
        kept = torch.cat([x[:, :13], x[:, 15:]], dim=1)
        return kept.sum(1, keepdim=True) - 3, kept.mean(1, keepdim=True)


class Northward(torch.nn.Module):
    """Says the cosine of the azimuth."""

    multiple = 1

    def forward(self, x):
        return x[:, 13:14], x[:, 13:14]


@pytest.mark.parametrize("use", ["none", "channel"])
def test_augmentation_of_a_model_that_turns_with_its_input_changes_nothing(stores, use):
    cleaner = Cleaner(config(atlas=use), "sha256:made", Pointwise())
    given = make_frames(stores, use).inputs(TIMES[2])
    plain, mean = cleaner.predict(given), cleaner.predict(given, tta=True)
    assert np.allclose(plain.probability, mean.probability, atol=1e-6)
    assert np.allclose(plain.dbz, mean.dbz, atol=1e-4) and np.ptp(plain.dbz) > 1


@pytest.mark.parametrize(("use", "told"), [("none", {}), ("channel", ALL_THERE_IS)])
@pytest.mark.parametrize("turn", ALL_TURNS)
def test_an_augmented_answer_turns_with_its_input(tmp_path, stores, use, told, turn):
    cleaner = make_cleaner(tmp_path, atlas=use, **told)
    given = make_frames(stores, use, **told).inputs(TIMES[2])
    answer, turned = cleaner.predict(given, tta=True), cleaner.predict(turned_inputs(given, turn), tta=True)
    for name in ("probability", "dbz"):
        wanted = turn_picture(torch.from_numpy(getattr(answer, name)), turn).numpy()
        assert np.allclose(getattr(turned, name), wanted, atol=1e-4)


def test_an_augmented_answer_is_the_mean_over_the_eight_ways_to_lay_the_frame(tmp_path, stores):
    cleaner, given = make_cleaner(tmp_path), make_frames(stores).inputs(TIMES[2])
    answers = []
    for turn in ALL_TURNS:
        answer = cleaner.predict(turned_inputs(given, turn))
        for name in ("probability", "dbz"):
            laid = np.rot90(getattr(answer, name), -turn.quarters)
            answers.append((name, laid[:, ::-1] if turn.flip else laid))
    both = cleaner.predict(given, tta=True)
    assert both.probability.shape == SHAPE and both.probability.dtype == both.dbz.dtype == np.float32
    for name in ("probability", "dbz"):
        laid = np.stack([values for of, values in answers if of == name])
        assert np.allclose(getattr(both, name), laid.mean(axis=0), atol=1e-4)
        assert np.ptp(laid, axis=0).max() > 1e-3  # the eight do not agree of themselves
    assert not np.array_equal(both.probability, cleaner.predict(given).probability)


def test_each_turned_picture_is_told_its_own_azimuth(stores):
    cleaner = Cleaner(config(), "sha256:made", Northward())
    given = make_frames(stores).inputs(TIMES[2])
    # Of the eight, each two have the pixel up, down, left and right of the radar: the mean cosine is 0.
    scaled = cleaner.predict(given, tta=True).dbz
    assert np.allclose(scaled, float(unscale_dbz(torch.tensor(0.0))), atol=1e-3)
    assert np.ptp(cleaner.predict(given).dbz) > 100


@pytest.mark.parametrize("tta", [False, True])
def test_a_forecast_begins_with_the_frame_itself_and_has_one_answer_a_lead(tmp_path, stores, tta):
    cleaner = make_cleaner(tmp_path, input_minutes=(-12, -6, 0), lead_minutes=(0, 6, 18))
    inputs = make_frames(stores, minutes=(-12, -6, 0)).inputs(TIMES[2])
    now, *ahead = cleaner.forecast(inputs, tta)
    alone = cleaner.predict(inputs, tta)
    assert np.array_equal(now.probability, alone.probability) and np.array_equal(now.dbz, alone.dbz)
    assert len(ahead) == 2 and all(one.probability.shape == one.dbz.shape == SHAPE for one in ahead)
    answers = [one.probability for one in (now, *ahead)]
    assert not any(np.array_equal(*pair) for pair in itertools.combinations(answers, 2))


def test_a_model_without_leads_ahead_forecasts_nothing_but_the_frame(tmp_path, stores):
    cleaner, inputs = make_cleaner(tmp_path), make_frames(stores).inputs(TIMES[2])
    (now,) = cleaner.forecast(inputs)
    assert np.array_equal(now.probability, cleaner.predict(inputs).probability)
