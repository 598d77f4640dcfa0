"""Print and draw one sample as the network sees it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.artefacts.inject import PlantOptions, read_planting
from radar_cleaner.datasets.augmentation import Augmentation, Draw, draw_crop, draw_validation
from radar_cleaner.datasets.batches import Batch, make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut
from radar_cleaner.datasets.frame_cache import Bank, RadarSources, Sample, open_bank, write_bank
from radar_cleaner.datasets.inpainting_masks import HoleOptions
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.models.files import load_model, read_model_provenance, read_weights
from radar_cleaner.models.registry import load_code
from radar_cleaner.plotting.samples import sample_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time, parse_time, shard_of
from radar_cleaner.targets.splits import read_samples
from radar_cleaner.training.settings import Schedule

Options = TypeVar("Options")

_HOLES = HoleOptions(1.0, ("blocks",), 24, 0.3, 15.0)  # of a sample that no training has varied
_MINUTES = (-6, 0, 6)  # seen where nothing says which
_MOST_BYTES = 10**9
_GRAINS = ("month", "day", "hour", "frame")


def show_sample(
    *,
    results: Path,
    split: Literal["train", "val", "test"] = "train",
    index: int | None = None,
    time: str | None = None,
    radar: str | None = None,
    model: Path | None = None,
    epoch: int | None = None,
    input_minutes: list[int] | None = None,
    code: Path | None = None,
    output: Path = Path("sample.png"),
) -> None:
    """Print and draw one sample: the channels that a network sees, what it should say, what is hidden from it.

    Parameters
    ----------
    results
        Folder of the run.
    split
        Table of samples: train, val or test.
    index
        Row of the table, from 0; without it and a time the first (of the radar, where that is given).
    time
        Time of the sample, as 2024-07-11T13:00Z.
    radar
        Radar of the sample, where several have this time; without it the first.
    model
        Model file whose channels are shown, and with `epoch` how its training varied the sample; without it that
        of the run, model/best.pt, if it has one.
    epoch
        Show the first crop that the training of `model` made of it in this epoch, from 0, with its turns, holes
        and plants; of training samples only. Plants take the nearest code that the sample's own frames hold, where
        the training knew those of all frames. Without it the whole frame, with the holes of a validation.
    input_minutes
        Minutes from the sample's time to the frames that are seen, rising and with 0, in place of a model: then
        there are the channels of these times and of the clutter atlas, and the helpers. Where there is no model
        either they are -6, 0 and 6.
    code
        Python file of a network of your own.
    output
        Picture to write.
    """
    load_code(code)
    rows = [Sample(*row) for row in read_samples(results / "samples" / f"{split}.csv")]
    place = _choose(rows, split, index, time, radar)
    sample, layout = rows[place], Layout(results)
    trained = None if epoch is None else _training_of(model, epoch, split)
    inputs = _inputs(layout, sample, model, input_minutes)
    guessed = model is None and input_minutes is None
    with tempfile.TemporaryDirectory() as folder:
        bank = _open_bank(Path(folder), layout, sample, inputs, guessed)
        if trained is None or epoch is None:
            draw, noise_dbz = draw_validation(bank, sample, _HOLES, inputs, 0, place), 0.0
        else:
            draw, noise_dbz = _draw_as_trained(bank, sample, place, inputs, trained, epoch)
        batch = make_batch(cut(bank, [sample], [draw], inputs), inputs, torch.device("cpu"), noise_dbz)
    channels = dict(zip(inputs.names, batch.channels[0].numpy(), strict=True))
    print(f"{sample}: row {place} of {len(rows)} in {split}.csv; {_describe(draw)}")
    for line in (*_tell_channels(channels), *_tell_targets(batch), *_tell_forecast(batch, inputs)):
        print(line)
    write_png(output, sample_figure(f"{sample} ({split})", channels, _targets(batch, inputs)))
    print(f"drawn in {output}")


def _choose(rows: list[Sample], split: str, index: int | None, time: str | None, radar: str | None) -> int:
    """The row that is asked for. Raises SampleError that says which there are."""
    if not rows:
        raise SampleError(f"{split}.csv holds no samples")
    if index is not None and time is not None:
        raise ConfigError("--index and --time both name a sample; give one of them")
    if index is not None and not -len(rows) <= index < len(rows):
        raise SampleError(f"--index {index}: {split}.csv has rows 0 to {len(rows) - 1}")
    if time is None:
        found = [place for place, row in enumerate(rows) if radar in (None, row.radar)]
        if index is not None and radar not in (None, rows[index].radar):
            raise ConfigError(
                f"--index {index} is a sample of {rows[index].radar}, not of --radar {radar}; leave one of the two"
                " out"
            )
        if index is not None:
            return index % len(rows)
    else:
        wanted = parse_time(time)
        found = [place for place, row in enumerate(rows) if row.time == wanted and radar in (None, row.radar)]
    if not found:
        first, last = format_time(min(row.time for row in rows)), format_time(max(row.time for row in rows))
        radars = ", ".join(sorted({row.radar for row in rows}))
        raise SampleError(
            f"{split}.csv has no sample of {radar or 'any radar'} at {time or 'any time'}; it has {len(rows)} of"
            f" {radars}, from {first} to {last}"
        )
    return found[0]


def _inputs(layout: Layout, sample: Sample, model: Path | None, minutes: list[int] | None) -> Inputs:
    """What is seen: by a model, at times that are given, by the run's own model, or else what is usual.

    Raises ConfigError where that contradicts itself.
    """
    if model is not None and minutes is not None:
        raise ConfigError(f"--input-minutes {minutes}: --model says which frames it sees; give one of them")
    if minutes is not None and (0 not in minutes or minutes != sorted(set(minutes))):
        raise ConfigError(f"--input-minutes {minutes}: must rise and hold 0, the sample's own frame, as -6 0 6")
    if model is not None:
        return load_model(model)[0].inputs
    own = layout.results / "model" / "best.pt"
    if minutes is None and own.is_file():
        return read_weights(own)[0].inputs  # builds no network, which may be in a file of the user's
    atlas: Literal["channel", "none"] = "channel" if layout.atlas(sample.radar).is_dir() else "none"
    return Inputs(tuple(minutes or _MINUTES), atlas, "max")


def _open_bank(folder: Path, layout: Layout, sample: Sample, inputs: Inputs, guessed: bool) -> Bank:
    """A bank of one sample, in a folder. Raises SampleError where a frame that is seen is not there."""
    seen = sorted({0, *inputs.input_minutes})
    try:
        sources = {sample.radar: _sources(layout, sample, inputs)}
        write_bank(folder, sources, [sample], seen, inputs, _MOST_BYTES)
    except SampleError as error:
        if not guessed:
            raise
        raise SampleError(
            f"{error}. Frames were looked for at {list(inputs.input_minutes)} minutes; where the run reads others,"
            " give --input-minutes or --model"
        ) from None
    return open_bank(folder)


def _sources(layout: Layout, sample: Sample, inputs: Inputs) -> RadarSources:
    """The stores that hold the sample's times, whatever a shard is in this run."""
    times = [sample.time + 60 * minute for minute in (0, *inputs.input_minutes, *inputs.ahead)]
    shards = sorted({shard_of(time, grain) for time in times for grain in _GRAINS})
    there = [shard for shard in shards if layout.labels(sample.radar, shard).is_dir()]
    if not there:
        raise SampleError(f"{sample}: there is no labels store of {shards}; run snakemake to make it")
    fields = inputs.time_of_day or inputs.coordinates or inputs.static
    return RadarSources(
        [layout.reflectivity(sample.radar, shard) for shard in there],
        [layout.aligned(sample.radar, shard) for shard in there],
        [layout.labels(sample.radar, shard) for shard in there],
        layout.atlas(sample.radar) if inputs.atlas != "none" else None,
        layout.static(sample.radar) if fields else None,
    )


