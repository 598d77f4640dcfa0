"""Score labels, classical mask and model on the test samples."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Literal

import imageio.v3 as iio
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radar_cleaner import figures
from radar_cleaner.errors import ConfigError, FrameError, SampleError
from radar_cleaner.evaluation import (
    ALL_BANDS,
    Frame,
    RadarScores,
    Tally,
    curve_rows,
    hide,
    hit_by,
    hole_lattice,
    mask_classes,
    reflectivity_rows,
    score_frame,
    score_rows,
    with_total,
)
from radar_cleaner.inference import Cleaner, RadarFrames, load_cleaner
from radar_cleaner.layout import Layout
from radar_cleaner.names import NameFormat
from radar_cleaner.samples import read_samples
from radar_cleaner.shards import decode_stores, format_time
from radar_cleaner.sources import list_frames
from radar_cleaner.stores import TimeSeries, open_store
from radar_cleaner.tables import write_csv, write_json

log = logging.getLogger(__name__)
Classes = NDArray[np.uint8]

_FAST_DEV_SAMPLES = 2
_LINES = 5  # on its progress in the log, at most


@dataclass(frozen=True)
class _Scoring:
    """How frames are scored; `hole_size` is None where nothing is hidden."""

    threshold: float
    dbz_bands: list[float]
    hole_size: int | None
    tta: bool
    static: bool


def evaluate_model(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: Path,
    input_minutes: list[int],
    atlas: Literal["mask", "channel", "none"],
    reference: Path | None = None,
    radars: list[str] | None = None,
    pattern: list[str] | None = None,
    time_format: list[str] | None = None,
    time_zone: list[str] | None = None,
    threshold: float,
    dbz_bands: list[float],
    holes: bool,
    hole_size: int,
    tta: bool,
    static: bool,
    fast_dev_run: bool,
    threads: int,
    output: Path,
    scores: Path,
    curve: Path,
    scores_figure: Path,
    curve_figure: Path,
) -> None:
    """Score the weak label, the label with the clutter mask, and the model, on each radar's own grid.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        Table of the (time, radar) to score.
    model
        Model file.
    input_minutes
        Minutes from a frame to those that the model reads with it.
    atlas
        What the clutter atlas does: `mask`, `channel` or `none`; it must be the model's.
    reference
        Folder with a folder of masks for each radar (1 meteorological, 2 non-meteorological, anything else
        not scored), pictures of the plot box's size. Where a radar has none the training targets are its
        reference.
    radars
        The radars, in the order of the next three.
    pattern
        Of each radar: regular expression whose first group is the time in a mask's file name.
    time_format
        Of each radar: how that time is written, as strptime has it.
    time_zone
        Of each radar: time zone of the names.
    threshold
        Echo with at least this probability of being meteorological is kept.
    dbz_bands
        Increasing edges of the bands of reflectivity that are scored apart.
    holes
        Whether to hide parts of the frames from the model, and score its reflectivity there.
    hole_size
        Width of such a hole in pixels.
    static
        Whether the radars' static stores were made for this run.
    tta
        Whether the model judges each frame eight times, flipped and turned, and answers by the mean.
    fast_dev_run
        Whether to score only the first two samples, to see that all of it runs.
    threads
        Threads of one process.
    output
        metrics.json.
    scores
        Table of scores by radar, cleaner and band.
    curve
        Table of removal against retention over thresholds.
    scores_figure
        Picture of the scores.
    curve_figure
        Picture of the curve.
    """
    if sorted(set(dbz_bands)) != dbz_bands:
        raise ConfigError(f"evaluation.dbz_bands {dbz_bands}: the edges must increase, as in [20, 35, 50]")
    layout, cleaner = Layout(results), load_cleaner(model, threads)
    cleaner.check_input_minutes(input_minutes)
    cleaner.check_atlas(atlas)
    names = {
        radar: NameFormat(*parts)
        for radar, *parts in zip(radars or [], pattern or [], time_format or [], time_zone or [], strict=True)
    }
    how = _Scoring(threshold, dbz_bands, hole_size if holes else None, tta, static)
    kinds: dict[str, str] = {}
    by_radar: dict[str, RadarScores] = {}
    shards, wanted = decode_stores(stores), read_samples(samples)
    if fast_dev_run:
        wanted = wanted[:_FAST_DEV_SAMPLES]
        log.warning("fast_dev_run: only the first %d samples are scored", len(wanted))
    for radar, of_radar in groupby(_told(sorted(wanted, key=itemgetter(1))), key=itemgetter(1)):
        if radar not in shards:
            raise SampleError(f"{samples}: radar {radar} has no stores; they hold {sorted(shards)}")
        truth: _Masks | _Targets = _Targets(layout, radar, shards[radar])
        if reference and (reference / radar).is_dir():
            truth = _Masks(reference / radar, names[radar])
        kinds[radar] = "masks" if isinstance(truth, _Masks) else "labels"
        times = (time for time, _ in of_radar)
        by_radar[radar] = _score_radar(layout, radar, shards[radar], times, cleaner, truth, how)
    found = with_total(by_radar)
    rows, curve_points = score_rows(found, dbz_bands), curve_rows(found)
    reflectivity = reflectivity_rows(found, dbz_bands)
    scored = {radar: found.total.frames for radar, found in by_radar.items()}
    without = {radar: found.without_reference for radar, found in by_radar.items()}
    write_json(
        output,
        {
            "reference": _in_words(kinds),
            "references": kinds,
            "model": cleaner.digest,
            "threshold": threshold,
            "dbz_bands": dbz_bands,
            "hole_size": how.hole_size,
            "tta": tta,
            "fast_dev_run": fast_dev_run,
            "samples": {"listed": len(wanted), "scored": scored, "without_reference": without},
            "scores": rows,
            "reflectivity": reflectivity,
        },
    )
    write_csv(scores, pd.DataFrame([*rows, *reflectivity]))
    write_csv(curve, pd.DataFrame(curve_points, columns=None if curve_points else ["radar", "threshold"]))
    whole = [row for row in rows if row["band"] == ALL_BANDS]
    figures.write_png(scores_figure, figures.scores_figure(whole))
    figures.write_png(curve_figure, figures.removal_curve_figure(curve_points, whole, threshold))
    log.info("frames scored: %s; without a reference: %s", scored, without)
    if not sum(scored.values()):
        log.warning("no sample of %s has a reference: there are no scores", samples)


def _told(samples: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The samples, while the log is told how far they are."""
    started = perf_counter()
    for done, sample in enumerate(samples, 1):
        yield sample
        if done * _LINES % len(samples) < _LINES:  # as often as done / len(samples) passes a fifth
            log.info("%d of %d samples done, %.2f s each", done, len(samples), (perf_counter() - started) / done)


