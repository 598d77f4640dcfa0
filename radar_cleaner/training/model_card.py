"""The model card: what a model was made from and how well it did, as Markdown that equal runs write alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from radar_cleaner.datasets.frame_cache import Sample
from radar_cleaner.models.summary import ModelSummary
from radar_cleaner.storage.shards import format_time
from radar_cleaner.training.temperature import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE

_SHOWN = {
    "loss": "validation loss",
    "mask_f1": "F1 of the mask on echoes",
    "meteorological_kept": "share of meteorological echo kept",
    "non_meteorological_removed": "share of non-meteorological echo removed",
    "reflectivity_mae_dbz": "reflectivity MAE, dBZ",
    "inpainting_mae_dbz": "reflectivity MAE in holes, dBZ",
}
# Whose validation columns of the history begin how.
_WEIGHTS = {
    "raw": ("val", "the weights as they were then"),
    "ema": ("ema_val", "the exponential moving average (EMA) of the weights"),
    "swa": ("swa_val", "the average of the weights over the last epochs (SWA)"),
}


def write_card(
    parameters: Mapping[str, object],
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    summary: ModelSummary,
    history: Sequence[Mapping[str, float]],
    best_epoch: int,
    best_weights: str,
    notes: Sequence[str] = (),
    made_by: Mapping[str, str] | None = None,
    temperature: float = 1.0,
) -> str:
    """The text of the card.

    `best_weights` says whether the model is the `raw`, `ema` or `swa` weights of its epoch; `notes` are
    sentences on what became of this training, such as an option that the machine could not do. `made_by` names
    the data and the programs that made it, with their digests and versions.
    """
    best = history[best_epoch - 1]
    ahead = _leads_ahead(parameters)
    split, weights = _WEIGHTS[best_weights]
    chosen = "least validation loss" if val_samples else "the last: there are no validation samples"
    lines = [
        "# Model card",
        "",
        f"A `{parameters['model']}` that tells, for each echo of one weather radar, how likely it is",
        "meteorological, and the reflectivity where the radar's picture has holes.",
        "Its targets are votes of labelers (density, shape, clutter atlas, time, radars), no hand-made truth",
        "unless reference masks voted (`votes.reference`): it can inherit their errors, and it knows only the",
        "weather, the radars and the interference of the data below.",
        *_foretold(ahead),
        "",
        "## Size",
        "",
        "| of the network | value |",
        "|---|---|",
        f"| weights | {summary.parameters} |",
        f"| trainable weights | {summary.trainable} |",
        f"| memory of the weights, MB | {summary.megabytes:.2f} |",
        f"| a crop forward, GFLOP | {summary.gflop_per_sample:.3g} |",
        "",
        "## Data",
        "",
        "| samples | radar | number | first | last |",
        "|---|---|---|---|---|",
        *_data_rows("training", train_samples),
        *_data_rows("validation", val_samples),
        "",
        f"## Scores of epoch {best_epoch} of {len(history)} ({chosen})",
        "",
        f"The model is {weights}.",
        "",
        "| score | value |",
        "|---|---|",
        f"| training loss | {best['train_loss']:.4f} |",
        *(
            f"| {text} | {best[f'{split}_{name}']:.4f} |"
            for name, text in _SHOWN.items()
            if f"{split}_{name}" in best
        ),
        "",
        *(_lead_table(ahead, best, split) if ahead else []),
        _SCORED,
        *_temperature_lines(temperature, bool(val_samples)),
        "",
        _USE,
        *(["## Notes", "", *(f"- {note}" for note in notes), ""] if notes else []),
        *(_table("Made by", "what", made_by) if made_by else []),
        "## Parameters",
        "",
        "| parameter | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in sorted(parameters.items())),
        "",
    ]
    return "\n".join(lines)


# What holds for every model; equal trainings write equal cards, so no path stands here.
_SCORED = """\
At a probability of 0.5, against the weak labels of whole frames. How it scores on frames of a later period,
against a reference where there is one, lies in `evaluation/` beside it, once `evaluate_model` has run.
"""
_USE = """\
## Limits

