"""The frame cache: the frames that training reads, as uint8 files that the processes of a machine share.

Each radar has one array (frame, variable, y, x). The variables are the reflectivity codes of this radar and of the
other radars, the echo class and the confidence. One process of a machine fills the cache from the stores, in a
temporary folder. When all processes have mapped the files, the files are unlinked: the kernel frees them however
the processes end. No sample opens a Zarr chunk. Frames that would take too much memory are compressed.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import NODATA, UNKNOWN
from radar_cleaner.datasets.channels import field_channels
from radar_cleaner.datasets.device_cache import DeviceFrames
from radar_cleaner.datasets.frame_cache_files import CachedFrames, FrameWriter, name_full_disk, open_frames
from radar_cleaner.errors import ConfigError, SampleError, StoreError
from radar_cleaner.georeference.grid import GRID_ATTRS, Grid, RadarGeometry
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, open_store
from radar_cleaner.storage.shards import format_time
from radar_cleaner.targets.splits import Sample

logger = logging.getLogger(__name__)

Codes = NDArray[np.uint8]

THIS_RADAR, OTHER_RADARS, ECHO_CLASS, CONFIDENCE = range(4)
FILL_VALUES = (NODATA, NODATA, UNKNOWN, 0)  # of the variables in a missing frame and outside a frame
_SOURCES = (
    ("reflectivity", "reflectivity"),
    ("aligned", "reflectivity"),
    ("labels", "echo_class"),
    ("labels", "confidence"),
)
_KINDS = ("reflectivity", "aligned", "labels")
_GRID_ARRAYS = ("clutter", "echo_frequency", "fields", "levels")
_GRID_NUMBERS = ("shape", "center_px", "range_px", "pixel_sides", "pixel_km")


@dataclass(frozen=True)
class RadarSources:
    """The stores of one radar that fill the cache; `atlas` and `static` are None where they are not used."""

    reflectivity: Sequence[Path]
    aligned: Sequence[Path]
    labels: Sequence[Path]
    atlas: Path | None = None
    static: Path | None = None

    @classmethod
    def of(cls, layout: Layout, radar: str, shards: Sequence[str], inputs: Inputs) -> RadarSources:
        """Return the stores of a radar that a model with these inputs reads."""
        return cls(
            [layout.reflectivity(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            [layout.labels(radar, shard) for shard in shards],
            layout.atlas(radar) if inputs.atlas != "none" else None,
            layout.static(radar) if inputs.fields else None,
        )


@dataclass(frozen=True)
class RadarGrid:
    """The properties of a radar that do not change with time.

    `center_px` is (column, row), `range_px` the range in pixels; of a mosaic those of its middle, and infinite.
    `clutter` (bool) and `echo_frequency` (uint8, 255
    is always) are (y, x). `fields` is (field, y, x) float32 on the network's scale, in the order of
    `Inputs.fields`. Each is None where it is not used. `levels` (uint8, rising) are the codes that occur in
    the radar's frames. `pixel_sides` is the width and height of a pixel at the radar, in pixels of the mean side,
    which is `pixel_km`.
    """

    shape: tuple[int, int]
    center_px: tuple[float, float]
    range_px: float
    clutter: NDArray[np.bool_] | None = None
    echo_frequency: Codes | None = None
    fields: NDArray[np.float32] | None = None
    levels: Codes | None = None
    pixel_sides: tuple[float, float] = (1.0, 1.0)
    pixel_km: float = 1.0


@dataclass(frozen=True)
class RadarFrames:
    """The cached frames of one radar.

    `variables` is (frame, variable, y, x), `index` the position of each time. `on_device` is a copy on the
    training device, None without one.
    """

    grid: RadarGrid
    variables: CachedFrames
    index: Mapping[int, int]
    on_device: DeviceFrames | None = None


FrameCache = Mapping[str, RadarFrames]


def read_grid(
    reflectivity: Store, inputs: Inputs, atlas: Store | None = None, static: Store | None = None
) -> RadarGrid:
    """Read the grid of a radar from one of its reflectivity stores, and its fixed input channels.

    Only the parts of atlas and static store that `inputs` use are read. Raises StoreError where attributes are
    missing, or a store has another size or geometry, or lacks a field.
    """
    try:
        radar = RadarGeometry.from_attrs(reflectivity.attrs, reflectivity.shape("reflectivity"))
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise StoreError(
            f"{reflectivity.path}: its geometry attributes are broken ({error}); make it again"
        ) from None
    height, width = reflectivity.group["reflectivity"].shape[1:]  # type: ignore[union-attr]
    clutter = frequency = fields = None
    if atlas is not None and inputs.atlas != "none":
        values = atlas.read("clutter" if inputs.atlas == "mask" else "echo_frequency")
        if values.shape != (height, width):
            raise StoreError(
                f"{atlas.path}: its shape is {values.shape}, but the frames of {reflectivity.path} are"
                f" {(height, width)}; make the atlas again"
            )
        if inputs.atlas == "mask":
            clutter = values
        else:
            frequency = np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    if inputs.fields:
        if static is None:
            raise StoreError(
                f"{reflectivity.path}: the channels {list(inputs.fields)} need a static store of this radar, and"
                " none is given; run snakemake to make it"
            )
        fields = _read_fields(static, reflectivity, inputs)
    range_px = math.inf if radar.position is None else radar.range_px
    sides = (radar.pixel_km[0] / radar.mean_side_km, radar.pixel_km[1] / radar.mean_side_km)
    return RadarGrid(
        (height, width),
        radar.middle_px,
        range_px,
        clutter,
        frequency,
        fields,
        pixel_sides=sides,
        pixel_km=radar.mean_side_km,
    )


def _read_fields(static: Store, reflectivity: Store, inputs: Inputs) -> NDArray[np.float32]:
    """Read (field, y, x) from a static store, on the network's scale; its geometry must be that of the frames."""
    expect_attrs(static, **{name: reflectivity.attrs[name] for name in ("radar", *GRID_ATTRS)})
    shape = reflectivity.shape("reflectivity")
    if static.shape("latitude") != shape:
        raise StoreError(
            f"{static.path}: its shape is {static.shape('latitude')}, but the frames of {reflectivity.path} are"
            f" {shape}; run snakemake to make it again"
        )
    values = dict(zip(static.attrs["names"], static.read("field"), strict=True))
    missing = [name for name in inputs.static if name not in values]
    if missing:
        raise StoreError(
            f"{static.path}: has the fields {list(values)}, but not {', '.join(missing)}; "
            "name their files in samples.static and run snakemake"
        )
    return field_channels(
        inputs,
        static.read("latitude"),
        static.read("longitude"),
        Grid.from_attrs(static.attrs, shape).pixel_size_km,
        values,
    )


