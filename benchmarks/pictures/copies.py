"""Decode JPEG and scaled copies of the sample, and compare them with its PNG frames.

`python -m benchmarks.pictures.copies [--learned 24] [--scored 8]` prints a table, of frames of both radars, evenly
in time. Lost and invented pixels are shares of the echo. The class is compared where both have echo. The time of a
frame is relative to that of a PNG frame by the colour table alone.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours
from radar_cleaner.conventions import encode_dbz, is_echo
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE, Look
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.decoding import observed_mask
from radar_cleaner.reflectivity.frame_decoder import FrameDecoder
from radar_cleaner.reflectivity.palette import Palette
from radar_cleaner.reflectivity.palette_source import read_palette
from radar_cleaner.reflectivity.picture_learning import learn

from . import ROOT

RADARS = ("CASGO", "CASCM")
SIZE, PLOT_BOX = (580, 480), (100, 0, 580, 480)
GEOMETRY = RadarGeometry.about("CASGO", 45.1, -63.7, 240, 480, 480, (240, 239))
OVERLAY = Overlay(border_px=3, boxes_px=((334, 233, 347, 246), (100, 0, 290, 20)))
MIN_DBZ = 5.0
NONE = np.zeros((0, 3), np.uint8)

Copy = Callable[[Image.Image], Image.Image]


@dataclass
class Counts:
    """Pixels of echo in the PNG frames, and what became of them; seconds of the decoding."""

    echo: float = 0
    lost: float = 0
    invented: float = 0
    both: float = 0
    equal: float = 0
    near: float = 0
    unmatched: float = 0
    seconds: float = 0
    plain_seconds: float = 0

    def add(self, other: Counts) -> None:
        """Add the counts of other frames."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def as_jpeg(quality: int) -> Copy:
    """Return a function that compresses with colour at half the resolution (4:2:0)."""

    def copy(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, subsampling=2)
        return Image.open(file).convert("RGB")

    return copy


def scaled(kind: Image.Resampling) -> Copy:
    """Return a function that scales by 0.9 and back."""

    def copy(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        return picture.resize((round(0.9 * width), round(0.9 * height)), kind).resize(picture.size, kind)

    return copy


COPIES: dict[str, Copy] = {
    "PNG": lambda picture: picture,
    "JPEG, quality 95": as_jpeg(95),
    "JPEG, quality 85": as_jpeg(85),
    "JPEG, quality 75": as_jpeg(75),
    "scaled, bilinear": scaled(Image.Resampling.BILINEAR),
    "scaled, bicubic": scaled(Image.Resampling.BICUBIC),
    "scaled, Lanczos": scaled(Image.Resampling.LANCZOS),
}


def compare(radar: str, copy: Copy, palette: Palette, learned: int, scored: int) -> Counts:
    """Learn the picture of a radar from copies, decode some of them, and compare them with the PNG frames."""
    files = sorted((ROOT / "resources/maritimes/frames" / radar).glob("*.png"))
    files = [files[at] for at in np.linspace(0, len(files) - 1, learned).astype(int)]
    clean = [Image.open(file).convert("RGB") for file in files]
    frames = [_plot_box(copy(picture)) for picture in clean]
    observed = observed_mask(SIZE, PLOT_BOX, OVERLAY) & in_range(GEOMETRY)
    scale = palette.scale(DEFAULT_TOLERANCE)
    decoder = FrameDecoder(
        scale, palette, learn(frames, Look(scale, palette, NONE, NONE, observed)), observed, MIN_DBZ
    )
    table, counts = ColourTable(scale), Counts()
    for at in np.linspace(0, learned - 1, scored).astype(int):
        png = _plot_box(clean[at])
        table(png)  # new colours are computed once
        started = time.process_time()
        expected = pack_echoes(table(png), observed, MIN_DBZ)
        between = time.process_time()
        decoded = decoder(frames[at])
        ended = time.process_time()
        found, wanted = is_echo(decoded.codes), is_echo(expected)
        both = found & wanted
        steps = np.abs(
            _classes(decoded.codes[both], palette).astype(int) - _classes(expected[both], palette).astype(int)
        )
        counts.add(
            Counts(
                echo=wanted.sum(),
                lost=(wanted & ~found).sum(),
                invented=(found & ~wanted).sum(),
                both=both.sum(),
                equal=(steps == 0).sum(),
                near=(steps <= 1).sum(),
                unmatched=decoded.unmatched.size,
                seconds=ended - between,
                plain_seconds=between - started,
            )
        )
    return counts


def _plot_box(picture: Image.Image) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = PLOT_BOX
    return np.ascontiguousarray(np.asarray(picture)[y0:y1, x0:x1])


def _classes(codes: NDArray[np.uint8], palette: Palette) -> NDArray[np.int64]:
    return np.searchsorted(encode_dbz(palette.value_dbz), codes)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learned", type=int, default=24, help="frames of a radar that are learned from")
    parser.add_argument("--scored", type=int, default=8, help="frames of them that are compared")
    options = parser.parse_args()
    palette = read_palette(Colours(palette=str(ROOT / "config/palettes/eccc.csv")))
    print("| copy | lost | invented | class equal | at most one off | unmatched | time |")
    print("|---|---|---|---|---|---|---|")
    for name, copy in COPIES.items():
        total = Counts()
        for radar in RADARS:
            total.add(compare(radar, copy, palette, options.learned, options.scored))
        shares = [total.lost / total.echo, total.invented / total.echo, total.equal / total.both]
        shares += [total.near / total.both, total.unmatched / total.echo]
        cells = " | ".join(f"{100 * share:.2f} %" for share in shares)
        print(f"| {name} | {cells} | {total.seconds / total.plain_seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
