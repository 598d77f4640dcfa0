"""Frames of another layout of a radar on the grid of the radar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.regrid import NearestRegridder, grid_of_end, nearest_regridder
from radar_cleaner.storage.reader import AHEAD, TimeSeries, expect_attrs, open_store
from radar_cleaner.storage.specs import FRAME, REFLECTIVITY


class OtherLayout:
    """The reflectivity store of a layout, regridded to the grid of its radar by nearest neighbour."""

    def __init__(self, frames: TimeSeries, regridder: NearestRegridder, inputs: Mapping[str, str]) -> None:
        self._frames, self._regridder, self.inputs = frames, regridder, inputs
        self.times = frames.times

    @classmethod
    def open(cls, radar: RadarGeometry, reflectivity: Path, warp: Path) -> OtherLayout:
        """Open the stores of a layout. Raises StoreError unless they belong to it and to the radar."""
        frames, warp_store = TimeSeries([reflectivity], "reflectivity", AHEAD), open_store(warp, "warp")
        attrs = warp_store.attrs
        expect_attrs(warp_store, target=radar.radar, **radar.grid.attrs("target_"))
        expect_attrs(frames.stores[0], radar=attrs["radar"], **grid_of_end(attrs, "radar"))
        height, width = attrs["radar_shape_px"]
        regridder = nearest_regridder(warp_store.read("grid"), warp_store.read("coverage"), (height, width))
        return cls(frames, regridder, {str(store.path): store.digest for store in (frames.stores[0], warp_store)})

    def frame(self, time: int) -> dict[str, NDArray[Any]]:
        """Return the variables of a frame on the grid of the radar, (y, x) or single numbers."""
        found = {}
        for name, spec in REFLECTIVITY.variables.items():
            values = self._frames.frame(name, time)
            assert values is not None, self._frames.describe(time)
            found[name] = (
                self._regridder.apply(values, int(spec.fill)) if spec.dims == FRAME else np.asarray(values)
            )
        return found


def open_layouts(radar: RadarGeometry, reflectivity: Sequence[Path], warps: Sequence[Path]) -> list[OtherLayout]:
    """Open the layouts of a radar. Raises ConfigError unless each has a warp store."""
    if len(reflectivity) != len(warps):
        raise ConfigError(
            f"--layouts: {len(reflectivity)} stores, and {len(warps)} --layout-warps; name one for each"
        )
    return [OtherLayout.open(radar, *paths) for paths in zip(reflectivity, warps, strict=True)]
