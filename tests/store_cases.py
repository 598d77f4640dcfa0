"""Write small stores for tests by StoreWriter, as the stages do.

Each function writes one store and returns its path. Frames are given as (time, y, x), or as (y, x) for the
same frame at each time; where they are not given they are a pattern that depends on the radar and the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radar_cleaner.conventions import (
    ECHO_CLASS_ATTRS,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_UNDETECT,
    METEOROLOGICAL,
    NO_RADAR,
    NO_UNCERTAINTY,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    REFLECTIVITY_ATTRS,
    UNCERTAINTY_ATTRS,
    UNKNOWN,
    is_echo,
)
from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.products.cf import ProductWriter
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import Static, StoreWriter, Variable

SHAPE = (48, 48)
PLACES = {"CASGO": (45.0985, -63.70433), "CASCM": (46.22232, -65.69924), "TWIN": (46.22232, -65.69924)}
START = 1720656000  # 2024-07-11T00:00:00Z
CADENCE_S = 360
CLASS_LOWER_DBZ = [7.0, 23.0, 33.0, 45.0]
CLASS_UPPER_DBZ = [23.0, 33.0, 45.0, 57.0]


def times_from(start: int = START, count: int = 5, step: int = CADENCE_S) -> list[int]:
    """`count` times, seconds since 1970, one each `step` seconds."""
    return [start + index * step for index in range(count)]


def small_geometry(radar: str = "CASGO", shape: tuple[int, int] = SHAPE, range_km: float = 240) -> RadarGeometry:
    """Return the geometry of a sample radar with a smaller plot box; the centre is a row above the middle."""
    latitude, longitude = PLACES.get(radar, PLACES["CASGO"])
    return RadarGeometry.about(radar, latitude, longitude, range_km, shape[1], shape[0], _center(shape))


def flat_geometry(shape: tuple[int, int], center_px: tuple[float, float], range_px: float) -> RadarGeometry:
    """Return the geometry of a radar with pixels of 1 km, on its own plane."""
    grid = Grid.about(45, -63, 1000, shape[1], shape[0], center_px)
    return RadarGeometry("R", grid, 45, -63, range_px)


def pattern_codes(radar: str, time: int, shape: tuple[int, int] = SHAPE) -> NDArray[np.uint8]:
    """Return codes: undetect, echoes and a nodata border; equal for equal radar and time."""
    rng = np.random.default_rng([*radar.encode(), time])
    codes = rng.integers(80, 180, shape, dtype=np.uint8)
    codes[rng.random(shape) < 0.6] = 0
    codes[[0, -1], :] = NODATA
    codes[:, [0, -1]] = NODATA
    return codes


def make_reflectivity(
    path: Path,
    radar: str = "CASGO",
    times: Iterable[int] = (START,),
    codes: ArrayLike | None = None,
    shape: tuple[int, int] = SHAPE,
    geometry: RadarGeometry | None = None,
    attrs: dict[str, object] | None = None,
) -> Path:
    """Write a "reflectivity" store."""
    times = list(times)
    frames = _codes(radar, times, codes, shape)
    shape = _shape(frames)
    geometry = geometry or small_geometry(radar, shape)
    with StoreWriter(
        path,
        variables={
            "reflectivity": Variable("uint8", shape, ("y", "x"), REFLECTIVITY_ATTRS, NODATA),
            "uncertainty": Variable("uint8", shape, ("y", "x"), UNCERTAINTY_ATTRS, NO_UNCERTAINTY),
            "echo_fraction": Variable("float32"),
            "unmatched_fraction": Variable("float32"),
        },
        attrs={
            **geometry.attrs(),
            "radar": radar,
            "plot_box_px": [0, 0, shape[1], shape[0]],
            "class_lower_dbz": CLASS_LOWER_DBZ,
            "class_upper_dbz": CLASS_UPPER_DBZ,
            "label_method": "palette",
            "echo_pixels": int(is_echo(frames).sum()),
            "unmatched_pixels": 0,
            "unmatched_colours": [],
            "unmatched_colour_pixels": [],
            **(attrs or {}),
        },
        codec="fast",
    ) as store:
        for index, time in enumerate(times):
            seen = max(1, int((frames[index] != NODATA).sum()))
            store.append(
                time,
                reflectivity=frames[index],
                uncertainty=np.where(is_echo(frames[index]), 8, NO_UNCERTAINTY).astype(np.uint8),
                unmatched_fraction=np.float32(0),
                echo_fraction=np.asarray(is_echo(frames[index]).sum() / seen, dtype=np.float32),
            )
    return path


def make_rgb(path: Path, radar: str = "CASGO", times: Iterable[int] = (START,)) -> Path:
    """Write an "rgb" store of plot boxes without a legend: grey, with green echo of `make_reflectivity`."""
    with StoreWriter(
        path,
        variables=RGB.frame_variables((*SHAPE, 3)),
        attrs={"radar": radar},
        codec="fast",
    ) as store:
        for time in times:
            picture = np.full((*SHAPE, 3), 90, np.uint8)
            picture[is_echo(pattern_codes(radar, time))] = (0, 200, 0)
            store.append(time, rgb=picture)
    return path


def make_labels(
    path: Path,
    radar: str = "CASGO",
    times: Iterable[int] = (START,),
    echo_class: ArrayLike | None = None,
    confidence: ArrayLike | None = None,
    shape: tuple[int, int] = SHAPE,
    evidence: int = 1,
    shape_class: ArrayLike | None = None,
) -> Path:
    """Write a "labels" store. Without `echo_class` all echo is meteorological and nodata is unknown.

    Its `evidence` is this many steps for meteorological echo, and against other echo. Without `shape_class` all
    pixels of a class other than none and unknown are meteorological by their shape.
    """
    times = list(times)
    if echo_class is None:
        codes = _codes(radar, times, None, shape)
        echo_class = np.select([is_echo(codes), codes == NODATA], [METEOROLOGICAL, UNKNOWN], NONE)
    classes = _frames(echo_class, len(times)).astype(np.uint8)
    shape = _shape(classes)
    if confidence is None:
        confidence = np.where(classes == UNKNOWN, 0, 255)
    sure = _frames(confidence, len(times)).astype(np.uint8)
    if shape_class is None:
        shape_class = np.where(classes == NON_METEOROLOGICAL, METEOROLOGICAL, classes)
    by_shape = _frames(shape_class, len(times)).astype(np.uint8)
    with StoreWriter(
        path,
        variables={
            "echo_class": Variable("uint8", shape, ("y", "x"), ECHO_CLASS_ATTRS, UNKNOWN),
            "confidence": Variable("uint8", shape, ("y", "x")),
            "evidence": Variable("int8", shape, ("y", "x")),
            "shape_class": Variable("uint8", shape, ("y", "x"), ECHO_CLASS_ATTRS, UNKNOWN),
        },
        attrs={"radar": radar},
        codec="fast",
    ) as store:
        for index, time in enumerate(times):
            steps = np.array([0, evidence, -evidence, 0], np.int8)[classes[index]]
            store.append(
                time,
                echo_class=classes[index],
                confidence=sure[index],
                evidence=steps,
                shape_class=by_shape[index],
            )
    return path


def make_aligned(
    path: Path,
    radar: str = "CASGO",
    times: Iterable[int] = (START,),
    codes: ArrayLike | None = None,
    availability: ArrayLike | None = None,
    shape: tuple[int, int] = SHAPE,
    others: Iterable[str] = ("CASCM",),
    nearest: ArrayLike | None = None,
) -> Path:
    """Write an "aligned" store of other radars' data; available, to the first, where the codes are not nodata."""
    times = list(times)
    frames = _codes("".join(others), times, codes, shape)
    shape = _shape(frames)
    seen = frames != NODATA if availability is None else _frames(availability, len(times)).astype(bool)
    who = _frames(np.where(seen, 0, NO_RADAR) if nearest is None else nearest, len(times)).astype(np.uint8)
    with StoreWriter(
        path,
        variables={
            "reflectivity": Variable("uint8", shape, ("y", "x"), REFLECTIVITY_ATTRS, NODATA),
            "availability": Variable("bool", shape, ("y", "x")),
            "nearest": Variable("uint8", shape, ("y", "x"), fill_value=NO_RADAR),
        },
        attrs={"radar": radar, "others": list(others)},
        codec="fast",
    ) as store:
        for index, time in enumerate(times):
            store.append(time, reflectivity=frames[index], availability=seen[index], nearest=who[index])
    return path


