"""The model card: what a model was made from and how well it did, as Markdown that equal runs write alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from radar_cleaner.bank import Sample
from radar_cleaner.model_summary import ModelSummary
from radar_cleaner.shards import format_time

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
) -> str:
    """The text of the card.

    `best_weights` says whether the model is the `raw`, `ema` or `swa` weights of its epoch; `notes` are
    sentences on what became of this training, such as an option that the machine could not do.
    """
    best = history[best_epoch - 1]
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
        "At a probability of 0.5, against the weak labels of whole frames.",
        "",
        *(["## Notes", "", *(f"- {note}" for note in notes), ""] if notes else []),
        "## Parameters",
        "",
        "| parameter | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in sorted(parameters.items())),
        "",
    ]
    return "\n".join(lines)


def _data_rows(name: str, samples: Sequence[Sample]) -> list[str]:
    rows = []
    for radar, number in sorted(Counter(sample.radar for sample in samples).items()):
        times = [sample.time for sample in samples if sample.radar == radar]
        first, last = format_time(min(times)), format_time(max(times))
        rows.append(f"| {name} | {radar} | {number} | {first} | {last} |")
    return rows or [f"| {name} | none | 0 | | |"]
