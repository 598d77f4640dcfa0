"""Section `training`: the network, its optimization, and how a training is run."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from annotated_types import MinLen
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind
from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Period, Seed, Share, ShareAbove0, Text, Unique


def _as_tuple(value: Any) -> Any:
    """Return a list as a tuple: after `_gather_options` a list is refused by strict validation."""
    return tuple(value) if isinstance(value, list) else value


def _check_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"{pattern!r} is not a regular expression ({error}); write, for example, first or downs[.]0"
        ) from None
    return pattern


Expression = Annotated[Text, AfterValidator(_check_expression)]


class Network(Section):
    """Which network is trained. Other keys are options of that network."""

    name: Text = Field(
        "tiny_unet", description="Name of the network; `radar-cleaner list-models` lists all and their options."
    )
    code: Text | None = Field(
        None,
        description="Python file of a network of your own, which it registers under `model.name`. Copy"
        " `docs/model_template.py` to begin.",
    )
    start_from: Text | None = Field(
        None,
        description="`pretrained` or the path of a model file. Weights that fit are copied from that model.",
    )
    freeze: Annotated[tuple[Expression, ...], BeforeValidator(_as_tuple), *Unique] = Field(
        (),
        description="Regular expressions. Weights whose names begin with a match are not trained, for example"
        " `[first, downs]`.",
    )
    pad_mode: Literal["reflect", "replicate", "constant"] = Field(
        "reflect", description="How frames are padded whose size the network cannot halve."
    )

    # JSON text: one value for the command line. In a config file these are keys of `training.model`.
    options: SkipJsonSchema[str] = "{}"

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, values: Any) -> Any:
        """Move unknown keys into `options`."""
        if not isinstance(values, dict):
            return values
        known = {key: value for key, value in values.items() if key in cls.model_fields}
        options = {key: value for key, value in values.items() if key not in cls.model_fields}
        return known | ({"options": json.dumps(options, sort_keys=True)} if options else {})


class Schedule(Section):
    """How the learning rate changes during a training."""

    name: Literal["cosine", "one_cycle", "plateau"] = Field(
        "cosine",
        description="`cosine` rises linearly and falls along half a cosine. `one_cycle` starts at 1/25 of the"
        " rate, for few epochs at a high rate. `plateau` lowers the rate when the validation loss no longer"
        " falls.",
    )
    warmup: Share = Field(
        0.05, description="Share of the steps in which the rate rises; 0.3 is usual for `one_cycle`."
    )
    last: ShareAbove0 = Field(
        0.01, description="For `cosine` and `one_cycle`: share of the learning rate that is left at the end."
    )
    plateau_patience: int = Field(
        2, ge=0, description="For `plateau`: epochs without a lower validation loss before the rate is lowered."
    )
    plateau_factor: ShareAbove0 = Field(0.5, description="For `plateau`: factor by which the rate is multiplied.")


class Averaging(Section):
    """Averages of the weights over steps or epochs."""

    ema: float = Field(
        0,
        ge=0,
        le=0.999999,
        description="Decay per step of an exponential moving average of the weights, for example 0.99; 0"
        " switches it off.",
    )
    swa: Share = Field(
        0,
        description="Share of the epochs, at the end, whose weights are averaged, for example 0.25; 0"
        " switches it off. Only with `cosine`.",
    )
    swa_rate: ShareAbove0 = Field(0.05, description="Share of the learning rate that is kept in those epochs.")


class Loss(Section):
    """Weights of the terms of the training loss."""

    focal_gamma: float = Field(
        0, ge=0, description="Focusing parameter of the binary cross-entropy of the mask (2 is usual); 0 is plain."
    )
    dice: float = Field(0, ge=0, description="Weight of the Dice loss of the mask.")
    other_echo: float = Field(
        20,
        ge=0,
        le=1000,
        description="Weight of a pixel of non-meteorological echo, relative to meteorological echo. A larger"
        " value removes more and retains less at the same `cleaning.threshold`.",
    )
    reflectivity: float = Field(1, ge=0, description="Weight of the smooth L1 loss of the reflectivity.")
    inpainting: float = Field(0.5, ge=0, description="Weight of the L1 loss in inpainting masks.")
    forecast: float = Field(
        1,
        ge=0,
        description="Weight of the forecasts: the mean over lead times of the mask losses and of"
        " `loss.reflectivity` times the reflectivity loss.",
    )
    label_smoothing: float = Field(
        0,
        ge=0,
        le=0.5,
        description="The targets of the mask are moved by half of this from 0 and 1; 0.05 or 0.1 where labels"
        " are often wrong.",
    )


class Holes(Section):
    """Inpainting masks: parts of the input that are hidden and that the network learns to fill."""

    fraction: Share = Field(0.5, description="Share of the samples with an inpainting mask; 0 switches them off.")
    shapes: Annotated[tuple[Literal["blocks", "pixels", "sectors"], ...], MinLen(1), *Unique] = Field(
        ("blocks",),
        description="Shapes of the masks; each sample has one. `blocks` resemble an overlay, `sectors` a"
        " blocked beam or a lost packet, `pixels` speckle.",
    )
    size_px: int = Field(24, ge=1, description="For `blocks`: largest side in pixels.")
    pixels: ShareAbove0 = Field(0.3, description="For `pixels`: largest share of a crop that is hidden.")
    sector_degrees: float = Field(15, gt=0, le=360, description="For `sectors`: largest width in degrees.")


class Plants(Section):
    """Artefact injection: artefacts painted into crops. They are non-meteorological, whatever the labels are."""

    fraction: Share = Field(0.25, description="Share of the crops with injected artefacts; 0 switches it off.")
    kinds: Annotated[tuple[ArtefactKind, ...], MinLen(1), *Unique] = Field(
        ARTEFACT_KINDS, description="Kinds of artefacts; the page on artefact injection explains them."
    )
    ranges: Text | None = Field(
        None,
        description="YAML file with the weight of each kind and the range `[low, high]` of each of its"
        " parameters. By default the workflow's `config/plants.yaml`.",
    )


class Redraw(Section):
    """Crops drawn with the colours of another service, so that the network learns no palette by heart."""

    fraction: Share = Field(
        0, description="Share of the crops whose echo is drawn again with a palette that is drawn for each."
    )
    shift_db: float = Field(
        3, ge=0, le=20, description="Largest shift of the reflectivity of a crop that is drawn again, in dB."
    )


class Fast(Section):
    """Whether a run only shows that everything works."""

    fast_dev_run: bool = Field(
        False,
        description="Train on two batches and score two samples: a test of about a minute. The model is useless.",
    )


class Running(Section):
    """How a training is run. These keys change no result but for rounding, and rerun nothing."""

    micro_batch_size: int = Field(
        0,
        ge=0,
        description="Crops that a process computes at once; 0 is all of its share. Lower it if memory is"
        " short: the global batch stays the same.",
    )
    on_out_of_memory: Literal["halve", "stop"] = Field(
        "halve", description="`halve` the micro-batch and continue, or `stop`."
    )
    checkpoint_minutes: float = Field(
        10, gt=0, description="Minutes between two checkpoints within an epoch. Each epoch ends with one, too."
    )
    tracker: Literal["none", "tensorboard", "wandb", "mlflow"] = Field(
        "none", description="Experiment tracker: `tensorboard`, `wandb` (offline) or `mlflow` (a local file)."
    )


class Learning(Fast):
    """All keys that determine the weights of a model."""

    model: Network = Network()
    epochs: int = Field(12, ge=1, description="Number of passes over all samples.")
    early_stopping: int = Field(
        0,
        ge=0,
        description="Stop after this number of epochs without a lower validation loss, but not before"
        " `averaging.swa` has begun; 0 is never.",
    )
    global_batch_size: int = Field(8, ge=1, description="Crops per step, divided among the processes.")
    crop_px: int = Field(
        128,
        ge=16,
        description="Side of a crop in pixels; a multiple of 2 to the power of the network's depth.",
    )
    crops_per_sample: int = Field(2, ge=1, description="Crops of each sample per epoch.")
    sampling: Literal["frames", "radars"] = Field(
        "frames",
        description="`frames` reads each sample equally often. `radars` draws the radar of each crop first, all"
        " equally likely, then one of its samples, so that a radar with many frames does not rule.",
    )
    learning_rate: Annotated[float, Field(gt=0)] | Literal["find"] = Field(
        0.006,
        description="Highest learning rate, or `find`: 80 steps before the training search for it"
        " (`model/rates.png`).",
    )
    schedule: Schedule = Schedule()
    weight_decay: float = Field(0.01, ge=0, description="Weight decay of AdamW; biases and norms have none.")
    clip_norm: float = Field(1.0, ge=0, description="Largest norm of a gradient; 0 switches clipping off.")
    averaging: Averaging = Averaging()
    precision: Literal["fp32", "mixed", "bf16", "fp16"] = Field(
        "fp32", description="Precision of a step. `mixed` is `bf16` if the device supports it, otherwise `fp16`."
    )
    compile: bool = Field(False, description="Compile the network with `torch.compile`, if that works.")
    channels_last: bool = Field(True, description="Memory layout of tensors; faster on most devices.")
    deterministic: bool = Field(
        True, description="Equal runs on an equal machine give bit-identical weights; slower on GPUs."
    )
    gradient_checkpointing: bool = Field(
        False, description="Recompute activations in the backward pass: less memory, more time."
    )
    seed: Seed = Field(1, description="Seed of all random draws.")
    flips: bool = Field(True, description="Augment with flips and quarter turns.")
    drop_neighbours: Share = Field(0.15, description="Rate at which a neighbour in time is hidden.")
    drop_others: Share = Field(0.25, description="Rate at which the other radars are hidden.")
    drop_range: Share = Field(
        0, description="Rate at which the place of the radar is unknown, as it is in a mosaic of many radars."
    )
    max_stride: int = Field(
        1,
        ge=1,
        le=8,
        description="Largest step in pixels between the pixels of a crop. All steps from 1 are equally likely: a"
        " crop then looks as if its pixels were as many times as large.",
    )
    prefer_echo: Share = Field(0.8, description="Rate at which a crop with echo is chosen.")
    input_noise_dbz: float = Field(
        0,
        ge=0,
        description="Standard deviation of noise on the input reflectivity, in dBZ; 1 or 2 for a model that"
        " cleans radars with other palettes.",
    )
    loss: Loss = Loss()
    holes: Holes = Holes()
    plants: Plants = Plants()
    redraw: Redraw = Redraw()
    mix_clutter: Share = Field(
        0,
        description="Share of the crops to which the non-meteorological echo of another crop, of any radar, is"
        " added. What is stronger at a pixel decides its class.",
    )


class Training(Running, Learning):
    """How a model is trained."""

    period: Period | None = Field(
        None, description="Times for training and validation. It is required if a model is trained."
    )
    ensemble_seeds: Annotated[tuple[Seed, ...], *Unique] = Field(
        (),
        description="Seeds of further models that are trained alike, into `model/seed-N/`. `cleaning.model:"
        " trained` is then the ensemble of all.",
    )
