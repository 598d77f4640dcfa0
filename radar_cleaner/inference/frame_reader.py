"""Read the inputs of a model for one radar, time by time, from the stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.frame_cache import Codes, read_grid
from radar_cleaner.errors import ModelError
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, open_store


@dataclass(frozen=True)
class FrameInputs:
    """The inputs of a model for one radar at one time.

    `this_radar` and `other_radars` are reflectivity codes (input time, y, x), NODATA where unavailable.
    `center_px` is the radar's (column, row) and `range_px` its range, in pixels. `time` is in seconds since 1970.
    `echo_frequency` is (y, x) uint8, for models that read the atlas as a channel. `fields` is
    (field, y, x) float32 in the order of `Inputs.fields`, for models that read any. `pixel_sides` is the width and
    height of a pixel at the radar, in pixels of the mean side, which is `pixel_km`.
    """

    this_radar: Codes
    other_radars: Codes
    center_px: tuple[float, float]
    range_px: float
    time: int
    echo_frequency: Codes | None = None
    fields: NDArray[np.float32] | None = None
    pixel_sides: tuple[float, float] = (1.0, 1.0)
    pixel_km: float = 1.0


class FrameReader:
    """Read the inputs of a radar from its stores: reflectivity and aligned (any number of shards), atlas, static.

    Frames that are missing around a time are marked unavailable. `inputs` are those of the model
    (`Predictor.inputs_for`). Atlas and static store are opened only if these use them. Atlas `mask` makes the
    clutter pixels unavailable in the inputs of the model, not in `codes`. Raises ModelError if the model
    needs a store that is missing.
    """

    def __init__(
        self,
        reflectivity: Sequence[Path],
        aligned: Sequence[Path],
        inputs: Inputs,
        atlas: Path | None = None,
        static: Path | None = None,
    ) -> None:
        if atlas is None and inputs.atlas != "none":
            raise ModelError(f"the model reads the clutter atlas as '{inputs.atlas}', but no atlas is given")
        self.reflectivity = TimeSeries(reflectivity, "reflectivity", AHEAD)
        self.aligned = TimeSeries(aligned, "aligned", AHEAD)
        self.input_minutes = inputs.input_minutes
        self.attrs = self.reflectivity.stores[0].attrs
        atlas_store = open_store(atlas, "atlas") if atlas is not None and inputs.atlas != "none" else None
        static_store = _open_static(static, inputs) if inputs.fields else None
        self.grid = read_grid(self.reflectivity.stores[0], inputs, atlas_store, static_store)
        stores = [*self.reflectivity.stores, *self.aligned.stores, atlas_store, static_store]
        self.digests = {str(store.path): store.digest for store in stores if store is not None}

    @property
    def times(self) -> list[int]:
        """All times of the reflectivity stores, increasing."""
        return self.reflectivity.times

    def codes(self, time: int) -> Codes:
        """(y, x) decoded reflectivity codes of this radar at a time."""
        frame = self.reflectivity.frame("reflectivity", time)
        assert frame is not None, self.reflectivity.describe(time)
        return np.asarray(frame, dtype=np.uint8)

    def uncertainty(self, time: int) -> Codes:
        """(y, x) packed uncertainty of the reflectivity at a time."""
        frame = self.reflectivity.frame("uncertainty", time)
        assert frame is not None, self.reflectivity.describe(time)
        return np.asarray(frame, dtype=np.uint8)

    def inputs(self, time: int) -> FrameInputs:
        """Read the inputs of the model at a time."""
        times = [time + 60 * minutes for minutes in self.input_minutes]
        this_radar = np.stack([self._codes(self.reflectivity, moment) for moment in times])
        if self.grid.clutter is not None:
            this_radar[:, self.grid.clutter] = NODATA
        other_radars = np.stack([self._codes(self.aligned, moment) for moment in times])
        grid = self.grid
        return FrameInputs(
            this_radar,
            other_radars,
            grid.center_px,
            grid.range_px,
            time,
            grid.echo_frequency,
            grid.fields,
            grid.pixel_sides,
            grid.pixel_km,
        )

    def _codes(self, series: TimeSeries, time: int) -> Codes:
        frame = series.frame("reflectivity", time)
        return np.full(self.grid.shape, NODATA, np.uint8) if frame is None else frame


def _open_static(path: Path | None, inputs: Inputs) -> Store:
    """Open the static store of a radar. Raises ModelError that names the keys which make it or fields it lacks."""
    if path is None or not path.exists():
        keys = [f"samples.{name}: true" for name in ("time_of_day", "coordinates") if getattr(inputs, name)]
        if inputs.static:
            keys.append(f"samples.static with {', '.join(inputs.static)}")
        raise ModelError(
            f"the model reads {list(inputs.fields)} of each pixel, but their store is missing"
            f"{'' if path is None else f' at {path}'}; set {' and '.join(keys)}, or train a model without them"
        )
    store = open_store(path, "static")
    names = list(store.attrs.get("names", []))
    missing = [name for name in inputs.static if name not in names]
    if missing:
        raise ModelError(
            f"{path}: its static fields are {names}, the model also reads {', '.join(missing)}; name "
            "its file in samples.static, or train a model without it"
        )
    return store
