"""Read a frame as a config does, and describe and draw what became of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours
from radar_cleaner.conventions import encode_dbz, is_echo
from radar_cleaner.georeference.coast import border_lines, coast_lines
from radar_cleaner.georeference.graticule import graticule
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.place_check import PlaceCheck, check_place, describe_place, shown_lines
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.georeference.rings import range_rings
from radar_cleaner.inspection.checked import CheckedFrame, check_frame, doubtful_classes
from radar_cleaner.plotting.checked_frame import Place
from radar_cleaner.reflectivity.decoding import build_decoder, observed_mask
from radar_cleaner.reflectivity.palette import Palette
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.unmatched import Unmatched, UnmatchedColours
from radar_cleaner.storage.reader import Store

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameReading:
    """The frame of a store that is shown, checked; what is unmatched in all frames; the place of its map.

    `weak` is a line about classes that count as no echo; empty if all classes count.
    """

    index: int
    checked: CheckedFrame
    unmatched: Unmatched
    place: PlaceCheck
    weak: str = ""


def read_frames(
    frames: Store,
    learned: Picture,
    box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: Colours,
    time: int | None,
) -> FrameReading:
    """Decode the frames of an RGB store and check one: that nearest to a time, or that with most echo.

    `box` is the map in the frame, x0 y0 x1 y1, half open; `learned` is what its pictures show beside the weather.
    """
    within = in_range(geometry)
    height, width = frames.shape("rgb")[:2]
    shown = observed_mask((width, height), box, overlay)
    decoder, palette = build_decoder(labels, frames, learned, shown & within)
    unmatched, decoded = UnmatchedColours(learned.soft), []
    for index in range(len(frames.times)):
        pixels, alpha = (_cut(frames.frame(name, index), box) for name in ("rgb", "alpha"))
        decoded.append(decoder(pixels, alpha))
        unmatched.add(pixels, decoded[-1].unmatched)
    echoes = [int(is_echo(one.codes).sum()) for one in decoded]
    away = -np.array(echoes) if time is None else np.abs(frames.times.astype(np.int64) - time)
    index = int(np.argmin(away))
    one = decoded[index]
    pixels = _cut(frames.frame("rgb", index), box)
    checked = check_frame(pixels, one.codes, palette, ~shown | learned.overlay, within, one.unmatched)
    place = check_place(geometry.grid, *learned.seen_ground(pixels))
    weak = "" if palette is None else describe_weak_classes(palette, labels.min_dbz)
    return FrameReading(index, checked, unmatched.summarize(sum(echoes)), place, weak)


def describe_weak_classes(palette: Palette, min_dbz: float) -> str:
    """Return a line about the classes of a palette that are below `min_dbz`, or an empty text."""
    weak = int((encode_dbz(palette.value_dbz) < encode_dbz(min_dbz)).sum())
    if not weak:
        return ""
    classes = "class 1 counts" if weak == 1 else f"classes 1 to {weak} count"
    return f"{classes} as no echo: below {min_dbz:g} dBZ, the key labels.min_dbz"


def _cut(picture: Pixels, box: Box) -> Pixels:
    x0, y0, x1, y1 = box
    return np.ascontiguousarray(picture[y0:y1, x0:x1])


def describe_reading(radar: str, reading: FrameReading, refused: list[tuple[str, str]], count: int) -> list[str]:
    """Return lines on a frame of `count` that were read; `refused` are names and reasons of others."""
    checked, place = reading.checked, reading.place
    lines = [f"{checked.echo_pixels:,} pixels of echo; {count} frames were read"]
    lines.append(f"{'WARNING: ' if place.warns else ''}{describe_place(place)}")
    lines += [reading.weak] * bool(reading.weak)
    lines += [f"WARNING: {line}" for line in doubtful_classes(checked)]
    if reading.unmatched.are_many:
        lines.append(f"WARNING: {reading.unmatched.describe(radar)}")
    if refused:
        lines.append(f"WARNING: {len(refused)} frames are refused, such as {refused[0][0]}: {refused[0][1]}")
    return lines


def lines_of_place(geometry: RadarGeometry, place: PlaceCheck) -> Place:
    """Return coast, borders, graticule and range rings on the grid of a radar, in pixels of its plot box."""
    reach = geometry.max_range_km or geometry.range_px * geometry.mean_side_km
    coast = coast_lines(geometry.grid)
    return Place(
        coast,
        border_lines(geometry.grid),
        graticule(geometry.grid),
        range_rings(geometry, reach),
        shown_lines(geometry.grid, place, coast) if place.warns else (),
    )
