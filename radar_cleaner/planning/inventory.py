"""The inventory: the radars, their layouts, and the frames of each that exist now, by shard."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

from radar_cleaner.config.config import Config
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.archives import SUFFIXES, is_archive
from radar_cleaner.frames.folders import walk
from radar_cleaner.frames.image import header_size, header_sizes, sample_headers, size_in_header
from radar_cleaner.frames.loops import list_pictures
from radar_cleaner.frames.object_store import LISTINGS, ObjectStore
from radar_cleaner.frames.sources import SUFFIXES as PICTURES
from radar_cleaner.frames.sources import FrameFile, Listing, is_remote
from radar_cleaner.frames.time_table import MTIME
from radar_cleaner.planning.checks import check_animations, check_files
from radar_cleaner.planning.layouts import choose_pictures
from radar_cleaner.planning.radars import Period, Radar, read_radars, within
from radar_cleaner.storage.shards import shard_of


class Inventory:
    """The radars of a config, their layouts, and the frames that exist now.

    `period` is that of `frames`. `answers` is the folder in which the run that started this process keeps the
    lists of its object store. Raises ConfigError for a radar or a layout without readable frames.
    """

    def __init__(self, settings: Config, period: Period | None, answers: str | None = None) -> None:
        self.settings = settings
        radars = read_radars(settings)
        check_files(settings, radars)
        self.store = ObjectStore(settings.s3.endpoint_url, settings.s3.region, answers)
        self.radars = {radar.id: radar for radar in radars}
        # The radars and their layouts: each has its own stores of pictures.
        self.pictures = {one.id: one for radar in radars for one in (radar, *radar.layouts)}
        self.choices = {name: choice for radar in radars for name, choice in choose_pictures(radar).items()}
        self.grain: str = settings.frames.shard
        listings = {radar.id: self._list(radar) for radar in self.radars.values()}
        self._frames = {name: _by_shard(listing, self.grain, period) for name, listing in listings.items()}
        self._shown = self._show_pictures()
        self.unplaced = {name: [path for path, _ in listing.unplaced] for name, listing in listings.items()}
        self._check_listed(listings)
        self.sizes = {name: self._size(one) for name, one in self.pictures.items()}

    def _list(self, radar: Radar) -> Listing:
        try:
            listings = self.store.listed(radar.source) if is_remote(radar.source) else LISTINGS
            if is_remote(radar.source) and radar.names.loop_minutes:
                self.store.count_animations(radar.source, radar.names)
            return list_pictures(radar.source, radar.names, listings)
        except ConfigError as error:
            raise ConfigError(f"{radar.place}.frames: {error}") from None

    def _show_pictures(self) -> dict[str, dict[str, list[FrameFile]]]:
        """Return the frames of each radar and layout by shard, without those of the other layouts' periods.

        Raises ConfigError for a layout without frames.
        """
        shown = {}
        for radar in self.radars.values():
            for one in (radar, *radar.layouts):
                choice = self.choices[one.id]
                chosen = {
                    shard: [frame for frame in frames if choice.at(frame.time)]
                    for shard, frames in self._frames[radar.id].items()
                }
                shown[one.id] = {shard: frames for shard, frames in chosen.items() if frames}
                if one is not radar and not shown[one.id]:
                    raise ConfigError(
                        f"{one.place}.period: radar {radar.id} has no frame in it; see frames.period"
                    )
        return shown

    def _check_listed(self, listings: dict[str, Listing]) -> None:
        for name, listing in listings.items():
            place = f"{self.radars[name].place}.frames"
            folder = self.radars[name].source
            if not listing.frames and listing.unplaced:
                picture, reason = listing.unplaced[0]
                by_name = self.radars[name].names.time_from == "name"
                remedy = (
                    f"change frames.pattern and frames.time_format; `radar-cleaner init {folder}` looks for them"
                    if by_name
                    else "change frames.time_from"
                )
                raise ConfigError(
                    f"{place}: none of {len(listing.unplaced)} pictures in {folder} has a readable time"
                    f" ({picture}: {reason}); {remedy}"
                )
            if not listing.frames:
                raise ConfigError(f"{place}: no pictures found in {folder}; {_remedy(folder)}")

    def _size(self, radar: Radar) -> tuple[int, int]:
        """Return (width, height) of the radar's frames: the configured size, or the most frequent one."""
        if radar.size_px is not None and (is_remote(radar.source) or radar.id not in self.radars):
            return radar.size_px
        if not self._shown[radar.id]:
            raise ConfigError(
                f"{radar.place}.layouts: all frames of radar {radar.id} are of its layouts; write the keys of"
                " one of them as those of the radar itself, and leave that layout out"
            )
        frames = sample_headers([f for frames in self._shown[radar.id].values() for f in frames if not f.problem])
        if not is_remote(radar.source):
            check_animations(radar, frames)
        if is_remote(radar.source):
            heads = (self.store.head(frame.path) for frame in frames)
            sizes = Counter(size for data in heads if (size := size_in_header(data)) is not None)
        else:
            sizes = Counter(header_sizes(frames))
        for layout in radar.layouts if radar.id in self.radars else ():
            if layout.size_px is not None:
                sizes.pop(layout.size_px, None)
        most = max(sizes, key=lambda size: (sizes[size], size)) if sizes else None  # of equal numbers the larger
        wanted = radar.size_px or most
        if wanted is None:
            raise ConfigError(
                f"{radar.place}.frames: none of the pictures looked at in {radar.source} can be read;"
                " are they PNG, GIF, JPG, BMP, WebP or TIFF?"
            )
        if most is not None and wanted not in sizes:
            raise ConfigError(
                f"frames.size_px: {list(wanted)} is the size of none of the pictures looked at in {radar.source};"
                f" most are {list(most)}, width and height"
            )
        return wanted

    @property
    def is_remote(self) -> bool:
        """Whether the frames of any radar are in an object store."""
        return any(is_remote(radar.source) for radar in self.radars.values())

    def listings(self, radar: str) -> str:
        """Return the folder with the lists of a radar's archives or objects."""
        return str(self.store.answers if is_remote(self.pictures[radar].source) else LISTINGS)

    def frames(self, radar: str, shard: str) -> list[str]:
        """Return the frames of a shard: files, members of archives, objects."""
        return [frame.full_name for frame in self._frames[radar].get(shard, ()) if not frame.problem]

    def readable_frames(self, name: str) -> list[FrameFile]:
        """Return the frames of a radar or layout in the period of `frames`, in the order of time."""
        choice = self.choices[name]
        by_size = choice.own.size_px is not None or bool(choice.sizes)
        return [
            frame
            for frames in self._shown[name].values()
            for frame in frames
            if not frame.problem
            and not (
                by_size and frame.member is None and not choice.takes(frame.time, header_size(Path(frame.path)))
            )
        ]

    def files(self, radar: str, shard: str) -> list[str]:
        """Return the files, archives or objects that contain the frames of a shard."""
        found = (frame.path for frame in self._shown[radar].get(shard, ()) if not frame.problem)
        return list(dict.fromkeys(found))

    def content(self, radar: str, shard: str) -> list[str]:
        """Return a digest of the versions of a shard's archive members or objects, and of times from a table.

        Plain files with times of their own have none.
        """
        placed = self.pictures[radar].names.time_from not in ("name", MTIME)
        frames = [frame for frame in self._shown[radar].get(shard, ()) if frame.version or placed]
        known = json.dumps([(frame.full_name, frame.version, *[frame.time] * placed) for frame in frames])
        return [hashlib.sha256(known.encode()).hexdigest()] if frames else []

    def problems(self, radar: str, shard: str) -> list[str]:
        """Return folders and broken links that are named like frames of a shard."""
        return [frame.full_name for frame in self._shown[radar].get(shard, ()) if frame.problem]

    def _all_frames(self, radar: str) -> list[FrameFile]:
        return [frame for frames in self._frames[radar].values() for frame in frames]


def _by_shard(listing: Listing, grain: str, period: Period | None) -> dict[str, list[FrameFile]]:
    shards: dict[str, list[FrameFile]] = defaultdict(list)
    for frame in listing.frames:
        if within(period, frame.time):
            shards[shard_of(frame.time, grain)].append(frame)
    return dict(sorted(shards.items()))


def _remedy(source: str) -> str:
    """Return the remedy for a source without pictures."""
    found = sorted(path for path, _ in walk(f"{source}/", is_archive)) if Path(source).is_dir() else []
    if not found:
        others = Counter(path.suffix for path in Path(source).rglob("*") if path.is_file()).most_common(3)
        listed = ", ".join(f"{suffix or 'without a suffix'} ({count})" for suffix, count in others)
        contains = f"it contains only other files: {listed}; " if others else ""
        return f"{contains}pictures end in {', '.join(PICTURES)}; see docs/how-to/archives_and_object_stores.md"
    suffix = next(suffix for suffix in SUFFIXES if found[0].lower().endswith(suffix))
    depth = "" if Path(found[0]).parent == Path(source) else "**/"
    return f"it contains archives ({len(found)}): write {source}/{depth}*{suffix}"
