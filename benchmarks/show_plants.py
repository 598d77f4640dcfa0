"""Draw the injected artefacts of a file on a real frame: for each kind the picture and the injected pixels.

    .venv/bin/python benchmarks/show_plants.py config/plants.yaml plants.png

`repeated` and `missing` are shown at the neighbouring time that they change, all others at the cleaned frame.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from imageio import v3 as iio
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind, read_artefact_ranges
from radar_cleaner.conventions import NODATA, encode_dbz, is_echo
from radar_cleaner.datasets.artefacts.inject import ArtefactInjection, Injected, inject, sample_artefacts
from radar_cleaner.georeference.polar import range_mask
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask

FRAMES = Path("resources/maritimes/frames/CASGO")
PALETTE = Path("config/palettes/eccc.csv")
TIMES = ("202407110100", "202407110106", "202407110112")
CENTER, RANGE = (240.0, 239.0), 240.0
BOXES = [(334, 233, 347, 246), (100, 0, 290, 20)]
TOP, LEFT, SIZE = 60, 20, 256  # the part of the frame that is shown, about four crops
ENOUGH_PX = 120  # visible pixels that are enough
TARGET, TRIES = 1, 60


def main() -> None:
    ranges_file, picture = Path(sys.argv[1]), Path(sys.argv[2])
    palette = parse_palette(PALETTE.read_text(), str(PALETTE))
    codes, levels = read_frames(ColourTable(palette.scale(20.0)))
    colours = colour_codes(palette.colours, encode_dbz(palette.value_dbz))
    figure, axes = plt.subplots(5, 6, figsize=(15, 13), layout="constrained")
    for pair, kind in zip(axes.reshape(-1, 2), ARTEFACT_KINDS, strict=False):
        found, time = inject_one(codes, levels, ranges_file, kind)
        seen = colours[found.codes[time]]
        pair[0].imshow(seen, interpolation="nearest")
        pair[0].set_title(kind if time == TARGET else f"{kind} (the neighbour)", loc="left", fontsize=11)
        changed = found.kinds[time] > 0
        marked = np.where(changed[..., None], np.uint8([220, 30, 30]), 255 - (255 - seen) // 3)
        pair[1].imshow(marked, interpolation="nearest")
    for axis in axes.reshape(-1)[2 * len(ARTEFACT_KINDS) :]:
        axis.set_visible(False)
    for axis in axes.reshape(-1):
        axis.set(xticks=[], yticks=[])
    figure.savefig(picture, dpi=100)


def read_frames(table: ColourTable) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the window's codes (K, H, W) and all codes of the frames."""
    observed = range_mask((480, 480), CENTER, RANGE) & ~overlay_mask((580, 480), (100, 0, 580, 480), 3, BOXES)
    frames = [iio.imread(FRAMES / f"CASGO_{time}.png", plugin="pillow", mode="RGB") for time in TIMES]
    codes = np.stack([pack_echoes(table(pixels[:, 100:]), observed, 5.0) for pixels in frames])
    return codes[:, TOP : TOP + SIZE, LEFT : LEFT + SIZE].copy(), np.unique(codes)


def inject_one(
    codes: NDArray[np.uint8], levels: NDArray[np.uint8], ranges_file: Path, kind: ArtefactKind
) -> tuple[Injected, int]:
    """Inject until enough pixels are visible; return the frames with most of them, and the time to show."""
    ranges = read_artefact_ranges(ranges_file, [kind])
    center = CENTER[0] - LEFT, CENTER[1] - TOP
    best, most = (Injected(codes, np.zeros_like(codes)), TARGET), -1
    for seed in range(TRIES):
        random = np.random.default_rng([ARTEFACT_KINDS.index(kind), seed])
        injection = ArtefactInjection(1.0, ranges)
        artefacts = sample_artefacts(random, injection, codes.shape[1:], center, RANGE, len(TIMES), TARGET)
        found = inject(codes, center, RANGE, artefacts, seed, levels)
        pixels = (found.kinds > 0).sum((1, 2))
        time = int(pixels.argmax()) if kind in ("repeated", "missing") else TARGET
        if pixels[time] > most:
            best, most = (found, time), pixels[time]
        if most >= ENOUGH_PX:
            break
    return best


def colour_codes(colours: NDArray[np.uint8], values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colour (256, 3) of each code: that of its class, white for undetect, gray for nodata."""
    table = np.full((256, 3), 255, np.uint8)
    table[NODATA] = 190
    for code in np.flatnonzero(is_echo(np.arange(256, dtype=np.uint8))):
        table[code] = colours[int(np.abs(values.astype(int) - code).argmin())]
    return table


if __name__ == "__main__":
    main()
