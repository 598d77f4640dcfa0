"""Decode frames to reflectivity with what is learned of the pictures of their radar."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NO_UNCERTAINTY, NODATA, UNDETECT, decode_dbz, encode_dbz, encode_uncertainty
from radar_cleaner.reflectivity.blends import match_blends
from radar_cleaner.reflectivity.colour_clusters import distances, pack_colours, unpack_colours
from radar_cleaner.reflectivity.colour_space import remove_ground
from radar_cleaner.reflectivity.colour_table import ColourTable, colour_index, pack_echoes
from radar_cleaner.reflectivity.mixing import EXACT, ON_SCALE, Mixing, place_on_scale
from radar_cleaner.reflectivity.palette import ColourScale, Palette
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.pixel_colours import alike, fill_nearest
from radar_cleaner.reflectivity.row_blocks import row_blocks
from radar_cleaner.reflectivity.soft_decoding import PURE, SoftDecoder
from radar_cleaner.reflectivity.statistics import count_in_window

Codes = NDArray[np.uint8]
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

GROUND_BANDS = 6  # largest difference of a band from a colour of the map, in pictures of pure colours
NODATA_DISTANCE = 8.0  # RGB distance from a colour without coverage
BLEND_DISTANCE = 8.0  # RGB distance from the line between the colours of two neighbours
SOFT_BANDS = 16  # largest difference of a band from ground in the colour of a class, in soft pictures
RAIN_WINDOW, RAIN_SHARE = 7, 0.3  # ground in the colour of a class may be echo where this share of a window echoes
UNSURE_COLOURS = 4  # common colours of the map that are tried where it is not known
_NO_LABEL = 255
_AROUND = [(y, x) for y in range(5) for x in range(5) if (y, x) != (2, 2)]  # of a pixel two from the border


@dataclass(frozen=True)
class Unknown:
    """Codes of pixels without a class: of unmatched colours, and of transparent pixels."""

    unmatched: int = NODATA
    transparent: int = UNDETECT


@dataclass(frozen=True)
class DecodedFrame:
    """Reflectivity codes (y, x), their packed uncertainty (y, x), and the unmatched pixels as flat indices."""

    codes: Codes
    uncertainty: Codes
    unmatched: Places


class FrameDecoder:
    """Decode the frames of a radar.

    `observed` (y, x) are the pixels in range that no known overlay hides; the picture's own overlay is hidden as
    well. In pictures of pure colours a table gives the class of most pixels. The others are compared with the
    colours without coverage (`nodata`), with the map, and with the lines between the colours of their neighbours.
    """

    def __init__(
        self,
        scale: ColourScale,
        palette: Palette | None,
        picture: Picture,
        observed: Mask,
        min_dbz: float,
        nodata: Pixels | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        self.observed = observed & ~picture.overlay
        self._table, self._palette, self._opacity = ColourTable(scale), palette, picture.opacity
        hiding = np.array([one.colour for one in picture.hiding], np.uint8).reshape(-1, 3)
        self._nodata = hiding if nodata is None else np.concatenate([nodata, hiding])
        self._unknown = unknown or Unknown()
        self._min_dbz = min_dbz
        self._map = np.array(picture.ground_colours, np.uint8).reshape(-1, 3)
        known = [there for there in picture.ground_share > 0 if there.any()]
        self._ground = fill_nearest(picture.ground[0], known[0]) if known else picture.ground[0]
        self._others = list(zip(picture.ground[1 : len(known)], known[1:], strict=True))
        # An opaque colour has 255 in its highest byte, so that 0 is the index of none.
        self._ground_index = colour_index(self._ground) if known else np.zeros(picture.shape, np.int32)
        like_class = self._table(self._ground) != UNDETECT
        disguised = like_class & known[0] if known else np.zeros(picture.shape, bool)
        self._disguised = np.flatnonzero(disguised & self.observed)
        self._class_codes = np.zeros(0, np.uint8) if palette is None else encode_dbz(palette.value_dbz)
        self._uncertainty = _uncertainty_of_codes(palette, self._class_codes)
        self._label_of = np.full(256, _NO_LABEL, np.uint8)
        self._label_of[self._class_codes] = np.arange(1, len(self._class_codes) + 1)
        self._label_of[UNDETECT] = 0
        self._smooth = picture.mixing is Mixing.SMOOTH and palette is not None
        if self._smooth and palette is not None:
            values = decode_dbz(np.arange(1, NODATA, dtype=np.uint8))
            nearest = np.abs(values[:, None] - palette.value_dbz).argmin(axis=1)
            self._label_of[1:NODATA] = 1 + nearest
            self._uncertainty[1:NODATA] = self._uncertainty[self._class_codes[nearest]]
        self._soft: SoftDecoder | None = None
        self._picture, self._known = picture, known
        if picture.soft and palette is not None:
            self._soft = self._compare_colours(palette)

    def _compare_colours(self, palette: Palette) -> SoftDecoder:
        """Return the decoder that compares each pixel with the map and with all classes."""
        colours = np.concatenate([palette.colours, self._nodata])
        grounds = [self._ground] if self._known else []
        grounds += [np.where(there[..., None], slot, self._ground) for slot, there in self._others]
        if len(self._map):  # a mean of a coast is mixed itself
            unmixed = np.empty_like(self._ground)
            for rows in row_blocks(self._ground.shape):
                nearest = distances(self._ground[rows].reshape(-1, 3), self._map).argmin(axis=1)
                unmixed[rows] = self._map[nearest].reshape(unmixed[rows].shape)
            grounds.append(unmixed)
            # Where no frame showed the map unmixed, it may be any of its common colours.
            unsure = (self._picture.ground_share[0] == 0)[..., None]
            grounds += [np.where(unsure, colour, self._ground) for colour in self._map[:UNSURE_COLOURS]]
        return SoftDecoder(colours, grounds, self._picture.space, self._picture.tolerance)

    def labels(self, decoded: DecodedFrame) -> NDArray[np.int16]:
        """Return the labels (y, x) of a decoded frame: 0 the ground, 1.. the classes, -1 neither."""
        labels = cv2.LUT(decoded.codes, self._label_of).astype(np.int16)
        return np.asarray(np.where(labels == _NO_LABEL, -1, labels))

    def distances(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return the distances (y, x, 1 + classes) of a frame's colours from the ground and from each class."""
        assert self._palette is not None, "the HSV methods have no classes"
        decoder = self._soft or self._compare_colours(self._palette)
        own = remove_ground(pixels, self._ground, self._opacity)
        return decoder.distances(own)[..., : 1 + len(self._class_codes)]

    def __call__(self, pixels: Pixels, alpha: NDArray[np.uint8] | None = None) -> DecodedFrame:
        """Decode a frame (y, x, 3) uint8; `alpha` (y, x) is 0 where nothing is drawn."""
        own = remove_ground(pixels, self._ground, self._opacity)
        decode = self._decode_pure if self._soft is None else self._decode_soft
        codes, mixed, left = decode(pixels, own)
        if self._smooth:
            mixed, left = self._read_between(pixels, own, codes, mixed, left)
        codes.ravel()[left] = self._unknown.unmatched
        self._hide_disguised(pixels, codes)
        if alpha is not None and not alpha.all():
            clear = alpha == 0
            codes[clear] = self._unknown.transparent
            left = left[~clear.ravel()[left]]
        packed = pack_echoes(codes, self.observed, self._min_dbz)
        uncertainty = cv2.LUT(packed, self._uncertainty)
        if mixed.size:
            flat = uncertainty.ravel()
            wide = np.minimum(2 * flat[mixed].astype(np.int64), NO_UNCERTAINTY - 1)
            flat[mixed] = np.where(flat[mixed] == NO_UNCERTAINTY, NO_UNCERTAINTY, wide)
        return DecodedFrame(packed, np.asarray(uncertainty), left)

    def _decode_pure(self, pixels: Pixels, own: Pixels) -> tuple[Codes, Places, Places]:
        """Return the codes of a frame, and the mixed and the unmatched pixels."""
        index = colour_index(pixels)
        other = index != self._ground_index
        codes = self._table.codes_of(index if own is pixels else colour_index(own))
        codes *= other
        left = np.flatnonzero((codes == UNDETECT) & other & self.observed)
        if not left.size:
            return codes, left, left
        return codes, *self._settle(pixels, own, codes, left)

    def _decode_soft(self, pixels: Pixels, own: Pixels) -> tuple[Codes, Places, Places]:
        assert self._soft is not None
        labels, away = self._soft(own)
        classes = len(self._class_codes)
        without = np.full(len(self._nodata), NODATA, np.uint8)
        codes = np.concatenate([[np.uint8(UNDETECT)], self._class_codes, without, [np.uint8(UNDETECT)]])[labels]
        mixed = (away > PURE) & (labels > 0) & (labels <= classes)
        left = (labels < 0) & self.observed
        if self._picture.mixing is not Mixing.NOISY:  # the class by exact lines between the colours of neighbours
            exact, blended, unmatched = self._decode_pure(pixels, own)
            found = np.ones(codes.shape, bool)
            found.ravel()[unmatched] = False
            found &= left | ((exact != UNDETECT) & (codes != UNDETECT))
            codes[found] = exact[found]
            between = np.zeros(codes.shape, bool)
            between.ravel()[blended] = True
            mixed = np.where(found, between, mixed)
            left &= ~found
        return codes, np.flatnonzero(mixed), np.flatnonzero(left)

    def _read_between(
        self, pixels: Pixels, own: Pixels, codes: Codes, mixed: Places, left: Places
    ) -> tuple[Places, Places]:
        """Give the pixels between the colours of two neighbouring classes a value between theirs.

        Return the mixed and the unmatched pixels that are left.
        """
        assert self._palette is not None, "only a palette has classes"
        flat = codes.ravel()
        unmatched = np.zeros(flat.size, bool)
        unmatched[left] = True
        places = np.flatnonzero((unmatched | ((flat != UNDETECT) & (flat != NODATA))) & self.observed.ravel())
        unique, where = np.unique(pack_colours(own.reshape(-1, 3)[places]), return_inverse=True)
        away, position = place_on_scale(unpack_colours(unique), self._palette.colours)
        away, position = away[where], position[where]
        labels = self._label_of[flat[places]].astype(np.int64)
        fits = (away <= ON_SCALE) & (unmatched[places] | (np.abs(position - labels) <= 1)) | (away <= EXACT)
        numbers = np.arange(1, 1 + len(self._class_codes))
        flat[places[fits]] = encode_dbz(np.interp(position[fits], numbers, self._palette.value_dbz))
        return np.setdiff1d(mixed, places[fits]), np.setdiff1d(left, places[fits])

    def _settle(self, pixels: Pixels, own: Pixels, codes: Codes, left: Places) -> tuple[Places, Places]:
        """Settle the codes of the pixels that are left; return the mixed ones and the unmatched ones."""
        colours = pixels.reshape(-1, 3)[left]
        unique, where = np.unique(pack_colours(colours), return_inverse=True)
        shades = unpack_colours(unique)
        without = _any_within(shades, self._nodata, NODATA_DISTANCE)[where]
        ground = _any_alike(shades, self._map, GROUND_BANDS)[where] & ~without
        for slot, there in [(self._ground, None), *self._others]:
            near = alike(colours[None], slot.reshape(-1, 3)[left][None], GROUND_BANDS)[0]
            ground |= near & ~without & (True if there is None else there.ravel()[left])
        flat = codes.ravel()
        flat[left[without]] = NODATA
        rest = left[~without & ~ground]
        if not rest.size or self._palette is None:
            return rest[:0], rest
        labels = np.asarray(cv2.LUT(codes, self._label_of), dtype=np.uint8)
        labels.ravel()[rest] = _NO_LABEL
        classes = self._palette.colours.astype(np.float32)
        matches = match_blends(
            own.reshape(-1, 3)[rest].astype(np.float32),
            self._ground.reshape(-1, 3)[rest].astype(np.float32),
            classes,
            _labels_around(labels, rest, 1 + len(classes)),
        )
        found = (matches.first >= 0) & (matches.distance <= BLEND_DISTANCE)
        echo = found & (matches.first > 0)
        flat[rest[echo]] = self._class_codes[matches.first[echo] - 1]
        return rest[echo], rest[~found]

    def _hide_disguised(self, pixels: Pixels, codes: Codes) -> None:
        """Make ground in the colour of a class nodata where it echoes around, and undetect elsewhere."""
        if not self._disguised.size:
            return
        bands = 0 if self._soft is None else SOFT_BANDS
        shown = self._disguised[
            alike(
                pixels.reshape(-1, 3)[self._disguised][None],
                self._ground.reshape(-1, 3)[self._disguised][None],
                bands,
            )[0]
        ]
        flat = codes.ravel()
        flat[shown] = UNDETECT
        sure = np.ones(codes.shape, bool)
        sure.ravel()[shown] = False
        window = (RAIN_WINDOW, RAIN_WINDOW)
        echo = count_in_window(sure & (codes != UNDETECT) & (codes != NODATA), window).ravel()[shown]
        seen = count_in_window(sure, window).ravel()[shown]
        flat[shown[(echo > 0) & (echo >= RAIN_SHARE * seen)]] = NODATA


