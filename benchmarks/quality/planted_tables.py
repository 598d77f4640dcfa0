"""Scores on planted frames as tables: rows for CSV files, and a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import PLANT_KINDS
from radar_cleaner.evaluation.tallies import ALL_RADARS

from .planted import ADDITIVE, NEIGHBOURS, Plants
from .planted_scores import ALL_ADDITIVE, NOTHING, UNSEEN, PlantScore
from .scoring import SHARES
from .tables import Row, markdown_table, rounded, show_number, show_percent

ORDER = (*PLANT_KINDS, ALL_ADDITIVE, NOTHING)
MEAN = "mean of the kinds"
HIDDEN, ALL_RAIN = "rain that is not seen as it is", "all rain, seen as it is"


def with_all_radars(found: Iterable[PlantScore]) -> list[PlantScore]:
    """Scores in a fixed order; of several radars also over all of them, each at its own threshold."""
    by_radar: dict[str, list[PlantScore]] = {}
    for one in found:
        by_radar.setdefault(one.radar, []).append(one)
    if len(by_radar) > 1:
        same: dict[tuple[str, str], list[PlantScore]] = {}
        for one in [one for of_radar in by_radar.values() for one in of_radar]:
            same.setdefault((one.method, one.kind), []).append(one)
        by_radar[ALL_RADARS] = [reduce(_add, parts) for parts in same.values()]
    return [
        one for of_radar in by_radar.values() for one in sorted(of_radar, key=lambda one: ORDER.index(one.kind))
    ]


def removed_shares(one: PlantScore) -> list[float]:
    """Of the planted echo, at each of SHARES kept; NaN where none was planted."""
    return [_share(int(removed), one.planted) for removed in one.removed]


def plant_rows(found: Iterable[PlantScore]) -> list[Row]:
    """One row a radar, method and kind: what is removed at each share kept, and the rain that it costs."""
    rows = []
    for one in found:
        head = {"radar": one.radar, "method": one.method, "role": one.role, "planted": one.kind}
        row: Row = head | {"planted_px": one.planted, "rain_px": one.rain}
        for share, removed, kept in zip(SHARES, removed_shares(one), one.kept, strict=True):
            row[f"removed_at_{100 * share:g}"] = rounded(removed)
            row[f"kept_at_{100 * share:g}"] = rounded(_share(int(kept), one.rain))
        chosen = one.choices[0] if one.choices and one.planted else None
        row["parameter"] = chosen.parameter if chosen else ""
        row["threshold"] = rounded(chosen.threshold) if chosen else None
        rows.append(row | {"rain_held_px": one.held, "rain_lost": rounded(_share(one.lost, one.held))})
    return rows


def fill_rows(found: Iterable[PlantScore]) -> list[Row]:
    """One row a radar, model and kind: errors of reflectivity (given less true) where it rains.

    `_alone` is where no other radar echoes.
    """
    return [
        {
            "radar": one.radar,
            "method": one.method,
            "planted": one.kind,
            "of": ALL_RAIN if one.kind in (*NEIGHBOURS, NOTHING) else HIDDEN,
            **_errors(one.fill[0]),
            **{f"{name}_alone": value for name, value in _errors(one.fill[1]).items()},
        }
        for one in found
        if one.fill[0, 0]
    ]


def _errors(sums: NDArray[np.float64]) -> Row:
    pixels, error, absolute, steps, away, within = sums.tolist()
    parts = {
        "mae_dbz": absolute,
        "bias_dbz": error,
        "mae_classes": away,
        "bias_classes": steps,
        "within_one_class": within,
    }
    return {"pixels": int(pixels)} | {name: rounded(_share(part, pixels)) for name, part in parts.items()}


def worst_kind(found: Iterable[PlantScore], method: str) -> tuple[str, float] | None:
    """The additive kind of which a method removes least at the highest share kept, and how much it does."""
    shares = [
        (removed_shares(one)[0], one.kind)
        for one in found
        if one.method == method and one.kind in ADDITIVE and one.planted
    ]
    return min(shares)[::-1] if shares else None


def heading(plants: Plants, command: str) -> str:
    """What the page's tables mean."""
    return (
        f"# Planted artefacts\n\nBy {command}: artefacts of {plants.ranges.name} in real frames, one kind at a "
        f"time, seed {plants.seed}.\n\n"
        "Thresholds are read on the planted frames: so much is kept of the meteorological echo that no plant "
        "covers. Filters have, for each kind and share, the parameter that removes most. Over all radars each has "
        "its own threshold. Rain lost: of the meteorological echo that no plant covers and that is kept without "
        f"plants, at the threshold that keeps {100 * SHARES[0]:g} % there, the share that is lost with them. "
        "Reflectivity is what a model gives against what the radar showed there; classes are the palette's. "
        "Models may give what other radars see there as well: `alone` is where none of them echoes. "
        "`repeated` and `missing` change neighbours in time alone. `unseen` is by models trained without the kind."
    )


