"""What one decision does to the echoes: by size, by reflectivity, in rain; sums that add up over frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.evaluation.bins import band_names, band_of
from radar_cleaner.evaluation.metrics import MET, NON_MET, REMOVED, Counts, Sums, count_decisions, decision_scores
from radar_cleaner.evaluation.reflectivity_errors import ERROR_SUMS, error_scores, sum_errors

from .filters import component_sizes, rain_rate
from .scenes import Codes, Mask, Scene, Values, scored_pixels

SIZE_EDGES = (5.0, 20.0, 100.0)
SIZE_NAMES = ("1 to 4 px", "5 to 19 px", "20 to 99 px", "100 px and more")


@dataclass(frozen=True)
class Detail:
    """Sums over frames; `a + b` is the detail of both."""

    by_size: Counts  # (size, class, decision) pixels
    by_band: Counts  # (band of dBZ, class, decision) pixels
    rain: Sums  # (class, decision) sum of rain rates in mm/h
    errors: Sums  # (ERROR_SUMS,) of `reflectivity.sum_errors`, on meteorological echo that was kept

    @classmethod
    def empty(cls, bands: int) -> Detail:
        """Of no frame."""
        sizes = np.zeros((len(SIZE_NAMES), 2, 2), np.int64)
        return cls(sizes, np.zeros((bands, 2, 2), np.int64), np.zeros((2, 2)), np.zeros(ERROR_SUMS))

    def __add__(self, other: Detail) -> Detail:
        return Detail(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def detail_of(scene: Scene, truth: Codes, kept: Mask, dbz: Values | None, edges: Sequence[float]) -> Detail:
    """What keeping `kept` (y, x) of a scene does; `dbz` (y, x) is the reflectivity given, None the picture's."""
    scored = scored_pixels(scene, truth)
    sizes = scene.once("sizes 8", lambda: component_sizes(is_echo(scene.codes), 8))
    own, classes, stays = decode_dbz(scene.codes)[scored], truth[scored], kept[scored]
    right = stays & (classes == METEOROLOGICAL)
    given = own if dbz is None else dbz[scored]
    rates = rain_rate(scene.codes)[scored].astype(np.float64)
    cell = np.where(classes == METEOROLOGICAL, MET, NON_MET) * 2 + stays
    return Detail(
        count_decisions(stays, classes, band_of(sizes[scored], SIZE_EDGES), len(SIZE_NAMES)),
        count_decisions(stays, classes, band_of(own, edges), len(edges) + 1),
        np.bincount(cell, rates, minlength=4).reshape(2, 2).astype(np.float64),
        sum_errors(given[right], own[right], np.zeros(int(right.sum()), np.int64), 1)[0],
    )


def detail_rows(detail: Detail, edges: Sequence[float]) -> list[dict[str, Any]]:
    """One row for each size and each band of dBZ."""
    groups = (("echo size", SIZE_NAMES, detail.by_size), ("dBZ", band_names(edges), detail.by_band))
    rows = []
    for kind, names, counts in groups:
        for name, table in zip(names, counts, strict=True):
            scores = decision_scores(table)
            rows.append(
                {
                    "group": kind,
                    "of": name,
                    "meteorological": int(table[MET].sum()),
                    "kept": scores["retention"],
                    "other": int(table[NON_MET].sum()),
                    "removed": scores["removal"],
                }
            )
    return rows


def rain_row(detail: Detail) -> dict[str, Any]:
    """Rain lost and wrong rain kept, as shares of the rain that there is; error of dBZ on what is kept."""
    whole = detail.rain[MET].sum()
    errors = error_scores(detail.errors)

    def share(amount: NDArray[np.float64]) -> float | None:
        return float(amount / whole) if whole else None

    return {
        "rain_lost": share(detail.rain[MET, REMOVED]),
        "wrong_rain": share(detail.rain[NON_MET, 1 - REMOVED]),
        "mae_dbz": errors["mae_dbz"],
        "bias_dbz": errors["bias_dbz"],
    }
