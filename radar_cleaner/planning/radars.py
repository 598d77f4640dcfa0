"""Radars with all their settings, and periods as times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from radar_cleaner.config.config import Config
from radar_cleaner.config.frames import Drawing, Overlay, Picture
from radar_cleaner.config.grid import PlotGrid
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.layouts import Layout
from radar_cleaner.config.radars import RadarEntry
from radar_cleaner.config.services import Credit, credit_of
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import settle_source
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.control_points import fit_control_points
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.placement import Frame, place_box
from radar_cleaner.storage.shards import format_time, parse_time, shard_of, shard_start

Period = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Radar:
    """A radar with its settings: the common ones, and those of its own entry in their place."""

    place: str  # `radars[0]`, for messages
    id: str
    source: str
    latitude: float | None
    longitude: float | None
    max_range_km: float | None
    grid: PlotGrid
    center_px: tuple[float, float] | None  # frame pixels
    names: NameFormat
    size_px: tuple[int, int] | None
    plot_box_px: tuple[int, int, int, int] | None
    legend_width_px: int | None
    overlay: Overlay
    labels: Labels
    credit: Credit
    period: tuple[Any, ...] | None = None  # of a layout, as it is written
    layouts: tuple[Radar, ...] = ()  # with ids like `CASGO.1`

    @property
    def is_layout(self) -> bool:
        """Whether these are the settings of a layout, not those of a radar."""
        return ".layouts[" in self.place

    @property
    def mask_names(self) -> NameFormat:
        """How the times of reference masks are found: they are named like the frames, one picture a file."""
        return replace(self.names, time_from="name", loop_minutes=0)

    @property
    def palette(self) -> str | None:
        """The file of the palette, if the radar's method reads one: a CSV, or a picture of a legend."""
        if self.labels.method == "legend":
            return self.labels.legend.file
        return self.labels.palette if self.labels.method == "palette" else None

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the plot box (x0, y0, x1, y1; half open) in a frame of (width, height) `size`."""
        if self.plot_box_px is not None:
            return self.plot_box_px
        return (self.legend_width_px or 0, 0, *size)

    def center(self, size: tuple[int, int]) -> tuple[float, float]:
        """Return the radar's (column, row) in the frame, by default the middle of the plot box."""
        if self.center_px is not None:
            return self.center_px
        x0, y0, x1, y1 = self.box(size)
        return (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2

    def geometry(self, size: tuple[int, int]) -> RadarGeometry:
        """Return the radar and the grid of its plot box. Raises ConfigError."""
        try:
            grid = place_box(self.grid, self._frame(size))
        except ConfigError as error:
            raise ConfigError(f"{self.place}.grid.{error}") from None
        return RadarGeometry(self.id, grid, self.latitude, self.longitude, self.max_range_km)

    def residuals(self, size: tuple[int, int]) -> str | None:
        """Return how far the control points are from their fit, in words; None without control points."""
        if self.grid.control_points is None:
            return None
        away = fit_control_points(self.grid.crs, self.grid.control_points, self.box(size)).residuals_px
        each = ", ".join(f"{value:.1f}" for value in away)
        key = f"{self.place}.grid.control_points"
        return f"{key}: {len(away)} points within {away.max():.1f} px of their fit ({each} px)"

    def _frame(self, size: tuple[int, int]) -> Frame:
        position = None
        if self.latitude is not None and self.longitude is not None:
            position = (self.longitude, self.latitude)
        return Frame(self.box(size), self.center(size), position)


def read_radars(config: Config) -> list[Radar]:
    """Return the radars of a config, with the common settings filled in."""
    return [_radar(f"radars[{i}]", entry, config) for i, entry in enumerate(config.radars)]


def _radar(place: str, entry: RadarEntry, config: Config) -> Radar:
    settings = _settings(entry, config.frames.cut(Picture))
    radar = Radar(
        place=place,
        id=entry.id,
        source=settle_source(entry.frames),
        latitude=entry.latitude,
        longitude=entry.longitude,
        max_range_km=entry.range_km if entry.max_range_km is None else entry.max_range_km,
        grid=entry.plot_grid,
        center_px=_point(entry.center_px),
        names=_names(settings, config.frames.cadence_minutes),
        size_px=_size(settings.size_px),
        plot_box_px=_box(settings.plot_box_px),
        legend_width_px=settings.legend_width_px,
        overlay=settings.overlay,
        labels=entry.labels.over(config.labels),
        credit=credit_of([entry.service, *(layout.service for layout in entry.layouts)]),
    )
    layouts = [_layout(radar, number, layout, settings) for number, layout in enumerate(entry.layouts)]
    return replace(radar, layouts=tuple(layouts))


def _layout(radar: Radar, number: int, layout: Layout, common: Picture) -> Radar:
    """Return the settings of a layout as those of a radar: its own, and else those of its radar."""
    settings = _settings(layout, common)
    # Without a size of its own a layout has the most frequent size of its period.
    return replace(
        radar,
        place=f"{radar.place}.layouts[{number}]",
        id=f"{radar.id}.{number + 1}",
        grid=layout.grid if layout.grid.kinds else radar.grid,
        center_px=radar.center_px if layout.center_px is None else _point(layout.center_px),
        size_px=_size(layout.size_px),
        plot_box_px=_box(settings.plot_box_px),
        legend_width_px=settings.legend_width_px,
        overlay=settings.overlay,
        labels=layout.labels.over(radar.labels),
        period=layout.period,
    )


def _settings(own: Drawing, common: Picture) -> Picture:
    """Return the common keys with those of a radar or layout in their place."""
    settings = own.over(common)
    if own.model_fields_set & {"plot_box_px", "legend_width_px"}:  # one of them replaces both
        update = {"plot_box_px": own.plot_box_px, "legend_width_px": own.legend_width_px}
        settings = settings.model_copy(update=update)
    return settings


def _names(settings: Picture, cadence_minutes: float) -> NameFormat:
    loop, snap = settings.loop, settings.snap_minutes
    return NameFormat(
        settings.pattern,
        settings.time_format,
        settings.time_zone,
        time_from=settings.time_from,
        loop_minutes=loop.step_minutes if loop else 0,
        loop_last=loop.last if loop else "name",
        loop_pause=loop.pause_pictures if loop else 0,
        slot_minutes=cadence_minutes if snap else 0,
        snap_minutes=snap,
    )


def _point(value: tuple[float, ...] | None) -> tuple[float, float] | None:
    return None if value is None else (value[0], value[1])


def _size(value: tuple[int, ...] | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])


