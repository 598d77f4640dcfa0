"""Combine the labelers' votes into the training target."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from radar_cleaner.store_writer import StoreWriter, Variable
from radar_cleaner.stores import expect_attrs, open_store
from radar_cleaner.vocabulary import ECHO_CLASS_ATTRS, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN, is_echo
from radar_cleaner.votes import Weights, vote

log = logging.getLogger(__name__)


def vote_echoes(
    *,
    labels: Path,
    atlas: Path,
    colour_weight: float,
    area_weight: float,
    atlas_weight: float,
    output: Path,
    codec: Literal["compact", "fast"] = "compact",
) -> None:
    """Write the echo class that training aims at, and how sure it is.

    Parameters
    ----------
    labels
        Labels store of a radar.
    atlas
        Atlas store of the same radar.
    colour_weight
        Weight of the colour, which calls every echo meteorological.
    area_weight
        Weight of the label, which calls large areas meteorological and specks not.
    atlas_weight
        Weight of the clutter atlas, which calls echoes on clutter pixels non-meteorological.
    output
        Targets store to write.
    codec
        Compression: compact, or fast.
    """
    weights = Weights(colour_weight, area_weight, atlas_weight)
    own, known = open_store(labels, "labels"), open_store(atlas, "atlas")
    expect_attrs(known, radar=own.attrs["radar"])
    clutter = known.read("clutter")
    shape = clutter.shape
    counts = dict.fromkeys((METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN), 0)
    with StoreWriter(
        output,
        variables={
            "echo_class": Variable("uint8", shape, ("y", "x"), ECHO_CLASS_ATTRS, UNKNOWN),
            "confidence": Variable(
                "uint8",
                shape,
                ("y", "x"),
                {"long_name": "confidence in the echo class", "units": "1", "scale_factor": 1 / 255},
            ),
        },
        attrs={"radar": own.attrs["radar"]},
        codec=codec,
        provenance={
            "stage": "vote_echoes",
            "parameters": {
                "colour_weight": colour_weight,
                "area_weight": area_weight,
                "atlas_weight": atlas_weight,
            },
            "inputs": {str(store.path): store.digest for store in (own, known)},
        },
    ) as store:
        for index, time in enumerate(own.times.tolist()):
            codes = own.frame("reflectivity", index)
            classes, confidence = vote(codes, own.frame("echo_class", index), clutter, weights)
            store.append(time, echo_class=classes, confidence=confidence)
            for kind in counts:
                counts[kind] += int((classes[is_echo(codes)] == kind).sum())
    total = max(1, sum(counts.values()))
    log.info(
        "%s: %d frames; of the echo %.1f %% meteorological, %.1f %% not, %.1f %% unknown",
        own.attrs["radar"],
        own.times.size,
        *(100 * counts[kind] / total for kind in counts),
    )
