"""Compare values of `labels.opening_px` and `min_area_px`: clutter that is found against rain that is lost.

    .venv/bin/python benchmarks/label_shapes.py

Labels of single pictures of the sample against its reference, before 2024-07-11 12:00 UTC only: this table may
choose the defaults, and the test period stays unseen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from imageio import v3 as iio

from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, is_echo
from radar_cleaner.georeference.polar import range_mask
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask
from radar_cleaner.targets.morphology import classify_echoes

SAMPLE = Path("resources/maritimes")
PALETTE = Path("config/palettes/eccc.csv")
END = "202407111200"
EVERY = 4  # of the frames
SHAPES = [(3, 9), (5, 20), (6, 30)]
BOXES = [(334, 233, 347, 246), (100, 0, 290, 20)]


def main() -> None:
    table = ColourTable(parse_palette(PALETTE.read_text(), str(PALETTE)).scale(20.0))
    overlay = overlay_mask((580, 480), (100, 0, 580, 480), 3, BOXES)
    observed = range_mask((480, 480), (240.0, 239.0), 240.0) & ~overlay
    print("radar, opening, min_area: non-met called non-met / unknown; met called met / non-met, in %")
    for radar in ("CASGO", "CASCM"):
        truths = sorted((SAMPLE / "truth" / radar).glob("*.png"))
        frames = []
        for path in [path for path in truths if path.stem[-12:] < END][::EVERY]:
            pixels = iio.imread(SAMPLE / "frames" / radar / path.name, plugin="pillow", mode="RGB")
            frames.append((pack_echoes(table(pixels[:, 100:]), observed, 5.0), iio.imread(path)))
        for opening, min_area in SHAPES:
            counts = np.zeros((4, 4), np.int64)  # reference, label
            for codes, truth in frames:
                scored = is_echo(codes) & np.isin(truth, (METEOROLOGICAL, NON_METEOROLOGICAL))
                label = classify_echoes(codes, Morphology(opening_px=opening, closing_px=3, min_area_px=min_area))
                np.add.at(counts, (truth[scored], label[scored]), 1)
            share = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
            other, met = share[NON_METEOROLOGICAL], share[METEOROLOGICAL]
            print(f"{radar} {opening} {min_area}: {other[2]:.1f} / {other[3]:.1f}; {met[1]:.1f} / {met[2]:.1f}")


if __name__ == "__main__":
    main()
