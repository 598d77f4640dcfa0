"""Folders of drawn frames for the tests of `init` and `show-frame`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

CLASSES = ((20, (153, 204, 255)), (15, (0, 153, 255)), (9, (0, 204, 0)), (4, (255, 204, 0)))  # of the palette eccc


def write_frames(
    folder: Path,
    radar: str,
    count: int = 6,
    strip: int = 30,
    form: str = "{radar}_{time}.png",
    bar: Sequence[tuple[int, int, int]] = (),
) -> None:
    """Write frames of a radar in the colours of the palette eccc, beside a black strip, every 10 minutes.

    `bar` are the colours of a legend in the strip, from bottom to top.
    """
    random = np.random.default_rng(len(radar))
    ground = cv2.GaussianBlur(random.standard_normal((100, 100)), (0, 0), 5) > 0
    for index in range(count):
        frame = np.where(ground[..., None], (153, 153, 102), (51, 51, 102)).astype(np.uint8)
        for radius, colour in CLASSES:
            cv2.circle(frame, (20 + 10 * index, 50), radius, colour, cv2.FILLED)
        left = np.zeros((100, strip, 3), np.uint8)
        for number, colour in enumerate(reversed(bar)):
            left[10 + 8 * number : 18 + 8 * number, 8:18] = colour
        frame = np.concatenate([left, frame], axis=1)
        name = form.format(radar=radar, time=f"20240711{12 + index // 6:02d}{10 * (index % 6):02d}")
        path = folder / radar / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(path)
