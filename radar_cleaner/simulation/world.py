"""A world: the places of its radars, their measurements and their pictures, time by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNDETECT, encode_dbz
from radar_cleaner.errors import ConfigError, require
from radar_cleaner.georeference.grid import RadarGeometry, union_grid
from radar_cleaner.georeference.planes import GEOD
from radar_cleaner.simulation.clutter import GroundClutter, Specks, Spokes
from radar_cleaner.simulation.landscape import find_places, raise_land
from radar_cleaner.simulation.pictures import Indices, Painter, class_of
from radar_cleaner.simulation.radar_view import RadarView
from radar_cleaner.simulation.rain import RainField, RainStyle
from radar_cleaner.simulation.spectra import Field
from radar_cleaner.storage.shards import parse_time

LATITUDE, LONGITUDE = 40.0, -38.0  # in the Atlantic, so that it is not mistaken for a real place
SPACING = 0.8  # distance of neighbouring radars, relative to their range
HEXAGON_TURN = 20.0  # degrees; the second radar is neither north nor east of the first
MARGIN = 1.25  # the periodic plane is larger than the radars' boxes by this factor
TOWNS_A_RADAR = 3
# Keys of the generators: no two parts of the world draw from the same one.
RAIN, LANDSCAPE, FIRST_RADAR = 0, 1, 10

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class WorldOptions:
    """Everything that determines a world. Raise ConfigError where a value is impossible.

    size: side of the plot box in pixels. clutter: amount of clutter, 0 none, 1 usual. start: ISO time, UTC.
    """

    seed: int = 1
    radars: int = 2
    hours: int = 3
    cadence_minutes: int = 6
    size: int = 240
    range_km: float = 120.0
    clutter: float = 1.0
    start: str = "2026-06-01T00:00"
    rain: RainStyle = field(default_factory=RainStyle)

    def __post_init__(self) -> None:
        require("seed", self.seed, 0)
        require("radars", self.radars, 1, 100)
        require("hours", self.hours, 2)
        require("cadence_minutes", self.cadence_minutes, 1, 60)
        require("size", self.size, 64, 4096)
        require("range_km", self.range_km, 10, 500)
        require("clutter", self.clutter, 0, 3)
        if 60 % self.cadence_minutes:
            raise ConfigError(f"cadence_minutes is {self.cadence_minutes}; write a divisor of 60")
        if self.first_time % 3600:
            raise ConfigError(f"start is {self.start}; write a full hour")

    @property
    def first_time(self) -> int:
        """Return the start in seconds since 1970."""
        return parse_time(self.start)

    @property
    def times(self) -> range:
        """Return the times of all frames in seconds since 1970."""
        return range(self.first_time, self.first_time + 3600 * self.hours, 60 * self.cadence_minutes)


@dataclass(frozen=True)
class View:
    """The measurement of one radar at one time; all (size, size), packed reflectivity unless typed otherwise.

    rain: measured rain without clutter, `nodata` beyond the range. clutter: the same without rain. ground: the
    rain itself, everywhere in the box. truth of the picture: 0 no echo, 1 meteorological, 2 non-meteorological,
    255 overlay. frame: the picture, (height, width) indices into `pictures.COLOURS`.
    """

    rain: Codes
    clutter: Codes
    ground: Codes
    truth: NDArray[np.uint8]
    frame: Indices


def place_radars(options: WorldOptions) -> list[RadarGeometry]:
    """Place SIM1 in the middle and the others around it on a lattice of triangles, near ones first."""
    steps = np.arange(-options.radars, options.radars + 1)  # enough for all of them
    first, second = (axis.ravel() for axis in np.meshgrid(steps, steps))
    east, north = first + second / 2, second * np.sqrt(3) / 2
    distance, azimuth = np.hypot(east, north).round(6), np.rad2deg(np.arctan2(east, north)) % 360
    order = np.lexsort([azimuth.round(6), distance])[: options.radars]
    middle = (options.size - 1) / 2
    radars = []
    for number, place in enumerate(order.tolist(), start=1):
        longitude, latitude, _ = GEOD.fwd(
            LONGITUDE,
            LATITUDE,
            float(azimuth[place]) + HEXAGON_TURN,
            1000 * options.range_km * SPACING * float(distance[place]),
        )
        # Rounded as in the config, so that the workflow computes with the same place.
        latitude, longitude = round(float(latitude), 5), round(float(longitude), 5)
        size, center = options.size, (middle, middle)
        radars.append(
            RadarGeometry.about(f"SIM{number}", latitude, longitude, options.range_km, size, size, center)
        )
    return radars


class World:
    """The radars of a world and what is always the same in it; `scenes` advances it in time."""

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.radars = place_radars(options)
        try:
            box = union_grid(self.radars)
        except ConfigError:  # its message is about a composite
            raise ConfigError(
                f"radars is {options.radars} and size {options.size}: the world has too many pixels; lower one"
            ) from None
        height, width = (cv2.getOptimalDFTSize(int(MARGIN * side)) for side in box.shape)
        self.shape = height, width
        self.plane = replace(box, width=width, height=height)  # the box is its upper left part
        generator = self._generator(LANDSCAPE)
        self.land = raise_land(self.shape, self.km_per_pixel, generator)
        towns = find_places(self.land[: box.height, : box.width], TOWNS_A_RADAR * options.radars, generator)
        longitude, latitude = box.longitude_latitude()
        places = longitude[towns[:, 0], towns[:, 1]], latitude[towns[:, 0], towns[:, 1]]
        self.views = {radar.radar: RadarView(radar, self.plane) for radar in self.radars}
        self.painters = {
            radar.radar: Painter(
                radar.radar,
                self.views[radar.radar].look_up_pixels(self.land),
                np.stack(radar.grid.pixel_of(*places), axis=1),
            )
            for radar in self.radars
        }

    @property
    def km_per_pixel(self) -> float:
        """Return the pixel size of the plane and of the pictures in km."""
        return self.plane.pixel_width / 1000

    def scenes(self) -> Iterator[tuple[int, dict[str, View]]]:
        """Yield each time, in seconds since 1970, and the view of each radar. Each call starts again."""
        options = self.options
        rain = RainField(self.shape, self.km_per_pixel, options.rain, self._generator(RAIN))
        sights = {radar: _Sight(self, radar, index) for index, radar in enumerate(self.views)}
        for time in options.times:
            if time > options.first_time:
                rain.advance(options.cadence_minutes)
            field = rain.field()
            yield time, {radar: sight.look(field, time) for radar, sight in sights.items()}

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, *key])


class _Sight:
    """One radar through time: its clutter depends on the previous scan."""

    def __init__(self, world: World, radar: str, index: int) -> None:
        self._view, self._painter = world.views[radar], world.painters[radar]
        self._options = world.options
        amount, land = world.options.clutter, world.land
        receiver, hills, transmitters, dots = (world._generator(FIRST_RADAR + index, part) for part in range(4))
        self._receiver = receiver
        self._clutter = (
            GroundClutter(self._view, land, amount, hills),
            Spokes(self._view, amount, transmitters),
            Specks(self._view, amount, dots),
        )

    def look(self, field: Field, time: int) -> View:
        """Scan the rain and the clutter at a time; `field` is the rain's on the world's plane."""
        style = self._options.rain
        rain = self._view.to_codes(self._view.observe(field, style, self._receiver))
        scans = [kind.scan(self._options.cadence_minutes) for kind in self._clutter]
        clutter = self._view.to_codes(np.maximum.reduce(scans))
        ground = style.dbz(self._view.look_up_pixels(field))
        return View(
            rain=rain,
            clutter=clutter,
            ground=np.where(np.isfinite(ground), encode_dbz(np.maximum(ground, 0)), UNDETECT).astype(np.uint8),
            truth=judge(rain, clutter, self._painter.hidden),
            # The stronger of the two is visible.
            frame=self._painter.paint(np.maximum(rain, clutter), time),
        )


def judge(rain: Codes, clutter: Codes, hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the class of a picture's echo (size, size): NONE, METEOROLOGICAL, NON_METEOROLOGICAL, NODATA.

    Echo below the palette's weakest class is not visible. Of two echoes the stronger is visible, of equal ones
    the rain.
    """
    shown = class_of(np.maximum(rain, clutter)) >= 0
    truth = np.where(rain >= clutter, METEOROLOGICAL, NON_METEOROLOGICAL)
    return np.where(hidden, NODATA, np.where(shown, truth, NONE)).astype(np.uint8)
