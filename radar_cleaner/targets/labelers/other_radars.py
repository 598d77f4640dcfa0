"""The labeler `others`: whether other radars see an echo at the same place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, is_echo
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.georeference.regrid import grid_of_end, range_share
from radar_cleaner.storage.reader import ReadAhead, Store, expect_attrs, open_store
from radar_cleaner.targets.labelers.base import Codes, Echoes, Labeler, LogOdds, Sources, digests, widen
from radar_cleaner.targets.labelers.registry import register_labeler


@register_labeler(
    "others",
    order=70,
    weight=0.25,
    needs="other_radars",
    description="Weight of the other radars, up to half of their range.",
)
class OtherRadars(Labeler):
    """For echo that another radar confirms, against echo that it does not see, by the quality of its view.

    Without an aligned store there is no other radar, and no evidence.
    """

    def __init__(
        self,
        aligned: Store | None,
        view: NDArray[np.float32],
        index: Mapping[int, int],
        inputs: Mapping[str, str],
    ) -> None:
        """`view` (radar, y, x) is the quality of view of each other radar; its last entry is of no radar."""
        self._reader = None if aligned is None else ReadAhead(aligned)
        self._view, self._index, self.inputs = view, index, inputs

    @classmethod
    def open(cls, sources: Sources) -> Self:
        if sources.aligned is None:
            return cls(None, np.zeros((1, 1, 1), np.float32), {}, {})
        radar = sources.reflectivity.attrs["radar"]
        aligned = open_store(sources.aligned, "aligned")
        expect_attrs(aligned, radar=radar)
        if aligned.times.tolist() != sources.times:
            raise StoreError(
                f"{aligned.path}: its times differ from those of {sources.reflectivity.path}; run snakemake to"
                " make it again"
            )
        warps = _open_warps(sources, aligned)
        view = [view_quality(range_share(w.read("grid"), w.read("coverage"), w.attrs)) for w in warps]
        view.append(np.zeros(sources.reflectivity.shape("reflectivity"), np.float32))
        return cls(aligned, np.stack(view), sources.index, digests(aligned, *warps))

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds | None:
        if self._reader is None:
            return None
        index = self._index[time]
        nearest = np.minimum(self._reader.frame("nearest", index), len(self._view) - 1)
        view = np.take_along_axis(self._view, nearest[np.newaxis], axis=0)[0]
        return other_radar_log_odds(echoes, self._reader.frame("reflectivity", index), view)


def other_radar_log_odds(
    echoes: Echoes, other_radars: Codes, view: NDArray[np.float32], *, near_px: int = 2
) -> LogOdds:
    """Return 1 for echo within `near_px` of another radar's echo, else minus the quality of the view.

    `other_radars` (y, x) is the pooled reflectivity of the other radars, nodata where no other radar sees. `view`
    (y, x) is 0 to 1 (`view_quality`). The evidence is 0 where no other radar sees.
    """
    near, quality = echoes.take(widen(is_echo(other_radars), near_px)), echoes.take(view)
    seen = (echoes.take(other_radars) != NODATA) & (quality > 0)
    return np.asarray(np.where(near, np.float32(1), -quality) * seen, np.float32)


def view_quality(range_share: NDArray[np.float32], *, max_share: float = 0.5) -> NDArray[np.float32]:
    """Return how well a radar sees pixels by their share of its range: 1 at the radar, 0 from `max_share` on.

    It falls with the square of the distance, as the height of the beam grows. NaN gives 0.
    """
    view = np.clip(1 - np.square(range_share / np.float32(max_share)), 0, 1)
    return np.asarray(np.nan_to_num(view, nan=0.0), np.float32)


def _open_warps(sources: Sources, aligned: Store) -> Sequence[Store]:
    """Open the warp stores. Raises ConfigError unless they are those of the aligned radars, in order."""
    warps = [open_store(path, "warp") for path in sources.warps]
    names: list[str] = aligned.attrs["others"]
    if [warp.attrs["radar"] for warp in warps] != names:
        paths: list[Path] = [warp.path for warp in warps]
        raise ConfigError(
            f"--other-warps {[str(path) for path in paths]}: {sources.aligned} is of {names}; name their warp"
            " stores, in this order"
        )
    for warp in warps:
        expect_attrs(warp, target=sources.reflectivity.attrs["radar"])
        expect_attrs(sources.reflectivity, **grid_of_end(warp.attrs, "target"))
    return warps
