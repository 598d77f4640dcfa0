"""The report's pictures of frames, drawn from open stores, with their captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import FLAG_KEPT, FLAG_REMOVED, is_echo
from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.regrid import nearest_regridder
from radar_cleaner.plotting import maps as map_figures
from radar_cleaner.plotting.maps import Extent, Picture
from radar_cleaner.report.choice import Choice, FrameCount, sample_evenly
from radar_cleaner.report.page import count_of, embed_png, utc
from radar_cleaner.report.run import FinishedRun
from radar_cleaner.storage.reader import Store, TimeSeries

# Bounds on the frames that are read, so that the report of a year takes no longer than that of a month.
SCANNED_FRAMES = 500  # products of a radar among which the frames to show are chosen
BACKGROUND_FRAMES = 15  # frames with the least echo, each of an equal part of the times


@dataclass(frozen=True)
class Shown:
    """A picture as the source of an HTML image, its title and its caption."""

    title: str
    note: str
    picture: str


NO_PICTURE = 240  # gray of the map of a radar without a picture


@dataclass(frozen=True)
class RadarPictures:
    """A radar's stores by time, and the map of its plot box (None if it has no frame)."""

    radar: str
    rgb: TimeSeries
    reflectivity: TimeSeries
    labels: TimeSeries
    cleaned: TimeSeries
    background: Picture | None

    @classmethod
    def open(cls, radar: str, run: FinishedRun) -> RadarPictures:
        """Open a radar's stores, and make the map from frames with little echo, spread over all times."""
        rgb, reflectivity, labels, cleaned = (
            run.series(kind, radar) for kind in ("rgb", "reflectivity", "labels", "cleaned")
        )
        if not reflectivity.times:
            return cls(radar, rgb, reflectivity, labels, cleaned, None)
        echo = {
            int(time): float(share)
            for store in reflectivity.stores
            for share, time in zip(store.read("echo_fraction"), store.times, strict=True)
        }
        # Frames of other layouts are decoded, but their pictures are not on the grid of the radar.
        drawn = sorted(echo.keys() & set(rgb.times))
        if not drawn:
            shape = reflectivity.stores[0].shape("reflectivity")
            return cls(radar, rgb, reflectivity, labels, cleaned, np.full((*shape, 3), NO_PICTURE, np.uint8))
        parts = np.array_split(drawn, min(BACKGROUND_FRAMES, len(drawn)))
        quiet = [min(part.tolist(), key=lambda time: echo[time]) for part in parts]
        x0, y0, x1, y1 = reflectivity.stores[0].attrs["plot_box_px"]
        background = map_figures.median_map(
            [_frame(rgb, "rgb", time)[y0:y1, x0:x1] for time in quiet],
            [is_echo(_frame(reflectivity, "reflectivity", time)) for time in quiet],
        )
        return cls(radar, rgb, reflectivity, labels, cleaned, background)

    def count_frames(self) -> list[FrameCount]:
        """Count kept and removed pixels in the cleaned frames, or in a bounded even sample of them."""
        counts = []
        for time in sample_evenly(self.cleaned.times, SCANNED_FRAMES):
            flags = np.bincount(_frame(self.cleaned, "quality_flag", time).reshape(-1), minlength=256)
            counts.append(FrameCount(self.radar, time, int(flags[FLAG_KEPT]), int(flags[FLAG_REMOVED])))
        return counts

    def draw_cleaning(self, choice: Choice) -> Shown:
        """Draw a frame before and after cleaning."""
        time = choice.frame.time
        title = f"{self.radar}, {utc(time)} UTC"
        frame, frame_extent, codes, backdrop, extent = self._frame_over_map(time)
        cleaned, flags = (_frame(self.cleaned, name, time) for name in ("reflectivity", "quality_flag"))
        png = map_figures.cleaning_figure(title, frame, frame_extent, codes, cleaned, flags, backdrop, extent)
        return Shown(title, choice.reason, embed_png(png))

    def draw_label(self, time: int) -> Shown:
        """Draw a frame beside its weak label."""
        title = f"Weak label of {self.radar}, {utc(time)} UTC"
        frame, frame_extent, codes, backdrop, extent = self._frame_over_map(time)
        classes = _frame(self.labels, "shape_class", time)
        png = map_figures.label_figure(title, frame, frame_extent, codes, classes, backdrop, extent)
        return Shown(title, f"label method: {self._attrs['label_method']}", embed_png(png))

    def draw_atlas(self, atlas: Store) -> Shown:
        """Draw the clutter atlas over the map."""
        assert self.background is not None, "the radar has frames"
        frequency, clutter = atlas.read("echo_frequency"), atlas.read("clutter")
        title = f"Clutter atlas of {self.radar}"
        png = map_figures.atlas_figure(title, self.background, frequency, clutter, self.extent(clutter.shape))
        note = f"method: {atlas.attrs['method']}, from {count_of(atlas.attrs['frames_used'], 'frame')}"
        if atlas.attrs["too_few_frames"]:
            note += "; too few to separate clutter from rain, so nothing is masked"
        else:
            note += f"; {100 * atlas.attrs['known_share']:.0f} % of the pixels have enough of them"
        return Shown(title, note, embed_png(png))

    def extent(self, shape: Sequence[int], offset: Sequence[int] = (0, 0)) -> Extent:
        """Return the extent in km of a picture (rows, columns) with the plot box at `offset` (column, row)."""
        radar = self.geometry
        return map_figures.extent_km((shape[0], shape[1]), radar.middle_px, radar.pixel_km, offset)

    @cached_property
    def geometry(self) -> RadarGeometry:
        """The radar and the grid of its plot box."""
        return RadarGeometry.from_attrs(self._attrs, self.reflectivity.stores[0].shape("reflectivity"))

    @property
    def _attrs(self) -> Any:
        return self.reflectivity.stores[0].attrs

    def _frame_over_map(self, time: int) -> tuple[Picture, Extent, Picture, Picture, Extent]:
        assert self.background is not None, "a radar with a frame has a background"
        frame, codes = self.rgb.frame("rgb", time), _frame(self.reflectivity, "reflectivity", time)
        box = self.extent(codes.shape)
        if frame is None:  # of another layout
            return self.background, box, codes, map_figures.pale(self.background), box
        whole = self.extent(frame.shape, self._attrs["plot_box_px"][:2])
        return frame, whole, codes, map_figures.pale(self.background), box


