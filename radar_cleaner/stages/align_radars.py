"""Pool the other radars on a radar's own grid."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.frames import Stores
from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import NODATA
from radar_cleaner.errors import ConfigError
from radar_cleaner.storage.reader import expect_attrs, group_by_radar, open_store
from radar_cleaner.storage.specs import ALIGNED
from radar_cleaner.storage.writer import StoreWriter
from radar_cleaner.targets.alignment import OtherRadar, align

log = logging.getLogger(__name__)


def align_radars(
    *,
    radar: str,
    reflectivity: Path,
    others: list[str] | None = None,
    other_reflectivity: list[Path] | None = None,
    other_warps: list[Path] | None = None,
    other_atlases: list[Path] | None = None,
    overlap: Overlap | None = None,
    stores: Stores,
    output: Path,
) -> None:
    """Write the reflectivity of the other radars on a radar's own grid and at its own times.

    Parameters
    ----------
    radar
        Radar of the target grid and times.
    reflectivity
        Its reflectivity store.
    others
        The other radars with frames near enough in time, possibly none.
    other_reflectivity
        Their reflectivity stores with these frames, at least one of each radar.
    other_warps
        Warp stores from this radar's grid to theirs, in the same order.
    other_atlases
        Their atlas stores, in the same order, if their clutter counts as nodata.
    overlap
        How far apart in time two frames may be.
    stores
        How the store is compressed.
    output
        Aligned store to write.
    """
    overlap = overlap or Overlap()
    target = open_store(reflectivity, "reflectivity")
    expect_attrs(target, radar=radar)
    names = others or []
    radars = [
        OtherRadar.open(target, *paths, overlap)
        for paths in zip(
            names,
            group_by_radar(
                other_reflectivity or [],
                "reflectivity",
                names,
                other="--other-reflectivity: {path} is of {radar}, which is not among --others {radars}",
                missing="--other-reflectivity: no store of {radar}; name one for each of --others",
            ),
            _one_each("other-warps", other_warps, names),
            _one_each("other-atlases", other_atlases, names) if other_atlases else [None] * len(names),
            strict=True,
        )
    ]
    inputs = {str(target.path): target.digest}
    for other in radars:
        inputs |= other.inputs
    height, width = target.shape("reflectivity")
    frames = 0
    with StoreWriter(
        output,
        variables=ALIGNED.frame_variables((height, width)),
        attrs={"radar": radar, "others": names},
        codec=stores.codec,
        provenance={
            "stage": "align_radars",
            "parameters": {"mask_clutter": bool(other_atlases), "overlap": overlap.model_dump(mode="json")},
            "inputs": inputs,
        },
    ) as store:
        for time in target.times.tolist():
            pooled, nearest, count = align(radars, time, (height, width))
            frames += count
            store.append(time, reflectivity=pooled, availability=pooled != NODATA, nearest=nearest)
    log.info(
        "%s: %d frames, aligned with %d frames of %s",
        radar,
        target.times.size,
        frames,
        ", ".join(names) or "no other radar",
    )


def _one_each(flag: str, paths: list[Path] | None, names: list[str]) -> list[Path]:
    if len(paths or []) != len(names):
        raise ConfigError(f"--{flag}: {len(paths or [])} stores for {len(names)} --others; name one for each")
    return paths or []
