"""Scores on frames with artefacts as tables: rows of a CSV file, and a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import ARTEFACT_KINDS
from radar_cleaner.evaluation.accumulation import ALL_RADARS
from radar_cleaner.evaluation.threshold_sweep import SHARES

from .injected import ADDITIVE, NEIGHBOURS, Injection
from .injected_scores import ALL_ADDITIVE, NOTHING, InjectedScore
from .runs import UNSEEN

ORDER = (*ARTEFACT_KINDS, ALL_ADDITIVE, NOTHING)
DIGITS = 5  # more than any number here is certain
Row = dict[str, Any]
MEAN = "mean of the kinds"
HIDDEN, ALL_RAIN = "hidden rain", "all rain, not hidden"


def with_all_radars(found: Iterable[InjectedScore]) -> list[InjectedScore]:
    """Return the scores in a fixed order, of several radars also over all, each at its own threshold."""
    by_radar: dict[str, list[InjectedScore]] = {}
    for one in found:
        by_radar.setdefault(one.radar, []).append(one)
    if len(by_radar) > 1:
        same: dict[tuple[str, str], list[InjectedScore]] = {}
        for one in [one for of_radar in by_radar.values() for one in of_radar]:
            same.setdefault((one.cleaner, one.kind), []).append(one)
        by_radar[ALL_RADARS] = [reduce(_add, parts) for parts in same.values()]
    return [
        one for of_radar in by_radar.values() for one in sorted(of_radar, key=lambda one: ORDER.index(one.kind))
    ]


def removed_shares(one: InjectedScore) -> list[float]:
    """Return the shares of injected echo removed at each of SHARES kept; NaN without any."""
    return [_share(int(removed), one.injected) for removed in one.removed]


def injected_rows(found: Iterable[InjectedScore]) -> list[Row]:
    """Return one row for each radar, cleaner and kind: shares removed at each share kept, and the cost in rain."""
    rows = []
    for one in found:
        head = {"radar": one.radar, "cleaner": one.cleaner, "role": one.role, "injected": one.kind}
        row: Row = head | {"injected_px": one.injected, "rain_px": one.rain}
        for share, removed, kept in zip(SHARES, removed_shares(one), one.kept, strict=True):
            row[f"removed_at_{100 * share:g}"] = rounded(removed)
            row[f"kept_at_{100 * share:g}"] = rounded(_share(int(kept), one.rain))
        chosen = one.choices[0] if one.choices and one.injected else None
        row["setting"] = chosen.setting if chosen else ""
        row["threshold"] = rounded(chosen.threshold) if chosen else None
        rows.append(row | {"rain_held_px": one.held, "rain_lost": rounded(_share(one.lost, one.held))})
    return rows


def fill_rows(found: Iterable[InjectedScore]) -> list[Row]:
    """Return one row for each radar, model and kind: errors of reflectivity (the model's less the true) in rain.

    `_alone` are pixels without an echo of other radars.
    """
    return [
        {
            "radar": one.radar,
            "cleaner": one.cleaner,
            "injected": one.kind,
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


def worst_kind(found: Iterable[InjectedScore], method: str) -> tuple[str, float] | None:
    """Return the additive kind that a cleaner removes least at the highest share kept, and that share."""
    shares = [
        (removed_shares(one)[0], one.kind)
        for one in found
        if one.cleaner == method and one.kind in ADDITIVE and one.injected
    ]
    return min(shares)[::-1] if shares else None


def heading(injection: Injection, command: str) -> str:
    """Explain the page's tables."""
    return (
        f"# Injected artefacts\n\nBy {command}: artefacts of {injection.ranges.name} in real frames, one kind at "
        f"a time, seed {injection.seed}.\n\n"
        "Thresholds are read on the frames with artefacts, at equal shares kept of the meteorological echo that "
        "no artefact covers. Filters have, for each kind and share, the setting that removes most. Over all "
        "radars each has its own threshold. Rain lost: of the meteorological echo that no artefact covers and is "
        f"kept without artefacts, at the threshold that keeps {100 * SHARES[0]:g} % there, the share lost with "
        "them. Reflectivity is the model's against the radar's; classes are those of the palette. Models may give "
        "what other radars see: `alone` are pixels without an echo of other radars. `repeated` and `missing` "
        "change only neighbours in time. `unseen` are models trained without the kind."
    )


def page(found: Sequence[InjectedScore], heading: str) -> str:
    """Return all tables as Markdown."""
    parts = [heading]
    for radar in dict.fromkeys(one.radar for one in found):
        of_radar = [one for one in found if one.radar == radar]
        parts += [f"## {radar}", _removed_table(of_radar), _worst(of_radar)]
        parts += [_lost_table(of_radar), _fill_table(fill_rows(of_radar))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _removed_table(found: Sequence[InjectedScore]) -> str:
    methods = _methods(found)
    cells = {(one.cleaner, one.kind): removed_shares(one) for one in found}
    for method in methods:
        of_kinds = [cells[method, kind] for kind in ADDITIVE if (method, kind) in cells]
        if len(of_kinds) == len(ADDITIVE) and not np.isnan(of_kinds).all(axis=0).any():
            cells[method, MEAN] = np.nanmean(of_kinds, axis=0).tolist()
    pixels = {one.kind: f"{one.injected:,}".replace(",", " ") for one in found}
    rows = [
        [kind, pixels.get(kind, ""), *(_shares(cells.get((method, kind))) for method in methods)]
        for kind in (*ADDITIVE, ALL_ADDITIVE, MEAN)
    ]
    shares = " / ".join(f"{100 * share:g}" for share in SHARES)
    return markdown_table([f"% removed where {shares} % is kept", "injected px", *methods], rows)


def _worst(found: Sequence[InjectedScore]) -> str:
    lines = []
    for method in _methods(found):
        worst = worst_kind(found, method)
        if worst:
            lines.append(f"{method}: {worst[0]} ({show_percent(worst[1])})")
    return f"Worst kind at {100 * SHARES[0]:g} % kept: {', '.join(lines)}." if lines else ""


def _lost_table(found: Sequence[InjectedScore]) -> str:
    methods = [method for method in _methods(found) if method != UNSEEN]
    lost = {(one.cleaner, one.kind): _share(one.lost, one.held) for one in found}
    rows = [
        [kind, *(show_percent(lost.get((method, kind)), 2) for method in methods)]
        for kind in (*ARTEFACT_KINDS, ALL_ADDITIVE)
    ]
    return markdown_table(["rain lost by injection", *methods], rows)


def _fill_table(rows: Sequence[Row]) -> str:
    numbers = ("mae_dbz", "bias_dbz", "mae_classes", "bias_classes")
    cells = [
        [
            row["cleaner"],
            row["injected"],
            row["of"],
            str(row["pixels"]),
            *(show_number(row[name], 2) for name in numbers),
            show_percent(row["within_one_class"]),
            show_number(row["mae_classes_alone"], 2),
        ]
        for row in rows
    ]
    head = ["reflectivity", "injected", "of", "px", "MAE, dBZ", "bias, dBZ", "MAE, classes", "bias, classes"]
    return markdown_table([*head, "within one class", "MAE, classes, alone"], cells)


def _methods(found: Iterable[InjectedScore]) -> list[str]:
    """Return the cleaners in their order, models that have not seen a kind last."""
    return sorted(dict.fromkeys(one.cleaner for one in found), key=lambda method: method == UNSEEN)


def _shares(shares: Sequence[float] | None) -> str:
    if shares is None:
        return ""
    return " / ".join("n/a" if np.isnan(share) else f"{100 * share:.1f}" for share in shares)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _add(one: InjectedScore, other: InjectedScore) -> InjectedScore:
    names = ("rain", "injected", "kept", "removed", "held", "lost", "fill")
    sums = {name: getattr(one, name) + getattr(other, name) for name in names}
    return replace(one, radar=ALL_RADARS, choices=(), **sums)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; nothing without rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rounded(value: Any) -> Any:
    """Round a number for a file."""
    return round(float(value), DIGITS) if isinstance(value, float | np.floating) else value


def show_percent(value: float | None, digits: int = 1) -> str:
    """Write a share in percent."""
    return "n/a" if value is None or np.isnan(value) else f"{100 * value:.{digits}f} %"


def show_number(value: float | None, digits: int) -> str:
    """Write a number with digits after the point."""
    return "n/a" if value is None or np.isnan(value) else f"{value:.{digits}f}"