def draw_overlap(pairs: Sequence[tuple[RadarPictures, RadarPictures, Store]]) -> Shown:
    """Draw the maps of two radars on one grid: (target, radar, warp store of the radar onto the target) each."""
    panels = []
    for target, radar, warp in pairs:
        assert target.background is not None and radar.background is not None, "both have frames"
        other, coverage = radar.background, warp.read("coverage")
        regridder = nearest_regridder(warp.read("grid"), coverage, (other.shape[0], other.shape[1]))
        bands = [regridder.apply(np.ascontiguousarray(other[..., band]), 0) for band in range(3)]
        title = f"{radar.radar} in squares on the grid of {target.radar}"
        panels.append(
            (title, target.background, np.stack(bands, axis=-1), coverage, target.extent(coverage.shape))
        )
    target, radar, warp = pairs[0]
    title = f"{target.radar} and {radar.radar}"
    note = f"{float(warp.attrs['distance_km']):.1f} km from radar to radar"
    return Shown(title, note, embed_png(map_figures.overlap_figure(title, panels)))


def draw_composite(composite: TimeSeries, time: int, radars: Mapping[str, RadarPictures]) -> Shown:
    """Draw the product of all radars at one of its times, over the map of the radar whose plane it is on."""
    attrs = composite.stores[0].attrs
    codes, flags = (_frame(composite, name, time) for name in ("reflectivity", "quality_flag"))
    shape = (codes.shape[0], codes.shape[1])
    grid = Grid.from_attrs(attrs, shape)
    center, pixel_km = grid.middle_px, grid.pixel_km
    backdrop = np.full((*shape, 3), 250, np.uint8)
    first = radars.get(attrs["radars"][0])
    if first is not None and first.background is not None:
        own = first.geometry.grid.origin_px
        offset = (round(grid.origin_px[0] - own[0]), round(grid.origin_px[1] - own[1]))
        backdrop = map_figures.place(map_figures.pale(first.background), shape, offset)
        column, row = first.geometry.middle_px
        center, pixel_km = (column + offset[0], row + offset[1]), first.geometry.pixel_km
    extent = map_figures.extent_km(shape, center, pixel_km)
    title = f"Composite, {utc(time)} UTC"
    note = "Each pixel is of one radar: kept before removed, observed before filled, then the highest dBZ."
    return Shown(title, note, embed_png(map_figures.composite_figure(title, codes, flags, backdrop, extent)))


def _frame(series: TimeSeries, name: str, time: int) -> NDArray[Any]:
    frame = series.frame(name, time)
    assert frame is not None, series.describe(time)
    return frame
