"""Classical filters of a frame, and of a frame and its neighbours in time."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np

from radar_cleaner.conventions import MIN_ECHO_DBZ, NODATA, decode_dbz, is_echo
from radar_cleaner.evaluation.cleaners.registry import register_filter
from radar_cleaner.evaluation.cleaners.scene import Codes, Mask, Scene, Values
from radar_cleaner.reflectivity.statistics import local_echo_fraction

DENSITY_WINDOWS = (9, 3, 5, 7, 13, 17, 25, 33)


@register_filter(
    "despeckle_by_area",
    name="despeckle by area",
    threshold=10,
    settings={f"over {links}": {"connectivity": count} for links, count in (("corners", 8), ("sides", 4))},
)
def despeckle_by_area(scene: Scene, connectivity: int) -> Values:
    """Give each echo the area of its connected component in pixels."""
    area: Values = scene.once(("area", connectivity), lambda: component_areas(is_echo(scene.codes), connectivity))
    return area


@register_filter(
    "local_density",
    name="local density",
    threshold=0.5,
    settings={f"{window} px": {"window": window} for window in DENSITY_WINDOWS},
)
def local_density(scene: Scene, window: int) -> Values:
    """Give each echo the share of echo in a square window around it."""
    return local_echo_fraction(scene.codes, window)


@register_filter(
    "temporal_persistence",
    name="temporal persistence",
    threshold=0.5,
    settings={
        f"{frames} before and after, {reach} px": {"frames": frames, "reach_px": reach}
        for frames, reach in product((1, 2), (2, 0, 1, 4))
    },
)
def temporal_persistence(scene: Scene, frames: int, reach_px: int) -> Values:
    """Give each echo the share of neighbouring frames with an echo within `reach_px`.

    Frames without data there do not count; without any data the share is 1.
    """
    confirmed, observed = np.zeros(scene.codes.shape, np.float32), np.zeros(scene.codes.shape, np.float32)
    disc = disc_of(reach_px)
    for codes in scene.neighbours(frames):
        seen = codes != NODATA
        near = cv2.dilate(is_echo(codes).view(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        confirmed += seen & (near > 0)
        observed += seen
    return np.divide(confirmed, observed, out=np.ones(scene.codes.shape, np.float32), where=observed > 0)


@register_filter(
    "median_in_time",
    name="median in time",
    threshold=MIN_ECHO_DBZ,
    settings={f"of {2 * frames + 1} frames": {"frames": frames} for frames in (1, 2)},
)
def median_in_time(scene: Scene, frames: int) -> Values:
    """Give each pixel the median dBZ of the frame and its neighbours, the higher of two; -32 is undetect."""
    stack = np.sort(
        np.stack([scene.codes, *scene.neighbours(frames)]), axis=0
    )  # nodata, the highest code, is last
    seen = (stack != NODATA).sum(axis=0)
    middle = np.take_along_axis(stack, (seen // 2)[None], axis=0)[0]
    return decode_dbz(np.where(seen > 0, middle, NODATA).astype(np.uint8))


def component_areas(echo: Mask, connectivity: int) -> Values:
    """Return the pixels of the connected echo of each pixel (y, x), joined over corners (8) or sides (4)."""
    _, components, statistics, _ = cv2.connectedComponentsWithStats(
        echo.view(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    areas = statistics[:, cv2.CC_STAT_AREA].astype(np.float32)
    areas[0] = 0
    return np.asarray(areas[components], dtype=np.float32)


def disc_of(radius: int) -> Codes:
    """Return (2 r + 1, 2 r + 1) uint8: 1 within `radius` pixels of the middle."""
    row, column = np.indices((2 * radius + 1,) * 2) - radius
    return (row**2 + column**2 <= radius**2).astype(np.uint8)
