"""Find the frames with the worst decisions of a model, and describe the errors in words.

The harm of a frame is its contribution to both scores: its lost share of all meteorological echo plus its kept
share of all other echo. Counts of pixels would hide every spoke behind the much more frequent weather. Shares of
the frame's own echo would let a nearly empty frame win by a few pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.evaluation.accumulation import BLOCK_SECONDS
from radar_cleaner.evaluation.bins import band_names, band_of
from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET, REMOVED
from radar_cleaner.evaluation.tallies import MODEL, Tally
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import polar_of_radar
from radar_cleaner.storage.atomic import format_rows
from radar_cleaner.storage.shards import format_time

SHOWN = 10
RANGE_EDGES_KM = (30, 60, 120, 180)
PIECE_EDGES_PX = (2, 5, 20, 100)
EDGE_PX = 2
MOSTLY = 0.5  # share of the wrong pixels with a common property that is described
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FrameScore:
    """Scored echo pixels of a frame and those with a wrong decision; `time` is in seconds since 1970."""

    radar: str
    time: int
    meteorological: int
    non_meteorological: int
    misses: int  # meteorological and removed
    false_alarms: int  # non-meteorological and kept

    @classmethod
    def of(cls, radar: str, time: int, tally: Tally) -> FrameScore:
        """Read the tally of one frame."""
        counts = tally.block.cleaners[MODEL].decisions.sum(axis=(0, 1))
        echo = counts.sum(axis=1)
        wrong = counts[MET, REMOVED], counts[NON_MET, KEPT]
        return cls(radar, time, *(int(value) for value in (echo[MET], echo[NON_MET], *wrong)))

    @property
    def scored(self) -> int:
        """Echo pixels of known class in the reference."""
        return self.meteorological + self.non_meteorological

    @property
    def wrong(self) -> int:
        """Pixels with a wrong decision."""
        return self.misses + self.false_alarms


@dataclass(frozen=True)
class FrameDecisions:
    """The decisions of the model on one frame, (y, x) each, and its geometry."""

    codes: Codes
    reference: Codes
    kept: Mask
    geometry: RadarGeometry

    @property
    def lost(self) -> Mask:
        """Meteorological echo that is removed."""
        return np.asarray(is_echo(self.codes) & (self.reference == METEOROLOGICAL) & ~self.kept)

    @property
    def left(self) -> Mask:
        """Non-meteorological echo that is kept."""
        return np.asarray(is_echo(self.codes) & (self.reference == NON_METEOROLOGICAL) & self.kept)


def harms(scores: Sequence[FrameScore]) -> list[float]:
    """Return the sum of what each frame takes from retention and from removal of all frames (0 to 2)."""
    weather = max(1, sum(score.meteorological for score in scores))
    other = max(1, sum(score.non_meteorological for score in scores))
    return [score.misses / weather + score.false_alarms / other for score in scores]


def choose_worst(scores: Sequence[FrameScore], count: int = SHOWN) -> list[FrameScore]:
    """Return the frames of most harm, the worst first; none without a wrong decision.

    Frames of one hour look much the same: only the worst of each radar and hour is chosen while there are other
    hours. The order of the scores does not matter.
    """
    by_harm = sorted(
        (-harm, score.time, score.radar, score)
        for harm, score in zip(harms(scores), scores, strict=True)
        if score.wrong
    )
    hours: set[tuple[str, int]] = set()
    first: list[tuple[Any, ...]] = []
    others: list[tuple[Any, ...]] = []
    for entry in by_harm:
        hour = entry[2], entry[1] // BLOCK_SECONDS
        (others if hour in hours else first).append(entry)
        hours.add(hour)
    return [entry[-1] for entry in sorted([*first, *others][:count])]


def frame_rows(scores: Sequence[FrameScore]) -> list[dict[str, Any]]:
    """Return one row for each frame, by time and radar; `wrong_share` is of the scored echo, None without any."""
    rows = [
        {
            "radar": score.radar,
            "time": format_time(score.time),
            "meteorological": score.meteorological,
            "non_meteorological": score.non_meteorological,
            "misses": score.misses,
            "false_alarms": score.false_alarms,
            "wrong_share": score.wrong / score.scored if score.scored else None,
            "harm": harm,
        }
        for harm, score in zip(harms(scores), scores, strict=True)
    ]
    return sorted(rows, key=lambda row: (row["time"], row["radar"]))


def which_frames(scores: Sequence[FrameScore]) -> dict[str, str | None]:
    """Identify the frames: the first and the last time, and a digest of their rows as a table of samples.

    Equal digests are equal frames, in any order. Without frames the times are None.
    """
    rows = sorted((format_time(score.time), score.radar) for score in scores)
    text = format_rows(["time", "radar"], rows)
    return {
        "first": rows[0][0] if rows else None,
        "last": rows[-1][0] if rows else None,
        "digest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    }


def describe_wrong(decisions: FrameDecisions, dbz_bands: Sequence[float]) -> tuple[str, str]:
    """Describe the errors of a frame in words: weather that is lost, other echo that is kept."""
    parts = (
        (decisions.lost, METEOROLOGICAL, "weather lost"),
        (decisions.left, NON_METEOROLOGICAL, "other echo kept"),
    )
    return tuple(_describe(decisions, *part, dbz_bands) for part in parts)  # type: ignore[return-value]


def _describe(decisions: FrameDecisions, wrong: Mask, of_class: int, what: str, dbz_bands: Sequence[float]) -> str:
    count = int(wrong.sum())
    if not count:
        return f"no {what}"
    share = 100 * count / int((is_echo(decisions.codes) & (decisions.reference == of_class)).sum())
    common = _common(decisions, wrong, dbz_bands)
    return (
        f"{count:,} px of {what} ({share:.1f} % of it), {'mostly ' + ', '.join(common) if common else 'all over'}"
    )


def _common(decisions: FrameDecisions, wrong: Mask, dbz_bands: Sequence[float]) -> list[str]:
    """Return what at least half of the wrong pixels share: range, direction, reflectivity, place in an echo."""
    found, polar = [], polar_of_radar(decisions.geometry)
    if polar is not None:
        range_km, azimuth = (values[wrong] for values in polar)
        octant = np.rint(azimuth / (np.pi / 4)).astype(np.int64) % len(_COMPASS)
        found = [
            _most(np.digitize(range_km, RANGE_EDGES_KM), _range_names()),
            _most(octant, [f"to the {name}" for name in _COMPASS]),
        ]
    if dbz_bands:
        found.append(_most(band_of(decode_dbz(decisions.codes)[wrong], dbz_bands), band_names(dbz_bands)))
    if _at_edges(decisions, wrong):
        found.append("at the edges of echo that stays")
    else:
        labels, statistics = _pieces(wrong)
        piece_px = statistics[labels[wrong], cv2.CC_STAT_AREA]
        found.append(_most(np.digitize(piece_px, PIECE_EDGES_PX), _piece_names()))
    return [name for name in found if name]


def _at_edges(decisions: FrameDecisions, wrong: Mask) -> bool:
    """Return whether at least half of the wrong pixels are removed edges of echoes that are mostly kept."""
    echo = is_echo(decisions.codes)
    labels, statistics = _pieces(echo)
    kept_px = np.bincount(labels[echo & decisions.kept], minlength=len(statistics))
    stays = 2 * kept_px > statistics[:, cv2.CC_STAT_AREA]
    inner = cv2.erode(echo.view(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)).astype(bool)
    return bool((~decisions.kept & ~inner & stays[labels])[wrong].mean() >= MOSTLY)


def _pieces(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the number of each pixel's piece (y, x), 0 outside, and OpenCV's statistics of the pieces."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    return labels, statistics  # type: ignore[return-value]


def _most(band: NDArray[np.int64], names: Sequence[str]) -> str | None:
    """Return the name of the band of at least half of the (pixels,) bands, None without one."""
    counts = np.bincount(band, minlength=len(names))
    return names[int(counts.argmax())] if counts.max() >= MOSTLY * band.size else None


def _range_names() -> list[str]:
    between = [f"{low} to {high} km away" for low, high in pairwise(RANGE_EDGES_KM)]
    return [f"within {RANGE_EDGES_KM[0]} km", *between, f"beyond {RANGE_EDGES_KM[-1]} km"]


def _piece_names() -> list[str]:
    between = [f"in pieces of {low} to {high - 1} px" for low, high in pairwise(PIECE_EDGES_PX)]
    return ["in single pixels", *between, f"in pieces of {PIECE_EDGES_PX[-1]} px and more"]
