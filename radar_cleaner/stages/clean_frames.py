"""Write the cleaned product of a radar's shard."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.conventions import FLAG_FILLED, FLAG_KEPT, FLAG_REMOVED
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.inference.ensemble import EnsembleReader, load_ensemble
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.inference.prefetch import map_in_thread
from radar_cleaner.products.cf import ProductWriter, pack_frame, variable_names
from radar_cleaner.products.cleaning import FrameCleaner, PredictedFrame, decision_attrs, find_range
from radar_cleaner.products.composite import LABEL_ATTRS
from radar_cleaner.storage.paths import Layout

logger = logging.getLogger(__name__)


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
    radar_geometry = RadarGeometry.from_flag(geometry)
    if not 0 <= threshold <= 1:
        raise ConfigError(f"cleaning.threshold {threshold}: it is a probability, 0 to 1")
    cleaning = FrameCleaning(threshold=threshold, calibrated=calibrated, votes=votes, fill=fill, tta=tta)
    ensemble = load_ensemble(model, threads, code, cleaning.calibrated)
    ensemble.check_atlas(atlas)
    layout = Layout(results)
    shards = [shard, *(name for name in neighbours or [] if name != shard)]
    reader = EnsembleReader(
        [layout.reflectivity(radar, name) for name in shards],
        [layout.aligned(radar, name) for name in shards],
        ensemble.inputs_for(input_minutes),
        layout.atlas(radar),
        layout.static(radar) if static else None,
    )
    fusion = EvidenceFusion([layout.labels(radar, shard)], cleaning.votes)
    cleaner = FrameCleaner(ensemble, reader, fusion, find_range(radar_geometry, reader), cleaning)
    attrs = {name: reader.first.attrs[name] for name in LABEL_ATTRS if name in reader.first.attrs}
    models = {str(path): member.digest for path, member in zip(model, ensemble.members, strict=True)}
    counts = np.zeros(256, np.int64)
    with ProductWriter(
        output,
        radar_geometry.grid,
        [radar],
        attrs={**attrs, "model_digest": ensemble.digest, **decision_attrs(cleaning)},
        codec=codec,
        provenance={
            "stage": "clean_frames",
            "parameters": {"input_minutes": input_minutes, "atlas": atlas, **cleaning.model_dump(mode="json")},
            "inputs": {**models, **reader.digests, **fusion.digests},
        },
        names=variable_names(ensemble=len(model) > 1),
    ) as product:

        def write(frame: PredictedFrame) -> NDArray[np.int64]:
            decided = cleaner.decide(frame)
            product.append(frame.time, **pack_frame(decided))
            return np.bincount(decided.flags.reshape(-1), minlength=256)

        times = reader.first.reflectivity.stores[0].times.tolist()
        for frame_counts in map_in_thread(write, cleaner.predict(times)):
            counts += frame_counts
    logger.info(
        "%s %s: %d frames; of the echo pixels %d kept, %d removed; %d filled",
        radar,
        shard,
        len(times),
        counts[FLAG_KEPT],
        counts[FLAG_REMOVED],
        counts[FLAG_FILLED],
    )