def _in_words(kinds: dict[str, str]) -> str:
    """`masks`, `labels`, or which radars have which."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    parts = {kind: [radar for radar in kinds if kinds[radar] == kind] for kind in ("masks", "labels")}
    return "; ".join(f"{kind} of {', '.join(names)}" for kind, names in parts.items())


class _Targets:
    """Echo classes of the training targets, where there are no masks."""

    def __init__(self, layout: Layout, radar: str, shards: Iterable[str]) -> None:
        self._series = TimeSeries([layout.targets(radar, shard) for shard in shards], "targets")

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        return self._series.frame("echo_class", time)


class _Masks:
    """Echo classes of a radar's reference masks."""

    def __init__(self, folder: Path, names: NameFormat) -> None:
        self._paths: dict[int, Path] = {}
        for frame in list_frames(folder, names).frames:
            if frame.time in self._paths:
                raise FrameError(
                    f"{frame.path}: {self._paths[frame.time].name} is a mask of the same time"
                    f" ({format_time(frame.time)}); keep one of them"
                )
            self._paths[frame.time] = Path(frame.path)

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        path = self._paths.get(time)
        if path is None:
            return None
        try:
            picture = iio.imread(path, plugin="pillow")
        except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises on broken pictures
            raise FrameError(f"{path}: not readable as a mask ({error}); mend or remove it") from error
        if picture.shape != shape or picture.dtype != np.uint8:
            raise FrameError(
                f"{path}: a mask is a grey picture of 8 bits and {shape[1]} x {shape[0]} pixels, the plot"
                f" box's size; this one is {picture.dtype} of shape {picture.shape}; mend or remove it"
            )
        return mask_classes(picture)


def _score_radar(
    layout: Layout,
    radar: str,
    shards: list[str],
    times: Iterable[int],
    cleaner: Cleaner,
    truth: _Masks | _Targets,
    how: _Scoring,
) -> RadarScores:
    frames = RadarFrames(
        [layout.labels(radar, shard) for shard in shards],
        [layout.aligned(radar, shard) for shard in shards],
        cleaner.config.inputs,
        layout.atlas(radar),
        layout.static(radar) if how.static else None,
    )
    clutter = open_store(layout.atlas(radar), "atlas").read("clutter")
    known, scores = set(frames.times), RadarScores(len(how.dbz_bands) + 1)
    for time in times:
        codes = frames.codes(time) if time in known else None
        classes = None if codes is None else truth.classes(time, codes.shape)
        if codes is None or classes is None:
            scores.without_reference += 1
            continue
        label_class = frames.labels.frame("echo_class", time)
        assert label_class is not None, frames.labels.describe(time)
        frame = Frame(codes, label_class, clutter, classes)
        scores.add(time, _score_frame(frames, time, frame, cleaner, how))
    return scores


def _score_frame(frames: RadarFrames, time: int, frame: Frame, cleaner: Cleaner, how: _Scoring) -> Tally:
    inputs = frames.inputs(time)
    seen = cleaner.predict(inputs, how.tta)
    holes = None if how.hole_size is None else hole_lattice(frame.codes, time, how.hole_size)
    hidden = None
    if holes is not None and hit_by(holes, frame):
        hidden = cleaner.predict(replace(inputs, own=hide(inputs.own, holes)), how.tta).dbz
    return score_frame(frame, seen.probability, seen.dbz, how.threshold, how.dbz_bands, holes, hidden)
