"""Compare the ground of a radar's pictures with the coast at its coordinates, and draw both."""

from __future__ import annotations

import json
import logging
import textwrap
from pathlib import Path

import numpy as np

from radar_cleaner.georeference.coast import border_lines, coast_lines
from radar_cleaner.georeference.graticule import graticule
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.place_check import check_place as compare
from radar_cleaner.georeference.place_check import describe_place, shown_lines
from radar_cleaner.plotting.place import over_white, place_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.reflectivity.picture import read_picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.reader import open_store

log = logging.getLogger(__name__)
_TITLE_LETTERS = 80  # of a line


def check_place(
    *, geometry: RadarGeometry, picture: Path, rgb: Path, plot_box: Box, output: Path, figure: Path
) -> None:
    """Compare the ground of a radar's pictures with the coast at its coordinates, and draw both.

    Parameters
    ----------
    geometry
        The radar and its plot box.
    picture
        Store of the learned ground and overlay of its pictures.
    rgb
        Store of frames; the one in the middle is drawn.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    output
        JSON to write: by how many pixels the picture is off, and a sentence about it.
    figure
        PNG to write: a frame with coast, borders and graticule.
    """
    frames = open_store(rgb, "rgb")
    learned = read_picture(open_store(picture, "picture"), geometry.grid.shape)
    x0, y0, x1, y1 = plot_box
    width, height = frames.shape("rgb")[1], frames.shape("rgb")[0]
    if len(frames.times):
        frame, alpha = (frames.frame(name, len(frames.times) // 2) for name in ("rgb", "alpha"))
    else:
        frame, alpha = np.full((height, width, 3), 255, np.uint8), np.full((height, width), 255, np.uint8)
        frame[y0:y1, x0:x1] = learned.background
    check = compare(geometry.grid, *learned.seen_ground(frame[y0:y1, x0:x1]))
    sentence = describe_place(check)
    log.log(logging.WARNING if check.warns else logging.INFO, "%s: %s", geometry.radar, sentence)
    title = textwrap.fill(f"{geometry.radar}: {sentence}", _TITLE_LETTERS)
    coast = coast_lines(geometry.grid)
    shown = shown_lines(geometry.grid, check, coast) if check.warns else []
    lines = (coast, border_lines(geometry.grid), graticule(geometry.grid))
    write_png(figure, place_figure(title, over_white(frame, alpha), plot_box, *lines, shown))
    numbers = {name: round(value, 4) if isinstance(value, float) else value for name, value in vars(check).items()}
    content = {"radar": geometry.radar, "warns": check.warns, "sentence": sentence, **numbers}
    write_text(output, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
