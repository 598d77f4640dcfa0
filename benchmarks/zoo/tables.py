"""The scores of a zoo as a table by radar and cleaner, as tables in Markdown, and as a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from radar_cleaner.evaluation.certain_part import CERTAIN, PARTS, WHOLE
from radar_cleaner.evaluation.metrics import MET, NON_MET
from radar_cleaner.evaluation.removal import LOST
from radar_cleaner.evaluation.threshold_sweep import SHARES
from radar_cleaner.plotting.removal import removal_figure

from ..quality.injected_tables import DIGITS, markdown_table
from .points import DEFAULT, EACH, MEAN, OWN, lines, mean_with_interval
from .radars import CLUTTER, DIRTY, KINDS, RAIN, Zoo
from .scoring import RadarSweep

AT = 0.99  # share kept at which the other kinds of radars are shown
TITLES = {
    OWN: "Removed, each radar with its own best setting and threshold",
    MEAN: "Removed, one setting and threshold for all radars; their mean keeps the share",
    EACH: "Removed, one setting and threshold for all radars; each keeps the share",
    DEFAULT: "At the default setting and threshold of each cleaner",
}
PANELS = {OWN: "each radar at its own threshold", MEAN: "one threshold for all radars"}


def page(zoo: Zoo, sweeps: Mapping[str, RadarSweep], points: pd.DataFrame) -> str:
    """Return all tables in Markdown."""
    kinds = {kind: [radar for radar in zoo.of_kind(kind) if radar in sweeps] for kind in KINDS}
    counted = "; ".join(
        f"{len(of_kind)} {kind}: {', '.join(of_kind) or 'none'}" for kind, of_kind in kinds.items()
    )
    parts = [
        "# Cleaners on radars of the world",
        f"{counted}.",
        "Numbers are means over the dirty radars in % and, in brackets, their 90 % intervals, for which radars are"
        " drawn. Columns are the share of the meteorological echo kept. The last three are at"
        f" {100 * AT:g} % kept: the share kept on the dirty radar that loses most, what is removed on radars that"
        " show only clutter, and what is kept on radars that show only rain.",
        _neighbours(sweeps),
        _certain_shares(zoo, sweeps),
    ]
    for part in PARTS:
        parts.append(f"## The {'whole reference' if part == WHOLE else 'certain part of the reference'}")
        of_part = points[points.part == part]
        for way, title in TITLES.items():
            of_way = of_part[of_part.way == way]
            table = _defaults(of_way) if way == DEFAULT else _removed(of_way, way)
            if table:
                parts += [f"{title}:", table]
    return "\n\n".join(parts) + "\n"


def figure(zoo: Zoo, sweeps: Mapping[str, RadarSweep], probabilistic: Sequence[str]) -> bytes:
    """Draw what is removed against what is kept of the whole reference, means over the dirty radars."""
    kinds = {name: radar.kind for name, radar in zoo.radars.items()}
    panels = {PANELS[way]: of_way for way, of_way in lines(sweeps, kinds, WHOLE).items()}
    return removal_figure(panels, LOST, SHARES, probabilistic)


def with_pixels(points: pd.DataFrame, sweeps: Mapping[str, RadarSweep]) -> pd.DataFrame:
    """Round the shares, and add the scored pixels of both classes to the rows."""
    pixels = {(radar, part): sweep.pixels(part) for radar, sweep in sweeps.items() for part in PARTS}
    keys = list(zip(points.radar, points.part, strict=True))
    counts = {name: [pixels[key][row] for key in keys] for name, row in (("met_px", MET), ("other_px", NON_MET))}
    return points.round({"threshold": 3, "kept": DIGITS, "removed": DIGITS}).assign(**counts)


def _removed(points: pd.DataFrame, way: str) -> str:
    rows = []
    for cleaner, of_cleaner in points.groupby("cleaner", sort=False):
        dirty = of_cleaner[of_cleaner.kind == DIRTY]
        cells = [_interval(dirty[dirty.share == share].removed) for share in SHARES]
        rows.append([str(cleaner), *cells, *(_others(of_cleaner[of_cleaner.share == AT]) if way != OWN else [])])
    head = ["kept", *(f"{100 * share:g} %" for share in SHARES)]
    more = ["worst radar keeps", "only clutter: removed", "only rain: kept"]
    return markdown_table([*head, *(more if way != OWN else [])], rows)


def _defaults(points: pd.DataFrame) -> str:
    rows = []
    for cleaner, of_cleaner in points.groupby("cleaner", sort=False):
        dirty = of_cleaner[of_cleaner.kind == DIRTY]
        rows.append([str(cleaner), _interval(dirty.kept, 1), _interval(dirty.removed), *_others(of_cleaner)])
    head = ["", "kept", "removed", "worst radar keeps", "only clutter: removed", "only rain: kept"]
    return markdown_table(head, rows)


def _others(points: pd.DataFrame) -> list[str]:
    of_kind = {kind: points[points.kind == kind] for kind in KINDS}
    return [
        _number(of_kind[DIRTY].kept.min(), 1),
        _number(of_kind[CLUTTER].removed.mean()),
        _number(of_kind[RAIN].kept.mean(), 1),
    ]


def _certain_shares(zoo: Zoo, sweeps: Mapping[str, RadarSweep]) -> str:
    rows = []
    for radar, sweep in sweeps.items():
        whole, certain = sweep.pixels(WHOLE), sweep.pixels(CERTAIN)
        shares = [_number(part / total if total else np.nan) for part, total in zip(certain, whole, strict=True)]
        pixels = [str(int(total)) for total in whole]
        rows.append([radar, zoo.radars[radar].kind, str(sweep.frames), pixels[0], shares[0], pixels[1], shares[1]])
    head = ["radar", "kind", "frames", "meteorological px", "certain, %", "other px", "certain, %"]
    return markdown_table(head, rows)


def _neighbours(sweeps: Mapping[str, RadarSweep]) -> str:
    frames, with_one = (sum(getattr(one, name) for one in sweeps.values()) for name in ("frames", "neighboured"))
    return (
        f"{with_one} of {frames} frames have a neighbour in time. Without one, temporal persistence keeps all, the"
        " median in time ranks by reflectivity, and a network sees the frame alone. A clutter atlas needs ten"
        " quiet frames: elsewhere cleaners by the atlas are the label of the frame."
    )


def _interval(values: Iterable[float], digits: int = 0) -> str:
    mean, low, high = mean_with_interval(list(values))
    if np.isnan(mean):
        return "n/a"
    ends = "" if np.isnan(low) else f" ({_number(low, digits)} to {_number(high, digits)})"
    return f"{_number(mean, digits)}{ends}"


def _number(share: float, digits: int = 0) -> str:
    return "n/a" if np.isnan(share) else f"{100 * share:.{digits}f}"
