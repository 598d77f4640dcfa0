"""Zarr stores: written whole or not at all, opened by one function that checks what it opens.

A store is a plain Zarr format 3 folder, one chunk a frame, shard files of some 64 MB raw that are each
written once. It is built under a temporary name beside its place and renamed. `zarr.json` carries a digest
of the content and nothing about the making, so that equal content is an equal file; version, parameters
and inputs lie in `provenance.json` inside the store.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle

from radar_cleaner import __version__
from radar_cleaner.errors import StoreError
from radar_cleaner.shards import format_time
from radar_cleaner.vocabulary import TIME_UNITS

SHARD_FILE_BYTES = 64 * 2**20
SHARD_FILE_FRAMES = 1024  # the index of a file has room for each: small frames would else be all index
CODECS = {"compact": ("zstd", 3), "fast": ("lz4", 1)}
TIME_ATTRS = {
    "standard_name": "time",
    "units": TIME_UNITS,
    "calendar": "proleptic_gregorian",
    "axis": "T",
}

# What a reader may rely on: dimensions and type of the variables of each kind of store.
CONTRACTS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "rgb": {"rgb": (("time", "y", "x", "band"), "uint8")},
    "labels": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "echo_class": (("time", "y", "x"), "uint8"),
        "echo_fraction": (("time",), "float32"),
    },
    "atlas": {"echo_frequency": (("y", "x"), "float32"), "clutter": (("y", "x"), "bool")},
    "warp": {"grid": (("y", "x", "coordinate"), "float32"), "coverage": (("y", "x"), "bool")},
    "aligned": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "availability": (("time", "y", "x"), "bool"),
    },
    "targets": {
        "echo_class": (("time", "y", "x"), "uint8"),
        "confidence": (("time", "y", "x"), "uint8"),
    },
    "product": {
        "reflectivity": (("time", "y", "x"), "uint8"),
        "quality_flag": (("time", "y", "x"), "uint8"),
        "meteorological_probability": (("time", "y", "x"), "uint8"),
    },
}


@dataclass(frozen=True)
class Variable:
    """A variable that has one slice a frame: the slice's type, shape and dimensions, attributes, fill value."""

    dtype: str
    shape: tuple[int, ...] = ()
    dims: tuple[str, ...] = ()
    attrs: Mapping[str, object] = field(default_factory=dict)
    fill_value: float = 0


@dataclass(frozen=True)
class Static:
    """A variable that does not change with time: its values, dimensions and attributes."""

    values: NDArray[Any]
    dims: tuple[str, ...]
    attrs: Mapping[str, object] = field(default_factory=dict)


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
    if "time" in CONTRACTS[kind].get("reflectivity", (("time",), ""))[0] and "time" in group:
        times = store.times
        if times.size and (np.diff(times) <= 0).any():
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