def write_frame_cache(
    folder: Path,
    radars: Mapping[str, RadarSources],
    samples: Iterable[Sample],
    inputs: Inputs,
    max_bytes: int,
    incomplete: bool = False,
) -> dict[str, str]:
    """Fill a frame cache with all frames that the samples read, and return the digests of the stores by path.

    A frame at a sample's own time must exist, and one at each input time unless samples may be `incomplete`. A
    frame at a lead time may be missing. The frames are compressed if uncompressed they would take more than
    `max_bytes`, or more than the free part of the disk. Raises SampleError where a frame is missing, StoreError
    where the disk is full.
    """
    required = {0} if incomplete else {0, *inputs.input_minutes}
    optional = {*inputs.input_minutes, *inputs.ahead} - required
    wanted: dict[str, set[int]] = {}
    wished: dict[str, set[int]] = {}
    for sample in samples:
        if sample.radar not in radars:
            raise SampleError(f"sample {sample}: --stores does not name that radar, only {sorted(radars)}")
        for times, minutes in ((wanted, required), (wished, optional)):
            times.setdefault(sample.radar, set()).update(sample.time + 60 * minute for minute in minutes)
    digests: dict[str, str] = {}
    opened: dict[str, tuple[RadarGrid, dict[str, TimeSeries]]] = {}
    for radar, sources in radars.items():
        series = {kind: TimeSeries(getattr(sources, kind), kind, AHEAD) for kind in _KINDS}
        atlas = open_store(sources.atlas, "atlas") if sources.atlas else None
        static = open_store(sources.static, "static") if sources.static else None
        stores = [store for kind in series.values() for store in kind.stores]
        digests.update((str(store.path), store.digest) for store in [*stores, atlas, static] if store)
        if radar in wanted:
            opened[radar] = read_grid(series["reflectivity"].stores[0], inputs, atlas, static), series
            wanted[radar] |= wished[radar].intersection(series["reflectivity"].times)
    raw = sum(len(wanted[radar]) * len(_SOURCES) * math.prod(grid.shape) for radar, (grid, _) in opened.items())
    folder.mkdir(parents=True, exist_ok=True)
    # A mapped file that outgrows its disk while it is written would kill the process.
    compressed = raw > min(max_bytes, shutil.disk_usage(folder).free)
    with name_full_disk(folder):
        for radar, (grid, series) in opened.items():
            _write_radar(folder / radar, grid, series, sorted(wanted[radar]), radar, compressed)
    _log_size(folder, sum(map(len, wanted.values())), raw, compressed)
    return digests