def make_atlas(
    path: Path,
    radar: str = "CASGO",
    echo_frequency: ArrayLike | None = None,
    clutter: ArrayLike | None = None,
    shape: tuple[int, int] = SHAPE,
    frames_used: int = 20,
    method: str = "frequency",
) -> Path:
    """Write an "atlas" store; without values it has no clutter. Clutter is where the frequency is above 0.5."""
    frequency = np.zeros(shape) if echo_frequency is None else np.asarray(echo_frequency)
    mask = frequency > 0.5 if clutter is None else np.asarray(clutter, dtype=bool)
    with StoreWriter(
        path,
        static={
            "echo_frequency": Static(frequency.astype(np.float32), ("y", "x")),
            "clutter": Static(mask, ("y", "x")),
        },
        attrs={
            "radar": radar,
            "frames_used": frames_used,
            "method": method,
            "known_share": 1.0,
            "too_few_frames": False,
        },
    ):
        pass
    return path


def make_static(
    path: Path,
    radar: str = "CASGO",
    fields: Mapping[str, ArrayLike] | None = None,
    shape: tuple[int, int] = SHAPE,
    geometry: RadarGeometry | None = None,
) -> Path:
    """A "static" store: coordinates of the pixels, and fields (y, x) by name, NaN where unknown."""
    geometry = geometry or small_geometry(radar, shape)
    longitude, latitude = geometry.grid.longitude_latitude()
    values = np.zeros((len(fields or {}), *geometry.grid.shape), np.float32)
    for number, field in enumerate((fields or {}).values()):
        values[number] = field
    with StoreWriter(
        path,
        static={
            "latitude": Static(latitude.astype(np.float32), ("y", "x")),
            "longitude": Static(longitude.astype(np.float32), ("y", "x")),
            "field": Static(values, ("field", "y", "x")),
        },
        attrs={**geometry.attrs(), "names": list(fields or {})},
    ):
        pass
    return path


