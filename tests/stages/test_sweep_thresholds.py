"""The sweep scores the frames with a mask in the evaluation's shards, each filter with its best setting."""

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from learning_cases import config
from store_cases import make_aligned, make_atlas, make_labels, make_reflectivity, pattern_codes, times_from

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.evaluation.removal import load_removals
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.inference import ensemble
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.stages.sweep_thresholds import sweep_thresholds
from radar_cleaner.storage.paths import Layout

SHARDS = ("20240711T00", "20240711T01")
TIMES = times_from(count=4)


class FakePredictor:
    """Gives strong echo a higher probability."""

    config, digest = config(), "sha256:fake"

    def inputs_for(self, minutes):
        return self.config.inputs

    def threshold(self, strength):
        return None

    def check_atlas(self, atlas):
        assert atlas == self.config.inputs.atlas

    def predict(self, inputs, tta):
        dbz = np.nan_to_num(decode_dbz(inputs.this_radar[1]), nan=-32)
        return Prediction((1 / (1 + np.exp(-(dbz - 30) / 10))).astype(np.float32), dbz.astype(np.float32))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two shards of a radar; in the first, echo of at least 40 dBZ is meteorological."""
    monkeypatch.setattr(ensemble, "load_predictor", lambda *_: FakePredictor())
    layout = Layout(tmp_path / "results")
    for shard, times in zip(SHARDS, (TIMES, [time + 3600 for time in TIMES]), strict=True):
        make_reflectivity(layout.reflectivity("CASGO", shard), "CASGO", times)
        make_aligned(layout.aligned("CASGO", shard), "CASGO", times)
        make_labels(layout.labels("CASGO", shard), "CASGO", times)
        for time in times:
            codes = pattern_codes("CASGO", time)
            classes = np.where(decode_dbz(codes) >= 40, METEOROLOGICAL, NON_METEOROLOGICAL)
            path = tmp_path / f"masks/CASGO/{pd.Timestamp(time, unit='s'):%Y%m%d%H%M}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            iio.imwrite(path, np.where(is_echo(codes), classes, 0).astype(np.uint8))
    make_atlas(layout.atlas("CASGO"), "CASGO", clutter=np.eye(48))
    return tmp_path


def test_cleaners_are_swept_over_the_frames_of_the_evaluation_alone(folder):
    source = {"folder": str(folder / "masks/CASGO"), "pattern": r"(\d{12})", "time_format": "%Y%m%d%H%M"}
    sweep_thresholds(
        results=folder / "results",
        stores=[f"CASGO={SHARDS[0]}..{SHARDS[1]}"],
        scored=[f"CASGO={SHARDS[0]}"],
        model=[folder / "best.pt"],
        inputs=ModelInputs(input_minutes=[-6, 0, 6]),
        decision=Decision(),
        evaluation=CleaningScores(cleaners=["model", "network", "weak_label", "despeckle_by_area"]),
        references=References(sources=[ReferenceSource(radar="CASGO", time_zone="UTC", **source)]),
        output=folder / "out",
    )
    parts = pd.read_csv(folder / "out/removal.csv").groupby("part")
    assert set(parts.groups) == {"whole", "certain"}
    table = parts.get_group("whole").set_index(["cleaner", "share"])
    assert len(table) == 4 * 4 and table.loc[("network", 0.95), "removed"] == 1  # it ranks as the mask decides
    assert table.loc[("weak label", 0.95), "removed"] == 0  # the made labels call every echo rain
    assert table.loc[("despeckle by area", 0.95), "setting"].startswith("over ")
    assert table["removed_low"].isna().all()  # one hour
    removals = load_removals(folder / "out/removal.npz")["CASGO"]
    assert list(removals) == ["model", "network", "weak label", "despeckle by area"]
    pixels = sum(is_echo(pattern_codes("CASGO", time)).sum() for time in TIMES)
    assert removals["network"].total.sum() == pixels
    certain = load_removals(folder / "out/removal_certain.npz")["CASGO"]
    assert list(certain) == list(removals)
    assert (certain["network"].total.sum(axis=0) <= removals["network"].total.sum(axis=0)).all()
    assert iio.imread(folder / "out/removal.png").shape[1] > 600
