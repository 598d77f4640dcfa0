"""The clutter atlas: how often each pixel has echo in quiet weather, or echo of a constant colour.

Frames are counted one at a time. The memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.atlas import Clutter
from radar_cleaner.conventions import NODATA, is_echo
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.statistics import local_echo_fraction
from radar_cleaner.storage.reader import AHEAD, TimeSeries


class EchoCount:
    """Counts of each pixel (y, x): how often it was observed in quiet weather, and how often it then had echo."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.frames = 0  # with at least one counted pixel
        self._observed = np.zeros(shape, dtype=np.uint32)
        self._counted = np.zeros(shape, dtype=np.uint32)
        self._echoed = np.zeros(shape, dtype=np.uint32)

    def add(self, codes: NDArray[np.uint8], quiet: NDArray[np.bool_] | None = None) -> None:
        """Count one frame of packed reflectivity, or only its `quiet` pixels."""
        observed = codes != NODATA
        counted = observed if quiet is None else observed & quiet
        self.frames += quiet is None or bool(counted.any())
        self._observed += observed
        self._counted += counted
        self._echoed += is_echo(codes) & counted

    def frequency(self, min_frames: int = 1) -> NDArray[np.float32]:
        """Return (y, x): the share of counted frames with echo; NaN for pixels with fewer than `min_frames`."""
        share = np.full(self._counted.shape, np.nan)
        enough = self._counted >= max(1, min_frames)
        np.divide(self._echoed, self._counted, out=share, where=enough)
        return share.astype(np.float32)

    def known_share(self, min_frames: int) -> float:
        """Return the share of the observed pixels that were counted in `min_frames` or more; 0 without any."""
        observed = int(np.count_nonzero(self._observed))
        known = int(np.count_nonzero(self._counted >= max(1, min_frames)))
        return known / observed if observed else 0.0


class ColourDeviation:
    """Standard deviation of each pixel's colour, by Welford's recurrence (1962), which avoids cancellation."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._frames = 0
        self._mean = np.zeros((*shape, 3))
        self._squares = np.zeros((*shape, 3))  # sum of squared distances from the mean

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Count one frame of (y, x, 3) colours."""
        self._frames += 1
        step = pixels - self._mean
        self._mean += step / self._frames
        self._squares += step * (pixels - self._mean)

    def deviation(self) -> NDArray[np.float32]:
        """Return (y, x): the largest population standard deviation of the three bands; 0 before any frame."""
        variance = self._squares.max(axis=2) / max(1, self._frames)
        return np.asarray(np.sqrt(variance), dtype=np.float32)


def quiet_frames(echo_fractions: NDArray[np.float32], quiet_fraction: float) -> NDArray[np.int64]:
    """Return the indices of frames in which at most `quiet_fraction` of the observed pixels have echo."""
    return np.flatnonzero(echo_fractions <= quiet_fraction)


def quiet_pixels(codes: NDArray[np.uint8], window_px: int, quiet_fraction: float) -> NDArray[np.bool_]:
    """Return (y, x): true where at most `quiet_fraction` of the observed pixels around a pixel have echo."""
    return local_echo_fraction(codes, window_px) <= quiet_fraction


def sample_evenly(count: int, max_count: int) -> Sequence[int]:
    """Return at most `max_count` of the indices 0..count-1, evenly spaced, with the first and the last."""
    if count <= max_count:
        return range(count)
    return [round(position) for position in np.linspace(0, count - 1, max_count)]


def frequent(frequency: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Return where the frequency is at least `threshold`; false where it is NaN."""
    return np.nan_to_num(frequency, nan=-1.0) >= threshold


@dataclass(frozen=True)
class Atlas:
    """A clutter atlas: the echo frequency (y, x), the clutter mask (y, x), and how much was counted.

    `known_share` is the share of the observed pixels with enough frames. `inputs` are the digests of the stores.
    """

    echo_frequency: NDArray[np.float32]
    clutter: NDArray[np.bool_]
    frames: int
    known_share: float
    inputs: dict[str, str] = field(default_factory=dict)


def count_atlas(reflectivity: TimeSeries, rgb: TimeSeries | None, options: Clutter) -> Atlas:
    """Count the clutter atlas of a radar. The method `deviation` reads the colours of `rgb`.

    It counts the frames that are in `rgb`, those of the radar's own layout: other layouts have other colours.
    Raises ConfigError for a window in which no echo can be counted.
    """
    if 0 < options.window_px**2 * options.quiet_fraction < 1 and options.method == "frequency":
        raise ConfigError(
            f"atlas.window_px {options.window_px}: a single echo in it is more than atlas.quiet_fraction"
            f" {options.quiet_fraction:g}, so no echo is counted; raise one of them, or write 0 for the whole"
            " frame"
        )
    first = reflectivity.stores[0]
    height, width = first.shape("reflectivity")
    x0, y0, x1, y1 = first.attrs["plot_box_px"]
    echoes, colours = EchoCount((height, width)), ColourDeviation((height, width))
    windowed = options.method == "frequency" and options.window_px > 0
    for time in _counted_times(reflectivity, rgb, options).tolist():
        codes = reflectivity.frame("reflectivity", time)
        assert codes is not None, reflectivity.describe(time)
        echoes.add(codes, quiet_pixels(codes, options.window_px, options.quiet_fraction) if windowed else None)
        if rgb is not None:
            pixels = rgb.frame("rgb", time)
            assert pixels is not None, rgb.describe(time)
            colours.add(pixels[y0:y1, x0:x1])
    frequency = echoes.frequency(options.min_quiet_frames)
    clutter = frequent(frequency, options.threshold)
    if rgb is not None:
        clutter &= colours.deviation() < options.max_std
    stores = [*reflectivity.stores, *(rgb.stores if rgb is not None else ())]
    inputs = {str(store.path): store.digest for store in stores}
    return Atlas(frequency, clutter, echoes.frames, echoes.known_share(options.min_quiet_frames), inputs)


def frames_per_read(options: Clutter) -> int:
    """Return how many frames are read at once: the frames of `deviation` are far apart."""
    return AHEAD if options.method == "frequency" else 1


def _counted_times(reflectivity: TimeSeries, rgb: TimeSeries | None, options: Clutter) -> NDArray[np.int64]:
    times = np.concatenate([store.times for store in reflectivity.stores])
    if rgb is not None:
        times = times[np.isin(times, rgb.times)]
        return times[sample_evenly(len(times), options.max_frames)]
    if options.window_px:
        return times
    fractions = np.concatenate([store.read("echo_fraction") for store in reflectivity.stores])
    return times[quiet_frames(fractions, options.quiet_fraction)]