def _box(value: tuple[int, ...] | None) -> tuple[int, int, int, int] | None:
    return None if value is None else (value[0], value[1], value[2], value[3])


def read_period(place: str, value: Sequence[Any] | None, grain: str) -> Period | None:
    """Return a period as ((start, end), ...) in seconds, end excluded; None stays None.

    `value` is [start, end] or a list of them. Raises ConfigError if a time is unreadable, an end is not after its
    start, two parts overlap, or a time is not a boundary of shards of this grain.
    """
    if value is None:
        return None
    parts = value if isinstance(value[0], tuple) else [value]
    period = []
    for part in parts:
        if not isinstance(part, tuple) or len(part) != 2:
            raise ConfigError(f"{place}: {part} is not a period; write [start, end] or [[start, end], ...]")
        try:
            start, end = (parse_time(text) for text in part)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
        if start >= end:
            raise ConfigError(f"{place}: {part[1]} is not after {part[0]}; write [start, end]")
        for time, text in ((start, part[0]), (end, part[1])):
            if not _starts_shard(time, grain):
                raise ConfigError(
                    f"{place}: {text} is not the start of a {grain}; periods end on shard"
                    " boundaries (frames.shard)"
                )
        period.append((start, end))
    period.sort()
    for before, after in pairwise(period):
        if before[1] > after[0]:
            raise ConfigError(f"{place}: two of its parts overlap at {format_time(after[0])}; join them")
    return tuple(period)


def _starts_shard(time: int, grain: str) -> bool:
    try:
        return shard_start(shard_of(time, grain)) == time
    except (ValueError, OverflowError):  # shards before the year 1000 have no name
        return False


def within(period: Period | None, time: int) -> bool:
    """Return whether a time is in a period. None is the period of all times."""
    return period is None or any(start <= time < end for start, end in period)
