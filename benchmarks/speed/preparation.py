"""
Time the way from frames to reflectivity on disk, compared with the fastest decoder and with the plain way.

    python -m benchmarks.speed.preparation
    python -m benchmarks.speed.preparation --codec fast --rounds 9

The floor is the decoding of the same files in memory by pyspng (libspng), the fastest decoder of PNGs that was
found on the package index. The plain way is `plain`. The two subcommands run as in the workflow, but in this
process. Times are CPU times, summed over threads. Each figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import chain, count
from pathlib import Path

import numpy as np
import pyspng
from numcodecs import blosc

from radar_cleaner.conventions import encode_log_odds
from radar_cleaner.georeference.polar import range_mask
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask
from radar_cleaner.stages.build_rgb_store import build_rgb_store
from radar_cleaner.stages.decode_reflectivity import decode_reflectivity
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.writer import CODECS
from radar_cleaner.targets.labelers.base import Echoes
from radar_cleaner.targets.labelers.density import EchoDensity
from radar_cleaner.targets.labelers.spokes import SpokeShape
from radar_cleaner.targets.morphology import classify_echoes

from . import frames, plain
from .timing import in_turns

X0, Y0, X1, Y1 = frames.PLOT_BOX
GOALS = {
    "to the floor": "frames to reflectivity on disk: {:.1f} times the floor (goal: at most 3)",
    "to the plain": "frames to reflectivity on disk: {:.1f} times as quick as the plain way (goal: at least 6)",
    "labels": "labels alone: {:.1f} times as quick as the plain way's (goal: at least 15)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--codec", choices=("compact", "fast"), default="compact")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="preparation-") as folder:
        place = Path(folder)
        measure(place, options.codec, options.rounds)


def measure(place: Path, codec: str, rounds: int) -> None:
    """Time all in turns and print the ratios."""
    files = frames.link_frames(place / "frames")
    held = [file.read_bytes() for file in files]
    pictures = [plain.decode(file) for file in files]
    (place / "plain").mkdir()
    rgb, fresh = place / "rgb.zarr", (place / f"{number}.zarr" for number in count())
    build_rgb_store(**frames.rgb_options(place / "frames", rgb, codec))
    classes, evidence = label_in_memory(pictures)
    picture = place / "picture.zarr"
    learn_picture(**frames.picture_options(rgb, picture))
    decode_reflectivity(**frames.reflectivity_options(rgb, picture, place / "reflectivity.zarr", codec))
    things: dict[str, Callable[[], object]] = {
        "floor": lambda: [pyspng.load(data) for data in held],
        "rgb": lambda: build_rgb_store(**frames.rgb_options(place / "frames", next(fresh), codec)),
        "reflectivity": lambda: decode_reflectivity(
            **frames.reflectivity_options(rgb, picture, next(fresh), codec)
        ),
        "plain": partial(plain.prepare, files, frames.PLOT_BOX, place / "plain"),
        "plain labels": lambda: [plain.label(picture, frames.PLOT_BOX) for picture in pictures],
        "classes": classes,
        "classes and evidence": evidence,
        "codec": pack_and_unpack(rgb, place / "reflectivity.zarr", codec),
    }
    timed = in_turns(things, rounds)
    ours = [a + b for a, b in zip(timed.cpu["rgb"], timed.cpu["reflectivity"], strict=True)]
    timed.cpu["ours"] = ours
    print(f"{len(files)} frames of {frames.SIZE[0]} x {frames.SIZE[1]} px, codec {codec}\n")
    print("| | ratio to the floor |\n|---|---|")
    for name, label in (
        ("rgb", "decode, check, store (`build_rgb_store`)"),
        ("reflectivity", "reflectivity, store (`decode_reflectivity`)"),
        ("ours", "both"),
        ("plain", "the plain way"),
        ("classes", "reflectivity and class, in memory"),
        ("classes and evidence", "with the evidence of density and spokes"),
        ("codec", "packing what is stored and unpacking the pictures, in memory"),
        ("plain labels", "the plain way's mask and intensity, in memory"),
    ):
        print(f"| {label} | {timed.ratio(name, 'floor'):.1f} |")
    print()
    print(GOALS["to the floor"].format(timed.ratio("ours", "floor")))
    print(GOALS["to the plain"].format(timed.ratio("plain", "ours")))
    print(GOALS["labels"].format(timed.ratio("plain labels", "classes")))


def label_in_memory(pictures: list[plain.Pixels]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return two functions that label all pictures in memory: classes alone, and classes with the evidence."""
    overlay = overlay_mask(frames.SIZE, frames.PLOT_BOX, frames.RADAR.overlay.border_px, frames.BOXES)
    center = (frames.CENTER[0] - X0, frames.CENTER[1] - Y0)
    radius = max(overlay.shape) / 2
    observed = ~overlay & range_mask(overlay.shape, center, radius)
    palette = parse_palette(frames.PALETTE.read_text(encoding="utf-8"), str(frames.PALETTE))
    table = ColourTable(palette.scale(frames.TOLERANCE))
    shape = frames.SHAPE
    density, spoke = EchoDensity(observed), SpokeShape(observed, frames.RADAR.geometry(frames.SIZE))

    def codes_of(picture: plain.Pixels) -> np.ndarray:
        return pack_echoes(table(picture[Y0:Y1, X0:X1]), observed, frames.RADAR.labels.min_dbz)

    def classes() -> None:
        for picture in pictures:
            classify_echoes(codes_of(picture), shape)

    def with_evidence() -> None:
        for picture in pictures:
            codes = codes_of(picture)
            classify_echoes(codes, shape)
            echoes = Echoes.of(codes)
            for source in (density, spoke):
                echoes.scatter(encode_log_odds(source(echoes)))

    return classes, with_evidence


def pack_and_unpack(rgb: Path, reflectivity: Path, codec: str) -> Callable[[], None]:
    """Run the codec's part of both stages: pack pictures and reflectivity, and unpack the pictures."""
    name, level = CODECS[codec]
    pictures, decoded = open_store(rgb, "rgb").read("rgb"), open_store(reflectivity, "reflectivity")
    stored = [
        pictures,
        decoded.read("reflectivity"),
    ]

    def pack(frame: np.ndarray) -> bytes:
        return bytes(blosc.compress(frame, name.encode(), level, blosc.NOSHUFFLE))

    packed = [pack(picture) for picture in pictures]

    def both() -> None:
        for frame in chain.from_iterable(stored):
            pack(frame)
        for picture in packed:
            blosc.decompress(picture)

    return both


if __name__ == "__main__":
    main()
