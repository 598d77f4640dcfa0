"""View one sample: the channels that a network receives, its targets, and the pixels that are hidden."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from radar_cleaner.config import shipped
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.training import Holes, Learning
from radar_cleaner.datasets.artefacts.inject import read_injection
from radar_cleaner.datasets.augmentation import CropParams, CropSampler
from radar_cleaner.datasets.batches import Batch, make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.frame_cache import RadarSources, open_frame_cache, write_frame_cache
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.models.files import read_model_provenance, read_weights
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time, parse_time, shard_of
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.settings import last_epoch, read_learning

# The masks of a sample that no training has augmented.
_PLAIN = Learning(
    seed=0, holes=Holes(fraction=1.0, shapes=("blocks",), size_px=24, pixels=0.3, sector_degrees=15.0)
)
_MINUTES = (-6, 0, 6)  # the input times without a model
_MAX_BYTES = 10**9
_GRAINS = ("month", "day", "hour", "frame")


@dataclass(frozen=True)
class SampleView:
    """One sample as a batch of one, with the parameters of its crop."""

    inputs: Inputs
    params: CropParams
    batch: Batch

    @property
    def channels(self) -> dict[str, NDArray[np.float32]]:
        """Return the input channels by name."""
        return dict(zip(self.inputs.names, self.batch.channels[0].numpy(), strict=True))

    @property
    def targets(self) -> dict[str, Any]:
        """Return the targets by name: class, weight, reflectivity, hidden pixels, and the forecasts."""
        batch = self.batch
        weight, echo = batch.weight[0], batch.echo[0]
        mask = torch.where(batch.mask[0] > 0.5, 1, 2) * (echo & (weight > 0))
        dbz = unscale_dbz(batch.reflectivity[0]).masked_fill(batch.reflectivity_weight[0] <= 0, np.nan)
        targets = {
            "mask": mask.masked_fill(batch.injected[0], 3).numpy(),
            "weight": weight.numpy(),
            "reflectivity, dBZ": dbz.numpy(),
            "hidden": batch.hidden[0].numpy(),
        }
        for minutes, mask_ahead, weight_ahead, dbz_ahead in self._leads():
            targets[f"rain in {minutes} min"] = mask_ahead.masked_fill(weight_ahead <= 0, np.nan).numpy()
            targets[f"reflectivity in {minutes} min, dBZ"] = dbz_ahead.numpy()
        return targets

    def describe_crop(self) -> str:
        """Return the window, the flip and rotation, and the number of masks and artefacts."""
        params = self.params
        how = params.flip_rotation
        changed = ", flipped" * how.flip + f", rotated by {90 * how.quarter_turns} degrees" * bool(
            how.quarter_turns
        )
        window = f"{params.shape[1]} x {params.shape[0]} px from column {params.left}, row {params.top}"
        kinds = ", ".join(sorted({artefact.kind for artefact in params.artefacts}))
        artefacts = f"; artefacts: {kinds}" * bool(kinds)
        return f"{window}{changed}; {len(params.masks)} inpainting masks{artefacts}"

    def describe_channels(self) -> list[str]:
        """Return a table of the values of each channel."""
        width = max(map(len, self.channels))
        head = f"{'channel':<{width}}      min     mean      max  share above 0"
        return [head] + [
            f"{name:<{width}} {data.min():8.3f} {data.mean():8.3f} {data.max():8.3f} {(data > 0).mean():14.1%}"
            for name, data in self.channels.items()
        ]

    def describe_targets(self) -> list[str]:
        """Return the number of pixels of each target."""
        batch = self.batch
        weight, mask, hidden = batch.weight[0], batch.mask[0] > 0.5, batch.hidden[0]
        counted = weight > 0
        dbz = unscale_dbz(batch.reflectivity[0])[batch.reflectivity_weight[0] > 0]
        low, mean, high = (float(x) for x in (dbz.min(), dbz.mean(), dbz.max())) if dbz.numel() else (np.nan,) * 3
        rain, other, injected, unknown = (
            int(part.sum())
            for part in (counted & mask, counted & ~mask, batch.injected[0], batch.echo[0] & ~counted)
        )
        mean_weight = float(weight[counted].mean()) if counted.any() else 0
        lines = [
            f"mask: {rain:,} px meteorological, {other:,} other ({injected:,} injected), {unknown:,} unknown",
            f"weight: mean {mean_weight:.2f} where it is above 0",
            f"reflectivity: {low:.1f} to {high:.1f} dBZ, mean {mean:.1f} dBZ, on {dbz.numel():,} px",
            f"hidden: {int(hidden.sum()):,} px",
        ]
        for minutes, mask_ahead, weight_ahead, dbz_ahead in self._leads():
            wet, known = int((weight_ahead * mask_ahead > 0).sum()), int((weight_ahead > 0).sum())
            seen = dbz_ahead[torch.isfinite(dbz_ahead)]
            text = f", mean {float(seen.mean()):.1f} dBZ" if seen.numel() else ""
            lines.append(f"in {minutes} min: {wet:,} px rain{text}, of {known:,} px of known class")
        return lines

    def _leads(self) -> Iterator[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield lead time in minutes, mask, weight and dBZ (NaN where unknown), for each lead time above 0."""
        forecast = self.batch.forecast
        if forecast is None:
            return
        dbz = unscale_dbz(forecast.reflectivity[0]).masked_fill(forecast.reflectivity_weight[0] <= 0, np.nan)
        yield from zip(self.inputs.ahead, forecast.mask[0], forecast.weight[0], dbz, strict=True)