class StoreWriter:
    """Write one store frame by frame in time order; it appears at its place when the block ends well.

        with StoreWriter(path, variables={...}, attrs={...}) as store:
            store.append(time, reflectivity=codes, echo_class=classes)

    A store without frames is a store too: all of its frames may have been rejected.

    `codec` is a key of CODECS. `provenance` is free-form and does not enter the digest; `files` are small
    texts that lie beside it in the store, by name.
    """

    def __init__(
        self,
        path: Path,
        *,
        variables: Mapping[str, Variable] | None = None,
        static: Mapping[str, Static] | None = None,
        attrs: Mapping[str, object] | None = None,
        codec: str = "compact",
        provenance: Mapping[str, object] | None = None,
    ) -> None:
        self.path = store_path(path)
        self._variables = dict(variables or {})
        self._static = dict(static or {})
        self._attrs = dict(attrs or {})
        self._codec = codec
        self._provenance = {"version": __version__, **(provenance or {})}
        self.files: dict[str, str] = {}
        self._times: list[int] = []
        self._buffers: dict[str, list[NDArray[Any]]] = {name: [] for name in self._variables}
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._hashes = {name: hashlib.sha256() for name in self._variables}
        self._temporary = self.path.with_name(f".{self.path.name}.tmp-{os.getpid()}")

    def __enter__(self) -> StoreWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in self.path.parent.glob(f".{self.path.name}.*-*"):  # of a killed run
            shutil.rmtree(leftover)
        self._group = zarr.create_group(self._temporary, zarr_format=3)
        self._arrays = {name: self._create(name) for name in self._variables}
        return self

    def append(self, time: int, **frames: NDArray[Any]) -> None:
        """Add one frame: a slice of each variable, at a time later than the one before."""
        assert frames.keys() == self._variables.keys(), f"{frames.keys()} {self._variables.keys()}"
        assert not self._times or time > self._times[-1], "frames come in time order"
        self._times.append(time)
        for name, values in frames.items():
            variable = self._variables[name]
            assert values.dtype == variable.dtype, f"{name}: {values.dtype} is not {variable.dtype}"
            assert values.shape == variable.shape, f"{name}: {values.shape} is not {variable.shape}"
            self._hashes[name].update(values.tobytes())
            buffer = self._buffers[name]
            buffer.append(values)
            if len(buffer) == _frames_a_file(variable):
                self._flush(name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _create(self, name: str) -> zarr.Array[Any]:
        variable = self._variables[name]
        frames, shape = _frames_a_file(variable), variable.shape
        return self._group.create_array(
            name,
            shape=(0, *shape),
            dtype=variable.dtype,
            chunks=(1, *shape) if shape else (frames,),
            shards=(frames, *shape) if shape else None,
            compressors=_compressor(self._codec, np.dtype(variable.dtype).itemsize),
            fill_value=variable.fill_value,
            dimension_names=("time", *variable.dims),
            attributes=dict(variable.attrs),  # type: ignore[arg-type]
        )

    def _flush(self, name: str) -> None:
        buffer, array = self._buffers[name], self._arrays[name]
        block = np.stack(buffer)
        first = array.shape[0]
        array.resize((first + len(block), *block.shape[1:]))
        array[first:] = block
        buffer.clear()

    def _finish(self) -> None:
        for name, buffer in self._buffers.items():
            if buffer:
                self._flush(name)
        if self._variables:
            times = np.asarray(self._times, dtype=np.int64)
            self._static["time"] = Static(times, ("time",), TIME_ATTRS)
        for name, static in self._static.items():
            values = np.asarray(static.values, order="C")
            array = self._group.create_array(
                name,
                data=values,
                chunks=tuple(max(1, size) for size in values.shape) or "auto",
                compressors=_compressor(self._codec, values.dtype.itemsize),
                dimension_names=static.dims,
                attributes=dict(static.attrs),  # type: ignore[arg-type]
            )
            self._hashes[name] = hashlib.sha256(values.tobytes())
            self._arrays[name] = array
        self._group.attrs.update({**self._attrs, "content_digest": self._digest()})  # type: ignore[dict-item]
        with warnings.catch_warnings():
            # Consolidated metadata is an extension of format 3; xarray reads it, others pass it over.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(self._group.store)
        for name, text in self.files.items():
            (self._temporary / name).write_text(text, encoding="utf-8")
        provenance = json.dumps(self._provenance, indent=2, sort_keys=True, default=str)
        (self._temporary / "provenance.json").write_text(provenance + "\n", encoding="utf-8")
        self._replace()

    def _digest(self) -> str:
        total = hashlib.sha256(json.dumps(self._attrs, sort_keys=True).encode())
        for name, array in sorted(self._arrays.items()):
            attrs = json.dumps(dict(array.attrs), sort_keys=True)
            total.update(f"{name} {array.dtype} {array.shape} {attrs}".encode())
            total.update(self._hashes[name].digest())
        return f"sha256:{total.hexdigest()}"

    def _replace(self) -> None:
        old = self.path.with_name(f".{self.path.name}.old-{os.getpid()}")
        if self.path.exists():
            os.rename(self.path, old)
        os.rename(self._temporary, self.path)
        shutil.rmtree(old, ignore_errors=True)


def _frames_a_file(variable: Variable) -> int:
    """Frames in one shard file (a chunk, where a frame is one number)."""
    frame_bytes = np.dtype(variable.dtype).itemsize * int(np.prod(variable.shape, dtype=np.int64))
    if not variable.shape:
        return 2**16
    return min(SHARD_FILE_FRAMES, max(1, SHARD_FILE_BYTES // frame_bytes))


def _compressor(codec: str, itemsize: int) -> BloscCodec:
    name, level = CODECS[codec]
    # Shuffled by byte, smooth floats (latitude, longitude, warp grids) take a third of the room.
    shuffle = BloscShuffle.shuffle if itemsize > 1 else BloscShuffle.noshuffle
    return BloscCodec(cname=name, clevel=level, shuffle=shuffle)  # type: ignore[arg-type]


def read_provenance(path: Path) -> dict[str, Any]:
    """What `provenance.json` of a store says."""
    text = (store_path(path) / "provenance.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


class TimeSeries:
    """Frames of one variable kind of one radar, looked up by time over several stores.

    Stores are opened when first needed; a time that no store holds gives None, never a picture of no rain.
    """

    def __init__(self, paths: Sequence[Path], kind: str) -> None:
        self.stores = [open_store(path, kind) for path in paths]
        self._index = {
            int(time): (store, position) for store in self.stores for position, time in enumerate(store.times)
        }

    @property
    def times(self) -> list[int]:
        """All times, increasing."""
        return sorted(self._index)

    def frame(self, name: str, time: int) -> NDArray[Any] | None:
        """One frame of a variable at exactly this time, or None."""
        if time not in self._index:
            return None
        store, position = self._index[time]
        return store.frame(name, position)

    def describe(self, time: int) -> str:
        """Where a time's frame lies, for messages."""
        place = self._index.get(time)
        return f"{place[0].path} at {format_time(time)}" if place else f"no frame at {format_time(time)}"
