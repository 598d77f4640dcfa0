"""Align radars: the frames of other radars on the grid of a radar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import NODATA
from radar_cleaner.georeference.motion import MovingFrames
from radar_cleaner.georeference.regrid import (
    NearestRegridder,
    grid_of_end,
    nearest_radar,
    nearest_regridder,
    pool,
    range_share,
)
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, open_store


@dataclass(frozen=True)
class OtherRadar:
    """Another radar: its frames by time without its clutter, its warp, its range share on the target grid."""

    frames: MovingFrames
    regridder: NearestRegridder
    range_share: NDArray[np.float32]
    inputs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        target: Store,
        name: str,
        reflectivity: Sequence[Path],
        warp: Path,
        atlas: Path | None,
        overlap: Overlap,
    ) -> OtherRadar:
        """Open the stores of another radar and check that they belong to it and to the target.

        `target` is the reflectivity store of the radar whose grid is the target. With an atlas its clutter counts
        as nodata. Raises StoreError.
        """
        frames, warp_store = TimeSeries(reflectivity, "reflectivity", AHEAD), open_store(warp, "warp")
        attrs = warp_store.attrs
        expect_attrs(warp_store, target=target.attrs["radar"], radar=name)
        for store, end in ((target, "target"), *((store, "radar") for store in frames.stores)):
            expect_attrs(store, radar=attrs[end], **grid_of_end(attrs, end))
        grid, coverage = warp_store.read("grid"), warp_store.read("coverage")
        stores, clutter = [*frames.stores, warp_store], None
        if atlas is not None:
            atlas_store = open_store(atlas, "atlas")
            expect_attrs(atlas_store, radar=name)
            clutter = atlas_store.read("clutter")
            stores.append(atlas_store)
        shape = target.shape("reflectivity")
        assert coverage.shape == shape, f"{warp_store.path}: {coverage.shape} is not {shape}"
        height, width = attrs["radar_shape_px"]
        return cls(
            MovingFrames(frames, overlap, clutter),
            nearest_regridder(grid, coverage, (height, width)),
            range_share(grid, coverage, attrs),
            {str(store.path): store.digest for store in stores},
        )

    def frame_at(self, time: int) -> NDArray[np.uint8] | None:
        """Return its reflectivity on the target grid, or None without a frame near enough in time.

        A frame of another time is moved along its motion where that is known.
        """
        nearest = self.frames.nearest(time)
        if nearest is None:
            return None
        codes, sources = self.frames.reflectivity(nearest), self.frames.sources(nearest, time)
        return self.regridder.apply(codes if sources is None else codes.ravel()[sources], NODATA)


def align(
    radars: list[OtherRadar], time: int, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """Pool the frames of other radars at a time.

    Returns the highest reflectivity (y, x), the index of the nearest radar that sees each pixel (NO_RADAR without
    one), and the number of radars with a frame.
    """
    frames = {number: frame for number, radar in enumerate(radars) if (frame := radar.frame_at(time)) is not None}
    nearest = nearest_radar(frames, [radar.range_share for radar in radars], shape)
    return pool(frames.values(), shape), nearest, len(frames)
