"""Label the echoes of one shard: run the labelers and combine their evidence."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.frames import Cadence, Stores
from radar_cleaner.config.labels import Morphology
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import LABELS
from radar_cleaner.storage.writer import StoreWriter
from radar_cleaner.targets.label_model import LabelerTable, check_weights, combine
from radar_cleaner.targets.labelers.base import Echoes, Sources, digests
from radar_cleaner.targets.labelers.registry import collect_evidence, open_labelers
from radar_cleaner.targets.morphology import classify_echoes

log = logging.getLogger(__name__)


def label_echoes(
    *,
    reflectivity: Path,
    neighbours: list[Path] | None = None,
    atlas: Path | None = None,
    aligned: Path | None = None,
    other_warps: list[Path] | None = None,
    reference: Path | None = None,
    names: NameFormat | None = None,
    labels: Morphology,
    votes: LabelModel,
    cadence: Cadence | None = None,
    stores: Stores,
    output: Path,
    labelers: Path,
) -> None:
    """Write the label of each echo, its confidence, and the evidence for it.

    Parameters
    ----------
    reflectivity
        Reflectivity store of the shard.
    neighbours
        Reflectivity stores of the same radar with frames a cadence before or after those of the shard.
    atlas
        Atlas store of the radar.
    aligned
        Aligned store of the shard.
    other_warps
        Warp stores from the radar's grid to those of the other radars of the aligned store.
    reference
        Folder of reference masks of the radar.
    names
        How the time is read from the name of a mask.
    labels
        How the shape of an echo is classified.
    votes
        The weights of the labelers, and the least confidence of a label.
    cadence
        The time between two frames.
    stores
        How the store is compressed.
    output
        Labels store to write.
    labelers
        Table to write: the evidence of each labeler.
    """
    check_weights(votes.weights)
    store = open_store(reflectivity, "reflectivity")
    sources = Sources(
        store,
        labels,
        neighbours or [],
        (cadence or Cadence()).cadence_minutes,
        atlas,
        aligned,
        other_warps or [],
        ReferenceMasks(reference, names) if reference and names else None,
    )
    opened = open_labelers(votes.weights, sources)
    weights = {name: votes.weights[name] for name in opened}
    table = LabelerTable(weights)
    inputs = digests(store)
    for labeler in opened.values():
        inputs |= labeler.inputs
    parameters = {"labels": labels, "votes": votes, "cadence": cadence}
    with StoreWriter(
        output,
        variables=LABELS.frame_variables(store.shape("reflectivity")),
        attrs={"radar": store.attrs["radar"]},
        codec=stores.codec,
        provenance={
            "stage": "label_echoes",
            "parameters": {key: part.model_dump(mode="json") for key, part in parameters.items() if part}
            | {"reference": reference and str(reference)},
            "inputs": inputs,
        },
    ) as writer:
        for time in sources.times:
            echoes = Echoes.of(sources.codes(time))
            evidence = collect_evidence(opened, echoes, time)
            label = combine(echoes, evidence, weights, votes.min_confidence)
            table.add(echoes, evidence, label)
            writer.append(
                time,
                echo_class=label.echo_class,
                confidence=label.confidence,
                evidence=label.evidence,
                shape_class=classify_echoes(echoes.codes, labels),
            )
    write_text(labelers, table.as_csv())
    log.info(
        "%s: %d frames labelled by %s; of the echo %.1f %% meteorological, %.1f %% not, %.1f %% unknown",
        store.attrs["radar"],
        len(sources.times),
        ", ".join(opened),
        *table.percentages(),
    )
