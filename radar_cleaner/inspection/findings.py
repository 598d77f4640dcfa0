"""Collect what the pictures of a radar show as keys of a config, each with a comment on how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from radar_cleaner.frames.sources import FrameFile
from radar_cleaner.inspection.colours import (
    ColourCounts,
    Colours,
    PaletteMatch,
    corner_share,
    count_colours,
    ground_like_classes,
    match_legend,
    match_palettes,
    nodata_candidate,
    read_bounds,
)
from radar_cleaner.inspection.draft import Key, unknown
from radar_cleaner.inspection.layout import Box, PlotBox, changing_pixels, find_plot_box, middle_picture
from radar_cleaner.inspection.pictures import Look, Looks, look_at
from radar_cleaner.inspection.sources import Series
from radar_cleaner.inspection.times import Cadence, Reading
from radar_cleaner.reflectivity.legend_search import FoundLegend, find_legends
from radar_cleaner.reflectivity.palette import format_colour
from radar_cleaner.storage.shards import to_datetime

SHOWN_COLOURS = 24
ENOUGH_SIDE = 1000  # pixels of a map whose colours are counted; of larger ones every second, third, ...
IN_CORNERS = 0.02  # share of the echo that a radar's circle would cut off
MOST_LEGENDS = 3
MOST_CHANGING = 0.02  # share of the pixels of a legend that change from frame to frame
MOST_SWATCHES = 30  # classes of a legend whose bounds a user writes one by one
CERTAIN_CADENCE = 0.5  # share of the pairs of frames that have the commonest difference
BOX_COMMENTS = {
    "edges": "the map within its straight edges",
    "whole": "the whole picture: no edge of a legend strip or a title was found",
    "square": "a guess: the square beside the legend; no edge is drawn, so compare it with the picture",
}


@dataclass(frozen=True)
class SizeFindings:
    """The plot box and the colours of the pictures of one size."""

    look: Look
    plot_box: PlotBox
    counts: ColourCounts
    palettes: tuple[PaletteMatch, ...]
    nodata: tuple[Colours, bool] | None
    legends: tuple[FoundLegend, ...]
    ground: tuple[str, ...]  # colours of the map that are near a class, as `#rrggbb`
    corner_share: float  # of the echo that is outside the circle of a radar in the middle

    @property
    def legend_boxes(self) -> dict[str, Box]:
        """The boxes of the legends by a name for a picture."""
        return {f"legend {number}": legend.box for number, legend in enumerate(self.legends, start=1)}


@dataclass(frozen=True)
class RadarFindings:
    """The keys of a radar: those of its entry, and those that can be common in `frames` and in `labels`."""

    series: Series
    sizes: tuple[SizeFindings, ...]
    entry: tuple[Key, ...]
    frames: tuple[Key, ...]
    labels: tuple[Key, ...]
    problems: tuple[tuple[str, str], ...] = ()  # paths of pictures that cannot be read, and why


def inspect_radar(
    files: Mapping[str, FrameFile], series: Series, palettes: Mapping[str, Colours]
) -> RadarFindings:
    """Look at the pictures of a radar, which `files` has by their paths.

    `palettes` are the known ones, by the value of their key.
    """
    reading = series.readings[0] if series.readings else None
    paths = _in_order(series.paths, reading)
    looks = look_at(files, paths)
    sizes = tuple(_inspect_size(look, palettes) for look in looks.looks)
    times = sorted(reading.read) if reading else []
    entry = [
        Key("id", series.id, _describe(series, times)),
        Key("frames", series.source, "")
        if series.source
        else unknown("frames", f"a folder or a glob of just these pictures, such as {series.paths[0]}"),
    ]
    frames = [*_time_keys(series), *_loop_keys(looks)]
    labels: list[Key] = []
    if sizes:
        frames += _size_keys(sizes[0])
        labels += _label_keys(sizes[0])
        if len(sizes) > 1:
            entry.append(_layouts(sizes[0], sizes[1:], times))
    return RadarFindings(series, sizes, tuple(entry), tuple(frames), tuple(labels), looks.problems)


def place_keys(latitude: float | None, longitude: float | None, found: SizeFindings | None) -> list[Key]:
    """Return the keys of the place of a radar's map."""
    x0, y0, x1, y1 = found.plot_box.box if found else (0, 0, 0, 0)
    half = f"km that half of the longer side of the map covers, {max(x1 - x0, y1 - y0) / 2:g} px"
    scale = unknown("range_km", f"{half}; nothing is read beyond it")
    if found is not None and found.corner_share > IN_CORNERS:
        why = f"{found.corner_share:.0%} of the echo is beyond a circle in the map, so no range cuts it off"
        scale = Key("grid", (unknown("range_km", half),), why)
    keys = [
        Key("latitude", latitude) if latitude is not None else unknown("latitude", "of the radar, degrees north"),
        Key("longitude", longitude)
        if longitude is not None
        else unknown("longitude", "of the radar, degrees east"),
        scale,
        Key(
            "center_px",
            [(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2],
            "pixel of the radar in the picture; this is the middle of the map, the default",
            active=False,
        ),
    ]
    comment = (
        f"The place of the map. For a mosaic or a web map remove latitude, longitude and {scale.name}, and write"
        " its edges:\ngrid: {bounds: [west, south, east, north], crs: EPSG:4326}"
    )
    return [replace(keys[0], comment=f"{comment}\n{keys[0].comment}".strip()), *keys[1:]]


def cadence_key(cadence: Cadence | None, is_loop: bool) -> list[Key]:
    """Return the keys of the time between two frames."""
    if is_loop:
        return [unknown("cadence_minutes", "minutes between two frames, as in loop.step_minutes")]
    if cadence is None:
        return [unknown("cadence_minutes", "minutes between two frames; one time does not show them")]
    comment = f"{100 * cadence.share:.0f} % of the frames follow the one before by this"
    if cadence.share < CERTAIN_CADENCE:
        return [Key("cadence_minutes", cadence.minutes, f"{comment}; that is not many, so check it")]
    keys = [Key("cadence_minutes", cadence.minutes, comment)]
    if cadence.off_slot_minutes > 0:
        off = f"frames are up to {cadence.off_slot_minutes:.1f} minutes off the multiples of this"
        near = cadence.off_slot_minutes <= cadence.minutes / 4
        keys.append(Key("snap_minutes", float(np.ceil(10 * cadence.off_slot_minutes) / 10), off, active=near))
    return keys


def _in_order(paths: Sequence[str], reading: Reading | None) -> list[str]:
    if reading is None:
        return list(paths)
    timed = sorted((time, path) for path, time in zip(paths, reading.times, strict=True) if time is not None)
    return [path for _, path in timed]


def _describe(series: Series, times: Sequence[int]) -> str:
    text = f"{len(series.paths)} picture{'s' if len(series.paths) > 1 else ''}"
    if times and series.names is not None:
        text += f" of {_shown(times[0])}" + (f" to {_shown(times[-1])}" if len(times) > 1 else "")
    return text


def _time_keys(series: Series) -> list[Key]:
    """Return pattern, format and zone of the times; the user decides among several readings."""
    readings, paths = series.readings, series.paths
    if not readings:
        comment = (
            f"no time was found in names such as {paths[0]}. Write mtime to take the dates of the files, or the"
            " path of a CSV with the columns file,time"
        )
        return [unknown("time_from", comment)]
    zone = _zone_key(readings)
    if len(readings) == 1:
        names, time = readings[0].names, readings[0].read[0]
        missed = readings[0].times.count(None)
        comment = f"{paths[readings[0].times.index(time)]} is {_shown(time)}"
        if missed:
            comment += f"; {missed} of {len(paths)} names do not fit and are left out"
        why = "other formats fit, too; the dates of the files agree with this one" if series.by_dates else ""
        return [Key("pattern", names.pattern, comment), Key("time_format", names.time_format, why), zone]
    lines = [f"the names are ambiguous: {paths[0]} is one of"]
    lines += [
        f"  {_shown(reading.read[0])}: pattern: {reading.names.pattern} and time_format:"
        f" {reading.names.time_format}"
        for reading in readings
    ]
    patterns = {reading.names.pattern for reading in readings}
    if len(patterns) == 1:
        lines[1:] = [f"  {_shown(reading.read[0])}: {reading.names.time_format}" for reading in readings]
        return [Key("pattern", patterns.pop()), unknown("time_format", "\n".join(lines)), zone]
    return [unknown("pattern", "\n".join(lines)), unknown("time_format", "the one of the right line"), zone]


def _zone_key(readings: Sequence[Reading]) -> Key:
    """Return the key of the time zone, as far as the names show it."""
    zones = {reading.zone for reading in readings}
    if zones <= {"Z", "UTC", "GMT"}:
        return Key("time_zone", "UTC", f"the names end their times with {zones.pop()}")
    if zones != {""}:
        shown = ", ".join(sorted(zones))
        return unknown("time_zone", f"the names end their times with {shown}; a name such as Europe/Berlin")
    if all(reading.names.time_format.endswith("%z") for reading in readings):
        return Key("time_zone", "UTC", "the names have their difference from UTC", active=False)
    text = "assumed; names in local time need a zone, for example Asia/Bangkok. Check it"
    return Key("time_zone", "UTC", text)


def _loop_keys(looks: Looks) -> list[Key]:
    if looks.loop_length == 1:
        return []
    step = unknown("step_minutes", f"minutes between two of the {looks.loop_length} pictures of a file")
    last = Key("last", "name", "the time in the name is that of the last picture; first if it is of the first one")
    return [Key("loop", (step, last), "the files are loops of several pictures")]


def _inspect_size(look: Look, palettes: Mapping[str, Colours]) -> SizeFindings:
    legends = _find_legends(look)
    plot_box = find_plot_box(look.frames, [legend.box for legend in legends])
    x0, y0, x1, y1 = plot_box.box
    step = 1 + max(y1 - y0, x1 - x0) // ENOUGH_SIDE
    maps = [frame[y0:y1:step, x0:x1:step] for frame in look.frames]
    counts = count_colours(maps)
    colours = legends[0].classes.colours if legends else None
    matches = match_palettes(counts, palettes) if colours is None else match_legend(colours, palettes)
    classes = palettes[matches[0].name] if len(matches) == 1 else colours
    ground = tuple(format_colour(one) for one in ground_like_classes(counts, classes).tolist())
    return SizeFindings(
        look,
        plot_box,
        counts,
        tuple(matches),
        nodata_candidate(maps, counts),
        legends,
        ground,
        corner_share(maps, counts),
    )


def _find_legends(look: Look) -> tuple[FoundLegend, ...]:
    """Return the bars that do not change: one that does is rain."""
    changing = changing_pixels(look.frames)
    found = []
    for legend in find_legends(middle_picture(look.frames)):
        x0, y0, x1, y1 = legend.box
        if changing[y0:y1, x0:x1].mean() <= MOST_CHANGING:
            found.append(legend)
    return tuple(found[:MOST_LEGENDS])


def _size_keys(found: SizeFindings) -> list[Key]:
    """Return the keys of the picture: its size, the plot box and the border."""
    keys = [Key("size_px", list(found.look.size), "width and height")]
    box = found.plot_box
    if box.found_by == "unknown":
        keys.append(unknown("plot_box_px", "[x0, y0, x1, y1] of the map; no edge beside the legend shows it"))
    else:
        keys.append(Key("plot_box_px", list(box.box), BOX_COMMENTS[box.found_by]))
    if box.border_px:
        border = Key("border_px", box.border_px, "a line of one colour around the map")
        keys.append(Key("overlay", (border,)))
    return keys


def _layouts(first: SizeFindings, others: Sequence[SizeFindings], times: Sequence[int]) -> Key:
    """Return the layouts of a radar whose pictures have several sizes: those beside the commonest."""
    items = []
    for found in others:
        since, until = (_shown(times[min(i, len(times) - 1)]) for i in (found.look.first, found.look.last))
        size, *rest = _size_keys(found)
        keys = [
            replace(size, comment=f"{size.comment}, from {since} to {until}" if times else size.comment),
            *rest,
        ]
        half, own = (_half(one.plot_box) for one in (found, first))
        if half != own:
            text = f"km that half of the longer side of the map covers, {half:g} px here and {own:g} px above"
            keys.append(Key("grid", (unknown("range_km", text),)))
        items.append(tuple(keys))
    return Key(
        "layouts", items, "pictures of other sizes; keys that a layout does not have are those of the radar"
    )


def _half(plot_box: PlotBox) -> float:
    x0, y0, x1, y1 = plot_box.box
    return max(x1 - x0, y1 - y0) / 2


def _label_keys(found: SizeFindings) -> list[Key]:
    keys = [*_palette_keys(found)]
    if found.ground:
        keys.append(Key("ground_colours", list(found.ground), "common, still, and nearly the colour of a class"))
    if found.nodata is not None:
        colour, sure = found.nodata
        comment = "this gray surrounds the map"
        comment += " and comes and goes with its coverage" if sure else "; activate the key if no radar sees there"
        keys.append(Key("nodata_colours", [format_colour(colour.tolist())], comment, active=sure))
    return keys


def _palette_keys(found: SizeFindings) -> list[Key]:
    """Return the keys of the palette: a known one, or the legend of the picture, or a list of colours."""
    if len(found.palettes) == 1:
        match = found.palettes[0]
        comment = f"proposed: {match.seen} of its {match.classes} colours are in the pictures, "
        if found.legends:
            bounds = read_bounds(match.name)
            comment += (
                f"as in the legend at {list(found.legends[0].box)}. Other services have other numbers beside"
            )
            comment += f" these colours: compare {', '.join(bounds)}"
        else:
            comment += f"and {100 * match.explained:.0f} % of the changing coloured pixels have one of them"
        return [Key("method", "palette"), Key("palette", match.name, comment)]
    if found.legends:
        return _legend_keys(found.legends)
    several = ", ".join(match.name for match in found.palettes)
    lines = [f"several palettes fit: {several}"] if several else ["a CSV of colour,dbz_min; no known one fits"]
    lines += ["the colours that change most, for a CSV (strongest class last):"]
    lines += [f"  {colour},?  ({share:.2%} of the pixels)" for colour, share in _listed(found.counts)]
    return [Key("method", "palette"), unknown("palette", "\n".join(lines))]


def _legend_keys(legends: Sequence[FoundLegend]) -> list[Key]:
    """Return the keys of the legend in the picture; its numbers are left to the user."""
    legend = legends[0]
    colours = [format_colour(colour) for colour in legend.classes.colours.tolist()]
    way = "from left to right" if legend.lying else "from bottom to top"
    by_ends = len(colours) > MOST_SWATCHES
    if by_ends:
        numbers = f"[first, last]: the numbers at the two ends of the bar, {way}; it has {len(colours)} steps"
    else:
        numbers = f"the lower bounds of its {len(colours)} classes, {way}: {', '.join(colours)}"
    if legend.strong_first:
        numbers += "\nthe strong end seems to come first; the numbers then fall"
    box = f"{len(legends)} bars were found; this is the longest" if len(legends) > 1 else "the bar"
    box += ". A swatch at its end in the colour of the page is not seen: compare, and enlarge the box"
    keys = (
        Key("box_px", list(legend.box), box),
        Key("scale", "ends" if by_ends else "bounds"),
        unknown("dbz", numbers),
    )
    unit = Key("unit", "dBZ", "of the numbers beside the bar: dBZ, mm/h or mm/10min", active=False)
    return [Key("method", "legend"), unit, Key("legend", keys, "no known palette has its colours")]


def _listed(counts: ColourCounts) -> list[tuple[str, float]]:
    return [
        (format_colour(counts.colours[index].tolist()), float(counts.shares[index]))
        for index in counts.echo_candidates(SHOWN_COLOURS)
    ]


def _shown(time: int) -> str:
    return f"{to_datetime(time):%Y-%m-%d %H:%M}"
