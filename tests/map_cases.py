"""Turn the sample's frames into maps of land and water, for tests and pictures of the geometry."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

FRAMES = Path(__file__).parent.parent / "resources" / "maritimes" / "frames"
PLOT_BOX = np.s_[0:480, 100:580]
LAND, WATER, HIDDEN = 1, 2, 0
# Gore's map ends there: plain water over what Chipman's map shows as New Brunswick.
UNDRAWN = {"CASGO": np.s_[:19, :160]}
COLOURS = {LAND: (0x99, 0x99, 0x66), WATER: (0x33, 0x33, 0x66)}


def plot_box(radar: str, index: int) -> NDArray[np.uint8]:
    """(480, 480, 3) colours of one sample frame within the plot box."""
    path = sorted((FRAMES / radar).glob("*.png"))[index]
    return np.asarray(iio.imread(path, mode="RGB"))[PLOT_BOX]


def land_and_water(radar: str, every: int = 12) -> NDArray[np.uint8]:
    """(480, 480) LAND, WATER, or HIDDEN where no frame shows the ground: the majority of many frames."""
    count = len(sorted((FRAMES / radar).glob("*.png")))
    votes = np.zeros((3, 480, 480), np.int64)
    for index in range(0, count, every):
        frame = plot_box(radar, index)
        for kind, colour in COLOURS.items():
            votes[kind] += (frame == colour).all(axis=-1)
    ground = np.where(votes.any(axis=0), votes.argmax(axis=0), HIDDEN).astype(np.uint8)
    if radar in UNDRAWN:
        ground[UNDRAWN[radar]] = HIDDEN
    return ground
