"""Content of the pictures of a radar that does not change with the weather: ground, overlay, colours, opacity."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.colour_space import ColourSpace
from radar_cleaner.reflectivity.hidden_map import Hiding
from radar_cleaner.reflectivity.mixing import Mixing
from radar_cleaner.reflectivity.palette import format_colour
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.specs import PICTURE
from radar_cleaner.storage.writer import Static

SLOTS = 3  # colours of the ground that are kept for each pixel
PICTURE_WARNINGS = (
    "other_product",
    "doubt",
    "usual",
    "hiding",
    "meaning",
    "shortage",
)  # attributes: a sentence each, or empty
OVERLAY_COLOUR = (255, 255, 0)  # in the picture of an overlay
SOFT = 0.3  # pictures of few colours have below 0.01, the best JPEG and scaled ones above 0.5
_SHARE_STEPS = 255  # of a packed share


@dataclass(frozen=True)
class ArchiveColour:
    """A colour that an archive uses often.

    `share` is its share of the pixels of the plot box, `scatter` the root mean square RGB distance of these
    pixels from it (0 in pictures of few colours).
    """

    colour: tuple[int, int, int]
    share: float
    scatter: float


@dataclass(frozen=True)
class Picture:
    """The learned parts of the pictures of a radar, in plot-box pixels.

    `ground` (slot, y, x, 3) uint8 has the colours of the map at each pixel, the commonest first, and
    `ground_share` (slot, y, x) the share of the frames that show them: 0 is an empty slot. `overlay` (y, x) is
    true where something is drawn over the echo, `nodata` (y, x) where all frames show a colour without coverage.
    `ground_colours` are the common colours of the map, `colours` those of the archive. `tolerance` is the largest
    RGB distance of a colour from its class, `opacity` (0..1) that of the echo over the map. `softness` is 0 in
    pictures of pure colours and near 1 where colours of neighbouring pixels are mixed (JPEG, scaled, smoothed);
    `space` is how colours are compared then, and `mixing` how they are mixed. `frames` is the number of frames
    that were looked at; `enough` is false where they are too few to find an overlay by its change with time.
    `hiding` are colours that hide the map in some frames: pixels that show them have no coverage.
    """

    ground: NDArray[np.uint8]
    ground_share: NDArray[np.float32]
    overlay: NDArray[np.bool_]
    nodata: NDArray[np.bool_]
    ground_colours: tuple[tuple[int, int, int], ...]
    colours: tuple[ArchiveColour, ...]
    tolerance: float
    opacity: float
    softness: float
    space: ColourSpace
    frames: int
    enough: bool
    mixing: Mixing = Mixing.NOISY
    hiding: tuple[Hiding, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the plot box."""
        return self.overlay.shape[0], self.overlay.shape[1]

    @property
    def soft(self) -> bool:
        """Whether most colours are mixed."""
        return self.softness > SOFT

    @property
    def background(self) -> NDArray[np.uint8]:
        """The map without echo, as far as it is known: (y, x, 3), black where it is not."""
        known = self.ground_share[0] > 0
        return np.asarray(np.where(known[..., None], self.ground[0], 0), dtype=np.uint8)

    def seen_ground(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return map and overlay (y, x, 3), and where they are known; overlay is as in a plot box (y, x, 3)."""
        seen = np.where(self.overlay[..., None], frame, self.background)
        return seen, (self.overlay | (self.ground_share[0] > 0)) & ~self.nodata


def overlay_picture(picture: Picture, plot_box: Box, size: tuple[int, int]) -> bytes:
    """Return the overlay as a PNG of a frame's (width, height) `size`: black where nothing is drawn.

    It can be edited and named as `frames.overlay.mask`.
    """
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    x0, y0, x1, y1 = plot_box
    frame[y0:y1, x0:x1][picture.overlay] = OVERLAY_COLOUR
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "PNG")
    return file.getvalue()


def picture_variables(picture: Picture) -> dict[str, Static]:
    """Return the variables of a picture for a store."""
    values: dict[str, NDArray[np.generic]] = {
        "ground": picture.ground,
        "ground_share": np.rint(picture.ground_share * _SHARE_STEPS).astype(np.uint8),
        "overlay": picture.overlay,
        "nodata": picture.nodata,
    }
    return {name: PICTURE.static(name, value) for name, value in values.items()}


def picture_attrs(picture: Picture) -> dict[str, object]:
    """Return the attributes of a picture for a store."""
    return {
        "ground_colours": [format_colour(colour) for colour in picture.ground_colours],
        "colours": [format_colour(entry.colour) for entry in picture.colours],
        "colour_shares": [round(entry.share, 6) for entry in picture.colours],
        "colour_scatters": [round(entry.scatter, 2) for entry in picture.colours],
        "tolerance": picture.tolerance,
        "opacity": picture.opacity,
        "softness": picture.softness,
        "chroma_weight": picture.space.chroma_weight,
        "sharpening": list(picture.space.sharpening),
        "mixing": picture.mixing.value,
        "hiding_colours": [format_colour(one.colour) for one in picture.hiding],
        "hiding_areas": [round(one.area, 6) for one in picture.hiding],
        "hiding_frames": [round(one.frames, 6) for one in picture.hiding],
        "frames_used": picture.frames,
        "too_few_frames": not picture.enough,
    }


def read_picture(store: Store, shape: tuple[int, int]) -> Picture:
    """Read a picture from its store. Raises ConfigError if it has another shape (y, x) than the plot box."""
    attrs: Mapping[str, object] = store.attrs
    overlay = store.read("overlay").astype(bool)
    if overlay.shape != shape:
        raise ConfigError(
            f"{store.path}: the picture is {overlay.shape}, the plot box {shape}; run snakemake to learn it again"
        )
    bright, chroma = _list(attrs, "sharpening")
    return Picture(
        ground=store.read("ground"),
        ground_share=store.read("ground_share").astype(np.float32) / np.float32(_SHARE_STEPS),
        overlay=overlay,
        nodata=store.read("nodata").astype(bool),
        ground_colours=tuple(map(_parse_colour, _list(attrs, "ground_colours"))),
        colours=tuple(
            ArchiveColour(_parse_colour(colour), float(share), float(scatter))
            for colour, share, scatter in zip(
                *(_list(attrs, name) for name in ("colours", "colour_shares", "colour_scatters")), strict=True
            )
        ),
        tolerance=float(str(attrs["tolerance"])),
        opacity=float(str(attrs["opacity"])),
        softness=float(str(attrs["softness"])),
        space=ColourSpace(float(str(attrs["chroma_weight"])), (float(bright), float(chroma))),
        frames=int(str(attrs["frames_used"])),
        enough=not attrs["too_few_frames"],
        mixing=Mixing(attrs["mixing"]),
        hiding=tuple(
            Hiding(_parse_colour(colour), float(area), float(share))
            for colour, area, share in zip(
                *(_list(attrs, name) for name in ("hiding_colours", "hiding_areas", "hiding_frames")), strict=True
            )
        ),
    )


def _list(attrs: Mapping[str, object], name: str) -> Sequence[str]:
    value = attrs[name]
    assert isinstance(value, list), f"{name} is a list"
    return value


def _parse_colour(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue
