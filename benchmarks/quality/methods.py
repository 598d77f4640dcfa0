"""What is compared: each method with the parameters that it is swept over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Literal

import numpy as np

from radar_cleaner.conventions import MIN_ECHO_DBZ, decode_dbz, is_echo
from radar_cleaner.reflectivity.colour_table import EchoShape, classify_echoes, local_echo_fraction
from radar_cleaner.targets import labelers

from . import filters, libraries
from .polar import PolarGrid, polar_grid
from .scenes import Frames, Mask, Scene, Site, Values, within

Kind = Literal["classical", "labels", "model"]


@dataclass(frozen=True)
class Answer:
    """What a method says of a scene, (y, x) each: the higher `score`, the rather is an echo meteorological.

    `dbz` is the reflectivity that it gives; None is the picture's own.
    """

    score: Values
    dbz: Values | None = None


@dataclass(frozen=True)
class Method:
    """A way to clean. `judges` are its functions by parameter; `default` a parameter and a threshold of its score.

    The default is what its authors or this project's config set; None where nobody did. `work` is what is timed
    where the judges only read what a stage has worked out.
    """

    name: str
    kind: Kind
    judges: Mapping[str, Callable[[Scene], Answer]]
    default: tuple[str, float] | None = None
    work: Callable[[Scene], object] | None = None


DENSITY_WINDOWS = (3, 5, 7, 9, 13, 17, 25, 33)
ACCUMULATED = ("training", "all")
UPPER_FREQUENCIES = (0.01, 0.03, 0.1, 0.3)


def own_methods(shape: EchoShape) -> list[Method]:
    """Labels, votes and the filters of `filters`; `shape` is that of the single-picture label."""
    label, votes = partial(judge_shape, shape=shape), partial(_vote, shape=shape)
    return [
        Method("weak label", "classical", {"": _label}, ("", 1), label),
        Method(
            "label + atlas",
            "classical",
            {"clutter mask": _label_and_mask, "echo frequency": _label_and_frequency},
            ("clutter mask", 1),
            label,
        ),
        Method(
            "despeckle by area",
            "classical",
            {f"over {name}": partial(_area, connectivity=links) for links, name in ((8, "corners"), (4, "sides"))},
        ),
        Method(
            "local density",
            "classical",
            {f"{window} px": partial(_density, window=window) for window in DENSITY_WINDOWS},
        ),
        Method(
            "temporal persistence",
            "classical",
            {
                f"{frames} before and after, {reach} px": partial(_persistence, frames=frames, reach_px=reach)
                for frames, reach in product((1, 2), (0, 1, 2, 4))
            },
        ),
        Method(
            "median in time",
            "classical",
            {f"of {2 * frames + 1} frames": partial(_median, frames=frames) for frames in (1, 2)},
            ("of 3 frames", MIN_ECHO_DBZ),
        ),
        Method("votes", "labels", {"": _votes}, ("", 0.0), votes),
    ]


def library_methods(frames: Frames, training: tuple[tuple[int, int], ...]) -> list[Method]:
    """The filters of wradlib and Py-ART. `training` is the period that the histogram may be one of."""
    masks = _histogram_masks(frames, training)
    return [
        Method(
            "wradlib Gabella",
            "classical",
            {
                f"{_grid_name(azimuths)}, {window} bins, {gradient} dB, ratio {ratio}": partial(
                    _gabella, azimuths=azimuths, window=window, gradient_dbz=gradient, least_ratio=ratio
                )
                for azimuths, window, gradient, ratio in product((0, 360, 720), (3, 5, 9, 13), (6, 30), (0, 1.3))
            },
            (f"{_grid_name(360)}, 5 bins, 6 dB, ratio 1.3", 6),
        ),
        Method(
            "wradlib window distance",
            "classical",
            {
                f"{_grid_name(360)}, {size} km, {gradient} dB": partial(
                    _distance, azimuths=360, half_size_km=size, gradient_dbz=gradient
                )
                for size, gradient in product((1.5, 4, 8), (7, 30))
            },
        ),
        Method(
            "wradlib histogram cut",
            "classical",
            {name: partial(_static, clutter=mask) for name, mask in masks.items()},
            (_cut_name("all", UPPER_FREQUENCIES[0]), 1),
        ),
        Method(
            "Py-ART despeckle",
            "classical",
            {
                f"{_grid_name(azimuths)}, from {threshold} dBZ": partial(
                    _objects, azimuths=azimuths, threshold_dbz=threshold
                )
                for azimuths, threshold in product((360, 720), (-100, 20, 25))
            },
            (f"{_grid_name(360)}, from -100 dBZ", 10),
        ),
    ]


def judge_shape(scene: Scene, shape: EchoShape) -> object:
    """The work of the single-picture label, in which times are told."""
    return classify_echoes(scene.codes, shape)


def _label(scene: Scene) -> Answer:
    return Answer(filters.label_score(scene.label_class))


def _label_and_mask(scene: Scene) -> Answer:
    return Answer(np.where(scene.site.clutter, np.float32(0), filters.label_score(scene.label_class)))


def _label_and_frequency(scene: Scene) -> Answer:
    return Answer(filters.label_and_atlas_score(scene.label_class, scene.site.echo_frequency))


def _area(scene: Scene, connectivity: int) -> Answer:
    key = f"sizes {connectivity}"
    return Answer(scene.once(key, lambda: filters.component_sizes(is_echo(scene.codes), connectivity)))


def _density(scene: Scene, window: int) -> Answer:
    return Answer(local_echo_fraction(scene.codes, window))


def _persistence(scene: Scene, frames: int, reach_px: int) -> Answer:
    near = [codes for step, codes in scene.neighbours.items() if abs(step) <= frames]
    return Answer(filters.persistence(near, reach_px, scene.codes.shape))


def _median(scene: Scene, frames: int) -> Answer:
    near = [codes for step, codes in scene.neighbours.items() if abs(step) <= frames]
    dbz = filters.median_in_time([scene.codes, *near])
    return Answer(dbz, dbz)


def _votes(scene: Scene) -> Answer:
    return Answer(scene.votes)


def _vote(scene: Scene, shape: EchoShape) -> object:
    """The work of the labelers that need no other radar; a stage keeps what it saw of the neighbours, here not."""
    echoes, site, frames = labelers.Echoes.of(scene.codes), scene.site, scene.neighbours
    around = [labelers.MovingFrame.of(frames[step]) for step in (-1, 1) if step in frames]
    now = labelers.MovingFrame.of(scene.codes)
    judge_density, judge_spoke = _polar_and_local_judges(site)
    parts = [
        judge_density(echoes),
        judge_spoke(echoes),
        labelers.judge_area(echoes, classify_echoes(scene.codes, shape)),
        labelers.judge_atlas(echoes, site.echo_frequency),
        labelers.judge_persistence(echoes, [now.confirmed_by(other, echoes) for other in around]),
    ]
    return echoes.spread(np.sum(parts, axis=0))


@lru_cache(maxsize=4)
def _polar_and_local_judges(site: Site) -> tuple[labelers.DensityJudge, labelers.SpokeJudge]:
    observed = np.ones(site.clutter.shape, bool)
    return labelers.DensityJudge(observed), labelers.SpokeJudge(observed, site.center_px, site.range_px)


def _grid_name(azimuths: int) -> str:
    return f"{360 / azimuths:g} degree" if azimuths else "picture"


def _grid(scene: Scene, azimuths: int) -> PolarGrid:
    return polar_grid(scene.codes.shape, scene.site.center_px, scene.site.range_px, azimuths)


def _dbz(scene: Scene, azimuths: int) -> Values:
    """dBZ in so many azimuths, 0 of the picture itself."""
    if not azimuths:
        return decode_dbz(scene.codes)
    found: Values = scene.once(("dbz", azimuths), lambda: libraries.polar_dbz(scene.codes, _grid(scene, azimuths)))
    return found


def _back(scene: Scene, azimuths: int, score: Values) -> Answer:
    return Answer(_grid(scene, azimuths).to_picture(score, outside=np.inf) if azimuths else score)


def _gabella(scene: Scene, azimuths: int, window: int, gradient_dbz: float, least_ratio: float) -> Answer:
    dbz = _dbz(scene, azimuths)
    counts = scene.once(
        ("gabella", azimuths, window, gradient_dbz),
        lambda: libraries.gabella_counts(dbz, window, gradient_dbz, cartesian=not azimuths),
    )
    ratios = scene.once(("ratio", azimuths), lambda: libraries.gabella_ratios(dbz))
    return _back(scene, azimuths, libraries.gabella_score(counts, ratios, least_ratio))


def _distance(scene: Scene, azimuths: int, half_size_km: float, gradient_dbz: float) -> Answer:
    bin_km = scene.site.range_km / _grid(scene, azimuths).ranges
    share = libraries.similar_neighbours(_dbz(scene, azimuths), bin_km, half_size_km, gradient_dbz)
    return _back(scene, azimuths, share)


def _static(scene: Scene, clutter: Mask) -> Answer:
    return Answer(np.where(clutter, 0, 1).astype(np.float32))


def _objects(scene: Scene, azimuths: int, threshold_dbz: float) -> Answer:
    radar = scene.once(
        ("pyart", azimuths), lambda: libraries.polar_radar(_dbz(scene, azimuths), scene.site.range_km)
    )
    return _back(scene, azimuths, libraries.object_sizes(radar, threshold_dbz))


def _cut_name(frames: str, upper_frequency: float) -> str:
    return f"{frames} frames, {upper_frequency:g}"


def _histogram_masks(frames: Frames, training: tuple[tuple[int, int], ...]) -> dict[str, Mask]:
    """Clutter by the histogram of accumulated rain, by the frames accumulated and the upper frequency."""
    masks = {}
    for name in ACCUMULATED:
        times = [time for time in frames.times if name == "all" or within(training, time)]
        rain, observed = filters.accumulated_rain([frames.codes[time] for time in times])
        for upper in UPPER_FREQUENCIES:
            masks[_cut_name(name, upper)] = libraries.histogram_cut(rain, observed, upper)
    return masks
