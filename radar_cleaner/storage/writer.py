"""Write a Zarr store completely or not at all.

A store is a plain Zarr format 3 folder with one chunk per frame and shard files of about 64 MB raw, each written
once. It is built under a temporary name in the same folder and renamed. `zarr.json` contains a digest of the
content but no provenance, so equal content gives an equal file. Version, parameters and inputs are in
`provenance.json`.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from os import getpid
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import xxhash
import zarr
from numcodecs import Blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle

from radar_cleaner import __version__
from radar_cleaner.conventions import TIME_UNITS
from radar_cleaner.storage.reader import store_path
from radar_cleaner.storage.shard_file import ShardFile
from radar_cleaner.storage.specs import Static, Variable

__all__ = ["Static", "StoreWriter", "Variable"]

SHARD_FILE_BYTES = 64 * 2**20
SHARD_FILE_FRAMES = 1024  # the index of a file has room for each frame; with more it would outgrow small frames
CODECS = {"compact": ("zstd", 2), "fast": ("lz4", 1)}
TIME_ATTRS = {
    "standard_name": "time",
    "units": TIME_UNITS,
    "calendar": "proleptic_gregorian",
    "axis": "T",
}


class StoreWriter:
    """Write one store frame by frame in time order; it appears at its path when the block ends without an error.

        with StoreWriter(path, variables={...}, attrs={...}) as store:
            store.append(time, reflectivity=codes, echo_class=classes)

    A store may have no frames: all of them may have been rejected.

    `codec` is a key of CODECS. `provenance` is free-form and does not enter the digest; `files` are small
    texts in the store, by name.
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
        self._numbers: dict[str, list[NDArray[Any]]] = {name: [] for name in self._variables}
        self._files: dict[str, ShardFile] = {}  # of each variable the file that its next frame goes to
        self._hashes = {name: xxhash.xxh3_128() for name in self._variables}
        self._temporary = self.path.with_name(f".{self.path.name}.tmp-{getpid()}")

    def __enter__(self) -> StoreWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in self.path.parent.glob(f".{self.path.name}.*-*"):  # of a killed run
            shutil.rmtree(leftover)
        self._group = zarr.create_group(self._temporary, zarr_format=3)
        return self

    def add_attrs(self, attrs: Mapping[str, object]) -> None:
        """Add attributes that are known only after the frames."""
        self._attrs |= attrs

    def append(self, time: int, **frames: NDArray[Any]) -> None:
        """Add one frame: a slice of each variable, at a time later than the one before.

        Sparse variables may be left out: they have their fill value everywhere.
        """
        needed = {name for name, variable in self._variables.items() if not variable.sparse}
        assert needed <= frames.keys() <= self._variables.keys(), f"{frames.keys()} {self._variables.keys()}"
        assert not self._times or time > self._times[-1], "frames come in time order"
        self._times.append(time)
        for name, variable in self._variables.items():
            values = frames.get(name)
            if values is not None:
                assert values.dtype == variable.dtype, f"{name}: {values.dtype} is not {variable.dtype}"
                assert values.shape == variable.shape, f"{name}: {values.shape} is not {variable.shape}"
                if not variable.shape:
                    self._numbers[name].append(values)
                else:
                    self._add_frame(name, np.ascontiguousarray(values))
            if len(self._times) % _frames_a_file(variable) == 0:
                self._end_file(name)

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

    def _add_frame(self, name: str, frame: NDArray[Any]) -> None:
        """Add the last frame of a variable, unless the variable is sparse and the frame empty."""
        variable = self._variables[name]
        most = _frames_a_file(variable)
        number = (len(self._times) - 1) % most
        if variable.sparse and not (frame != variable.fill_value).any():
            return
        if name not in self._files:
            codec, level = CODECS[self._codec]
            self._files[name] = ShardFile(most, Blosc(codec, level, _shuffle(frame.dtype)))
        self._files[name].add(number, frame)
        if variable.sparse:  # the digest needs the time of the frames that are written
            self._hashes[name].update((len(self._times) - 1).to_bytes(8, "little"))
        self._hashes[name].update(frame.data)

    def _end_file(self, name: str) -> None:
        """Write the file that is full, or the last one."""
        if name in self._files:
            variable = self._variables[name]
            number = (len(self._times) - 1) // _frames_a_file(variable)
            place = self._temporary.joinpath(name, "c", str(number), *("0" for _ in variable.shape))
            self._files.pop(name).write(place)

    def _create(self, name: str) -> zarr.Array[Any]:
        """Create the array of a variable, beside the files of its frames."""
        variable = self._variables[name]
        frames, shape = _frames_a_file(variable), variable.shape
        array = self._group.create_array(
            name,
            shape=(len(self._times), *shape),
            dtype=variable.dtype,
            chunks=(1, *shape) if shape else (frames,),
            shards=(frames, *shape) if shape else None,
            compressors=_compressor(self._codec, np.dtype(variable.dtype)),
            fill_value=variable.fill_value,
            dimension_names=("time", *variable.dims),
            attributes=dict(variable.attrs),  # type: ignore[arg-type]
        )
        if not shape and self._times:
            values = np.stack(self._numbers[name])
            array[...] = values
            self._hashes[name].update(values.data)
        return array

    def _finish(self) -> None:
        arrays: dict[str, zarr.Array[Any]] = {}
        for name in self._variables:
            self._end_file(name)
            arrays[name] = self._create(name)
        if self._variables:
            times = np.asarray(self._times, dtype=np.int64)
            self._static["time"] = Static(times, ("time",), TIME_ATTRS)
        for name, static in self._static.items():
            values = np.asarray(static.values, order="C")
            array = self._group.create_array(
                name,
                data=values,
                chunks=tuple(max(1, size) for size in values.shape) or "auto",
                compressors=_compressor(self._codec, values.dtype),
                dimension_names=static.dims,
                attributes=dict(static.attrs),  # type: ignore[arg-type]
            )
            self._hashes[name] = xxhash.xxh3_128(values.reshape(-1).view(np.uint8).data)
            arrays[name] = array
        self._group.update_attributes({**self._attrs, "content_digest": self._digest(arrays)})
        with warnings.catch_warnings():
            # Consolidated metadata is an extension of format 3; xarray reads it, others pass it over.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(self._group.store)
        for name, text in self.files.items():
            (self._temporary / name).write_text(text, encoding="utf-8")
        provenance = json.dumps(self._provenance, indent=2, sort_keys=True, default=str)
        (self._temporary / "provenance.json").write_text(provenance + "\n", encoding="utf-8")
        self._replace()

    def _digest(self, arrays: Mapping[str, zarr.Array[Any]]) -> str:
        total = xxhash.xxh3_128(json.dumps(self._attrs, sort_keys=True).encode())
        for name, array in sorted(arrays.items()):
            attrs = json.dumps(dict(array.attrs), sort_keys=True)
            total.update(f"{name} {array.dtype} {array.shape} {attrs}".encode())
            total.update(self._hashes[name].digest())
        return f"xxh3:{total.hexdigest()}"

    def _replace(self) -> None:
        old = self.path.with_name(f".{self.path.name}.old-{getpid()}")
        if self.path.exists():
            self.path.rename(old)
        self._temporary.rename(self.path)
        shutil.rmtree(old, ignore_errors=True)


def _frames_a_file(variable: Variable) -> int:
    """Frames in one shard file (a chunk, where a frame is one number)."""
    frame_bytes = np.dtype(variable.dtype).itemsize * int(np.prod(variable.shape, dtype=np.int64))
    if not variable.shape:
        return 2**16
    return min(SHARD_FILE_FRAMES, max(1, SHARD_FILE_BYTES // frame_bytes))


def _compressor(codec: str, dtype: np.dtype[Any]) -> BloscCodec:
    name, level = CODECS[codec]
    shuffle = BloscShuffle.from_int(_shuffle(dtype))
    return BloscCodec(cname=name, clevel=level, shuffle=shuffle)  # type: ignore[arg-type]


def _shuffle(dtype: np.dtype[Any]) -> int:
    # Shuffled by byte, smooth floats (latitude, longitude, warp grids) take a third of the room.
    return int(Blosc.SHUFFLE if dtype.itemsize > 1 else Blosc.NOSHUFFLE)
