"""Divide the pictures of a folder among radars, by sub-folders and by the text around the time in their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.folders import Glob, has_magic
from radar_cleaner.frames.sources import SUFFIXES, FrameFile, list_frames, list_pictures, settle_source
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.inspection.times import TOKEN, Reading, read_times

COMPOSITE = "composite"  # the name of a product, which no radar can have
DAY = 86400
# A picture is written at most this long after its time, and before it by the difference of zones.
SOON, ZONES = 2 * DAY, 14 * 3600


@dataclass(frozen=True)
class Series:
    """The pictures of one radar, as far as names show: an id, paths below the folder, and readings of the time."""

    id: str
    paths: tuple[str, ...]
    readings: tuple[Reading, ...]
    source: str | None = None  # for `radars[].frames`; None if no folder and no glob contains just these
    by_dates: bool = False  # whether the dates of the files decided between several readings

    @property
    def names(self) -> NameFormat | None:
        """The format of the time, if there is just one."""
        return self.readings[0].names if len(self.readings) == 1 else None


@dataclass(frozen=True)
class Contents:
    """The pictures of a source: those of radars, and those without a time, such as legends and maps.

    files: each picture by its name in the series.
    """

    folder: str
    series: tuple[Series, ...]
    timeless: tuple[str, ...] = field(default=())
    files: Mapping[str, FrameFile] = field(default_factory=dict)


def read_source(source: str | Path, now: int) -> Contents:
    """Return the pictures of a folder, an archive or a glob, divided among radars.

    `now` is the time in seconds since 1970: names cannot be of a time later than two days after it.
    Raises ConfigError if there are no pictures.
    """
    files = list_pictures(source)
    readable = {name: file for name, file in files.items() if not file.problem}
    if not readable:
        raise ConfigError(f"{source}: no picture in it; pictures end in {', '.join(SUFFIXES)}")
    dates = {name: Path(file.path).stat().st_mtime for name, file in readable.items() if file.member is None}
    contents = divide(settle_source(source), sorted(readable), now, dates if len(dates) == len(readable) else None)
    return replace(contents, files=readable)


def divide(folder: str, paths: Sequence[str], now: int, dates: Mapping[str, float] | None = None) -> Contents:
    """Return the pictures of a folder, archive or glob divided among radars; `paths` are below it.

    `dates` are those of the files, in seconds since 1970. They decide between readings of an ambiguous name.
    """
    shapes: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        shapes[_shape(path)].append(path)
    if len(shapes) > max(3, len(paths) / 2):  # names that contain random letters
        shapes = defaultdict(list)
        for path in paths:
            shapes[str(PurePosixPath(_shape(path)).parent)].append(path)
    series: list[Series] = []
    timeless: list[str] = []
    for group in shapes.values():
        readings = read_times(group, now + 2 * DAY)
        if not readings:
            timeless += group
            continue
        agreeing = [reading for reading in readings if dates and _agrees(reading, group, dates)]
        by_dates = len(readings) > 1 and len(agreeing) == 1
        readings = agreeing if by_dates else readings
        places = {path: place for place, path in enumerate(group)}
        for members in _divided(group, readings[0]):
            own = [_part(reading, [places[path] for path in members]) for reading in readings]
            series.append(Series("", tuple(members), tuple(own), by_dates=by_dates))
    if not series:
        series, timeless = [Series("", tuple(paths), ())], []
    named = _named(folder, series, timeless)
    return Contents(folder, tuple(sorted(named, key=lambda one: one.id)), tuple(sorted(timeless)))


def _part(reading: Reading, places: Sequence[int]) -> Reading:
    return replace(reading, times=tuple(reading.times[place] for place in places))


def _agrees(reading: Reading, paths: Sequence[str], dates: Mapping[str, float]) -> bool:
    """Return whether all files were written soon after the time in their names."""
    ages = [dates[path] - time for path, time in zip(paths, reading.times, strict=True) if time is not None]
    return all(-ZONES <= age <= SOON for age in ages)


def _shape(path: str) -> str:
    """Return a path without its suffix, with one sign for each number and for each name of a month."""
    return TOKEN.sub("#", str(PurePosixPath(path).with_suffix("")))


def _divided(paths: Sequence[str], reading: Reading) -> list[list[str]]:
    """Divide names of one shape by the text around the time, unless that counts the pictures."""
    parts: dict[str, list[str]] = defaultdict(list)
    for path, time in zip(paths, reading.times, strict=True):
        parts[_around(path, reading.names, time)].append(path)
    times = reading.read
    repeats = len(set(times)) < len(times)
    if len(parts) > 1 and (repeats or len(parts) <= len(paths) / 2):
        return list(parts.values())
    return [list(paths)]


def _around(path: str, names: NameFormat, time: int | None) -> str:
    """Return the path without its time, its suffix and the folders of its day."""
    folder, _, name = path.rpartition("/")
    match = re.search(names.pattern, path if names.of_path else name)
    if match is not None and names.of_path:
        return path[: match.start(1)] + path[match.end(1) :].rsplit(".", 1)[0]
    if match is not None:
        name = name[: match.start(1)] + name[match.end(1) :]
    return "/".join([*_undated(folder, time), name.rsplit(".", 1)[0]])


def _undated(folder: str, time: int | None) -> list[str]:
    """Return the folders of a path that are not parts of a date near a time."""
    if time is None or not folder:
        return folder.split("/") if folder else []
    parts = set()
    for near in (time - DAY, time, time + DAY):
        moment = datetime.fromtimestamp(near, UTC)
        forms = ("%Y", "%m", "%d", "%Y%m", "%Y%m%d", "%Y-%m", "%Y-%m-%d", "%m%d", "%j", "%y%m%d", "%Y_%m_%d", "%b")
        parts |= {moment.strftime(form).lower() for form in forms}
    hours = {datetime.fromtimestamp(time, UTC).strftime(form) for form in ("%H", "%H%M")}
    parts |= hours
    return [part for part in folder.split("/") if part.lower() not in parts]


def _named(folder: str, series: Sequence[Series], timeless: Sequence[str]) -> list[Series]:
    """Give each radar an id and a source. Ids are the text that distinguishes it, or a number."""
    total = sum(len(one.paths) for one in series) + len(timeless)
    named: list[Series] = []
    used = {COMPOSITE}
    for index, one in enumerate(series, start=1):
        base = _id(one, alone=len(series) == 1) or f"RADAR{index}"
        name, count = base, 2
        while name.casefold() in used:
            name, count = f"{base}_{count}", count + 1
        used.add(name.casefold())
        alone = len(one.paths) == total or len(series) == 1
        source = folder if alone else _source(Glob(folder).root if has_magic(folder) else folder, one)
        named.append(replace(one, id=name, source=source))
    return named


def _id(series: Series, alone: bool) -> str:
    """Return letters and digits of the names that are not the time; an empty text if there are none."""
    if not series.readings:
        return ""
    reading = series.readings[0]
    around = {_around(path, reading.names, time) for path, time in zip(series.paths, reading.times, strict=True)}
    text = around.pop() if len(around) == 1 else _common_head([*around]).rstrip("0123456789")
    if not text:  # in a time of the path, between its parts
        text = re.sub("%.", "/", reading.names.time_format).strip("/")
    folders, _, name = text.rpartition("/")
    words = [name] if alone and re.search("[A-Za-z0-9]", name) else [folders, name]
    parts = [re.sub(r"[^A-Za-z0-9]+", "_", word).strip("_") for word in words]
    parts = [part for index, part in enumerate(parts) if part and part not in parts[:index]]
    if len(parts) == 2 and parts[1].casefold().startswith(parts[0].casefold()):
        parts = parts[1:]
    return "_".join(parts)


def _source(folder: str, series: Series) -> str | None:
    """Return the sub-folder or glob that contains the pictures of a radar and no others; None without one."""
    wanted = sorted(f"{folder.rstrip('/')}/{path}" for path in series.paths)
    names = series.readings[0].names if series.readings else NameFormat(r"(\d{12})", "%Y%m%d%H%M")
    for candidate in _candidates(folder, series):
        try:
            listing = list_frames(candidate, names)
        except ConfigError:
            continue
        found = sorted(
            [frame.full_name for frame in listing.frames] + [listing.root + name for name, _ in listing.unplaced]
        )
        if found == wanted:
            return candidate
    return None


def _candidates(folder: str, series: Series) -> list[str]:
    root = folder.rstrip("/")
    common = _common_folder(series.paths)
    below = f"{root}/{common}" if common else root
    names = [PurePosixPath(path).name for path in series.paths]
    head, tail = _common_head(names), _common_head([name[::-1] for name in names])[::-1]
    head, tail = re.sub(r"\d+$", "", head), re.sub(r"^\d+", "", tail)
    deep = "**/" if any("/" in path[len(common) :].strip("/") for path in series.paths) else ""
    globs = [f"{below}/{deep}{head}*{tail}", f"{below}/{deep}{head}[0-9]*{tail}"]
    exact = f"{below}/{deep}{re.sub('[0-9]', '[0-9]', names[0])}"
    return [below, *globs, exact]


def _common_folder(paths: Sequence[str]) -> str:
    """Return the deepest folder that contains all paths."""
    folders = [path.split("/")[:-1] for path in paths]
    depth = 0
    while all(len(folder) > depth and folder[depth] == folders[0][depth] for folder in folders):
        depth += 1
    return "/".join(folders[0][:depth])


def _common_head(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    size = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[: min(len(first), len(last))] if size is None else first[:size]
