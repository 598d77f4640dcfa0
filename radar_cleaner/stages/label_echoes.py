"""Label the echoes of one shard: run the labelers and combine them into the training target."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    ECHO_CLASS_ATTRS,
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    UNKNOWN,
    decode_log_odds,
    encode_log_odds,
    log_odds_attrs,
)
from radar_cleaner.errors import ConfigError, StoreError, require
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.regrid import range_share
from radar_cleaner.reflectivity.colour_table import EchoShape, classify_echoes
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.reader import ReadAhead, Store, TimeSeries, expect_attrs, open_store
from radar_cleaner.storage.writer import StoreWriter, Variable
from radar_cleaner.targets.label_model import LabelerTable, Weights, vote
from radar_cleaner.targets.labelers import (
    DensityJudge,
    Echoes,
    LogOdds,
    MovingFrame,
    SpokeJudge,
    judge_area,
    judge_atlas,
    judge_colour,
    judge_others,
    judge_persistence,
    judge_reference,
    view_of,
)

log = logging.getLogger(__name__)
SHAPE_CLASS_ATTRS = {**ECHO_CLASS_ATTRS, "long_name": "kind of echo by its shape in a single frame"}
# What a labeler says of the echoes of a frame, with its index in the shard and its time.
_Ask = Callable[[Echoes, int, int], LogOdds | None]


def label_echoes(
    *,
    reflectivity: Path,
    opening: int,
    closing: int,
    min_area: int,
    neighbours: list[Path] | None = None,
    cadence_minutes: float | None = None,
    atlas: Path | None = None,
    aligned: Path | None = None,
    other_warps: list[Path] | None = None,
    reference: Path | None = None,
    pattern: str = "",
    time_format: str = "",
    time_zone: str = "UTC",
    weights: Annotated[Weights, Parameter(name="*")],
    min_confidence: float,
    output: Path,
    labelers: Path,
    codec: Literal["compact", "fast"] = "compact",
) -> None:
    """Write the echo class that training aims at, how sure it is, and what each labeler said.

    Parameters
    ----------
    reflectivity
        Reflectivity store of a radar.
    opening
        Echoes thinner than this many pixels are not weather.
    closing
        Gaps narrower than this many pixels are closed before small areas are removed.
    min_area
        Echoes of fewer pixels are not weather.
    neighbours
        Reflectivity stores of the same radar that hold frames a cadence before or after its frames.
    cadence_minutes
        Minutes from a frame to its neighbours in time; without it nobody asks them.
    atlas
        Atlas store of the same radar; without it nobody asks it.
    aligned
        Aligned store of the same shard; without it nobody asks the other radars.
    other_warps
        Warp stores from this radar's grid to those of the other radars that are aligned.
    reference
        Folder of masks (1 meteorological, 2 not, else unknown), pictures of the plot box's size.
    pattern
        Regular expression whose first group is the time in a mask's name.
    time_format
        How that time is written, as strptime has it.
    time_zone
        Time zone of the names.
    weights
        How much each labeler counts.
    min_confidence
        What is less sure than this, 0..1, is unknown.
    output
        Labels store to write: `echo_class`, `confidence`, `evidence`, `shape_class`.
    labelers
        Table to write: what each labeler said of the echoes.
    codec
        Compression: compact, or fast.
    """
    require("min_confidence", min_confidence, 0, 1)
    own = open_store(reflectivity, "reflectivity")
    ahead = ReadAhead(own)
    echo_shape = EchoShape(opening, closing, min_area)
    asked, inputs = _single_picture(own, echo_shape), [own]
    if cadence_minutes is not None:
        asked["persistence"] = _persistence(own, ahead, neighbours or [], round(60 * cadence_minutes), inputs)
    if atlas is not None:
        asked["atlas"] = _atlas(own, atlas, inputs)
    if aligned is not None:
        asked["others"] = _others(own, aligned, other_warps or [], inputs)
    if reference is not None:
        asked["reference"] = _reference(ReferenceMasks(reference, NameFormat(pattern, time_format, time_zone)))
    asked = {name: asked[name] for name in weights.counting if name in asked}
    shape = own.shape("reflectivity")
    table = LabelerTable(weights)
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
            "evidence": Variable("int8", shape, ("y", "x"), log_odds_attrs("sum of the labelers' log-odds")),
            "shape_class": Variable("uint8", shape, ("y", "x"), SHAPE_CLASS_ATTRS, UNKNOWN),
        },
        attrs={"radar": own.attrs["radar"]},
        codec=codec,
        provenance={
            "stage": "label_echoes",
            "parameters": {
                **asdict(weights),
                **asdict(echo_shape),
                "min_confidence": min_confidence,
                "cadence_minutes": cadence_minutes,
                "reference": reference and str(reference),
            },
            "inputs": {str(store.path): store.digest for store in inputs},
        },
    ) as store:
        for index, time in enumerate(own.times.tolist()):
            echoes = Echoes.of(ahead.frame("reflectivity", index))
            said = {name: ask(echoes, index, time) for name, ask in asked.items()}
            evidence = {name: values for name, values in said.items() if values is not None}
            outcome = vote(echoes, evidence, weights, min_confidence)
            table.add(echoes, evidence, outcome)
            store.append(
                time,
                echo_class=outcome.echo_class,
                confidence=outcome.confidence,
                evidence=outcome.evidence,
                shape_class=classify_echoes(echoes.codes, echo_shape),
            )
            kinds = np.bincount(echoes.take(outcome.echo_class), minlength=UNKNOWN + 1)
            counts = {kind: count + int(kinds[kind]) for kind, count in counts.items()}
    write_text(labelers, table.as_csv())
    total = max(1, sum(counts.values()))
    log.info(
        "%s: %d frames judged by %s; of the echo %.1f %% meteorological, %.1f %% not, %.1f %% unknown",
        own.attrs["radar"],
        own.times.size,
        ", ".join(asked),
        *(100 * counts[kind] / total for kind in counts),
    )


def _single_picture(own: Store, shape: EchoShape) -> dict[str, _Ask]:
    """The labelers that need a single frame only."""
    x0, y0, x1, y1 = own.attrs["plot_box_px"]
    column, row = own.attrs["center_px"]
    range_px = max(x1 - x0, y1 - y0) / 2
    return {
        "colour": lambda echoes, index, time: judge_colour(echoes),
        "density": _by_coverage(DensityJudge),
        "spoke": _by_coverage(lambda observed: SpokeJudge(observed, (column, row), range_px)),
        "area": lambda echoes, index, time: judge_area(echoes, classify_echoes(echoes.codes, shape)),
    }


def _by_coverage(make: Callable[[NDArray[np.bool_]], Callable[[Echoes], LogOdds]]) -> _Ask:
    """A labeler that depends on which pixels are observed; it is made again when they change."""
    observed: NDArray[np.bool_] | None = None
    judge: Callable[[Echoes], LogOdds] | None = None

    def ask(echoes: Echoes, index: int, time: int) -> LogOdds:
        nonlocal observed, judge
        here = echoes.codes != NODATA
        if judge is None or observed is None or not np.array_equal(here, observed):
            observed, judge = here, make(here)
        # Rounded to the step of stored evidence, so that the sum does not depend on the platform's last bit.
        return decode_log_odds(encode_log_odds(judge(echoes)))

    return ask


def _persistence(own: Store, ahead: ReadAhead, neighbours: Sequence[Path], step: int, inputs: list[Store]) -> _Ask:
    """What the frames `step` seconds before and after tell, of this shard and of those beside it."""
    beside = TimeSeries(neighbours, "reflectivity")
    index_of = {time: index for index, time in enumerate(own.times.tolist())}
    for store in beside.stores:
        expect_attrs(store, **{name: own.attrs[name] for name in ("radar", "center_px", "metres_per_pixel")})
        inputs.append(store)
    seen: dict[int, MovingFrame] = {}

    def look(time: int) -> MovingFrame | None:
        if time not in seen:
            here = time in index_of
            codes = ahead.frame("reflectivity", index_of[time]) if here else beside.frame("reflectivity", time)
            if codes is not None:
                seen[time] = MovingFrame.of(codes)
        return seen.get(time)

    def ask(echoes: Echoes, index: int, time: int) -> LogOdds | None:
        for past in [known for known in seen if known < time - step]:
            del seen[past]
        now, *around = look(time), look(time - step), look(time + step)
        found = [now.confirmed_by(other, echoes) for other in around if now and other]
        return judge_persistence(echoes, found) if found else None

    return ask


def _atlas(own: Store, path: Path, inputs: list[Store]) -> _Ask:
    """What the clutter atlas tells; one by colours counts rain too, so that only its mask holds."""
    known = open_store(path, "atlas")
    expect_attrs(known, radar=own.attrs["radar"])
    inputs.append(known)
    frequency = known.read("echo_frequency")
    if known.attrs["method"] == "deviation":
        frequency = np.where(known.read("clutter"), frequency, np.float32(0))
    return lambda echoes, index, time: judge_atlas(echoes, frequency)


def _others(own: Store, path: Path, warps: Sequence[Path], inputs: list[Store]) -> _Ask:
    """What the other radars tell; of those that see a place, the nearest by its range says how well they see."""
    aligned, ways = open_store(path, "aligned"), [open_store(warp, "warp") for warp in warps]
    expect_attrs(aligned, radar=own.attrs["radar"])
    if aligned.times.tolist() != own.times.tolist():
        raise StoreError(f"{aligned.path}: its times are not those of {own.path}; run snakemake to make it again")
    inputs += [aligned, *ways]
    if [way.attrs["radar"] for way in ways] != aligned.attrs["others"]:
        raise ConfigError(
            f"--other-warps {[str(way.path) for way in ways]}: {path} is of {aligned.attrs['others']}; name their"
            " warp stores, in this order"
        )
    for way in ways:
        expect_attrs(way, target=own.attrs["radar"], target_center_px=own.attrs["center_px"])
    views = [view_of(range_share(way.read("grid"), way.read("coverage"), way.attrs)) for way in ways]
    views.append(np.zeros(own.shape("reflectivity"), np.float32))  # of nobody
    ahead, by_radar = ReadAhead(aligned), np.stack(views)

    def ask(echoes: Echoes, index: int, time: int) -> LogOdds:
        nearest = np.minimum(ahead.frame("nearest", index), len(ways))
        view = np.take_along_axis(by_radar, nearest[np.newaxis], axis=0)[0]
        return judge_others(echoes, ahead.frame("reflectivity", index), view)

    return ask


def _reference(masks: ReferenceMasks) -> _Ask:
    """What a user's masks tell."""

    def ask(echoes: Echoes, index: int, time: int) -> LogOdds | None:
        mask = masks.picture(time, echoes.codes.shape)
        return None if mask is None else judge_reference(echoes, mask)

    return ask
