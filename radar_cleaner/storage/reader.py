"""Open a Zarr store: one function checks what it opens against the contract of its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from radar_cleaner.errors import StoreError
from radar_cleaner.storage.shards import format_time

# One by one, handing a chunk to Zarr's threads and back takes longer than packing it.
zarr.config.set({"codec_pipeline.batch_size": 1024})

AHEAD = 16  # frames that are read at once by whoever reads all
_BLOCKS = 4  # of so many frames that are kept: two variables, each about a block's edge

# What a reader may rely on: dimensions and type of the variables of each kind of store.
CONTRACTS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "rgb": {"rgb": (("time", "y", "x", "band"), "uint8")},
    "reflectivity": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "echo_fraction": (("time",), "float32"),
    },
    "atlas": {"echo_frequency": (("y", "x"), "float32"), "clutter": (("y", "x"), "bool")},
    "static": {
        "latitude": (("y", "x"), "float32"),
        "longitude": (("y", "x"), "float32"),
        "field": (("field", "y", "x"), "float32"),
    },
    "warp": {"grid": (("y", "x", "coordinate"), "float32"), "coverage": (("y", "x"), "bool")},
    "aligned": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "availability": (("time", "y", "x"), "bool"),
        "nearest": (("time", "y", "x"), "uint8"),
    },
    "labels": {
        "echo_class": (("time", "y", "x"), "uint8"),
        "confidence": (("time", "y", "x"), "uint8"),
        "evidence": (("time", "y", "x"), "int8"),
        "shape_class": (("time", "y", "x"), "uint8"),
    },
    "product": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "quality_flag": (("time", "y", "x"), "uint8"),
        "meteorological_probability": (("time", "y", "x"), "uint8"),
    },
}


@dataclass(frozen=True)
class Store:
    """An open, checked store."""

    path: Path
    group: zarr.Group
    attrs: Mapping[str, Any]

    @property
    def times(self) -> NDArray[np.int64]:
        """(time,) seconds since 1970, strictly increasing."""
        return np.asarray(self._array("time")[...], dtype=np.int64)

    @property
    def digest(self) -> str:
        """Digest of the store's content."""
        return str(self.attrs["content_digest"])

    def read(self, name: str) -> NDArray[Any]:
        """All of one variable."""
        return np.asarray(self._array(name)[...])

    def frame(self, name: str, index: int) -> NDArray[Any]:
        """One frame of one variable."""
        return np.asarray(self._array(name)[index])

    def frames(self, name: str, first: int, end: int) -> NDArray[Any]:
        """Some frames of one variable, as many as there are of `first` to `end` (excluded)."""
        return np.asarray(self._array(name)[first:end])

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one frame of a variable that has frames, of all of it where it has none."""
        array = self._array(name)
        dims = array.metadata.dimension_names or ()  # type: ignore[union-attr]
        return array.shape[1:] if dims[:1] == ("time",) else array.shape

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self.group[name]
        assert isinstance(array, zarr.Array), f"{self.path}: '{name}' is no array"
        return array


def store_path(path: Path) -> Path:
    """The folder of a store that is named by its folder or by its `zarr.json`."""
    return path.parent if path.name == "zarr.json" else path


def open_store(path: Path, kind: str) -> Store:
    """Open a store (its folder or its `zarr.json`) and check it against the contract of its kind.

    Raises StoreError that names the store, what is wrong and the rule that makes it again.
    """
    path = store_path(path)
    remedy = f"delete {path} and run snakemake again"
    if not (path / "zarr.json").is_file():
        raise StoreError(f"{path}: no whole {kind} store is there; run snakemake to make it")
    try:
        group = zarr.open_group(path, mode="r")
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(f"{path}: not readable as Zarr ({error}); {remedy}") from error
    for name, (dims, dtype) in CONTRACTS[kind].items():
        array = group.get(name)
        if not isinstance(array, zarr.Array):
            raise StoreError(f"{path}: a {kind} store has '{name}', this one only {sorted(group)}; {remedy}")
        found = tuple(str(dim) for dim in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        if found != dims or str(array.dtype) != dtype:
            raise StoreError(f"{path}: '{name}' is {array.dtype} {found}, wanted {dtype} {dims}; {remedy}")
    store = Store(path, group, dict(group.attrs))
    if "content_digest" not in store.attrs:
        raise StoreError(f"{path}: has no content digest, so it was not written whole; {remedy}")
    if any(dims[0] == "time" for dims, _ in CONTRACTS[kind].values()):
        if "time" not in group:
            raise StoreError(f"{path}: a {kind} store has 'time', this one only {sorted(group)}; {remedy}")
        if (np.diff(store.times) <= 0).any():
            raise StoreError(f"{path}: its times do not increase; {remedy}")
    return store


def expect_attrs(store: Store, **wanted: Any) -> None:
    """Check that a store is of this radar, this target, this geometry: numbers to a millionth.

    Raises StoreError that names the store, the attribute and both values.
    """
    for name, value in wanted.items():
        found = store.attrs.get(name)
        if isinstance(value, str) or found is None or isinstance(found, str):
            same = found == value
        else:
            same = np.shape(found) == np.shape(value) and np.allclose(found, value, rtol=1e-6)
        if not same:
            raise StoreError(
                f"{store.path}: its {name} is {found}, wanted {value}; name the stores in the right order,"
                " or run snakemake to make the outdated one again"
            )


def read_provenance(path: Path) -> dict[str, Any]:
    """What `provenance.json` of a store says."""
    text = (store_path(path) / "provenance.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


class ReadAhead:
    """Frames of a store, read several at a time: in their order that takes half the time of one by one."""

    def __init__(self, store: Store, frames: int = AHEAD) -> None:
        self._store, self._frames = store, frames
        self._blocks: dict[str, tuple[int, NDArray[Any]]] = {}

    def frame(self, name: str, index: int) -> NDArray[Any]:
        """One frame of one variable."""
        first = index - index % self._frames
        if self._blocks.get(name, (None,))[0] != first:
            self._blocks[name] = first, self._store.frames(name, first, first + self._frames)
        return np.asarray(self._blocks[name][1][index - first])


class TimeSeries:
    """Frames of one variable kind of one radar, looked up by time over several stores.

    A time that no store holds gives None, never a picture of no rain. Whoever goes through the times in order
    reads several frames `ahead`, which takes half the time; such frames are not to be written to.
    """

    def __init__(self, paths: Sequence[Path], kind: str, ahead: int = 1) -> None:
        self.stores = [open_store(path, kind) for path in paths]
        self._ahead = ahead
        self._index = {
            int(time): (number, position)
            for number, store in enumerate(self.stores)
            for position, time in enumerate(store.times)
        }
        self._block = lru_cache(maxsize=_BLOCKS)(self._read_block)

    @property
    def times(self) -> list[int]:
        """All times, increasing."""
        return sorted(self._index)

    def frame(self, name: str, time: int) -> NDArray[Any] | None:
        """One frame of a variable at exactly this time, or None."""
        if time not in self._index:
            return None
        number, position = self._index[time]
        if self._ahead == 1:
            return self.stores[number].frame(name, position)
        first = position - position % self._ahead
        return np.asarray(self._block(number, name, first)[position - first])

    def describe(self, time: int) -> str:
        """Where a time's frame lies, for messages."""
        place = self._index.get(time)
        return (
            f"{self.stores[place[0]].path} at {format_time(time)}" if place else f"no frame at {format_time(time)}"
        )

    def _read_block(self, number: int, name: str, first: int) -> NDArray[Any]:
        block = self.stores[number].frames(name, first, first + self._ahead)
        block.setflags(write=False)
        return block
