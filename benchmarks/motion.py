"""Move frames of the sample along their motion, and compare them with what the radar saw at that time.

`python -m benchmarks.motion [--every 5]` prints a table. A frame is moved by 6 minutes: half of the way to the one
12 minutes later, or away from the one 6 minutes earlier. Errors are means over the pixels where either has echo.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import Colours
from radar_cleaner.conventions import SCALE_FACTOR, encode_dbz, is_echo
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.motion import find_flow, source_pixels
from radar_cleaner.reflectivity.palette_source import read_palette

ROOT = Path(__file__).parent.parent
FRAMES = ROOT / "resources/maritimes/frames"
NAMES = NameFormat(r"(\d{12})(?=\D*$)", "%Y%m%d%H%M")
STEP = 360  # seconds between two frames
LABELS = Colours(method="palette", palette=str(ROOT / "config/palettes/eccc.csv"))
METHODS = ("left where it is", "moved, frame after", "moved, frame before")

Codes = NDArray[np.uint8]


def main() -> None:
    """Print the errors of both radars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=5, help="one of this many frames is scored")
    every = parser.parse_args().every
    print("| radar | method | frames moved | error, dB | echo that differs |")
    print("|---|---|---|---|---|")
    for radar in ("CASGO", "CASCM"):
        paths = {frame.time: frame.path for frame in list_frames(FRAMES / radar, NAMES).frames}
        times = [t for t in sorted(paths)[::every] if {t - 2 * STEP, t - STEP, t + STEP} <= paths.keys()]
        sums = np.zeros((len(METHODS), 4))
        for time in times:
            truth, now, after, before = (_decode(paths[time + k * STEP]) for k in (0, -1, 1, -2))
            for row, (other, share) in enumerate(((None, 0.0), (after, 0.5), (before, -1.0))):
                sums[row] += _score(_moved(now, other, share), truth)
        for method, (moved, error, differs, echo) in zip(METHODS, sums, strict=True):
            print(
                f"| {radar} | {method} | {moved:g} of {len(times)} | {error / echo:.2f} | {differs / echo:.1%} |"
            )


def _decode(path: str) -> Codes:
    """Return the packed reflectivity of the plot box by the exact colours of the palette."""
    palette = read_palette(LABELS)
    picture = iio.imread(path, plugin="pillow", mode="RGB")[:, 100:]
    codes = np.zeros(picture.shape[:2], np.uint8)
    for colour, dbz in zip(palette.colours, palette.value_dbz, strict=True):
        codes[(picture == colour).all(axis=2)] = encode_dbz(float(dbz))
    return codes


def _moved(now: Codes, other: Codes | None, share: float) -> tuple[Codes, bool]:
    flow = None if other is None else find_flow(now, other)
    return (now, False) if flow is None else (now.ravel()[source_pixels(now, flow, share)], True)


def _score(result: tuple[Codes, bool], truth: Codes) -> tuple[float, float, float, float]:
    """Return whether the frame was moved, the sum of errors in dB, the pixels that differ, and those with echo."""
    moved, is_moved = result
    either = is_echo(moved) | is_echo(truth)
    error = SCALE_FACTOR * np.abs(moved.astype(float) - truth)[either].sum()
    return float(is_moved), error, float((is_echo(moved) != is_echo(truth)).sum()), float(either.sum())


if __name__ == "__main__":
    main()