def make_product(
    path: Path,
    radar: str = "CASGO",
    times: Iterable[int] = (START,),
    codes: ArrayLike | None = None,
    flags: ArrayLike | None = None,
    probability: ArrayLike | None = None,
    shape: tuple[int, int] = SHAPE,
    geometry: RadarGeometry | None = None,
    attrs: dict[str, object] | None = None,
) -> Path:
    """Write a "product" store. Without `flags` all echo is kept; without `probability` echoes have 254 of 254."""
    times = list(times)
    frames = _codes(radar, times, codes, shape)
    geometry = geometry or small_geometry(radar, _shape(frames))
    if flags is None:
        flags = np.select([is_echo(frames), frames == NODATA], [FLAG_KEPT, FLAG_NODATA], FLAG_UNDETECT)
    marks = _frames(flags, len(times)).astype(np.uint8)
    if probability is None:
        probability = np.where((marks == FLAG_UNDETECT) | (marks == FLAG_NODATA), 255, 254)
    sure = _frames(probability, len(times)).astype(np.uint8)
    bounds: dict[str, object] = {"class_lower_dbz": CLASS_LOWER_DBZ, "class_upper_dbz": CLASS_UPPER_DBZ}
    variables = {"reflectivity": frames, "quality_flag": marks, "meteorological_probability": sure}
    attrs = {**bounds, **(attrs or {})}
    with ProductWriter(path, geometry.grid, [radar], attrs, codec="fast", names=variables) as store:
        for index, time in enumerate(times):
            store.append(time, **{name: values[index] for name, values in variables.items()})
    return path


def _center(shape: tuple[int, int]) -> tuple[float, float]:
    return shape[1] / 2, shape[0] / 2 - 1


def _codes(radar: str, times: list[int], codes: ArrayLike | None, shape: tuple[int, int]) -> NDArray[np.uint8]:
    if codes is not None:
        return _frames(codes, len(times)).astype(np.uint8)
    frames = np.empty((len(times), *shape), np.uint8)
    for index, time in enumerate(times):
        frames[index] = pattern_codes(radar, time, shape)
    return frames


def _frames(values: ArrayLike, count: int) -> NDArray[np.generic]:
    array = np.asarray(values)
    return array if array.ndim == 3 else np.broadcast_to(array, (count, *array.shape))


def _shape(frames: NDArray[np.generic]) -> tuple[int, int]:
    return int(frames.shape[1]), int(frames.shape[2])