def _training_of(model: Path | None, epoch: int, split: str) -> Mapping[str, Any]:
    """The parameters of a model's training, which has such an epoch of such samples. Raises ConfigError."""
    if model is None:
        raise ConfigError("--epoch needs --model, whose training varied the sample")
    if split != "train":
        raise ConfigError(f"--epoch {epoch} with --split {split}: only --split train is what it varied")
    told: Mapping[str, Any] = read_model_provenance(model)["parameters"]
    epochs = _part(Schedule, told).last_epoch
    if not 0 <= epoch < epochs:
        raise ConfigError(f"--epoch {epoch}: the training of {model} has the epochs 0 to {epochs - 1}")
    return told


def _draw_as_trained(
    bank: Bank, sample: Sample, place: int, inputs: Inputs, told: Mapping[str, Any], epoch: int
) -> tuple[Draw, float]:
    """The sample's first crop of an epoch of the training with these parameters, and its noise in dBZ."""
    how, holes = _part(Augmentation, told), _part(HoleOptions, told)
    planting = read_planting(_part(PlantOptions, told))
    item = place * told["crops_per_sample"]
    draw = draw_crop(bank, sample, how, holes, inputs, told["seed"], epoch, item, planting)
    return draw, how.input_noise_dbz


def _part(kind: type[Options], told: Mapping[str, Any]) -> Options:
    """One part of a training's options, of the parameters in a model's provenance."""
    values = {field.name: told[field.name] for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: Path(value) if name.endswith("_ranges") else value for name, value in values.items()})


