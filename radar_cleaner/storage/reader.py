"""Open a Zarr store and check it against the spec of its kind."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.storage.shard_file import read_frames
from radar_cleaner.storage.shards import format_time
from radar_cleaner.storage.specs import SPECS

# Handing single chunks to Zarr's threads and back takes longer than packing them.
zarr.config.set({"codec_pipeline.batch_size": 1024})

AHEAD = 16  # frames of a block, for readers of all frames
_BLOCKS = 4  # blocks in memory: two variables, each at the border of two blocks


@dataclass(frozen=True)
class Store:
    """An open, checked store."""

    path: Path
    group: zarr.Group
    attrs: Mapping[str, Any]
    _arrays: dict[str, zarr.Array[Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def times(self) -> NDArray[np.int64]:
        """(time,) seconds since 1970, strictly increasing."""
        return np.asarray(self._array("time")[...], dtype=np.int64)

    @property
    def digest(self) -> str:
        """Digest of the store's content."""
        return str(self.attrs["content_digest"])

    def read(self, name: str) -> NDArray[Any]:
        """Read one variable."""
        array = self._array(name)
        return np.asarray(array[...]) if array.shards is None else self.frames(name, 0, array.shape[0])

    def is_filled(self, name: str) -> bool:
        """Return whether a variable has its fill value everywhere, as nothing of it was written."""
        return self._array(name).nchunks_initialized == 0

    def frame(self, name: str, index: int) -> NDArray[Any]:
        """Read one frame of one variable."""
        return np.asarray(self.frames(name, index, index + 1)[0])

    def frames(self, name: str, first: int, end: int) -> NDArray[Any]:
        """Read the frames `first` to `end` (excluded) of one variable, as far as they exist."""
        array = self._array(name)
        if array.shards is None:
            return np.asarray(array[first:end])
        most, end = array.shards[0], min(end, array.shape[0])
        frames = np.empty((max(end - first, 0), *array.shape[1:]), array.dtype)
        for number in range(first // most, -(-end // most)):
            start, stop = max(first, number * most), min(end, (number + 1) * most)
            place = self.path.joinpath(name, "c", str(number), *("0" for _ in array.shape[1:]))
            part = frames[start - first : stop - first]
            part[read_frames(place, most, start - number * most, part)] = array.fill_value
        return frames

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a frame of a variable, or of the whole variable if it has no frames."""
        array = self._array(name)
        dims = array.metadata.dimension_names or ()  # type: ignore[union-attr]
        return array.shape[1:] if dims[:1] == ("time",) else array.shape

    def _array(self, name: str) -> zarr.Array[Any]:
        if name not in self._arrays:
            array = self.group[name]
            assert isinstance(array, zarr.Array), f"{self.path}: '{name}' is not an array"
            self._arrays[name] = array
        return self._arrays[name]


def store_path(path: Path) -> Path:
    """Return the folder of a store that is named by its folder or by its `zarr.json`."""
    return path.parent if path.name == "zarr.json" else path


def open_store(path: Path, kind: str) -> Store:
    """Open a store, named by its folder or its `zarr.json`, and check it against the spec of its kind.

    Raises StoreError with the store, the problem and the remedy.
    """
    path, spec = store_path(path), SPECS[kind]
    remedy = f"delete {path} and run snakemake again"
    if not (path / "zarr.json").is_file():
        raise StoreError(f"{path}: {kind} store missing or incomplete; run snakemake to make it")
    try:
        group = zarr.open_group(path, mode="r")
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(f"{path}: not readable as Zarr ({error}); {remedy}") from error
    for name, variable in spec.variables.items():
        array = group.get(name)
        if not isinstance(array, zarr.Array):
            raise StoreError(f"{path}: a {kind} store needs '{name}', this one has {sorted(group)}; {remedy}")
        dims = tuple(str(dim) for dim in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        if dims != variable.dims or str(array.dtype) != variable.dtype:
            raise StoreError(
                f"{path}: '{name}' is {array.dtype} {dims}, expected {variable.dtype} {variable.dims}; {remedy}"
            )
    store = Store(path, group, dict(group.attrs))
    if "content_digest" not in store.attrs:
        raise StoreError(f"{path}: no content digest, so the store is incomplete; {remedy}")
    if spec.has_frames:
        if "time" not in group:
            raise StoreError(f"{path}: a {kind} store needs 'time', this one has {sorted(group)}; {remedy}")
        if (np.diff(store.times) <= 0).any():
            raise StoreError(f"{path}: its times do not increase; {remedy}")
    return store


def expect_attrs(store: Store, **wanted: Any) -> None:
    """Check attributes of a store, numbers to a millionth.

    Raises StoreError with the store, the attribute and both values.
    """
    for name, value in wanted.items():
        found = store.attrs.get(name)
        if value is None or found is None or isinstance(value, str) or isinstance(found, str):
            same = found == value
        else:
            same = np.shape(found) == np.shape(value) and np.allclose(found, value, rtol=1e-6)
        if not same:
            raise StoreError(
                f"{store.path}: its {name} is {found}, expected {value}; name the stores in the right order,"
                " or run snakemake to make the outdated one again"
            )


def read_provenance(path: Path) -> dict[str, Any]:
    """Read `provenance.json` of a store."""
    text = (store_path(path) / "provenance.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def group_by_radar(
    paths: Sequence[Path], kind: str, radars: Sequence[str], other: str, missing: str
) -> list[list[Path]]:
    """Return the stores of each of `radars`, in their order.

    Raises ConfigError unless each store is of one of them, and each has a store: `other` is the message about a
    store with {path}, {radar} and {radars}, `missing` that about a {radar} without one.
    """
    found: dict[str, list[Path]] = {radar: [] for radar in radars}
    for path in paths:
        radar = open_store(path, kind).attrs["radar"]
        if radar not in found:
            raise ConfigError(other.format(path=path, radar=radar, radars=list(radars)))
        found[radar].append(path)
    for radar, own in found.items():
        if not own:
            raise ConfigError(missing.format(radar=radar))
    return list(found.values())


def nearest_time(times: Sequence[int], time: int, max_offset: int) -> int | None:
    """Return the nearest of increasing times, at most `max_offset` off; of two the earlier; None without any."""
    place = bisect_left(times, time)
    near = times[max(0, place - 1) : place + 1]
    found = min(near, key=lambda other: (abs(other - time), other), default=None)
    return found if found is not None and abs(found - time) <= max_offset else None


class ReadAhead:
    """Read the frames of a store in blocks, so that a frame that is read again soon is not unpacked again."""

    def __init__(self, store: Store, frames: int = AHEAD) -> None:
        self._store, self._frames = store, frames
        self._blocks: dict[str, tuple[int, NDArray[Any]]] = {}

    def frame(self, name: str, index: int) -> NDArray[Any]:
        """Read one frame of one variable."""
        first = index - index % self._frames
        if self._blocks.get(name, (None,))[0] != first:
            self._blocks[name] = first, self._store.frames(name, first, first + self._frames)
        return np.asarray(self._blocks[name][1][index - first])


class TimeSeries:
    """Frames of one radar by time, over several stores of one kind.

    A time without a frame gives None, never a frame without rain. With `ahead` above 1 frames are read in blocks
    of that size, so that a frame that is read again soon is not unpacked again; these frames are read-only.
    """

    def __init__(self, paths: Sequence[Path], kind: str, ahead: int = 1) -> None:
        self.stores = [open_store(path, kind) for path in paths]
        self._ahead = ahead
        self._index = {
            int(time): (number, position)
            for number, store in enumerate(self.stores)
            for position, time in enumerate(store.times)
        }
        self._sorted = sorted(self._index)
        self._block = lru_cache(maxsize=_BLOCKS)(self._read_block)

    @property
    def times(self) -> list[int]:
        """Return all times, increasing."""
        return list(self._sorted)

    def frame(self, name: str, time: int) -> NDArray[Any] | None:
        """Read the frame of a variable at exactly this time, or return None."""
        if time not in self._index:
            return None
        number, position = self._index[time]
        if self._ahead == 1:
            return self.stores[number].frame(name, position)
        first = position - position % self._ahead
        return np.asarray(self._block(number, name, first)[position - first])

    def nearest(self, time: int, max_offset: int) -> int | None:
        """Return the time of the nearest frame, at most `max_offset` seconds off; of two the earlier; or None."""
        return nearest_time(self._sorted, time, max_offset)

    def describe(self, time: int) -> str:
        """Name the store of a time's frame, for messages."""
        place = self._index.get(time)
        return (
            f"{self.stores[place[0]].path} at {format_time(time)}" if place else f"no frame at {format_time(time)}"
        )

    def _read_block(self, number: int, name: str, first: int) -> NDArray[Any]:
        block = self.stores[number].frames(name, first, first + self._ahead)
        block.setflags(write=False)
        return block
