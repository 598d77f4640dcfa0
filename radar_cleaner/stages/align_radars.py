"""Pool the other radars on a radar's own grid."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, REFLECTIVITY_ATTRS
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.regrid import NOBODY, Gather, nearest_gather, nearest_seer, pool, range_share
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, open_store
from radar_cleaner.storage.writer import StoreWriter, Variable

log = logging.getLogger(__name__)
NEAREST_ATTRS = {
    "long_name": "nearest, by its range, of the other radars that see this pixel: its place in `others`"
}


@dataclass(frozen=True)
class _Other:
    """Another radar: its frames by time, its way onto the target grid, how far it lies there, and its clutter."""

    frames: TimeSeries
    gather: Gather
    share: NDArray[np.float32]
    clutter: NDArray[np.bool_] | None

    def seen_at(self, time: int) -> NDArray[np.uint8] | None:
        """Its reflectivity on the target grid at exactly this time; None where it has no frame."""
        codes = self.frames.frame("reflectivity", time)
        if codes is None:
            return None
        if self.clutter is not None:
            codes = np.where(self.clutter, np.uint8(NODATA), codes)
        return self.gather.apply(codes, NODATA)


def align_radars(
    *,
    radar: str,
    reflectivity: Path,
    others: list[str] | None = None,
    other_reflectivity: list[Path] | None = None,
    other_warps: list[Path] | None = None,
    other_atlases: list[Path] | None = None,
    output: Path,
    codec: Literal["compact", "fast"] = "compact",
) -> None:
    """Write what the other radars see, on a radar's own grid and at its own times.

    Parameters
    ----------
    radar
        Radar whose grid and times are meant.
    reflectivity
        Its reflectivity store.
    others
        The other radars that have frames in this shard; none is fine.
    other_reflectivity
        Their reflectivity stores, in the same order.
    other_warps
        Warp stores from this radar's grid to theirs, in the same order.
    other_atlases
        Their atlas stores, in the same order, if their clutter is to count as not seen.
    output
        Aligned store to write: the highest reflectivity among those that see, whether any sees, and which of them
        is the nearest by its range.
    codec
        Compression: compact, or fast.
    """
    own = open_store(reflectivity, "reflectivity")
    expect_attrs(own, radar=radar)
    height, width = own.group["reflectivity"].shape[1:]  # type: ignore[union-attr]
    shape = (height, width)
    names, inputs = others or [], [own]
    seers = [
        _open_other(own, shape, name, label, warp, atlas, inputs)
        for name, label, warp, atlas in zip(
            names,
            _one_each("other-reflectivity", other_reflectivity, names),
            _one_each("other-warps", other_warps, names),
            _one_each("other-atlases", other_atlases, names) if other_atlases else [None] * len(names),
            strict=True,
        )
    ]
    frames_used = 0
    with StoreWriter(
        output,
        variables={
            "reflectivity": Variable("uint8", shape, ("y", "x"), REFLECTIVITY_ATTRS, NODATA),
            "availability": Variable(
                "bool", shape, ("y", "x"), {"long_name": "whether any other radar sees this pixel"}
            ),
            "nearest": Variable("uint8", shape, ("y", "x"), NEAREST_ATTRS, NOBODY),
        },
        attrs={"radar": radar, "others": names},
        codec=codec,
        provenance={
            "stage": "align_radars",
            "parameters": {"mask_clutter": bool(other_atlases)},
            "inputs": {str(store.path): store.digest for store in inputs},
        },
    ) as store:
        for time in own.times.tolist():
            looks = {number: seer.seen_at(time) for number, seer in enumerate(seers)}
            seen = {number: codes for number, codes in looks.items() if codes is not None}
            pooled = pool(seen.values(), shape)
            nearest = nearest_seer(seen, [seer.share for seer in seers], shape)
            frames_used += len(seen)
            store.append(time, reflectivity=pooled, availability=pooled != NODATA, nearest=nearest)
    log.info(
        "%s: %d frames, %d frames of %s pooled on them",
        radar,
        own.times.size,
        frames_used,
        ", ".join(names) or "no other radar",
    )


def _open_other(
    own: Store,
    shape: tuple[int, int],
    name: str,
    reflectivity: Path,
    warp: Path,
    atlas: Path | None,
    inputs: list[Store],
) -> _Other:
    """Open the stores of another radar and check that they belong together; adds them to `inputs`."""
    frames, way = TimeSeries([reflectivity], "reflectivity", AHEAD), open_store(warp, "warp")
    expect_attrs(way, target=own.attrs["radar"], radar=name)
    for store, end in ((own, "target"), (frames.stores[0], "radar")):
        expect_attrs(
            store,
            radar=way.attrs[end],
            center_px=way.attrs[f"{end}_center_px"],
            metres_per_pixel=way.attrs[f"{end}_metres_per_pixel"],
        )
    grid, coverage = way.read("grid"), way.read("coverage")
    height, width = way.attrs["radar_shape_px"]
    inputs += [*frames.stores, way]
    clutter = None
    if atlas is not None:
        known = open_store(atlas, "atlas")
        expect_attrs(known, radar=name)
        clutter = known.read("clutter")
        inputs.append(known)
    assert coverage.shape == shape, f"{way.path}: {coverage.shape} is not {shape}"
    gather = nearest_gather(grid, coverage, (height, width))
    return _Other(frames, gather, range_share(grid, coverage, way.attrs), clutter)


def _one_each(flag: str, paths: list[Path] | None, names: list[str]) -> list[Path]:
    if len(paths or []) != len(names):
        raise ConfigError(f"--{flag}: {len(paths or [])} stores for {len(names)} --others; name one for each")
    return paths or []