- It sees reflectivity only: no Doppler velocity and no dual polarization, which pictures do not show. Clutter that
  looks like rain in all of its input times is rain to it; so may chaff, smoke and birds in broad fronts be.
- Weather unlike that of its samples (snow, another season or climate), other palettes, radars and cadences: look
  at what it removes before you rely on it, or train it on your own frames (`training.model.start_from`).
- Reflectivity that it fills into holes is a guess from what lies around them; peaks come out too low.
- Not for warnings where life depends on it: it removes what it does not know.

## Use

`cleaning: {model: PATH}` in the config cleans by it, `evaluation: {compare_model: PATH}` scores it beside another,
`training: {model: {start_from: PATH}}` begins with it. The config's `samples.atlas` must be that of the parameters
below, and `samples.input_minutes` as many before and after.

    radar-cleaner export-model --model PATH --output model.onnx  # for other programs
"""


def _leads_ahead(parameters: Mapping[str, object]) -> list[int]:
    """The minutes ahead that the model forecasts, of its parameters; none of a model that only cleans."""
    leads = parameters.get("lead_minutes", ())
    return [minutes for minutes in leads if minutes > 0] if isinstance(leads, list | tuple) else []


def _foretold(ahead: Sequence[int]) -> list[str]:
    """What a model forecasts, as lines of a paragraph of their own."""
    if not ahead:
        return []
    *some, last = map(str, ahead)
    told = f"{', '.join(some)} and {last}" if some else last
    return [
        "",
        "It also forecasts: how likely there will be weather at each pixel, and its reflectivity,",
        f"in {told} minutes.",
    ]


def _lead_table(ahead: Sequence[int], best: Mapping[str, float], split: str) -> list[str]:
    """The scores of the forecasts by lead, of the validation of an epoch."""
    rows = [
        f"| {minutes} | {best[f'{split}_forecast_csi_{minutes}min']:.4f} "
        f"| {best[f'{split}_forecast_mae_dbz_{minutes}min']:.4f} |"
        for minutes in ahead
    ]
    head = "| minutes ahead | critical success index of weather | reflectivity MAE where there was weather, dBZ |"
    return [head, "|---|---|---|", *rows, ""]


def _temperature_lines(temperature: float, validated: bool) -> list[str]:
    """What the temperature is worth: it is that of the best fit, a bound, or 1 where nothing could be fitted."""
    if not validated:
        return ["Its temperature is 1, for want of validation samples: `cleaning.calibrated` changes nothing."]
    if temperature == 1:  # as `fit_temperature` says where there is nothing to fit
        return [
            "Its temperature is 1, as the validation samples do not tell it (they lack a kind of echo, or its",
            "logits say nothing): `cleaning.calibrated` changes nothing.",
        ]
    for bound, which, still in (
        (LOWEST_TEMPERATURE, "lowest", "less sure than they are right"),
        (HIGHEST_TEMPERATURE, "highest", "surer than they are right"),
    ):
        if math.isclose(temperature, bound, rel_tol=1e-6):
            return [
                f"Its temperature is {temperature:.3g}, the {which} that is tried: divided by it its logits would",
                f"still be {still} on the validation samples; `cleaning.calibrated` divides them.",
            ]
    return [
        f"Divided by {temperature:.3g} (its temperature) its logits would be as sure as they are right on the"
        " validation",
        "samples; `cleaning.calibrated` divides them.",
    ]


def _table(title: str, what: str, values: Mapping[str, str]) -> list[str]:
    rows = [f"| {name} | {value} |" for name, value in values.items()]
    return [f"## {title}", "", f"| {what} | value |", "|---|---|", *rows, ""]


def _data_rows(name: str, samples: Sequence[Sample]) -> list[str]:
    rows = []
    for radar, number in sorted(Counter(sample.radar for sample in samples).items()):
        times = [sample.time for sample in samples if sample.radar == radar]
        first, last = format_time(min(times)), format_time(max(times))
        rows.append(f"| {name} | {radar} | {number} | {first} | {last} |")
    return rows or [f"| {name} | none | 0 | | |"]