def choose_row(rows: Sequence[Sample], split: str, index: int | None, time: str | None, radar: str | None) -> int:
    """Return the requested row of a table. Raises SampleError with the rows that exist."""
    if not rows:
        raise SampleError(f"{split}.csv has no samples")
    if index is not None and time is not None:
        raise ConfigError("--index and --time both select a sample; give one of them")
    if index is not None and not -len(rows) <= index < len(rows):
        raise SampleError(f"--index {index}: {split}.csv has the rows 0 to {len(rows) - 1}")
    if index is not None:
        if radar not in (None, rows[index].radar):
            raise ConfigError(
                f"--index {index} is a sample of {rows[index].radar}, not of --radar {radar}; give one of them"
            )
        return index % len(rows)
    wanted = None if time is None else parse_time(time)
    matching = (
        row for row, sample in enumerate(rows) if wanted in (None, sample.time) and radar in (None, sample.radar)
    )
    row = next(matching, None)
    if row is None:
        first, last = format_time(min(row.time for row in rows)), format_time(max(row.time for row in rows))
        radars = ", ".join(sorted({row.radar for row in rows}))
        raise SampleError(
            f"{split}.csv has no sample of {radar or 'any radar'} at {time or 'any time'}; it has {len(rows)} of"
            f" {radars}, from {first} to {last}"
        )
    return row


def choose_inputs(layout: Layout, radar: str, model: Path | None, minutes: Sequence[int] | None) -> Inputs:
    """Return the inputs of a model, of given times, of the run's own model, or the usual ones.

    Raises ConfigError where the arguments contradict each other.
    """
    if model is not None and minutes is not None:
        raise ConfigError(f"--input-minutes {list(minutes)}: --model has its own input times; give one of them")
    if minutes is not None and (0 not in minutes or list(minutes) != sorted(set(minutes))):
        raise ConfigError(f"--input-minutes {list(minutes)}: must rise and contain 0, for example -6 0 6")
    own = layout.results / "model" / "best.pt"
    if model is not None or (minutes is None and own.is_file()):
        return read_weights(model or own)[0].inputs
    atlas: Literal["channel", "none"] = "channel" if layout.atlas(radar).is_dir() else "none"
    return Inputs(tuple(minutes or _MINUTES), atlas, "max")


def training_of(model: Path | None, epoch: int, split: str) -> Mapping[str, Any]:
    """Return the parameters of a model's training, which has this epoch. Raises ConfigError."""
    if model is None:
        raise ConfigError("--epoch needs --model, whose training augmented the sample")
    if split != "train":
        raise ConfigError(f"--epoch {epoch} with --split {split}: a training augments --split train only")
    parameters: Mapping[str, Any] = read_model_provenance(model)["parameters"]
    epochs = last_epoch(read_learning(parameters))
    if not 0 <= epoch < epochs:
        raise ConfigError(f"--epoch {epoch}: the training of {model} has the epochs 0 to {epochs - 1}")
    return parameters


def view_sample(
    layout: Layout,
    sample: Sample,
    row: int,
    inputs: Inputs,
    parameters: Mapping[str, Any] | None = None,
    epoch: int = 0,
) -> SampleView:
    """View a sample of a table's row as a whole frame, or, with `parameters`, as the training augmented it.

    The augmented sample is the first crop of the epoch. Raises SampleError where a frame is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_frame_cache(
            Path(folder), {sample.radar: _sources(layout, sample, inputs)}, [sample], inputs, _MAX_BYTES
        )
        cache = open_frame_cache(Path(folder))
        noise_dbz = 0.0
        if parameters is None:
            params = CropSampler(_PLAIN, inputs).validation(cache, sample, row)
        else:
            learning = read_learning(parameters)
            artefacts = read_injection(learning.plants, shipped.artefact_ranges(learning.plants))
            sampler = CropSampler(learning, inputs, artefacts)
            params = sampler.sample(cache, sample, epoch, row * learning.crops_per_sample)
            noise_dbz = learning.input_noise_dbz
        raw = cut_crops(cache, [sample], [params], inputs)
        return SampleView(inputs, params, make_batch(raw, inputs, torch.device("cpu"), noise_dbz))


def _sources(layout: Layout, sample: Sample, inputs: Inputs) -> RadarSources:
    """Return the stores with the sample's times, for every length of a shard."""
    times = [sample.time + 60 * minute for minute in (0, *inputs.input_minutes, *inputs.ahead)]
    shards = sorted({shard_of(time, grain) for time in times for grain in _GRAINS})
    existing = [shard for shard in shards if layout.labels(sample.radar, shard).is_dir()]
    if not existing:
        raise SampleError(f"{sample}: there is no labels store of {shards}; run snakemake to make it")
    return RadarSources.of(layout, sample.radar, existing, inputs)
