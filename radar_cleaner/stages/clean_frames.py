"""Write the cleaned product of a radar's shard."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.config.frames import Stores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.config.services import Credit
from radar_cleaner.conventions import FLAG_FILLED, FLAG_KEPT, FLAG_REMOVED
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.inference.ensemble import EnsembleReader, load_ensemble
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.inference.prefetch import map_in_thread
from radar_cleaner.products.cf import ProductWriter, pack_frame, variable_names
from radar_cleaner.products.cleaning import FrameCleaner, PredictedFrame, decision_attrs, find_range
from radar_cleaner.products.composite import LABEL_ATTRS
from radar_cleaner.products.credit import credit_attrs
from radar_cleaner.storage.paths import Layout

logger = logging.getLogger(__name__)


def clean_frames(
    *,
    results: Path,
    shard: str,
    neighbours: list[str] | None = None,
    geometry: RadarGeometry,
    credit: Credit | None = None,
    model: list[Path],
    code: Path | None = None,
    inputs: ModelInputs,
    static: bool,
    cleaning: FrameCleaning,
    threads: int,
    stores: Stores,
    output: Path,
) -> None:
    """Clean every frame of a radar's shard.

    Parameters
    ----------
    results
        Folder of the stores.
    shard
        Name of the shard.
    neighbours
        Other shards of this radar, with the frames just before and after.
    geometry
        The radar and its plot box.
    credit
        The services whose pictures these are; the product names them.
    model
        Model file. Several are an ensemble: the mean decides, and the product has the spread.
    code
        Python file of a user's own network.
    inputs
        Input times and use of the clutter atlas; they must be those of the model.
    static
        Whether this run made the static store of the radar.
    cleaning
        When an echo is kept, and whether gaps are filled.
    threads
        Threads of this process.
    stores
        How the store is compressed.
    output
        Store to write.
    """
    ensemble = load_ensemble(model, threads, code, cleaning.calibrated)
    ensemble.check_atlas(inputs.atlas)
    layout, radar = Layout(results), geometry.radar
    shards = [shard, *(name for name in neighbours or [] if name != shard)]
    reader = EnsembleReader(
        [layout.reflectivity(radar, name) for name in shards],
        [layout.aligned(radar, name) for name in shards],
        ensemble.inputs_for(inputs.input_minutes or ()),
        layout.atlas(radar),
        layout.static(radar) if static else None,
    )
    fusion = EvidenceFusion([layout.labels(radar, shard)], cleaning.votes)
    cleaner = FrameCleaner(ensemble, reader, fusion, find_range(geometry, reader), cleaning)
    attrs = {name: reader.first.attrs[name] for name in LABEL_ATTRS if name in reader.first.attrs}
    models = {str(path): member.digest for path, member in zip(model, ensemble.members, strict=True)}
    counts = np.zeros(256, np.int64)
    with ProductWriter(
        output,
        geometry.grid,
        [radar],
        attrs={
            **attrs,
            **credit_attrs(credit or Credit()),
            "model_digest": ensemble.digest,
            **decision_attrs(cleaning, cleaner.threshold),
        },
        codec=stores.codec,
        provenance={
            "stage": "clean_frames",
            "parameters": {**inputs.model_dump(mode="json"), **cleaning.model_dump(mode="json")},
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
