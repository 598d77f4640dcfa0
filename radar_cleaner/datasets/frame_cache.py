"""The bank: the frames that training reads, as uint8 files in memory that the ranks of a node share.

One a radar, (frame, plane, y, x), with the planes own reflectivity, others' reflectivity (codes, see
vocabulary), target class and confidence. It is made once from the stores by one process of a node, in a
temporary folder; when all ranks have mapped the files their names are removed, so that the kernel frees them
at exit whatever way the processes end. No Zarr chunk is opened a sample. Frames that raw would take too much of
the memory lie packed.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import NODATA, UNKNOWN
from radar_cleaner.datasets.channels import field_channels
from radar_cleaner.datasets.device_cache import HeldFrames
from radar_cleaner.datasets.frame_cache_files import Planes, PlanesWriter, naming_full_disks, open_planes
from radar_cleaner.errors import SampleError, StoreError
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, open_store
from radar_cleaner.storage.shards import format_time

logger = logging.getLogger(__name__)

Codes = NDArray[np.uint8]

OWN, OTHERS, ECHO_CLASS, CONFIDENCE = range(4)
PLANE_FILLS = (NODATA, NODATA, UNKNOWN, 0)  # what lies where nothing is known, and beyond a frame's edge
_SOURCES = (
    ("reflectivity", "reflectivity"),
    ("aligned", "reflectivity"),
    ("labels", "echo_class"),
    ("labels", "confidence"),
)
_KINDS = ("reflectivity", "aligned", "labels")
_GRID_ARRAYS = ("clutter", "echo_frequency", "fields", "levels")


class Sample(NamedTuple):
    """A time (seconds since 1970) and the radar that is judged at it."""

    time: int
    radar: str

    def __str__(self) -> str:
        return f"{self.radar} at {format_time(self.time)}"


@dataclass(frozen=True)
class RadarSources:
    """The stores of one radar that a bank is filled from; `atlas` and `static` are None where not used."""

    reflectivity: Sequence[Path]
    aligned: Sequence[Path]
    labels: Sequence[Path]
    atlas: Path | None = None
    static: Path | None = None


@dataclass(frozen=True)
class RadarGrid:
    """What of a radar does not change with time: centre (column, row) and range in pixels, its atlas, its fields.

    `clutter` (bool) and `echo_frequency` (uint8, 255 is always) are (y, x), `fields` is (field, y, x) float32 as
    the network sees it, in the order of `Inputs.fields`; each is None where it is not used. `levels` (uint8,
    rising) are the codes of its frames: what its palette makes.
    """

    shape: tuple[int, int]
    center_px: tuple[float, float]
    range_px: float
    clutter: NDArray[np.bool_] | None = None
    echo_frequency: Codes | None = None
    fields: NDArray[np.float32] | None = None
    levels: Codes | None = None


@dataclass(frozen=True)
class RadarFrameBank:
    """The frames of one radar: `planes` is (frame, 4, y, x), `index` gives the frame of a time.

    `held` is the same on the device that trains, None where it does not lie there.
    """

    grid: RadarGrid
    planes: Planes
    index: Mapping[int, int]
    held: HeldFrames | None = None


Bank = Mapping[str, RadarFrameBank]


def read_grid(
    reflectivity: Store, inputs: Inputs, atlas: Store | None = None, static: Store | None = None
) -> RadarGrid:
    """Read the grid of a radar from one of its reflectivity stores, and its fixed input channels.

    Of the radar's atlas and static stores it takes what `inputs` use. Raises StoreError where the attributes
    are missing, or a store is of another size or place, or has no such field.
    """
    try:
        x, y = reflectivity.attrs["center_px"]
        range_px = float(reflectivity.attrs["range_km"]) * 1000 / float(reflectivity.attrs["metres_per_pixel"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{reflectivity.path}: its geometry attributes are broken ({error}); make it again"
        ) from None
    height, width = reflectivity.group["reflectivity"].shape[1:]  # type: ignore[union-attr]
    clutter = frequency = fields = None
    if atlas is not None and inputs.atlas != "none":
        values = atlas.read("clutter" if inputs.atlas == "mask" else "echo_frequency")
        if values.shape != (height, width):
            raise StoreError(
                f"{atlas.path}: is {values.shape}, the frames of {reflectivity.path} are {(height, width)}; "
                "make the atlas again"
            )
        if inputs.atlas == "mask":
            clutter = values
        else:
            frequency = np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    if inputs.fields:
        if static is None:
            raise StoreError(
                f"{reflectivity.path}: no static store is given beside it, wanted {list(inputs.fields)}"
            )
        fields = _read_fields(static, reflectivity, inputs)
    return RadarGrid((height, width), (float(x), float(y)), range_px, clutter, frequency, fields)


def _read_fields(static: Store, reflectivity: Store, inputs: Inputs) -> NDArray[np.float32]:
    """(field, y, x): what a static store holds of the place of a reflectivity store, as the network sees it."""
    expect_attrs(static, **{name: reflectivity.attrs[name] for name in ("radar", "center_px", "metres_per_pixel")})
    shape = reflectivity.shape("reflectivity")
    if static.shape("latitude") != shape:
        raise StoreError(
            f"{static.path}: is {static.shape('latitude')}, the frames of {reflectivity.path} are {shape}; "
            "run snakemake to make it again"
        )
    held = dict(zip(static.attrs["names"], static.read("field"), strict=True))
    missing = [name for name in inputs.static if name not in held]
    if missing:
        raise StoreError(
            f"{static.path}: holds the fields {list(held)}, not {', '.join(missing)}; "
            "name their files in samples.static and run snakemake"
        )
    return field_channels(
        inputs, static.read("latitude"), static.read("longitude"), float(static.attrs["metres_per_pixel"]), held
    )


def write_bank(
    folder: Path,
    radars: Mapping[str, RadarSources],
    samples: Iterable[Sample],
    minutes: Sequence[int],
    inputs: Inputs,
    most_raw: int,
) -> dict[str, str]:
    """Fill a bank with all frames that these samples read: at `minutes` from their times, and ahead of them (the
    leads of `inputs`) those that there are.

    It is packed where raw it would have more than `most_raw` bytes, or than its disk has room for. Gives the
    content digests of the stores by their path. Raises SampleError where a sample has no frame at one of
    `minutes`, StoreError where the disk is full.
    """
    wanted: dict[str, set[int]] = {}
    later: dict[str, set[int]] = {}
    for sample in samples:
        if sample.radar not in radars:
            raise SampleError(f"sample {sample}: --stores names no such radar, only {sorted(radars)}")
        times = wanted.setdefault(sample.radar, set())
        times.update(sample.time + 60 * minute for minute in minutes)
        later.setdefault(sample.radar, set()).update(sample.time + 60 * minute for minute in inputs.ahead)
    digests: dict[str, str] = {}
    found: dict[str, tuple[RadarGrid, dict[str, TimeSeries]]] = {}
    for radar, sources in radars.items():
        series = {kind: TimeSeries(getattr(sources, kind), kind, AHEAD) for kind in _KINDS}
        atlas = open_store(sources.atlas, "atlas") if sources.atlas else None
        static = open_store(sources.static, "static") if sources.static else None
        stores = [store for kind in series.values() for store in kind.stores]
        digests.update((str(store.path), store.digest) for store in [*stores, atlas, static] if store)
        if radar in wanted:
            found[radar] = read_grid(series["reflectivity"].stores[0], inputs, atlas, static), series
            wanted[radar] |= later[radar].intersection(series["reflectivity"].times)
    raw = sum(len(wanted[radar]) * len(_SOURCES) * math.prod(grid.shape) for radar, (grid, _) in found.items())
    folder.mkdir(parents=True, exist_ok=True)
    # A mapped file that outgrows its disk while it is written would kill the process.
    packed = raw > min(most_raw, shutil.disk_usage(folder).free)
    with naming_full_disks(folder):
        for radar, (grid, series) in found.items():
            _write_radar(folder / radar, grid, series, sorted(wanted[radar]), radar, packed)
    count = sum(map(len, wanted.values()))
    size = sum(path.stat().st_size for path in folder.rglob("planes.*"))
    logger.info(
        "bank: %d frames, %.0f MB (%.1f kB a frame) %s in %s",
        count,
        size / 1e6,
        size / 1e3 / max(1, count),
        f"packed, as raw they are {raw / 1e6:.0f} MB" if packed else "raw",
        folder.parent,
    )
    return digests


def _write_radar(
    folder: Path,
    grid: RadarGrid,
    series: Mapping[str, TimeSeries],
    times: list[int],
    radar: str,
    packed: bool,
) -> None:
    folder.mkdir()
    meta = {"center_px": grid.center_px, "range_px": grid.range_px, "times": times, "shape": grid.shape}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for name in _GRID_ARRAYS:
        if (values := getattr(grid, name)) is not None:
            np.save(folder / f"{name}.npy", values)
    found = np.zeros(256, bool)
    frame_PHW = np.empty((len(_SOURCES), *grid.shape), np.uint8)
    with PlanesWriter(folder, (len(times), *frame_PHW.shape), packed) as planes:
        for time in times:
            for plane, (kind, name) in enumerate(_SOURCES):
                frame = series[kind].frame(name, time)
                if frame is None and plane == OWN:
                    raise SampleError(
                        f"a sample reads {radar} at {format_time(time)}, but no reflectivity store has that"
                        " frame; make the tables of samples again"
                    )
                if frame is not None and frame.shape != grid.shape:
                    raise StoreError(
                        f"{series[kind].describe(time)}: is {frame.shape}, the first frame of {radar} is "
                        f"{grid.shape}"
                    )
                frame_PHW[plane] = PLANE_FILLS[plane] if frame is None else frame
            planes.append(frame_PHW)
            found |= np.bincount(frame_PHW[OWN].reshape(-1), minlength=256) > 0
    np.save(folder / "levels.npy", np.flatnonzero(found).astype(np.uint8))


def open_bank(folder: Path) -> Bank:
    """Map the bank that `write_bank` made; the files may be unlinked as soon as this returns."""
    bank = {}
    for part in sorted(folder.iterdir()):
        meta = json.loads((part / "meta.json").read_text(encoding="utf-8"))
        shape = height, width = tuple(meta["shape"])
        planes = open_planes(part, (len(meta["times"]), len(_SOURCES), height, width))
        static: dict[str, Any] = {
            name: np.load(part / f"{name}.npy") for name in _GRID_ARRAYS if (part / f"{name}.npy").exists()
        }
        grid = RadarGrid(shape, tuple(meta["center_px"]), meta["range_px"], **static)
        bank[part.name] = RadarFrameBank(grid, planes, {time: i for i, time in enumerate(meta["times"])})
    return bank


def hold_on(bank: Bank, device: torch.device, most: int) -> Bank:
    """The bank with its frames on a device, where they lie raw and have at most so many bytes; else as it is."""
    raw = {radar: frames.planes for radar, frames in bank.items() if isinstance(frames.planes, np.ndarray)}
    if len(raw) < len(bank) or sum(planes.nbytes for planes in raw.values()) > most:
        return bank
    return {
        radar: replace(
            frames,
            held=HeldFrames.on(
                device, raw[radar], frames.grid.clutter, frames.grid.echo_frequency, frames.grid.fields
            ),
        )
        for radar, frames in bank.items()
    }
