"""The report's section about the map, the overlay and the unmatched colours of each radar."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.reflectivity.picture import OVERLAY_COLOUR, PICTURE_WARNINGS, Picture, read_picture
from radar_cleaner.reflectivity.unmatched import add_unmatched, read_unmatched
from radar_cleaner.report.page import embed_png, utc
from radar_cleaner.report.pictures import Shown
from radar_cleaner.report.run import FinishedRun
from radar_cleaner.storage.reader import open_store

WORST_FRAMES = 3  # that the caption names
HATCH = np.array((255, 0, 255), np.uint8)  # where the map is not known


def show_learned(run: FinishedRun) -> list[Shown]:
    """Return the learned picture of each radar and layout, with a caption about its unmatched colours."""
    found = []
    for radar, shards in run.pictures.items():
        path = run.layout.picture(radar)
        if not (path / "zarr.json").exists():
            continue
        store = open_store(path, "picture")
        height, width = store.shape("overlay")
        picture = read_picture(store, (height, width))
        stores = [run.layout.reflectivity(radar, shard) for shard in shards]
        note = f"{_describe(picture)} {_unmatched(radar, stores)}"
        found.append(Shown(radar, note, embed_png(_draw(picture))))
    return found


def warn_of_pictures(run: FinishedRun) -> list[str]:
    """Return what may be read wrong: another product, doubtful colours, too few frames, unmatched colours."""
    lines = []
    for radar, shards in run.pictures.items():
        path = run.layout.picture(radar)
        if (path / "zarr.json").exists():
            attrs = open_store(path, "picture").attrs
            lines += [str(attrs[name]) for name in PICTURE_WARNINGS if attrs.get(name)]
        stores = [open_store(run.layout.reflectivity(radar, shard), "reflectivity") for shard in shards]
        unmatched = add_unmatched(read_unmatched(store.attrs) for store in stores)
        lines += [unmatched.describe(radar)] if unmatched.are_many else []
    return [f"{line}." for line in lines]


def _describe(picture: Picture) -> str:
    share = 100 * float(picture.overlay.mean())
    enough = "" if picture.enough else ", too few to find an overlay in the colour of a class"
    kind = "mixed" if picture.soft else "pure"
    return (
        f"{picture.frames} frames{enough}; {len(picture.ground_colours)} common colours of the map; {share:.1f} %"
        f" of the plot box is overlay (yellow); {kind} colours, tolerance {picture.tolerance:g}, opacity"
        f" {picture.opacity:g}."
    )


def _unmatched(radar: str, paths: list[Path]) -> str:
    """Describe the unmatched pixels of a radar's stores, and the frames with the largest shares of them."""
    stores = [open_store(path, "reflectivity") for path in paths]
    total = add_unmatched(read_unmatched(store.attrs) for store in stores)
    if not total.pixels:
        return "No pixel is unmatched."
    shares = [
        (float(share), int(time))
        for store in stores
        for time, share in zip(store.times, store.read("unmatched_fraction"), strict=True)
    ]
    worst = sorted(shares, reverse=True)[:WORST_FRAMES]
    frames = ", ".join(f"{utc(time)} ({100 * share:.1f} % of the pixels)" for share, time in worst if share)
    return f"{total.describe(radar)}. Most of them: {frames}."


def _draw(picture: Picture) -> bytes:
    shown: NDArray[np.uint8] = picture.background.copy()
    shown[(picture.ground_share[0] == 0) & ~picture.overlay] = HATCH
    shown[picture.overlay] = OVERLAY_COLOUR
    file = io.BytesIO()
    Image.fromarray(shown).save(file, "PNG")
    return file.getvalue()
