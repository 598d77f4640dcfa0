"""Load samples in a plain way, for comparison in `feeding`; no product uses it.

For each sample it opens the stores, reads the chunk of each frame, cuts a crop and builds the float channels in
numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import zarr
from numpy.typing import NDArray

from radar_cleaner.datasets.frame_cache import RadarSources
from radar_cleaner.targets.splits import Sample


class ChunkLoader:
    """Load samples from the stores of radars, one at a time."""

    def __init__(self, radars: Mapping[str, RadarSources], minutes: Sequence[int], crop: int) -> None:
        self._minutes, self._crop = minutes, crop
        self._random = np.random.default_rng(1)
        self._places = {
            (kind, radar, int(time)): (path, position)
            for radar, sources in radars.items()
            for kind in ("reflectivity", "aligned", "labels")
            for path in getattr(sources, kind)
            for position, time in enumerate(zarr.open_group(path, mode="r")["time"][...])
        }
        self._radars = radars

    def load(self, sample: Sample) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (channel, y, x) and (target, y, x) of a crop."""
        shape = self._read("reflectivity", "reflectivity", sample, 0).shape
        top, left = (int(self._random.integers(max(1, size - self._crop + 1))) for size in shape)
        window = np.s_[top : top + self._crop, left : left + self._crop]
        channels = []
        for minutes in self._minutes:
            for kind in ("reflectivity", "aligned"):
                codes = self._read(kind, "reflectivity", sample, minutes)[window]
                echo = (codes > 0) & (codes < 255)
                channels += [np.where(echo, (codes * 0.5 - 32 + 10) / 80, 0), codes < 255]
        rows, columns = np.indices(shape)
        up, right = shape[0] / 2 - rows[window], columns[window] - shape[1] / 2
        distance = np.hypot(up, right)
        channels += [distance / (shape[1] / 2), up / np.maximum(distance, 1), right / np.maximum(distance, 1)]
        channels.append(zarr.open_group(self._radars[sample.radar].atlas, mode="r")["echo_frequency"][window])
        kinds = [self._read("labels", name, sample, 0)[window] for name in ("echo_class", "confidence")]
        return np.stack(channels).astype(np.float32), np.stack(kinds).astype(np.float32)

    def _read(self, kind: str, name: str, sample: Sample, minutes: int) -> NDArray[np.uint8]:
        path, position = self._places[kind, sample.radar, sample.time + 60 * minutes]
        return np.asarray(zarr.open_group(path, mode="r")[name][position])
