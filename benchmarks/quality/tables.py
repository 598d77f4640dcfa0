"""The benchmark's results as tables: rows for CSV files, and a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from .compare import LOST, OPERATING_SHARE, Interval, Scored
from .details import detail_rows, rain_row
from .scoring import SHARES, Floats, interval

Row = dict[str, Any]
DIGITS = 5  # of what is written: more than any figure here is sure of


def share_rows(found: Iterable[Scored]) -> list[Row]:
    """One row a radar, method and share kept: what is removed there, by which parameter."""
    return [
        {
            **_head(one),
            "share": share,
            "removed": rounded(choice.removed),
            **_ends("removed", ends),
            "kept": rounded(choice.kept),
            "parameter": choice.parameter,
            "threshold": rounded(choice.threshold),
        }
        for one in found
        for share, choice, ends in zip(SHARES, one.choices, one.intervals, strict=True)
    ]


def point_rows(found: Iterable[Scored]) -> list[Row]:
    """One row a radar, method and operating point."""
    return [
        {
            **_head(one),
            "point": point.named,
            "parameter": point.parameter,
            "threshold": rounded(point.threshold),
            "kept": rounded(point.scores["retention"]),
            **_ends("kept", point.kept_interval),
            "removed": rounded(point.scores["removal"]),
            **_ends("removed", point.removed_interval),
            **{name: rounded(point.scores[name]) for name in ("pod", "far", "csi")},
        }
        for one in found
        for point in one.points
    ]


def group_rows(found: Iterable[Scored], edges: Sequence[float]) -> list[Row]:
    """One row a radar, method and size of echo or band of dBZ, where the operating share is kept over all."""
    return [
        {**_head(one), **{name: rounded(value) for name, value in row.items()}}
        for one in found
        for row in detail_rows(one.detail, edges)
    ]


def rain_rows(found: Iterable[Scored]) -> list[Row]:
    """One row a radar and method: rain lost and wrong rain, error of reflectivity, at the operating share."""
    return [
        {**_head(one), **{name: rounded(value) for name, value in rain_row(one.detail).items()}} for one in found
    ]


def curve_rows(found: Iterable[Scored]) -> list[Row]:
    """One row a radar, method and share lost: the envelope that the figure shows."""
    return [
        {**_head(one), "lost": rounded(lost), "removed": rounded(removed)}
        for one in found
        for lost, removed in zip(LOST, one.envelope, strict=True)
    ]


def time_rows(found: Iterable[Scored]) -> list[Row]:
    """One row a radar and method: time of a frame, as a ratio to that of the single-picture label."""
    return [{**_head(one), "to_label": float(f"{one.to_label:.2g}")} for one in found]


def comparison_rows(found: Sequence[Scored]) -> list[Row]:
    """One row a radar, method that is no classical filter, and share kept: against the best of the filters.

    `left_ratio` is what the method leaves of the other echo over what the filter leaves that removes most there;
    the filter is chosen anew in each resample.
    """
    rows = []
    for radar, of_radar in _by_radar(found):
        classical = [one for one in of_radar if one.kind == "classical"]
        for one in (one for one in of_radar if one.kind != "classical"):
            for index, share in enumerate(SHARES):
                best = max(classical, key=lambda other: other.choices[index].removed)
                strongest = np.max([other.resampled[index] for other in classical], axis=0)
                ratios = _left_ratio(one.resampled[index], strongest)
                removed, best_removed = (np.array([of.choices[index].removed]) for of in (one, best))
                rows.append(
                    {
                        "radar": radar,
                        "method": one.method,
                        "share": share,
                        "best": best.method,
                        "best_removed": rounded(best.choices[index].removed),
                        "removed": rounded(one.choices[index].removed),
                        "left_ratio": rounded(float(_left_ratio(removed, best_removed)[0])),
                        **_ends("left_ratio", interval(ratios, one.blocks)),
                    }
                )
    return rows


def page(found: Sequence[Scored], edges: Sequence[float], heading: str) -> str:
    """All of it but the times as Markdown."""
    parts = [heading]
    for radar, of_radar in _by_radar(found):
        parts += [f"## {radar}", _share_table(of_radar), _parameter_table(of_radar)]
        parts += [_comparison_table(comparison_rows(of_radar)), _point_table(point_rows(of_radar))]
        parts += [_group_table(of_radar, edges), _rain_table(rain_rows(of_radar))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _share_table(found: Sequence[Scored]) -> str:
    head = ["removed where is kept", *map(_share, SHARES)]
    rows = []
    for one in found:
        cells = []
        for share, choice, ends in zip(SHARES, one.choices, one.intervals, strict=True):
            reached = f" at {show_percent(choice.kept)}" if choice.kept >= share + 0.001 else ""
            cells.append(f"{show_percent(choice.removed)}{reached}{_range(ends)}")
        rows.append([one.method, *cells])
    return markdown_table(head, rows)


def _parameter_table(found: Sequence[Scored]) -> str:
    rows = [
        [one.method, *(f"{choice.parameter}; {choice.threshold:.3g}".lstrip("; ") for choice in one.choices)]
        for one in found
    ]
    return markdown_table(["parameter; threshold", *map(_share, SHARES)], rows)


def _comparison_table(rows: Sequence[Row]) -> str:
    cells = [
        [
            row["method"],
            _share(row["share"]),
            row["best"],
            show_number(row["left_ratio"], 2)
            + _range((row["left_ratio_low"], row["left_ratio_high"]), percent=False),
        ]
        for row in rows
    ]
    return markdown_table(["against the best classical filter", "kept", "which", "left, as a ratio"], cells)


def _point_table(rows: Sequence[Row]) -> str:
    cells = [
        [
            row["method"],
            row["point"],
            f"{show_percent(row['kept'])}{_range((row['kept_low'], row['kept_high']))}",
            f"{show_percent(row['removed'])}{_range((row['removed_low'], row['removed_high']))}",
            *(show_number(row[name], 4) for name in ("pod", "far", "csi")),
        ]
        for row in rows
    ]
    return markdown_table(["operating point", "", "kept", "removed", "POD", "FAR", "CSI"], cells)


def _group_table(found: Sequence[Scored], edges: Sequence[float]) -> str:
    """Kept / removed by size and by dBZ."""
    groups = [f"{row['of']}" for row in detail_rows(found[0].detail, edges)]
    rows = [
        [
            one.method,
            *(
                f"{show_percent(row['kept'])} / {show_percent(row['removed'])}"
                for row in detail_rows(one.detail, edges)
            ),
        ]
        for one in found
    ]
    return markdown_table([f"kept / removed, {_share(OPERATING_SHARE)} kept over all", *groups], rows)


def _rain_table(rows: Sequence[Row]) -> str:
    cells = [
        [
            row["method"],
            show_percent(row["rain_lost"], 2),
            show_percent(row["wrong_rain"], 3),
            show_number(row["mae_dbz"], 2),
            show_number(row["bias_dbz"], 2),
        ]
        for row in rows
    ]
    head = ["of the rain, at the same point", "lost", "wrongly there", "MAE on kept, dBZ", "bias on kept, dBZ"]
    return markdown_table(head, cells)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; nothing where there are no rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _by_radar(found: Sequence[Scored]) -> list[tuple[str, list[Scored]]]:
    return [(radar, list(group)) for radar, group in groupby(found, key=attrgetter("radar"))]


def _head(one: Scored) -> Row:
    return {"radar": one.radar, "method": one.method, "kind": one.kind}


def _ends(name: str, ends: Interval) -> Row:
    low, high = ends or (None, None)
    return {f"{name}_low": rounded(low), f"{name}_high": rounded(high)}


def _left_ratio(removed: Floats, best: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((1 - removed) / (1 - best))


def rounded(value: Any) -> Any:
    """Numbers as they are written to files."""
    return round(float(value), DIGITS) if isinstance(value, float | np.floating) else value


def _share(value: float) -> str:
    return f"{100 * value:g} %"


def show_percent(value: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return "n/a" if value is None or np.isnan(value) else f"{100 * value:.{digits}f} %"


def show_number(value: float | None, digits: int) -> str:
    """A number with so many digits after the point."""
    return "n/a" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def _range(ends: Interval | tuple[float | None, float | None], percent: bool = True) -> str:
    """` (79 to 85)`, nothing where there is no interval."""
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    low, high = ((f"{100 * end:.1f}" if percent else f"{end:.2f}") for end in ends if end is not None)
    return f" ({low} to {high})"
