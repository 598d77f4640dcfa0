"""Count frames that show exactly the echo of the frame before: pictures that were saved again under a new time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

# Frames with less echo, as a share of the observed pixels, may be equal: nothing but a little clutter.
LEAST_ECHO = 0.005
# The share of repeated frames above which a run ends with a line about them, and the least number of frames.
MANY, FEWEST = 0.1, 10


class RepeatedFrames:
    """Count the frames with echo of a store, and those among them that equal the frame before."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._frames = self._repeated = 0

    def add(self, codes: NDArray[np.uint8], echo_fraction: float) -> None:
        """Count the next frame in time, packed reflectivity (y, x)."""
        if echo_fraction >= LEAST_ECHO:
            self._frames += 1
            self._repeated += self._last is not None and bool(np.array_equal(codes, self._last))
        self._last = codes

    def attrs(self) -> dict[str, int]:
        """Return the counts for the attributes of a store."""
        return {"frames_with_echo": self._frames, "repeated_frames": self._repeated}


def describe_repeats(radar: str, stores: Iterable[Mapping[str, object]]) -> str:
    """Return a warning if many frames of a radar repeat the one before, else an empty text.

    `stores` are the attributes of its reflectivity stores.
    """
    rows = [(int(str(attrs["frames_with_echo"])), int(str(attrs["repeated_frames"]))) for attrs in stores]
    frames, repeated = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0)
    if frames < FEWEST or repeated <= MANY * frames:
        return ""
    return (
        f"{radar}: {repeated} of {frames} frames with echo equal the frame before, so their times are wrong: a"
        " picture was saved again before the service made a new one; remove the copies, or take the times of the"
        " pictures themselves (frames.time_from) and their frames.cadence_minutes"
    )
