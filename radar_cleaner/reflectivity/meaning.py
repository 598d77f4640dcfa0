"""Warn of colours whose meaning is not known: hidden maps, and flat colours within which it never rains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import UNDETECT
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE, EXACT, SAME_PURE, SAME_SOFT, Look, commonest
from radar_cleaner.reflectivity.colour_clusters import cluster_colours, count_colours, within
from radar_cleaner.reflectivity.colour_space import remove_ground
from radar_cleaner.reflectivity.colour_table import ColourTable
from radar_cleaner.reflectivity.palette import format_colour
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.rain_shapes import RainShapes

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

LARGE = 0.01  # share of the pixels that a colour covers
_FRAMES, _MOST = 8, 16  # that are looked at: frames, and colours that change with others


def unknown_colours(frames: Sequence[Pixels], picture: Picture, look: Look) -> list[tuple[Colour, float]]:
    """Return colours of the map within which it does not rain, and the share of the pixels that show each.

    With few frames they are all of them; with enough those beside which it rains, or that change.
    """
    same = SAME_SOFT if picture.soft else SAME_PURE
    seen, table = look.observed & ~picture.overlay, ColourTable(look.scale)
    others = count_colours(picture.ground[1:][picture.ground_share[1:] > 0])
    clusters = cluster_colours(commonest(others), float(same), _MOST)
    changing = clusters.centres[clusters.counts >= LARGE * seen.sum()]
    usual = np.array(picture.ground_colours, np.uint8).reshape(-1, 3)
    colours = np.concatenate([changing, usual[~within(usual[None], changing, 2.0 * same)[0]]])
    changes = within(colours[None], changing, 2.0 * same)[0]
    asked = ~within(colours[None], look.ground, 2.0 * same)[0]
    colours, changes = colours[asked], changes[asked]
    shapes, pixels = [RainShapes() for _ in colours], np.zeros(len(colours), np.int64)
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).astype(int))
    for number in chosen:
        frame = frames[int(number)]
        own = remove_ground(frame, picture.background, picture.opacity)
        if look.palette is None:
            rain = np.asarray(table(own) != UNDETECT)
        else:
            rain = within(own, look.palette.colours, DEFAULT_TOLERANCE if picture.soft else EXACT)
        for index, colour in enumerate(colours):
            shown = within(frame, colour[None], 2.0 * same) & seen
            pixels[index] += int(shown.sum())
            if not shapes[index].enter:
                shapes[index].add(shown, rain & seen)
    shares = pixels / max(len(chosen) * int(seen.sum()), 1)
    return [
        ((int(red), int(green), int(blue)), float(share))
        for (red, green, blue), share, shape, change in zip(colours, shares, shapes, changes, strict=True)
        if share >= LARGE and not shape.enter and (shape.known or change or not picture.enough)
    ]


def describe_unknown(radar: str, colours: Sequence[tuple[Colour, float]]) -> str:
    """Return a warning about colours and their shares of the pixels; empty if there are none."""
    if not colours:
        return ""
    shown = ", ".join(f"{format_colour(colour)} ({100 * share:.0f} %)" for colour, share in colours)
    return (
        f"{radar}: the meaning of colour {shown} is not known: ground or no coverage? No rain is within it, and it"
        " is read as ground. Add it to labels.nodata_colours, or to labels.ground_colours"
    )


def describe_hiding(radar: str, picture: Picture) -> str:
    """Return a warning about the colours that hide the map; empty if there are none."""
    if not picture.hiding:
        return ""
    shown = ", ".join(
        f"{format_colour(one.colour)} ({100 * one.area:.0f} % of it, in {100 * one.frames:.0f} % of the frames)"
        for one in picture.hiding
    )
    return (
        f"{radar}: the map is hidden at times by {shown}; it is read as no coverage. Add it to"
        " labels.nodata_colours, or to labels.ground_colours if it is a map"
    )
