"""Known services: configs that use them, their grids, and imitated frames."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.load import read_config
from radar_cleaner.config.services import find_service
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.planning.radars import Radar, read_radars
from radar_cleaner.reflectivity.palette import Palette
from radar_cleaner.reflectivity.palette_source import read_palette

COMMON: dict[str, Any] = {"samples": {"atlas": "channel"}, "cleaning": {"model": "pretrained"}}
SIZE = (480, 480)  # of frames whose size is not part of the service
CELL_PX = 4  # half of the side of a painted cell
TIMES = {  # how file names are described, the longest first
    "YYYYMMDDHHMMSS": "%Y%m%d%H%M%S",
    "YYYYMMDD.HHMM": "%Y%m%d.%H%M",
    "YYYYMMDD-HHMM": "%Y%m%d-%H%M",
    "YYYYMMDD_HHMM": "%Y%m%d_%H%M",
    "YYYY-MM-DDTHHMM": "%Y-%m-%dT%H%M",
    "YYYYMMDDHHMM": "%Y%m%d%H%M",
    "YYMMDDHHMM": "%y%m%d%H%M",
    "YYJJJHHMM": "%y%j%H%M",
}


def config_of(name: str, **keys: Any) -> dict[str, Any]:
    """Return a config whose only radar takes a service; `keys` are beside it."""
    return {**COMMON, "radars": [{"id": "R", "frames": "frames", "service": name, **keys}]}


def radar_of(name: str) -> Radar:
    """Return the radar of a service's example."""
    (radar,) = read_radars(read_config(config_of(name, **find_service(name).example)))
    return radar


def pixel_of(radar: Radar, longitude: float, latitude: float) -> NDArray[np.float64]:
    """Return the frame pixel (x, y) of a place, by the grid of the radar."""
    size = radar.size_px or SIZE
    column, row = radar.geometry(size).grid.pixel_of(np.array([longitude]), np.array([latitude]))
    return np.array([column[0], row[0]]) + radar.box(size)[:2]


def frame_name(name: str, time: datetime) -> str | None:
    """Return the file name of a frame as a service describes it, None if it describes none."""
    described = find_service(name).names_from.split()
    for form, time_format in TIMES.items():
        word = next((word for word in described if form in word), None)
        if word is not None:
            return word.replace(form, time.strftime(time_format)).replace("nn", "71").rstrip(":,")
    return None


class Imitation:
    """A frame in the manner of a service: its ground, and a cell of another class at each landmark.

    The ground is transparent, unless the service names its colours. A landmark at a rim or under an overlay is
    painted as far inside as its cell needs. `shifts` (landmark, 2) has how far, in pixels.
    """

    def __init__(self, name: str) -> None:
        service, self.radar = find_service(name), radar_of(name)
        self.size = self.radar.size_px or SIZE
        self.palette: Palette = read_palette(self.radar.labels)
        self.landmarks = service.landmarks
        marks = np.array([mark.pixel for mark in self.landmarks])
        x0, y0, x1, y1 = self.radar.box(self.size)
        self.seen = np.zeros((self.size[1], self.size[0]), bool)
        self.seen[y0:y1, x0:x1] = in_range(self.radar.geometry(self.size))
        low, high = np.array([x0, y0]) + 3 * CELL_PX, np.array([x1, y1]) - 3 * CELL_PX  # off a border
        self.places = np.clip(marks, low, high).round().astype(int)
        for place in self.places:
            step = np.where(place <= (low + high) / 2, 1, -1)
            while self._covered(place):
                place += step
        self.shifts = self.places - marks
        lowest = int(np.searchsorted(self.palette.lower_dbz, max(self.radar.labels.min_dbz, 12)))
        self.classes = np.linspace(lowest, len(self.palette.colours) - 1, len(marks)).round().astype(int)

    def _covered(self, place: NDArray[np.int_]) -> bool:
        """Return whether an overlay or the rim of the radar's range touches the cell at a place."""
        x, y = place
        cell = self.seen[y - CELL_PX : y + CELL_PX + 1, x - CELL_PX : x + CELL_PX + 1]
        return not cell.all() or any(
            x0 - CELL_PX <= x < x1 + CELL_PX and y0 - CELL_PX <= y < y1 + CELL_PX
            for x0, y0, x1, y1 in self.radar.overlay.boxes_px
        )

    def pixels(self) -> NDArray[np.uint8]:
        """Return the frame (y, x, 4) as RGBA."""
        frame = np.zeros((self.size[1], self.size[0], 4), np.uint8)
        for ground in self.radar.labels.rgb("ground_colours")[-1:]:
            frame[:] = (*ground, 255)
        for (x, y), number in zip(self.places, self.classes, strict=True):
            cell = slice(y - CELL_PX, y + CELL_PX + 1), slice(x - CELL_PX, x + CELL_PX + 1)
            frame[cell] = (*self.palette.colours[number], 255)
        return frame
