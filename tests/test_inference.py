"""A trained model on whole frames."""

from dataclasses import replace

import numpy as np
import pytest
import store_cases
import torch
from learning_cases import MINUTES, config, inputs

from radar_cleaner.bank import RadarSources, Sample, open_bank, write_bank
from radar_cleaner.checkpoints import save_model
from radar_cleaner.dataset import cut, make_batch, whole_frame
from radar_cleaner.errors import ModelError
from radar_cleaner.inference import RadarFrames, load_cleaner
from radar_cleaner.models import draw_weights
from radar_cleaner.vocabulary import NODATA

TIMES = store_cases.times_from(count=5)
SHAPE = (30, 37)  # neither can be halved twice


@pytest.fixture
def stores(tmp_path):
    codes = np.stack([store_cases.pattern_codes("CASGO", time, SHAPE) for time in TIMES])
    seen = np.stack([store_cases.pattern_codes("CASCM", time, SHAPE) for time in TIMES])
    frequency = np.zeros(SHAPE)
    frequency[4:9, 4:9] = 0.8
    return RadarSources(
        [
            store_cases.make_labels(tmp_path / "labels1.zarr", times=TIMES[:3], codes=codes[:3]),
            store_cases.make_labels(tmp_path / "labels2.zarr", times=TIMES[3:], codes=codes[3:]),
        ],
        [store_cases.make_aligned(tmp_path / "aligned.zarr", times=TIMES[:4], codes=seen[:4])],
        [store_cases.make_targets(tmp_path / "targets.zarr", times=TIMES, shape=SHAPE)],
        store_cases.make_atlas(tmp_path / "atlas.zarr", echo_frequency=frequency),
    )


def make_cleaner(tmp_path, **changes):
    model = config(**changes).build()
    draw_weights(model, 4)
    save_model(tmp_path / "best.pt", config(**changes), model.state_dict(), {})
    return load_cleaner(tmp_path / "best.pt", threads=1)


def make_frames(stores, use="none", minutes=MINUTES):
    return RadarFrames(stores.labels, stores.aligned, minutes, stores.atlas, use)


def test_a_prediction_has_the_frames_size_and_is_the_same_each_time(tmp_path, stores):
    cleaner, frames = make_cleaner(tmp_path), make_frames(stores)
    first, second = (cleaner.predict(frames.inputs(TIMES[2])) for _ in range(2))
    assert first.probability.shape == first.dbz.shape == SHAPE
    assert first.probability.dtype == first.dbz.dtype == np.float32
    assert 0 <= first.probability.min() < first.probability.max() <= 1
    assert np.array_equal(first.probability, second.probability) and np.array_equal(first.dbz, second.dbz)


@pytest.mark.parametrize("use", ["none", "mask", "channel"])
def test_the_model_sees_what_it_saw_in_validation(tmp_path, stores, use):
    cleaner, frames = make_cleaner(tmp_path, atlas=use), make_frames(stores, use)
    sample = Sample(TIMES[2], "CASGO")
    (tmp_path / "bank").mkdir()
    write_bank(tmp_path / "bank", {"CASGO": stores}, [sample], MINUTES, use)
    bank, how = open_bank(tmp_path / "bank"), inputs(atlas=use)
    batch = make_batch(cut(bank, [sample], [whole_frame(bank["CASGO"].grid, how)], how), how, torch.device("cpu"))
    seen = []
    cleaner.model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    cleaner.predict(frames.inputs(TIMES[2]))
    assert torch.equal(seen[0][..., : SHAPE[0], : SHAPE[1]], batch.channels)
    assert seen[0].shape[-2:] == (32, 40)


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
    alone = RadarFrames(stores.labels[:1], stores.aligned, MINUTES)
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


def test_inputs_that_do_not_fit_the_model_are_refused(tmp_path, stores):
    cleaner = make_cleaner(tmp_path)
    cleaner.check_input_minutes([-6, 0, 6])
    with pytest.raises(ModelError, match=r"reads input_minutes \[-6, 0, 6\], the config says \[0\]"):
        cleaner.check_input_minutes([0])
    with pytest.raises(ModelError, match="reads 3 times"):
        cleaner.predict(make_frames(stores, minutes=[0]).inputs(TIMES[2]))
    with pytest.raises(ModelError, match="atlas 'none'"):
        cleaner.predict(make_frames(stores, "channel").inputs(TIMES[2]))
    with pytest.raises(ModelError, match="no atlas is given"):
        RadarFrames(stores.labels, stores.aligned, MINUTES, None, "mask")
