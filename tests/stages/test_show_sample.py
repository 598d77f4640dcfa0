"""One sample is printed and drawn as the network sees it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import learning_cases as cases
import numpy as np
import pytest
import store_cases
import torch
from learning_cases import train_flags, train_here, write_stores
from PIL import Image

from radar_cleaner.conventions import METEOROLOGICAL, UNKNOWN, decode_dbz
from radar_cleaner.datasets.batches import Batch, make_batch
from radar_cleaner.datasets.frame_cache import RadarSources, open_frame_cache, write_frame_cache
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.models.files import read_model_provenance, read_weights, save_model
from radar_cleaner.stages import show_sample as stage
from radar_cleaner.stages.show_sample import show_sample
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time
from radar_cleaner.targets.splits import Sample, read_samples
from radar_cleaner.training.step import CropDataset

NOISE_DBZ = 2.0
TIMES = store_cases.times_from(count=12)  # of `write_stores`: from 00:00 to 01:06
LATE = Sample(TIMES[9], "CASGO")  # at 00:54: what is ahead of it is of the next hour
DAY, HOURS = "20240711", ("20240711T00", "20240711T01")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a trained model."""
    path = tmp_path_factory.mktemp("run") / "results"
    varied = {"crops_per_sample": 2, "input_noise_dbz": NOISE_DBZ, "hole_fraction": 1.0, "plant_fraction": 1.0}
    train_here(train_flags(path, write_stores(path), epochs=2, **varied))
    return path


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a model; its test samples are the first two frames, the first without one before it."""
    path = tmp_path_factory.mktemp("untrained") / "results"
    write_stores(path)
    rows = [f"{format_time(time)},CASGO" for time in TIMES[:2]]
    (path / "samples/test.csv").write_text("\n".join(["time,radar", *rows, ""]))
    return path


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose model forecasts 6 and 12 minutes ahead, from two frames."""
    path = tmp_path_factory.mktemp("forecasts") / "results"
    leads = {"input_minutes": [-6, 0], "lead_minutes": [0, 6, 12]}
    train_here(train_flags(path, write_stores(path), epochs=1, **leads))
    return path


