"""Write the cleaned product of a radar's shard."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import FLAG_FILLED, FLAG_KEPT, FLAG_REMOVED
from radar_cleaner.datasets.frame_cache import Codes
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.georeference.grid import RadarGeometry, polar_coordinates
from radar_cleaner.inference.ensemble import EnsembleReader, load_ensemble
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.inference.prefetch import map_in_thread
from radar_cleaner.products.cf import LABEL_ATTRS, ProductWriter, clean, pack_spread
from radar_cleaner.storage.paths import Layout

logger = logging.getLogger(__name__)


class _Frame(NamedTuple):
    """A frame to be cleaned: its codes (y, x), and what each model is told of it."""

    time: int
    codes: Codes
    inputs: list[FrameInputs]


def clean_frames(
    *,
    results: Path,
    radar: str,
    shard: str,
    neighbours: list[str] | None = None,
    geometry: str,
    model: list[Path],
    input_minutes: list[int],
    atlas: Literal["mask", "channel", "none"],
    static: bool,
    threshold: float,
    votes: float,
    fill: bool,
    tta: bool,
    threads: int,
    output: Path,
    codec: Literal["compact", "fast"],
    calibrated: bool = False,
    code: Path | None = None,
) -> None:
    """Clean every frame of a radar's shard, with or without neighbours in time and other radars.

    Parameters
    ----------
    results
        Folder that holds the stores.
    radar
        Id of the radar.
    shard
        Name of the shard.
    neighbours
        Other shards of this radar, which hold the frames just before and after.
    geometry
        RADAR,LATITUDE,LONGITUDE,RANGE_KM,WIDTH,HEIGHT,CENTER_X,CENTER_Y.
    model
        Model file; of several, an ensemble, the mean judges, and the product tells how far they are apart.
    input_minutes
        Minutes from a frame to those that the model reads with it; they must be the model's.
    atlas
        What the clutter atlas does: `mask`, `channel` or `none`; it must be the model's.
    static
        Whether the radar's static store was made for this run.
    threshold
        Echo with at least this probability of being meteorological is kept.
    votes
        What the votes count beside the network: their log-odds times this are added to its; 0 leaves them out.
    fill
        Whether to fill pixels where the radar did not look, within its range.
    tta
        Whether the model judges each frame eight times, flipped and turned, and answers by the mean.
    threads
        Threads of this process.
    output
        Store to write.
    codec
        How it is compressed.
    calibrated
        Whether a model is as sure as its training found that it may be (its temperature).
    code
        Python file of a network of your own.
    """
    place = RadarGeometry.from_flag(geometry)
    if not 0 <= threshold <= 1:
        raise ConfigError(f"cleaning.threshold {threshold}: it is a probability, 0 to 1")
    ensemble = load_ensemble(model, threads, code, calibrated)
    ensemble.check_atlas(atlas)
    layout = Layout(results)
    shards = [shard, *(name for name in neighbours or [] if name != shard)]
    frames = EnsembleReader(
        [layout.labels(radar, name) for name in shards],
        [layout.aligned(radar, name) for name in shards],
        ensemble.inputs_for(input_minutes),
        layout.atlas(radar),
        layout.static(radar) if static else None,
    )
    seen = frames.first
    if place.radar != radar or place.grid.shape != seen.grid.shape:
        raise StoreError(
            f"{seen.labels.stores[0].path}: holds frames of {seen.grid.shape} of {radar}, --geometry is "
            f"{place.grid.shape} of {place.radar}; make the labels again"
        )
    sums = EvidenceFusion([layout.targets(radar, shard)], votes)
    range_km, _ = polar_coordinates(place.grid.shape, place.center_px, place.metres_per_pixel)
    in_range = range_km <= place.range_km
    attrs = {name: seen.attrs[name] for name in LABEL_ATTRS if name in seen.attrs}
    decisions = {"threshold": threshold, "votes": votes, "fill": int(fill), "tta": int(tta)}
    decisions |= {"calibrated": 1} if calibrated else {}
    own = seen.labels.stores[0].times.tolist()
    counts = np.zeros(256, np.int64)
    digests = {str(path): one.digest for path, one in zip(model, ensemble.members, strict=True)}
    with ProductWriter(
        output,
        place.grid,
        [radar],
        attrs={**attrs, "model_digest": ensemble.digest, **decisions},
        codec=codec,
        provenance={
            "stage": "clean_frames",
            "parameters": {"input_minutes": input_minutes, "atlas": atlas, **decisions},
            "inputs": {**digests, **frames.digests, **sums.digests},
        },
        spread=len(model) > 1,
    ) as product:

        def write(judged: tuple[_Frame, Prediction]) -> NDArray[np.int64]:
            frame, answer = judged
            probability = sums.fuse(answer.probability, frame.time)
            codes, flags, packed = clean(frame.codes, probability, answer.dbz, threshold, fill, in_range)
            planes = {"reflectivity": codes, "quality_flag": flags, "meteorological_probability": packed}
            if answer.spread is not None:
                planes["probability_spread"] = pack_spread(answer.spread, packed)
            product.append(frame.time, **planes)
            return np.bincount(flags.reshape(-1), minlength=256)

        def judge() -> Iterator[tuple[_Frame, Prediction]]:
            read = map_in_thread(lambda time: _Frame(time, frames.codes(time), frames.inputs(time)), own)
            while batch := list(islice(read, ensemble.batch_size)):
                yield from zip(batch, ensemble.predict_all([frame.inputs for frame in batch], tta), strict=True)

        for counted in map_in_thread(write, judge()):
            counts += counted
    logger.info(
        "%s %s: %d frames; of the echo pixels %d kept, %d removed; %d filled",
        radar,
        shard,
        len(own),
        counts[FLAG_KEPT],
        counts[FLAG_REMOVED],
        counts[FLAG_FILLED],
    )