def _uncertainty_of_codes(palette: Palette | None, codes: Codes) -> Codes:
    """Return the packed uncertainty of each code: half the width of its class, none for the HSV methods."""
    table = np.full(256, NO_UNCERTAINTY, np.uint8)
    if palette is not None:
        table[codes] = encode_uncertainty((palette.upper_dbz - palette.lower_dbz) / 2)
    return table


def _any_within(colours: Pixels, centres: Pixels, distance: float) -> Mask:
    if not len(centres):
        return np.zeros(len(colours), bool)
    return np.asarray(distances(colours, centres).min(axis=1) <= distance)


def _any_alike(colours: Pixels, centres: Pixels, bands: int) -> Mask:
    found = np.zeros(len(colours), bool)
    for centre in centres.astype(np.int16):
        found |= (np.abs(colours.astype(np.int16) - centre) <= bands).all(axis=1)
    return found


def _labels_around(labels: Codes, places: Places, count: int) -> Mask:
    """Return which labels (n, count) the pixels two rows or columns around each of n places have."""
    padded = np.pad(labels, 2, constant_values=_NO_LABEL)
    rows, columns = np.divmod(places, labels.shape[1])
    near = np.zeros((len(places), _NO_LABEL + 1), bool)
    each = np.arange(len(places))
    for down, right in _AROUND:
        near[each, padded[rows + down, columns + right]] = True
    return near[:, :count]
