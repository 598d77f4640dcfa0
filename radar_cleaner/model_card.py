"""The model card: what a model was made from and how well it did, as Markdown that equal runs write alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from radar_cleaner.bank import Sample
from radar_cleaner.shards import format_time

_SHOWN = {
    "train_loss": "training loss",
    "val_loss": "validation loss",
    "val_mask_f1": "F1 of the mask on echoes",
    "val_meteorological_kept": "share of meteorological echo kept",
    "val_non_meteorological_removed": "share of non-meteorological echo removed",
    "val_reflectivity_mae_dbz": "reflectivity MAE, dBZ",
}


def write_card(
    parameters: Mapping[str, object],
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    weights: int,
    history: Sequence[Mapping[str, float]],
    best_epoch: int,
) -> str:
    """The text of the card. `weights` is how many numbers the network has learned."""
    best = history[best_epoch - 1]
    chosen = "least validation loss" if val_samples else "the last: there are no validation samples"
    lines = [
        "# Model card",
        "",
        f"A `{parameters['model']}` of {weights} weights that tells, for each echo of one weather radar, how",
        "likely it is meteorological, and the reflectivity where the radar's picture has holes.",
        "Its targets are weak labels (colour, area, clutter atlas), not hand-made truth: it can inherit their",
        "errors, and it knows only the weather, the radars and the interference of the data below.",
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
        "| score | value |",
        "|---|---|",
        *(f"| {text} | {best[name]:.4f} |" for name, text in _SHOWN.items()),
        "",
        "At a probability of 0.5, against the weak labels of whole frames.",
        "",
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
