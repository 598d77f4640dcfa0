"""The model card: the origin of a model and its scores, as Markdown; equal trainings write equal cards."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from radar_cleaner.config.cleaning import KEPT_SHARES
from radar_cleaner.models.summary import ModelSummary
from radar_cleaner.storage.shards import format_time
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.calibration import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, UNCALIBRATED, Calibration
from radar_cleaner.training.settings import Trained, Training

_SHOWN = {
    "loss": "validation loss",
    "mask_f1": "F1 of the mask on echoes",
    "meteorological_kept": "share of meteorological echo kept",
    "non_meteorological_removed": "share of non-meteorological echo removed",
    "reflectivity_mae_dbz": "reflectivity MAE, dBZ",
    "inpainting_mae_dbz": "reflectivity MAE in inpainting masks, dBZ",
}
# Prefixes of the validation columns of the history.
_WEIGHTS = {
    "raw": ("val", "the weights of that epoch"),
    "ema": ("ema_val", "the exponential moving average (EMA) of the weights"),
    "swa": ("swa_val", "the average of the weights over the last epochs (SWA)"),
}


def write_card(
    training: Training,
    parameters: Mapping[str, object],
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    summary: ModelSummary,
    trained: Trained,
    made_by: Mapping[str, str] | None = None,
) -> str:
    """Return the text of the card. `made_by` lists data and programs with their digests and versions."""
    history, best_epoch, notes = trained.history, trained.best_epoch, trained.notes
    best = history[best_epoch - 1]
    ahead = training.inputs.ahead
    split, weights = _WEIGHTS[trained.best_weights]
    chosen = "smallest validation loss" if val_samples else "the last: there are no validation samples"
    lines = [
        "# Model card",
        "",
        f"A `{training.config.model}` that estimates, for each echo of one weather radar, the probability that",
        "it is meteorological, and the reflectivity in gaps of the frame. Its targets are weak labels of several",
        "labelers (density, shape, clutter atlas, time, radars). They are not ground truth, unless reference",
        "masks were used (`votes.reference`). The model can inherit their errors, and it has seen only the",
        "weather, the radars and the interference of the data below.",
        *_forecast_lines(ahead),
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
        *_calibration_lines(trained.calibration, bool(val_samples)),
        *_point_lines(trained),
        "",
        _USE,
        *(["## Notes", "", *(f"- {note}" for note in notes), ""] if notes else []),
        *(_table("Made by", "what", made_by) if made_by else []),
        "## Parameters",
        "",
        "| parameter | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in _flat(parameters)),
        "",
    ]
    return "\n".join(lines)


# Text for every model. It names no path, so that equal trainings write equal cards.
_SCORED = """\
These scores keep echo from a probability of 0.5 on, and compare whole frames with the weak labels. After
`evaluate_model` has run, the folder `evaluation/` has the scores on frames of a later period, against a reference
where one exists.
"""
_USE = """\
## Limits

- The input is reflectivity only: frames show no Doppler velocity and no dual polarization. Clutter that looks like
  rain in all input times is kept as rain. The same may be true of chaff, smoke, and birds in broad fronts.
- For weather unlike that of the samples (snow, another season or climate), and for other palettes, radars and
  cadences: check what the model removes before you rely on it, or train it on your own frames
  (`training.model.start_from`).
- Reflectivity in gaps is estimated from the surroundings; peaks come out too low.
- Do not use it for warnings that protect life: it removes echo that is unlike its training data.

## Use

`cleaning: {model: PATH}` in the config cleans with this model, `evaluation: {compare_model: PATH}` compares it
with another, `training: {model: {start_from: PATH}}` starts with its weights. `samples.atlas` must be that of the
parameters below, and `samples.input_minutes` must have as many times before and after.

    radar-cleaner export-model --model PATH --output model.onnx  # for other programs
"""


def _forecast_lines(ahead: Sequence[int]) -> list[str]:
    """Return a paragraph on the forecasts."""
    if not ahead:
        return []
    *some, last = map(str, ahead)
    minutes = f"{', '.join(some)} and {last}" if some else last
    return [
        "",
        "It also forecasts the probability of meteorological echo at each pixel, and its reflectivity,",
        f"{minutes} minutes ahead.",
    ]


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested parameters by their dotted names, sorted."""
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _lead_table(ahead: Sequence[int], best: Mapping[str, float], split: str) -> list[str]:
    """Return the validation scores of the forecasts by lead time."""
    rows = [
        f"| {minutes} | {best[f'{split}_forecast_csi_{minutes}min']:.4f} "
        f"| {best[f'{split}_forecast_mae_dbz_{minutes}min']:.4f} |"
        for minutes in ahead
    ]
    head = "| lead time, minutes | critical success index of rain | reflectivity MAE where there was rain, dBZ |"
    return [head, "|---|---|---|", *rows, ""]


def _calibration_lines(calibration: Calibration, validated: bool) -> list[str]:
    """Return lines on the calibration: the best fit, a bound, or none where a fit is impossible."""
    if not validated:
        return [
            "It has no calibration, because there are no validation samples:",
            "`cleaning.calibrated` changes nothing.",
        ]
    if calibration == UNCALIBRATED:  # the result of `fit_calibration` where a fit is impossible
        return [
            "It has no calibration, because the validation samples lack a class of echo or all logits are equal:",
            "`cleaning.calibrated` changes nothing.",
        ]
    temperature, bias = calibration
    fitted = f"Its temperature is {temperature:.3g}, its bias {bias:.3g}:"
    applied = "`cleaning.calibrated` applies it."
    for bound, which, still in (
        (LOWEST_TEMPERATURE, "lowest", "too unconfident"),
        (HIGHEST_TEMPERATURE, "highest", "too confident"),
    ):
        if math.isclose(temperature, bound, rel_tol=1e-6):
            return [
                f"{fitted} the {which} temperature allowed. Probabilities of logit / temperature + bias",
                f"are still {still} on the validation samples. {applied}",
            ]
    return [
        f"{fitted} logit / temperature + bias gives calibrated probabilities on the validation samples,",
        f"in which each radar weighs the same. {applied}",
    ]


def _point_lines(trained: Trained) -> list[str]:
    """Return lines on the operating points; none without any."""
    if not trained.points:
        return []
    rows = {
        name: f"{trained.calibration.probability(point):.3g} | {UNCALIBRATED.probability(point):.3g}"
        f" | {100 * KEPT_SHARES[name]:g} %"
        for name, point in trained.points.items()
    }
    return [
        "",
        "Probability from which echo is kept, so that on every validation radar at least a share of the",
        "meteorological echo stays:",
        "",
        "| `cleaning.strength` | calibrated | not calibrated | meteorological echo kept |",
        "|---|---|---|---|",
        *(f"| {name} | {row} |" for name, row in rows.items()),
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
