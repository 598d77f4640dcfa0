"""Compare the ground of a picture with the coast at its coordinates: by how many pixels, and where, it is off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from radar_cleaner.georeference.coast_match import (
    Labels,
    Match,
    Place,
    Zones,
    fit_at,
    label_colours,
    middle_of,
    refine,
    refine_across,
    search,
    search_across,
    search_size,
)
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.planes import GEOD

Colours = NDArray[np.uint8]  # (y, x, 3)
Mask = NDArray[np.bool_]
Array = NDArray[np.float64]

WARN_PX = 2.0
COAST_KM = 1.0  # errors of the coast itself: most are smaller
# Planes in which services draw maps, true to scale at the middle of the picture.
PLANES = {
    "plate carrée": "+proj=eqc +lat_ts={latitude} +lon_0={longitude} +datum=WGS84",
    "Mercator": "+proj=merc +lat_ts={latitude} +lon_0={longitude} +datum=WGS84",
    "azimuthal equidistant": "+proj=aeqd +lat_0={latitude} +lon_0={longitude} +datum=WGS84",
}
_REMEDIES = {
    "plate carrée": "grid.crs: EPSG:4326 and grid.bounds",
    "Mercator": "grid.crs: EPSG:3857 and grid.bounds",
    "azimuthal equidistant": "grid.range_km or grid.km_per_px",
}
_COLOURS, _COARSE_COLOURS = 16, 6
_MIN_COAST_PX = 60
_BETTER = 1.1  # ratio of fits from which a scale or a plane is believed
_CLEARLY_BETTER = 1.05  # from which a place is
_MAX_SIDE = 720  # of larger pictures every second, third, ... pixel is taken
_COARSE = 4  # the sizes are searched with every fourth of these
_MARGINS = (16, 96)  # least and largest offset that is found; multiples of _COARSE


@dataclass(frozen=True)
class PlaceCheck:
    """The place of a picture, compared with its grid, in pixels of the grid.

    If `found` is false, only `coast_px` has a meaning: the picture shows no coast, or its ground does not.
    """

    coast_px: int  # length of the coast within the picture
    found: bool
    east_px: float = 0.0  # the picture is too far east (right) by that, at its middle
    south_px: float = 0.0  # and too far south (down)
    wide: float = 1.0  # the ground is drawn wider than on the grid by this factor
    high: float = 1.0
    plane: str = ""  # the one of PLANES in which the ground is drawn; empty: that of the grid
    edge_px: float = 0.0  # further distance at the edges, by scale and plane
    fit: float = 0.0  # 0 to 1
    fit_here: float = 0.0  # of the grid as it is
    elsewhere: float = 0.0  # the best fit of offsets that differ by more than 8 px
    pixel_km: float = 1.0  # side of a pixel
    bounds_move: tuple[float, float] = (0.0, 0.0)  # what the bounds (x, y) lack, in units of the grid's plane
    straight_degrees: float | None = (
        None  # direction of a straight coast, 0 to 180 from north; none along it is found
    )

    @property
    def off_px(self) -> float:
        """Distance of the picture from its place, at its middle."""
        return float(np.hypot(self.east_px, self.south_px))

    @property
    def warns(self) -> bool:
        """Whether the picture is off by 2 px or more at its middle or edges, and fits clearly better there."""
        return (
            self.found
            and max(self.off_px, self.edge_px) >= WARN_PX
            and self.fit >= _CLEARLY_BETTER * self.fit_here
        )


def check_place(grid: Grid, ground: Colours, known: Mask | None = None) -> PlaceCheck:
    """Compare a picture of the ground (y, x, 3) with the coast at the coordinates of its grid.

    `known` (y, x) is false where the ground is not known; by default it is known everywhere.
    """
    assert ground.shape[:2] == grid.shape, (ground.shape, grid.shape)
    step = -(-max(grid.shape) // _MAX_SIDE)
    known = np.ones(grid.shape, bool) if known is None else known
    view = _View.of(grid, ground, known, step)
    own = view.zones[""]
    nothing = PlaceCheck(own.coast_px * step, False)
    if own.coast_px < _MIN_COAST_PX or view.labels.max() < 1:
        return nothing
    found = view.search()
    if not found.sure:
        return replace(nothing, fit=found.fit, elsewhere=found.elsewhere)
    plane, fit, place = view.refine(found)
    return PlaceCheck(
        coast_px=nothing.coast_px,
        found=True,
        east_px=place.east * step,
        south_px=place.south * step,
        wide=place.wide,
        high=place.high,
        plane=plane,
        edge_px=view.edge_px(plane, place) * step,
        fit=fit,
        fit_here=fit_at(view.labels, own, Place()),
        elsewhere=found.elsewhere,
        pixel_km=grid.pixel_size_km,
        bounds_move=(-place.east * step * grid.pixel_width, place.south * step * grid.pixel_height),
        straight_degrees=None if found.along is None else _azimuth(*found.along),
    )


def _azimuth(east: float, south: float) -> float:
    """Return the direction of a line in degrees from north to the east, 0 to 180."""
    return float(np.degrees(np.arctan2(east, -south)) % 180)


def shown_lines(grid: Grid, check: PlaceCheck, lines: Sequence[Array]) -> list[Array]:
    """Return lines (point, 2) in pixels of a grid, (column, row), where the picture shows them."""
    column, row = grid.width // 2, grid.height // 2
    middle = np.array([column, row], float)
    # The middle pixel with its neighbours.
    near = grid.degrees_of(*np.meshgrid(column + np.arange(-1.0, 2), row + np.arange(-1.0, 2)))
    plane = _Plane.of(check.plane, *near) if check.plane else None

    def shown(line: Array) -> Array:
        there = line - middle
        if plane is not None:
            there = np.stack(plane.pixel_of(*grid.degrees_of(line[:, 0], line[:, 1])), axis=-1)
        there = there * np.array([check.wide, check.high])
        return np.asarray(middle + there + np.array([check.east_px, check.south_px]))

    return [shown(line) for line in lines]


def describe_place(check: PlaceCheck) -> str:
    """Return a sentence about the place of a picture, with the key to change if it is off."""
    if not check.found:
        if check.coast_px < _MIN_COAST_PX:
            return f"place not checked: there is no coast within the picture ({check.coast_px} px)"
        return (
            f"place not checked: the ground does not show the coast ({check.coast_px} px of it) where the grid"
            " puts it, or near. Does the picture show one? Then plot_box_px or grid is wrong; compare it with the"
            " drawn coast"
        )
    km = check.off_px * check.pixel_km
    straight = ""
    if check.straight_degrees is not None:
        degrees = check.straight_degrees
        straight = (
            f"; the coast is straight, so that the place is not checked along it (from {degrees:.0f} to"
            f" {degrees + 180:.0f} degrees)"
        )
    farthest = max(check.off_px, check.edge_px)
    if not check.warns and farthest >= WARN_PX:
        return (
            f"the place is not sure within {np.ceil(farthest):.0f} px: the coast fits nearly as well where the"
            f" grid puts it as {check.off_px:.1f} px away{straight}"
        )
    if not check.warns:
        return f"the place is right: the coast is {check.off_px:.1f} px from where the grid puts it{straight}"
    x, y = check.bounds_move
    remedy = (
        f"; add [{check.east_px:+.1f}, {check.south_px:+.1f}] to center_px, or move the bounds of its grid by"
        f" [{x:+.4g}, {y:+.4g}] in x and y"
    )
    parts = [f"the picture is {_direction(check)}{remedy if check.off_px >= WARN_PX else ''}"]
    if max(abs(check.wide - 1), abs(check.high - 1)) > 0.002 and check.edge_px >= WARN_PX:
        parts.append(
            f"its ground is drawn {check.wide:.3f} times as wide and {check.high:.3f} times as high as on its"
            f" grid, up to {check.edge_px:.0f} px at the edges; check grid (range_km, km_per_px, bounds)"
        )
    elif check.edge_px >= WARN_PX:
        parts.append(
            f"its ground is drawn in {check.plane} projection, up to {check.edge_px:.0f} px from its grid at the"
            f" edges; if the echo is drawn so too, set {_REMEDIES[check.plane]}"
        )
    if check.off_px >= WARN_PX and km < COAST_KM:
        parts.append(
            f"that is {km:.1f} km, and the coast of the check is known to about {COAST_KM:g} km only: look at the"
            " picture before you change anything"
        )
    return "; ".join(parts) + straight


def _direction(check: PlaceCheck) -> str:
    """`3.1 px too far east`, `3.1 px too far east and 2.0 px too far north`."""
    ways = [
        (check.east_px, "east" if check.east_px > 0 else "west"),
        (check.south_px, "south" if check.south_px > 0 else "north"),
    ]
    largest = max(abs(distance) for distance, _ in ways)
    told = [(abs(distance), way) for distance, way in ways if abs(distance) >= min(1, largest)]
    return " and ".join(f"{distance:.1f} px too far {way}" for distance, way in told)


@dataclass(frozen=True)
class _Plane:
    """A plane with the middle and, there, the pixel size of a grid; places are (column, row) from the middle."""

    way: Transformer
    x: float
    y: float
    width: float  # metres
    height: float

    @classmethod
    def of(cls, name: str, longitude: Array, latitude: Array) -> _Plane:
        column, row = middle_of(longitude)
        here = longitude[row, column], latitude[row, column]
        beside, below = ((longitude[at], latitude[at]) for at in ((row, column + 1), (row + 1, column)))
        crs = PLANES[name].format(longitude=here[0], latitude=here[1])
        way = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        width, height = (GEOD.inv(*here, *there)[2] for there in (beside, below))
        return cls(way, *way.transform(*here), width, height)

    def longitude_latitude(self, column: Array, row: Array) -> tuple[Array, Array]:
        x, y = self.x + column * self.width, self.y - row * self.height
        longitude, latitude = self.way.transform(x, y, direction="INVERSE")
        return np.asarray(longitude), np.asarray(latitude)

    def pixel_of(self, longitude: Array, latitude: Array) -> tuple[Array, Array]:
        x, y = self.way.transform(longitude, latitude)
        return (np.asarray(x) - self.x) / self.width, (self.y - np.asarray(y)) / self.height

    def differs(self, longitude: Array, latitude: Array) -> bool:
        """Return whether some pixel of a grid is a pixel or more from its place on this plane."""
        thin = slice(None, None, 16)
        column, row = (part[thin, thin] for part in _from_middle(longitude))
        there = self.pixel_of(longitude[thin, thin], latitude[thin, thin])
        return bool(np.nanmax(np.hypot(there[0] - column, there[1] - row)) >= 1)


@dataclass(frozen=True)
class _View:
    """A picture with the coast of its grid and of other planes with the same middle, and a margin about it."""

    ground: Colours
    known: Mask
    labels: Labels
    longitude: Array  # with the margin
    latitude: Array
    margin: int
    planes: dict[str, _Plane]
    zones: dict[str, Zones]  # by plane, "" is the grid's own

    @classmethod
    def of(cls, grid: Grid, ground: Colours, known: Mask, step: int) -> _View:
        ground, known = ground[::step, ::step], known[::step, ::step]
        margin = int(np.clip(min(known.shape) // 6 // _COARSE * _COARSE, *_MARGINS))
        columns, rows = (step * np.arange(-margin, size + margin, dtype=np.float64) for size in known.shape[::-1])
        longitude, latitude = grid.degrees_of(*np.meshgrid(columns, rows))
        # The middle of the picture may be off the Earth.
        names = PLANES if np.isfinite(longitude[middle_of(longitude)[::-1]]) else ()
        planes = {name: _Plane.of(name, longitude, latitude) for name in names}
        planes = {name: plane for name, plane in planes.items() if plane.differs(longitude, latitude)}
        zones = {"": Zones.about(longitude, latitude, margin)}
        for name, plane in planes.items():
            zones[name] = Zones.about(*plane.longitude_latitude(*_from_middle(longitude)), margin)
        labels = label_colours(ground, known, _COLOURS)
        return cls(ground, known, labels, longitude, latitude, margin, planes, zones)

    def search(self) -> Match:
        """Return the best offset; if none is sure that of another plane, or also the size."""
        own = search_across(self.labels, self.zones[""])
        if own.sure:
            return own
        others = [search(self.labels, self.zones[name]) for name in self.planes]
        best = max([own, *others], key=lambda one: one.ratio)
        return best if best.sure else self._search_size()

    def _search_size(self) -> Match:
        """Find the size at less resolution, then the place at full resolution."""
        thin = slice(None, None, _COARSE)
        longitude, latitude = self.longitude[thin, thin], self.latitude[thin, thin]
        zones = Zones.about(longitude, latitude, self.margin // _COARSE)
        labels = label_colours(self.ground[thin, thin], self.known[thin, thin], _COARSE_COLOURS)
        # Also pixels of equal degrees, where the grid has pixels of equal kilometres.
        column, row = middle_of(latitude)
        stretches = (1.0, float(1 / np.cos(np.radians(latitude[row, column]))))
        rough = max((search_size(labels, zones, one) for one in stretches), key=lambda match: match.fit).place
        start = Place(rough.east * _COARSE, rough.south * _COARSE, rough.wide, rough.high)
        _, place = refine(self.labels, self.zones[""], start, True)
        return search(self.labels, self.zones[""], place.wide, place.high)

    def refine(self, found: Match) -> tuple[str, float, Place]:
        """Return the plane that fits best, its fit, and the place on it. A straight coast shows no plane."""
        place = found.place
        if found.along is not None:
            return "", *refine_across(self.labels, self.zones[""], place, found.along)
        scaled = (place.wide, place.high) != (1.0, 1.0)
        placed = {name: refine(self.labels, zones, place, scaled) for name, zones in self.zones.items()}
        plane = max(placed, key=lambda name: placed[name][0] * (1 if name else _BETTER))
        fit, place = placed[plane]
        better, rescaled = refine(self.labels, self.zones[plane], place, True)
        return (plane, better, rescaled) if better >= _BETTER * fit else (plane, fit, place)

    def edge_px(self, plane: str, place: Place) -> float:
        """Return the largest distance in the picture that plane and scale cause, beside the offset."""
        inner = slice(self.margin, -self.margin)
        here = there = _from_middle(self.labels)
        if plane:
            there = self.planes[plane].pixel_of(self.longitude[inner, inner], self.latitude[inner, inner])
        across, down = there[0] * place.wide - here[0], there[1] * place.high - here[1]
        return float(np.nanmax(np.hypot(across, down)))


def _from_middle(pixels: NDArray[np.generic]) -> tuple[Array, Array]:
    """Return (column, row) from the middle of each pixel."""
    rows, columns = np.indices(pixels.shape, dtype=np.float64)
    column, row = middle_of(pixels)
    return np.asarray(columns - column), np.asarray(rows - row)
