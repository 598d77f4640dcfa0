"""A radar's frames with what lies around each of them, read from the stores of a finished run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import decode_log_odds, is_echo
from radar_cleaner.evaluation.metrics import is_scored
from radar_cleaner.evaluation.tallies import mask_classes
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import Store, TimeSeries, open_store

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

REACH = 2  # frames looked at before and after


@dataclass(frozen=True, eq=False)
class Site:
    """What does not change from frame to frame of a radar; pictures are (y, x).

    `center_px` is the radar's (column, row). `echo_frequency` and `clutter` are the atlas's; a frequency that is
    not known is NaN.
    """

    radar: str
    center_px: tuple[float, float]
    range_px: float
    range_km: float
    echo_frequency: Values
    clutter: Mask


@dataclass(frozen=True)
class Scene:
    """A frame and what is around it; pictures are (y, x).

    `neighbours` are the codes of frames before and after by their distance in frames (-2, -1, 1, 2); one that is
    missing is not among them. `votes` is the sum of what the labelers say, in log-odds.
    """

    site: Site
    time: int
    codes: Codes
    label_class: Codes
    neighbours: Mapping[int, Codes]
    votes: Values
    _memo: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first call with this key: methods share what they have in common."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]


class Frames:
    """All frames of a radar in a results folder, and its reference masks. Raises StoreError, FrameError."""

    def __init__(self, results: Path, radar: str, masks: Path, names: NameFormat, cadence_minutes: float) -> None:
        self.radar, self.step = radar, round(60 * cadence_minutes)
        layout = Layout(results)
        self.shards = sorted(path.stem for path in layout.reflectivity(radar, "any").parent.glob("*.zarr"))
        self.reflectivity = TimeSeries(
            [layout.reflectivity(radar, shard) for shard in self.shards], "reflectivity"
        )
        self.read_votes(results)
        self.times = self.reflectivity.times
        self.codes = {time: _picture(self.reflectivity, "reflectivity", time) for time in self.times}
        self.site = read_site(self.reflectivity.stores[0], open_store(layout.atlas(radar), "atlas"))
        self._masks = ReferenceMasks(masks / radar, names)

    def read_votes(self, results: Path) -> None:
        """Take the votes of another run's results folder, whose other stores are the same."""
        places = [Layout(results).labels(self.radar, shard) for shard in self.shards]
        self._labels = TimeSeries([path for path in places if path.exists()], "labels")

    def scored_times(self, period: Iterable[tuple[int, int]]) -> list[int]:
        """Times of frames in a period ((start, end), ... in seconds, end excluded) that have a mask."""
        return [time for time in self.times if within(period, time) and self.has_mask(time)]

    def has_mask(self, time: int) -> bool:
        return self._masks.picture(time, self.codes[time].shape) is not None

    def truth(self, time: int) -> Codes:
        """(y, x) reference classes at a time that has a mask; what is not scored is unknown."""
        mask = self._masks.picture(time, self.codes[time].shape)
        assert mask is not None, self.reflectivity.describe(time)
        return mask_classes(mask)

    def scene(self, time: int) -> Scene:
        """The frame of a time and its neighbours."""
        around = {step: time + step * self.step for step in range(-REACH, REACH + 1) if step}
        neighbours = {step: self.codes[moment] for step, moment in around.items() if moment in self.codes}
        label = _picture(self._labels, "shape_class", time)
        votes = decode_log_odds(_picture(self._labels, "evidence", time))
        return Scene(self.site, time, self.codes[time], label, neighbours, votes)


def within(period: Iterable[tuple[int, int]], time: int) -> bool:
    """Whether a time lies in a period ((start, end), ... in seconds, end excluded)."""
    return any(start <= time < end for start, end in period)


def read_site(reflectivity: Store, atlas: Store) -> Site:
    """The place of a radar by its reflectivity store, and its atlas."""
    metres = float(reflectivity.attrs["metres_per_pixel"])
    column, row = (float(value) for value in reflectivity.attrs["center_px"])
    return Site(
        str(reflectivity.attrs["radar"]),
        (column, row),
        1000 * float(reflectivity.attrs["range_km"]) / metres,
        float(reflectivity.attrs["range_km"]),
        atlas.read("echo_frequency"),
        atlas.read("clutter"),
    )


def scored_pixels(scene: Scene, truth: Codes) -> Mask:
    """(y, x): echo of which the reference says what it is."""
    return is_echo(scene.codes) & is_scored(truth)


def _picture(series: TimeSeries, name: str, time: int) -> NDArray[Any]:
    frame = series.frame(name, time)
    assert frame is not None, series.describe(time)
    return frame
