"""Score the frames of one radar, read from its stores, against masks or against its training targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.inpainting_lattice import hide, hole_lattice
from radar_cleaner.evaluation.tallies import (
    COMPARED,
    MEMBER,
    MODEL,
    Frame,
    Tally,
    hit_by,
    mask_classes,
    score_frame,
)
from radar_cleaner.evaluation.worst_frames import Judged
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.polar import range_of_pixels
from radar_cleaner.inference.ensemble import Ensemble, EnsembleReader, mean_prediction
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries, open_store

Classes = NDArray[np.uint8]


@dataclass(frozen=True)
class Scoring:
    """How frames are scored; `votes` is their weight beside a model; without sizes of holes nothing is hidden."""

    threshold: float
    votes: float
    bands: Bands
    tta: bool
    static: bool


class Targets:
    """Echo classes of the training targets, where there are no masks."""

    kind: Literal["labels"] = "labels"

    def __init__(self, layout: Layout, radar: str, shards: Iterable[str]) -> None:
        self._series = TimeSeries([layout.labels(radar, shard) for shard in shards], "labels")

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        """(y, x) at a time, None where there are none."""
        return self._series.frame("echo_class", time)


class Masks:
    """Echo classes of a radar's reference masks."""

    kind: Literal["masks"] = "masks"

    def __init__(self, folder: Path, names: NameFormat) -> None:
        self._masks = ReferenceMasks(folder, names)

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        """(y, x) at a time, None where there is no mask."""
        picture = self._masks.picture(time, shape)
        return None if picture is None else mask_classes(picture)


class RadarScorer:
    """One radar's stores of the evaluation period, its reference, and the models that are scored.

    Of these the first is looked at closely, and its members where it is an ensemble; of one more, if any, the
    decisions and probabilities are counted. They come in the order of `names`.
    """

    def __init__(
        self,
        layout: Layout,
        radar: str,
        shards: list[str],
        models: Sequence[tuple[Ensemble, list[Inputs]]],
        truth: Masks | Targets,
        how: Scoring,
    ) -> None:
        self.truth, self.how, self._ensemble = truth, how, models[0][0]
        stores = (
            [layout.reflectivity(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
        )
        static = layout.static(radar) if how.static else None
        frames = [EnsembleReader(*stores, inputs, layout.atlas(radar), static) for _, inputs in models]
        self._told, self._frames = frames[0], frames[0].first
        self._compared = [(model, told) for (model, _), told in zip(models[1:], frames[1:], strict=True)]
        labels = [layout.labels(radar, shard) for shard in shards]
        self._labels = TimeSeries(labels, "labels")
        self._votes = EvidenceFusion(labels, how.votes)
        self._rgb_paths = [layout.rgb(radar, shard) for shard in shards]
        self._clutter = open_store(layout.atlas(radar), "atlas").read("clutter")
        self._times = set(self._frames.times)
        center, metres = self._frames.attrs["center_px"], float(self._frames.attrs["metres_per_pixel"])
        self._range_km = range_of_pixels(self._frames.grid.shape, center, metres)

    @property
    def names(self) -> list[str]:
        """The models that are scored, by their names in the tables."""
        count = len(self._ensemble.members)
        members = [f"{MEMBER} {number}" for number in range(1, count + 1)] if count > 1 else []
        return [MODEL, *([COMPARED] if self._compared else []), *members]

    def score(self, times: Iterable[int]) -> Iterator[tuple[int, Tally | None]]:
        """Each time and the tally of its frame, None where there is no frame or no reference."""
        for time in times:
            frame = self._frame(time)
            yield time, None if frame is None else self._score(time, frame)

    def judge(self, time: int) -> Judged:
        """A time that has been scored, as the model judges it."""
        frame, attrs = self._frame(time), self._frames.attrs
        assert frame is not None, self._frames.reflectivity.describe(time)
        seen = mean_prediction(self._ensemble.predict_each(self._told.inputs(time), self.how.tta))
        kept = np.asarray(self._votes.fuse(seen.probability, time) >= self.how.threshold)
        center = float(attrs["center_px"][0]), float(attrs["center_px"][1])
        return Judged(frame.codes, frame.reference, kept, center, float(attrs["metres_per_pixel"]))

    def picture(self, time: int) -> NDArray[np.uint8]:
        """(y, x, 3) plot box of a time's frame as it was published."""
        whole = self._rgb.frame("rgb", time)
        assert whole is not None, self._frames.reflectivity.describe(time)
        x0, y0, x1, y1 = self._frames.attrs["plot_box_px"]
        return np.asarray(whole[y0:y1, x0:x1])

    @cached_property
    def _rgb(self) -> TimeSeries:
        return TimeSeries(self._rgb_paths, "rgb")

    def _frame(self, time: int) -> Frame | None:
        if time not in self._times:
            return None
        codes = self._frames.codes(time)
        classes = self.truth.classes(time, codes.shape)
        if classes is None:
            return None
        label_class = self._labels.frame("shape_class", time)
        assert label_class is not None, self._labels.describe(time)
        return Frame(codes, label_class, self._clutter, classes, self._range_km)

    def _score(self, time: int, frame: Frame) -> Tally:
        how, inputs = self.how, self._told.inputs(time)
        each = self._ensemble.predict_each(inputs, how.tta)
        seen = mean_prediction(each)
        holes = hole_lattice(frame.codes, time, how.bands.holes_px)
        hidden = None
        if hit_by(holes, frame):
            holed = [replace(one, this_radar=hide(one.this_radar, holes)) for one in inputs]
            hidden = mean_prediction(self._ensemble.predict_each(holed, how.tta)).dbz
        others = [
            mean_prediction(model.predict_each(told.inputs(time), how.tta)) for model, told in self._compared
        ]
        others += each if len(each) > 1 else []
        probability, *compared = (self._votes.fuse(one.probability, time) for one in (seen, *others))
        return score_frame(
            frame, probability, seen.dbz, how.threshold, how.bands, holes, hidden, compared, seen.spread
        )