def page(found: Sequence[PlantScore], heading: str) -> str:
    """All of it as Markdown."""
    parts = [heading]
    for radar in dict.fromkeys(one.radar for one in found):
        of_radar = [one for one in found if one.radar == radar]
        parts += [f"## {radar}", _removed_table(of_radar), _worst(of_radar)]
        parts += [_lost_table(of_radar), _fill_table(fill_rows(of_radar))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _removed_table(found: Sequence[PlantScore]) -> str:
    methods = _methods(found)
    cells = {(one.method, one.kind): removed_shares(one) for one in found}
    for method in methods:
        of_kinds = [cells[method, kind] for kind in ADDITIVE if (method, kind) in cells]
        if len(of_kinds) == len(ADDITIVE) and not np.isnan(of_kinds).all(axis=0).any():
            cells[method, MEAN] = np.nanmean(of_kinds, axis=0).tolist()
    pixels = {one.kind: f"{one.planted:,}".replace(",", " ") for one in found}
    rows = [
        [kind, pixels.get(kind, ""), *(_shares(cells.get((method, kind))) for method in methods)]
        for kind in (*ADDITIVE, ALL_ADDITIVE, MEAN)
    ]
    shares = " / ".join(f"{100 * share:g}" for share in SHARES)
    return markdown_table([f"% removed where {shares} % is kept", "planted px", *methods], rows)


def _worst(found: Sequence[PlantScore]) -> str:
    lines = []
    for method in _methods(found):
        worst = worst_kind(found, method)
        if worst:
            lines.append(f"{method}: {worst[0]} ({show_percent(worst[1])})")
    return f"Worst kind at {100 * SHARES[0]:g} % kept: {', '.join(lines)}." if lines else ""


def _lost_table(found: Sequence[PlantScore]) -> str:
    methods = [method for method in _methods(found) if method != UNSEEN]
    lost = {(one.method, one.kind): _share(one.lost, one.held) for one in found}
    rows = [
        [kind, *(show_percent(lost.get((method, kind)), 2) for method in methods)]
        for kind in (*PLANT_KINDS, ALL_ADDITIVE)
    ]
    return markdown_table(["rain lost by planting", *methods], rows)


def _fill_table(rows: Sequence[Row]) -> str:
    numbers = ("mae_dbz", "bias_dbz", "mae_classes", "bias_classes")
    cells = [
        [
            row["method"],
            row["planted"],
            row["of"],
            str(row["pixels"]),
            *(show_number(row[name], 2) for name in numbers),
            show_percent(row["within_one_class"]),
            show_number(row["mae_classes_alone"], 2),
        ]
        for row in rows
    ]
    head = ["reflectivity", "planted", "of", "px", "MAE, dBZ", "bias, dBZ", "MAE, classes", "bias, classes"]
    return markdown_table([*head, "within one class", "MAE, classes, alone"], cells)


def _methods(found: Iterable[PlantScore]) -> list[str]:
    """In their order; the column of models that never saw a kind comes last."""
    return sorted(dict.fromkeys(one.method for one in found), key=lambda method: method == UNSEEN)


def _shares(shares: Sequence[float] | None) -> str:
    if shares is None:
        return ""
    return " / ".join("n/a" if np.isnan(share) else f"{100 * share:.1f}" for share in shares)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _add(one: PlantScore, other: PlantScore) -> PlantScore:
    names = ("rain", "planted", "kept", "removed", "held", "lost", "fill")
    sums = {name: getattr(one, name) + getattr(other, name) for name in names}
    return replace(one, radar=ALL_RADARS, choices=(), **sums)
