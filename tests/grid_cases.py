"""Grids in many coordinate reference systems."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from pyproj import Transformer

from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.planes import plane_about

# Planes of public services, and a place that each of them shows.
PLANES = {
    "EPSG:4326": (10.0, 60.0),
    "EPSG:4258": (5.0, 52.0),
    "EPSG:3857": (100.5, 13.8),
    "EPSG:3005": (-123.0, 49.3),
    "EPSG:27700": (-2.0, 53.5),
    "EPSG:2056": (8.2, 46.8),
    "EPSG:32647": (100.5, 13.8),
    "EPSG:3035": (15.0, 50.0),
    "EPSG:3413": (-45.0, 72.0),
    "EPSG:2263": (-74.0, 40.7),
    "+proj=lcc +lat_1=30 +lat_2=60 +lat_0=38 +lon_0=126 +R=6370997 +units=km": (127.0, 36.5),
    "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10 +a=6370040 +b=6370040": (10.0, 51.0),
    "+proj=eqc +lat_ts=35 +lon_0=0 +datum=WGS84": (-84.0, 36.0),
    "+proj=ob_tran +o_proj=longlat +o_lat_p=40 +lon_0=10": (10.5, 50.5),
}
planes = st.sampled_from(sorted(PLANES))
sizes = st.tuples(st.integers(20, 400), st.integers(20, 400))


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, tuple[float, ...], tuple[int, int]]:
    """A plane, bounds about its place in its own units, and a size in pixels. Pixels are rarely square."""
    crs = draw(planes)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*PLANES[crs])
    one, _ = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(PLANES[crs][0] + 0.5, PLANES[crs][1])
    unit = abs(one - x) * 2  # about a degree
    west, east, south, north = (draw(st.floats(0.1, 2)) * unit for _ in range(4))
    return crs, (x - west, y - south, x + east, y + north), draw(sizes)


# Planes that show any place.
ANYWHERE = ("EPSG:4326", "EPSG:3857", "+proj=eqc +lat_ts=40 +datum=WGS84", "about", "+proj=laea +datum=WGS84")


@st.composite
def grids(draw: st.DrawFn, of: tuple[str, ...] = tuple(PLANES), place: tuple[float, float] | None = None) -> Grid:
    """A small grid of pixels of about 0.5 to 5 km about the place of a plane, or another place."""
    crs = draw(st.sampled_from(of))
    longitude, latitude = place or PLANES[crs]
    if crs == "about":
        crs = plane_about(latitude + 0.1, longitude - 0.1)
    elif crs.startswith("+proj=laea"):
        crs += f" +lat_0={latitude + 1} +lon_0={longitude - 1}"
    to_plane = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    (x, one), (y, _) = to_plane.transform([longitude, longitude + 0.1], [latitude, latitude])
    width, height = (draw(st.floats(0.05, 0.5)) * abs(one - x) for _ in range(2))
    size = draw(st.tuples(st.integers(20, 50), st.integers(20, 50)))
    column, row = draw(st.tuples(st.floats(5, 15), st.floats(5, 15)))
    return Grid(crs, width, height, *size, (column - x / width, row + y / height))


@st.composite
def radars(
    draw: st.DrawFn, of: tuple[str, ...] = tuple(PLANES), place: tuple[float, float] | None = None
) -> RadarGeometry:
    """A radar within a grid of `grids`, with or without a range, or a mosaic."""
    grid = draw(grids(of, place))
    kind = draw(st.sampled_from(["mosaic", "open", "range"]))
    if kind == "mosaic":
        return RadarGeometry("R", grid)
    column, row = (np.array([draw(st.floats(3, 16))]) for _ in range(2))
    longitude, latitude = (float(part[0]) for part in grid.degrees_of(column, row))
    return RadarGeometry("R", grid, latitude, longitude, draw(st.floats(10, 80)) if kind == "range" else None)


@st.composite
def overlaps(draw: st.DrawFn) -> tuple[Grid, RadarGeometry]:
    """A grid, and a radar that shows the same place on another plane."""
    crs = draw(planes)
    here = draw(grids((crs,)))
    radar = draw(radars(ANYWHERE, PLANES[crs]))
    return here, radar