@pytest.fixture(autouse=True)
def _numbers_for_a_picture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the numbers of a figure instead of drawing it, because drawing is slow. Some tests draw it."""
    if "drawn" not in request.node.name and "draws" not in request.node.name:
        monkeypatch.setattr(stage, "sample_figure", lambda _title, *panels: repr(panels).encode())


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return a function that runs the subcommand and returns the channels and targets of its figure by name."""

    def call(**flags: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        drawn: list[Any] = []

        def draw(_title: str, *panels: Mapping[str, Any]) -> bytes:
            drawn.extend(panels)
            return b""

        monkeypatch.setattr(stage, "sample_figure", draw)
        show_sample(**flags)
        channels, targets = drawn
        return channels, targets

    return call


def change_model(file: Path, to: Path, **config: Any) -> Path:
    """A copy of a model file with another config."""
    old, weights = read_weights(file)
    to.parent.mkdir(parents=True, exist_ok=True)
    save_model(to, dataclasses.replace(old, **config), weights, read_model_provenance(file))
    return to


def test_it_describes_each_channel_and_target_and_draws_them(
    untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_sample(results=untrained, index=3, output=tmp_path / "a.png")
    printed = capsys.readouterr().out
    assert re.match(
        r"CAS\w\w at 2024-07-11T\d\d:\d\d:00Z: row 3 of \d+ in train.csv; 32 x 32 px from column 0", printed
    )
    for name in ("own_reflectivity_-6", "others_availability_6", "azimuth_cos", "echo_frequency"):
        assert re.search(rf"^{name} +-?\d", printed, re.MULTILINE)
    for name in ("mask", "weight", "reflectivity", "hidden"):
        assert re.search(rf"^{name}: ", printed, re.MULTILINE)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 800 and picture.height > picture.width


def test_a_model_decides_which_channels_are_shown_and_how_they_are_augmented(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = results / "model/best.pt"
    for epoch, name in ((0, "a.png"), (0, "b.png"), (1, "c.png")):
        show_sample(results=results, index=0, model=model, epoch=epoch, output=tmp_path / name)
    printed = capsys.readouterr().out
    assert "16 x 16 px" in printed and "echo_frequency" not in printed
    first, again, other = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again != other


def trained_batch(results: Path, folder: Path, item: int, epoch: int) -> Batch:
    """Return the training batch of `results` for an item of an epoch, in a cache of no other sample's frames."""
    samples = read_samples(results / "samples/train.csv")
    layout, inputs = Layout(results), cases.inputs()
    sample = samples[item // 2]
    stores = ([find(sample.radar, DAY)] for find in (layout.reflectivity, layout.aligned, layout.labels))
    write_frame_cache(folder, {sample.radar: RadarSources(*stores)}, [sample], inputs, 10**9)
    training = cases.training(
        cases.augmentation(
            flips=True, drop_neighbours=0.2, drop_others=0.2, prefer_echo=0.8, input_noise_dbz=NOISE_DBZ
        ),
        holes=cases.holes(hole_fraction=1.0),
        injection=cases.injection(1.0),
        crops_per_sample=2,
    )
    raw = CropDataset(training, open_frame_cache(folder), samples).batch([item], epoch)
    return make_batch(raw, inputs, torch.device("cpu"), NOISE_DBZ)


@pytest.mark.parametrize(("place", "epoch"), [(0, 0), (5, 0), (5, 1)])
def test_with_an_epoch_it_shows_what_the_training_saw(
    results: Path, tmp_path: Path, shown: Callable[..., Any], place: int, epoch: int
) -> None:
    output = tmp_path / "a.png"
    channels, targets = shown(
        results=results, index=place, model=results / "model/best.pt", epoch=epoch, output=output
    )
    batch = trained_batch(results, tmp_path / "cache", 2 * place, epoch)
    np.testing.assert_array_equal(np.stack(list(channels.values())), batch.channels[0])
    np.testing.assert_array_equal(targets["hidden"], batch.hidden[0])
    np.testing.assert_array_equal(targets["weight"], batch.weight[0])
    np.testing.assert_array_equal(targets["mask"] == 3, batch.injected[0])


def test_a_sample_is_found_by_its_time_and_radar(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (results / "samples/val.csv").read_text().splitlines()[1:]
    time, radar = rows[-1].split(",")
    show_sample(results=results, split="val", time=time, radar=radar, output=tmp_path / "a.png")
    assert capsys.readouterr().out.startswith(f"{radar} at {time}: row {len(rows) - 1} of {len(rows)} in val.csv")


def test_a_row_may_be_named_with_its_own_radar(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_samples(results / "samples/train.csv")
    show_sample(results=results, index=3, radar=rows[3][1], output=tmp_path / "a.png")
    assert f"{rows[3][1]} at " in capsys.readouterr().out


def test_without_a_model_the_runs_own_decides_what_is_shown(
    forecasts: Path, tmp_path: Path, shown: Callable[..., Any]
) -> None:
    channels, targets = shown(results=forecasts, output=tmp_path / "a.png")
    times = {name for name in channels if name.startswith("own_reflectivity")}
    assert times == {"own_reflectivity_-6", "own_reflectivity_0"} and "rain in 12 min" in targets
    channels, targets = shown(results=forecasts, input_minutes=[-6, 0, 6], output=tmp_path / "a.png")
    assert "own_reflectivity_6" in channels and "rain in 12 min" not in targets


def test_the_runs_own_model_may_be_a_network_that_is_not_known_here(
    untrained: Path, results: Path, tmp_path: Path, shown: Callable[..., Any]
) -> None:
    for part in ("samples", "reflectivity", "aligned", "labels"):
        (tmp_path / part).symlink_to(untrained / part)
    past = cases.inputs(input_minutes=(-12, -6))
    change_model(results / "model/best.pt", tmp_path / "model/best.pt", model="mine", inputs=past)
    channels, targets = shown(results=tmp_path, index=-1, output=tmp_path / "a.png")
    assert "own_reflectivity_-12" in channels and "own_reflectivity_0" not in channels
    assert (targets["mask"] == 1).any()  # of the sample's time, which is not an input


def test_a_missing_frame_is_named_with_the_remedy(untrained: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    with pytest.raises(SampleError, match=r"were \[-6, 0, 6\] minutes; .* give --input-minutes or --model"):
        show_sample(results=untrained, split="test", output=output)
    show_sample(results=untrained, split="test", input_minutes=[0, 6], output=output)
    with pytest.raises(SampleError) as printed:
        show_sample(results=untrained, split="test", input_minutes=[-6, 0], output=output)
    assert "2024-07-10T23:54:00Z" in str(printed.value) and "--input-minutes" not in str(printed.value)


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({"index": 900}, SampleError, r"--index 900: train\.csv has the rows 0 to \d+"),
        ({"time": "2020-01-01"}, SampleError, r"no sample of any radar at 2020-01-01; it has \d+ of CASCM, CASGO"),
        ({"radar": "OTHER"}, SampleError, "no sample of OTHER at any time"),
        ({"time": "noon"}, ConfigError, "'noon' is not a time"),
        ({"index": 1, "time": "2024-07-11"}, ConfigError, "both select a sample"),
        ({"index": 1, "radar": "CASCM"}, ConfigError, "--index 1 is a sample of CASGO, not of --radar CASCM"),
        ({"epoch": 1}, ConfigError, "--epoch needs --model"),
        ({"epoch": 1, "split": "val", "model": "best.pt"}, ConfigError, "--epoch 1 with --split val: .* train"),
        ({"epoch": 2, "model": "best.pt"}, ConfigError, r"--epoch 2: .*best\.pt has the epochs 0 to 1"),
        ({"epoch": -1, "model": "best.pt"}, ConfigError, r"--epoch -1: .*best\.pt has the epochs 0 to 1"),
        ({"input_minutes": [-6, 6]}, ConfigError, r"--input-minutes \[-6, 6\]: must rise and contain 0"),
        ({"input_minutes": [0, -6]}, ConfigError, r"--input-minutes \[0, -6\]: must rise"),
        ({"input_minutes": [0, 0]}, ConfigError, r"--input-minutes \[0, 0\]: must rise"),
        ({"input_minutes": [0], "model": "best.pt"}, ConfigError, "--model has its own input times"),
    ],
)
def test_impossible_flags_are_refused(
    results: Path, tmp_path: Path, flags: dict[str, Any], error: type[Exception], message: str
) -> None:
    if "model" in flags:
        flags = flags | {"model": results / "model" / flags["model"]}
    with pytest.raises(error, match=message):
        show_sample(results=results, output=tmp_path / "a.png", **flags)
    assert not (tmp_path / "a.png").exists()


def lead_lines(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("in ")]


def wanted_line(minutes: int, time: int, *, echo: bool = True) -> str:
    """Return the expected text of CASGO's frame of a time, whose echoes may be unseen."""
    own, _, classes, _ = cases.storm(TIMES.index(time) // 3, (32, 32))
    rain = classes == METEOROLOGICAL
    mean = f", mean {decode_dbz(own)[rain].mean():.1f} dBZ" if echo else ""
    return f"in {minutes} min: {rain.sum():,} px rain{mean}, of {(classes != UNKNOWN).sum():,} px of known class"


def in_hours(results: Path, folder: Path, *, echo_ahead: bool = True) -> Path:
    """The run `results` with CASGO's stores an hour each; without `echo_ahead` the second hour shows no echo."""
    layout = Layout(folder)
    for part in ("samples", "model"):
        (folder / part).symlink_to(results / part)
    frames = np.stack([cases.storm(index // 3, (32, 32)) for index in range(len(TIMES))])
    for shard, part in zip(HOURS, (slice(0, 10), slice(10, None)), strict=True):
        own, others, classes, confidence = frames[part].transpose(1, 0, 2, 3)
        codes = own if echo_ahead or shard == HOURS[0] else np.zeros_like(own)
        store_cases.make_reflectivity(layout.reflectivity("CASGO", shard), "CASGO", TIMES[part], codes)
        store_cases.make_aligned(layout.aligned("CASGO", shard), "CASGO", TIMES[part], others)
        store_cases.make_labels(layout.labels("CASGO", shard), "CASGO", TIMES[part], classes, confidence)
    return folder


def late(results: Path, output: Path, sample: Sample = LATE) -> dict[str, Any]:
    """Flags that show a validation sample."""
    time = format_time(sample.time)
    return {"results": results, "split": "val", "time": time, "radar": sample.radar, "output": output}


def test_observed_rain_is_described_and_drawn_for_each_lead_time(
    forecasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], shown: Callable[..., Any]
) -> None:
    show_sample(**late(forecasts, tmp_path / "a.png"))
    printed = lead_lines(capsys.readouterr().out)
    assert printed == [wanted_line(6, TIMES[10]), wanted_line(12, TIMES[11])]
    show_sample(**late(forecasts, tmp_path / "b.png"), input_minutes=[-6, 0])
    assert not lead_lines(capsys.readouterr().out)
    heights = [Image.open(tmp_path / name).height for name in ("a.png", "b.png")]
    assert heights[0] > heights[1]
    _, targets = shown(**late(forecasts, tmp_path / "c.png"))
    own, _, classes, _ = cases.storm(10 // 3, (32, 32))
    rain = classes == METEOROLOGICAL
    np.testing.assert_array_equal(targets["rain in 6 min"], np.where(classes == UNKNOWN, np.nan, rain))
    dbz = np.where(rain, decode_dbz(own), np.nan)
    np.testing.assert_allclose(targets["reflectivity in 6 min, dBZ"], dbz, atol=1e-4)


def test_the_frame_ahead_may_be_in_the_next_shard(
    forecasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_sample(**late(in_hours(forecasts, tmp_path), tmp_path / "a.png"))
    assert lead_lines(capsys.readouterr().out) == [wanted_line(6, TIMES[10]), wanted_line(12, TIMES[11])]


@pytest.mark.filterwarnings("error")
def test_of_a_frame_ahead_that_is_missing_nothing_is_known(
    forecasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_sample(**late(forecasts, tmp_path / "a.png", Sample(TIMES[10], "CASGO")))
    nothing = "in 12 min: 0 px rain, of 0 px of known class"
    assert lead_lines(capsys.readouterr().out) == [wanted_line(6, TIMES[11]), nothing]
    assert (tmp_path / "a.png").is_file()


@pytest.mark.filterwarnings("error")
def test_rain_without_an_echo_of_the_radar_has_no_mean(
    forecasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_sample(**late(in_hours(forecasts, tmp_path, echo_ahead=False), tmp_path / "a.png"))
    printed = lead_lines(capsys.readouterr().out)
    assert printed == [wanted_line(6, TIMES[10], echo=False), wanted_line(12, TIMES[11], echo=False)]
