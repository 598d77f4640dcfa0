"""One sample is printed and drawn as the network sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from learning_cases import train_flags, train_here, write_stores
from PIL import Image

from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.stages.show_sample import show_sample


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a trained model."""
    path = tmp_path_factory.mktemp("run") / "results"
    train_here(train_flags(path, write_stores(path), epochs=1, hole_fraction=1.0, plant_fraction=1.0))
    return path


def test_it_tells_each_channel_and_target_and_draws_them(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_sample(results=results, index=3, output=tmp_path / "a.png")
    told = capsys.readouterr().out
    assert re.match(
        r"CAS\w\w at 2024-07-11T\d\d:\d\d:00Z: row 3 of \d+ in train.csv; 32 x 32 px from column 0", told
    )
    for name in ("own_reflectivity_-6", "others_availability_6", "azimuth_cos", "echo_frequency"):
        assert re.search(rf"^{name} +-?\d", told, re.MULTILINE)
    for name in ("mask", "weight", "reflectivity", "holes"):
        assert re.search(rf"^{name}: ", told, re.MULTILINE)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 800 and picture.height > picture.width


def test_a_model_says_which_channels_and_how_its_training_varied_them(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = results / "model/best.pt"
    for epoch, name in ((0, "a.png"), (0, "b.png"), (1, "c.png")):
        show_sample(results=results, index=0, model=model, epoch=epoch, output=tmp_path / name)
    told = capsys.readouterr().out
    assert "16 x 16 px" in told and "echo_frequency" not in told
    first, again, other = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again != other


def test_a_sample_is_found_by_its_time_and_radar(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (results / "samples/val.csv").read_text().splitlines()[1:]
    time, radar = rows[-1].split(",")
    show_sample(results=results, split="val", time=time, radar=radar, output=tmp_path / "a.png")
    assert capsys.readouterr().out.startswith(f"{radar} at {time}: row {len(rows) - 1} of {len(rows)} in val.csv")


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({"index": 900}, SampleError, r"--index 900: train\.csv has rows 0 to \d+"),
        ({"time": "2020-01-01"}, SampleError, r"no sample of any radar at 2020-01-01; it has \d+ of CASCM, CASGO"),
        ({"radar": "OTHER"}, SampleError, "no sample of OTHER at any time"),
        ({"time": "noon"}, ConfigError, "'noon' is no time"),
        ({"index": 1, "time": "2024-07-11"}, ConfigError, "both name a sample"),
        ({"epoch": 1}, ConfigError, "--epoch needs --model"),
    ],
)
def test_what_there_is_not_is_told(
    results: Path, tmp_path: Path, flags: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        show_sample(results=results, output=tmp_path / "a.png", **flags)  # type: ignore[arg-type]
    assert not (tmp_path / "a.png").exists()