def _log_size(folder: Path, frames: int, raw: int, compressed: bool) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("frames.*"))
    logger.info(
        "frame cache: %d frames, %.0f MB (%.1f kB a frame) %s in %s",
        frames,
        size / 1e6,
        size / 1e3 / max(1, frames),
        f"compressed from {raw / 1e6:.0f} MB" if compressed else "raw",
        folder.parent,
    )


def _write_radar(
    folder: Path,
    grid: RadarGrid,
    series: Mapping[str, TimeSeries],
    times: list[int],
    radar: str,
    compressed: bool,
) -> None:
    folder.mkdir()
    meta = {name: getattr(grid, name) for name in _GRID_NUMBERS} | {"times": times}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for name in _GRID_ARRAYS:
        if (values := getattr(grid, name)) is not None:
            np.save(folder / f"{name}.npy", values)
    occurs = np.zeros(256, bool)
    frame_VHW = np.empty((len(_SOURCES), *grid.shape), np.uint8)
    with FrameWriter(folder, (len(times), *frame_VHW.shape), compressed) as writer:
        for time in times:
            for variable, (kind, name) in enumerate(_SOURCES):
                frame = series[kind].frame(name, time)
                if frame is None and variable == THIS_RADAR:
                    raise SampleError(
                        f"a sample reads {radar} at {format_time(time)}, but no reflectivity store has that"
                        " frame; make the tables of samples again"
                    )
                if frame is not None and frame.shape != grid.shape:
                    raise StoreError(
                        f"{series[kind].describe(time)}: its shape is {frame.shape}, but the first frame of"
                        f" {radar} is {grid.shape}"
                    )
                frame_VHW[variable] = FILL_VALUES[variable] if frame is None else frame
            writer.append(frame_VHW)
            occurs |= np.bincount(frame_VHW[THIS_RADAR].reshape(-1), minlength=256) > 0
    np.save(folder / "levels.npy", np.flatnonzero(occurs).astype(np.uint8))


def open_frame_cache(folder: Path) -> FrameCache:
    """Map a cache that `write_frame_cache` made; the files may be unlinked as soon as this returns."""
    cache = {}
    for part in sorted(folder.iterdir()):
        meta = json.loads((part / "meta.json").read_text(encoding="utf-8"))
        height, width = meta["shape"]
        frames = open_frames(part, (len(meta["times"]), len(_SOURCES), height, width))
        static: dict[str, Any] = {
            name: np.load(part / f"{name}.npy") for name in _GRID_ARRAYS if (part / f"{name}.npy").exists()
        }
        numbers: dict[str, Any] = {
            name: tuple(value) if isinstance(value := meta[name], list) else value for name in _GRID_NUMBERS
        }
        grid = RadarGrid(**numbers, **static)
        cache[part.name] = RadarFrames(grid, frames, {time: i for i, time in enumerate(meta["times"])})
    return cache


def copy_to_device(cache: FrameCache, device: torch.device, max_bytes: int) -> FrameCache:
    """Copy raw frames of at most `max_bytes` in all to a device; otherwise return the cache unchanged."""
    raw = {radar: frames.variables for radar, frames in cache.items() if isinstance(frames.variables, np.ndarray)}
    if len(raw) < len(cache) or sum(values.nbytes for values in raw.values()) > max_bytes:
        return cache
    return {
        radar: replace(frames, on_device=_on_device(frames, raw[radar], device)) for radar, frames in cache.items()
    }


def _on_device(frames: RadarFrames, variables: Codes, device: torch.device) -> DeviceFrames:
    grid = frames.grid
    return DeviceFrames.copied_to(device, variables, grid.clutter, grid.echo_frequency, grid.fields)
