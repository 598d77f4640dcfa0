"""Learn from frames what the pictures of a radar show apart from the weather."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.archive import MIN_FRAMES, Look
from radar_cleaner.reflectivity.decoding import colour_scale, observed_mask
from radar_cleaner.reflectivity.doubt import describe_doubt, measure_doubt
from radar_cleaner.reflectivity.picture import Picture, overlay_picture, picture_attrs, picture_variables
from radar_cleaner.reflectivity.picture_learning import learn
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.product_mix import choose_frames, find_mix
from radar_cleaner.reflectivity.usual_echo import describe_usual, usual_classes
from radar_cleaner.storage.atomic import write_bytes
from radar_cleaner.storage.reader import Store, open_store
from radar_cleaner.storage.shards import format_time
from radar_cleaner.storage.writer import StoreWriter

log = logging.getLogger(__name__)


def learn_picture(
    *,
    rgb: list[Path],
    plot_box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: PictureColours,
    picture: PictureFrames,
    output: Path,
    mask: Path,
) -> None:
    """Learn the map and the overlay of a radar's pictures.

    Parameters
    ----------
    rgb
        Stores of the radar's frames.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    geometry
        The radar and the grid of its plot box.
    overlay
        What is drawn over the map, as far as it is known.
    labels
        The meaning of the colours.
    picture
        How many frames are looked at.
    output
        Picture store to write.
    mask
        Picture of the overlay to write, of the frame's size and black where nothing is drawn.
    """
    stores = [open_store(path, "rgb") for path in rgb]
    height, width = stores[0].shape("rgb")[:2]
    observed = observed_mask((width, height), plot_box, overlay) & in_range(geometry)
    scale, palette = colour_scale(labels, next((store for store in stores if store.times.size), stores[0]))
    places = [(store, index) for store in stores for index in range(len(store.times))]
    frames = _Frames([places[number] for number in _evenly(len(places), picture.frames)], plot_box)
    look = Look(
        scale=scale,
        palette=palette,
        nodata=_colours(labels.rgb("nodata_colours")),
        ground=_colours(labels.rgb("ground_colours")),
        observed=observed,
        tolerance=None if labels.tolerance == "auto" else labels.tolerance,
        opacity=None if labels.opacity == "auto" else labels.opacity,
        find_overlay=overlay.mask == "auto",
    )
    learned = learn(frames, look)
    other = _describe_other_product(geometry.radar, frames, plot_box)
    doubt = describe_doubt(geometry.radar, measure_doubt(frames, learned, look), palette)
    usual = describe_usual(geometry.radar, usual_classes(frames, learned, look), palette)
    shortage = _describe_shortage(geometry.radar, learned, overlay.mask == "auto")
    for warning in filter(None, (other, doubt, usual, shortage)):
        log.warning(warning)
    with StoreWriter(
        output,
        static=picture_variables(learned),
        attrs={
            "radar": geometry.radar,
            "other_product": other,
            "doubt": doubt,
            "shortage": shortage,
            "usual": usual,
            **picture_attrs(learned),
        },
        provenance={
            "stage": "learn_picture",
            "parameters": {
                **picture.model_dump(mode="json"),
                "overlay": overlay.model_dump(mode="json"),
                "labels": labels.model_dump(mode="json"),
            },
            "inputs": {str(store.path): store.digest for store in stores},
        },
    ):
        pass
    write_bytes(mask, overlay_picture(learned, plot_box, (width, height)))
    _log(geometry.radar, learned, observed)


class _Frames(Sequence[NDArray[np.uint8]]):
    """Frames of several stores, or a box of each; each is read when it is used."""

    def __init__(self, places: list[tuple[Store, int]], box: Box) -> None:
        """`places` are stores and the numbers of their frames."""
        self._places, self._box = places, box

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]  # slices are never asked for
        (store, index), (x0, y0, x1, y1) = self._places[number], self._box
        return np.ascontiguousarray(store.frame("rgb", index)[y0:y1, x0:x1])

    def whole(self, numbers: list[int]) -> _Frames:
        """Return some of the frames, with what is beside their box."""
        box = (0, 0, *self._size) if self._places else self._box
        return _Frames([self._places[number] for number in numbers], box)

    @property
    def _size(self) -> tuple[int, int]:
        height, width = self._places[0][0].shape("rgb")[:2]
        return width, height

    def time(self, number: int) -> str:
        """Return the time of a frame, for messages."""
        store, index = self._places[number]
        return format_time(int(store.times[index]))


def _describe_other_product(radar: str, frames: _Frames, plot_box: Box) -> str:
    """Return a warning if some frames show another title or legend beside the map, else an empty text."""
    compared = choose_frames(len(frames))
    mix = find_mix(frames.whole(compared), plot_box)
    if mix is None:
        return ""
    return (
        f"{radar}: {len(mix.frames)} of {len(compared)} frames that were compared, for example that of"
        f" {frames.time(compared[mix.frames[0]])}, show another title or legend in {list(mix.box)} of the picture;"
        " if it is another product, name the files of one product in radars[].frames"
    )


def _evenly(count: int, most: int) -> list[int]:
    """Return the numbers of at most `most` of `count` frames, evenly sampled."""
    chosen = np.unique(np.linspace(0, max(count - 1, 0), min(most, count)).round().astype(int))
    return [int(number) for number in chosen]


def _colours(colours: list[tuple[int, int, int]]) -> NDArray[np.uint8]:
    return np.array(colours, np.uint8).reshape(-1, 3)


def _describe_shortage(radar: str, picture: Picture, find_overlay: bool) -> str:
    """Return a warning if the frames do not show overlay or map, else an empty text."""
    if find_overlay and not picture.enough:
        return (
            f"{radar}: its picture is learned from {picture.frames} frames; {MIN_FRAMES} different ones are needed"
            " to find names, borders and areas of the map in the colour of a class, and in mixed colours (JPEG,"
            " scaled) all thin lines; lengthen picture.period, or set frames.overlay.mask"
        )
    if not picture.ground_colours and not (picture.ground_share > 0).any():
        return f"{radar}: no colour of its map was found; set labels.ground_colours"
    return ""


def _log(radar: str, picture: Picture, observed: NDArray[np.bool_]) -> None:
    log.info(
        "%s: picture of %d frames: %d colours of the map, %d pixels of overlay (%.1f %%), softness %.2f,"
        " tolerance %g, opacity %g",
        radar,
        picture.frames,
        len(picture.ground_colours),
        int(picture.overlay.sum()),
        100 * float(picture.overlay.sum()) / max(int(observed.sum()), 1),
        picture.softness,
        picture.tolerance,
        picture.opacity,
    )
