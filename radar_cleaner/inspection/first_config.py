"""Assemble the first config of a folder of pictures from the findings of its radars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from radar_cleaner.config.load import UNKNOWN
from radar_cleaner.errors import ConfigError
from radar_cleaner.inspection.colours import Colours
from radar_cleaner.inspection.draft import Key, render, split_common
from radar_cleaner.inspection.findings import RadarFindings, cadence_key, inspect_radar, place_keys
from radar_cleaner.inspection.known_services import (
    ServiceMatch,
    keys_beside,
    match_services,
    named_service,
    needs_place,
    service_keys,
)
from radar_cleaner.inspection.sources import Contents
from radar_cleaner.inspection.times import Cadence, find_cadence


@dataclass(frozen=True)
class Given:
    """The options of the command line that are keys."""

    service: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class FirstConfig:
    """The keys of a config, and the findings of its radars."""

    keys: tuple[Key, ...]
    radars: tuple[RadarFindings, ...]
    problems: tuple[tuple[str, str], ...]  # paths of pictures that cannot be read, and why

    @property
    def services(self) -> list[str]:
        """A line for each service that was recognized, or that may be that of the pictures."""
        lines = []
        for radar in self.radars:
            for key in radar.entry:
                if key.name == "service":
                    verb = "taken" if key.active else "not taken, for you to choose"
                    lines.append(f"{radar.series.id}: service {key.value} ({verb}), {key.comment}")
        return lines

    @property
    def unknown(self) -> list[str]:
        """The keys that the user must write."""
        return [place for key in self.keys for place in key.unknown_places()]

    def text(self, contents: Contents, path: Path) -> str:
        """Return the text of the file, to be written at a path."""
        count = sum(len(series.paths) for series in contents.series)
        lines = [
            f"Written by `radar-cleaner init {contents.folder}` from the names and colours of {count} pictures."
        ]
        if self.unknown:
            lines.append(f"{UNKNOWN} is a value that they do not show; write {len(self.unknown)} of them.")
        lines.append(f"Look at the result: radar-cleaner show-frame --config {path} --output frame.png")
        lines.append("docs/reference/config.md explains every key.")
        if contents.timeless:
            few = ", ".join(contents.timeless[:5]) + (", ..." if len(contents.timeless) > 5 else "")
            lines.append(f"Pictures without a time, {len(contents.timeless)} in all, are left out: {few}")
        if self.problems:
            example = ": ".join(self.problems[0])
            lines.append(f"Of the pictures looked at {len(self.problems)} cannot be read, such as {example}")
        return render("\n".join(lines), self.keys)


def draft_config(contents: Contents, palettes: Mapping[str, Colours], given: Given) -> FirstConfig:
    """Look at the pictures of a folder and return a config. `palettes` are the known ones, by their file.

    Raises ConfigError for an unknown service, and for one place given to several radars.
    """
    if len(contents.series) > 1 and given.latitude is not None:
        names = ", ".join(series.id for series in contents.series)
        raise ConfigError(
            f"--latitude: {len(contents.series)} radars were found ({names}); leave it out, and write the place of"
            " each into the config"
        )
    named = named_service(given.service) if given.service is not None else None
    inspected = [inspect_radar(contents.files, one, palettes) for one in contents.series]
    problems = tuple(problem for radar in inspected for problem in radar.problems)
    readable = [radar for radar in inspected if radar.sizes]
    if not readable:
        first, reason = problems[0]
        raise ConfigError(
            f"{contents.folder}: none of the pictures looked at can be read, the first, {first}: {reason}"
        )
    radars = [_take_service(radar, given, named) for radar in readable]
    frames, own_frames = split_common([radar.frames for radar in radars])
    labels, own_labels = split_common([radar.labels for radar in radars])
    entries = []
    for radar, frame_keys, label_keys in zip(radars, own_frames, own_labels, strict=True):
        below = [Key("labels", tuple(label_keys))] if label_keys else []
        entries.append((*radar.entry, *frame_keys, *below))
    sections = [
        Key("results", "results"),
        Key("radars", entries),
        Key("frames", (*frames, *_cadence(radars))),
        Key("labels", tuple(labels)),
        Key("samples", {"atlas": "channel"}, "as the pretrained model needs it"),
        Key("cleaning", {"model": "pretrained"}),
    ]
    return FirstConfig(tuple(key for key in sections if key.value != ()), tuple(radars), problems)


def _cadence(radars: Sequence[RadarFindings]) -> list[Key]:
    series = [radar.series.readings[0].read if radar.series.readings else [] for radar in radars]
    is_loop = any(key.name == "loop" for radar in radars for key in (*radar.frames, *radar.entry))
    cadence: Cadence | None = find_cadence(series)
    return cadence_key(cadence, is_loop)


def _take_service(radar: RadarFindings, given: Given, named: ServiceMatch | None) -> RadarFindings:
    """Return the findings with the keys of the place, or with those of a service instead of its keys."""
    found = radar.sizes[0]
    first, rest = radar.entry[:2], radar.entry[2:]
    matches = [named] if named else match_services(radar.series.paths, found)
    place = place_keys(given.latitude, given.longitude, found)
    if len(matches) == 1 and matches[0].sure:
        service = matches[0].service
        place = [replace(key, comment="") for key in place[:2]] if needs_place(service) else []
        keys = service_keys(matches[0], radar.frames)
        written, beside = {key.name for key in keys} | service.radar.keys(), keys_beside(service, found)
        frames = tuple(key for key in radar.frames if key.name in beside and key.name not in written)
        labels = () if "labels" in service.radar else radar.labels
        return replace(radar, entry=(*first, *keys, *place, *rest), frames=frames, labels=labels)
    proposed = [
        Key("service", match.name, f"{match.service.title}: {match.reason}", active=False) for match in matches
    ]
    return replace(radar, entry=(*first, *proposed, *place, *rest))