def _describe(draw: Draw) -> str:
    turned = ", flipped" * draw.flip + f", turned by {90 * draw.turns} degrees" * bool(draw.turns)
    plants = ", ".join(sorted({plant.kind for plant in draw.plants}))
    size = f"{draw.shape[1]} x {draw.shape[0]} px from column {draw.left}, row {draw.top}{turned}"
    return f"{size}; {len(draw.holes)} holes" + f"; planted: {plants}" * bool(plants)


def _tell_channels(channels: Mapping[str, Any]) -> list[str]:
    width = max(map(len, channels))
    head = f"{'channel':<{width}}    least     mean     most  share above 0"
    return [head] + [
        f"{name:<{width}} {plane.min():8.3f} {plane.mean():8.3f} {plane.max():8.3f} {(plane > 0).mean():14.1%}"
        for name, plane in channels.items()
    ]


def _tell_targets(batch: Batch) -> list[str]:
    weight, mask, hole = batch.weight[0], batch.mask[0] > 0.5, batch.hole[0]
    counted = weight > 0
    dbz = unscale_dbz(batch.reflectivity[0])[batch.reflectivity_weight[0] > 0]
    least, mean, most = (float(x) for x in (dbz.min(), dbz.mean(), dbz.max())) if dbz.numel() else (np.nan,) * 3
    weather, other, planted, unknown = (
        int(part.sum())
        for part in (counted & mask, counted & ~mask, batch.planted[0], batch.own_echo[0] & ~counted)
    )
    return [
        f"mask: {weather:,} px meteorological, {other:,} other ({planted:,} planted), {unknown:,} not judged",
        f"weight: mean {float(weight[counted].mean()) if counted.any() else 0:.2f} where it counts",
        f"reflectivity: {least:.1f} to {most:.1f} dBZ, mean {mean:.1f} dBZ, on {dbz.numel():,} px",
        f"holes: {int(hole.sum()):,} px hidden",
    ]


def _tell_forecast(batch: Batch, inputs: Inputs) -> list[str]:
    told = []
    for minutes, mask, weight, dbz in _by_lead(batch, inputs):
        rain, known = int((weight * mask > 0).sum()), int((weight > 0).sum())
        seen = dbz[torch.isfinite(dbz)]
        mean = f", mean {float(seen.mean()):.1f} dBZ" if seen.numel() else ""
        told.append(f"in {minutes} min: {rain:,} px rain{mean}, of {known:,} px that are known")
    return told


def _by_lead(batch: Batch, inputs: Inputs) -> list[tuple[int, Tensor, Tensor, Tensor]]:
    """Minutes ahead, mask, weight and dBZ, NaN where that does not count, of each lead above 0."""
    if batch.forecast is None:
        return []
    found = batch.forecast
    dbz = unscale_dbz(found.reflectivity[0]).masked_fill(found.reflectivity_weight[0] <= 0, np.nan)
    return list(zip(inputs.ahead, found.mask[0], found.weight[0], dbz, strict=True))


def _targets(batch: Batch, inputs: Inputs) -> dict[str, Any]:
    weight, echo = batch.weight[0], batch.own_echo[0]
    mask = torch.where(batch.mask[0] > 0.5, 1, 2) * (echo & (weight > 0))
    dbz = unscale_dbz(batch.reflectivity[0]).masked_fill(batch.reflectivity_weight[0] <= 0, np.nan)
    ahead = {}
    for minutes, mask_ahead, weight_ahead, dbz_ahead in _by_lead(batch, inputs):
        ahead[f"rain in {minutes} min"] = mask_ahead.masked_fill(weight_ahead <= 0, np.nan).numpy()
        ahead[f"reflectivity in {minutes} min, dBZ"] = dbz_ahead.numpy()
    return {
        "mask": mask.masked_fill(batch.planted[0], 3).numpy(),
        "weight": weight.numpy(),
        "reflectivity, dBZ": dbz.numpy(),
        "hole": batch.hole[0].numpy(),
        **ahead,
    }
