"""Recognize the known service of a radar's pictures by names, size and palette."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radar_cleaner.config.grid import ABOUT_RADAR
from radar_cleaner.config.services import Service, find_service, recognize_services, service_names
from radar_cleaner.inspection.draft import Key, unknown


@dataclass(frozen=True)
class ServiceMatch:
    """A known service: its name in the catalogue, its keys, and why it is taken. Only a `sure` one is used."""

    name: str
    service: Service
    reason: str
    sure: bool = True


def named_service(name: str) -> ServiceMatch:
    """Return the service that the user names. Raises ConfigError if there is none of this name."""
    return ServiceMatch(name, find_service(name, "--service"), "as you named it")


def match_services(
    paths: Sequence[str], size: tuple[int, int] | None, palettes: Sequence[str]
) -> list[ServiceMatch]:
    """Return the service whose names and size the pictures have; otherwise those of the same size and colours.

    `paths` are below the folder of the radar, `size` is (width, height), `palettes` are files whose colours fit.
    """
    fits = {Path(palette).resolve() for palette in palettes}
    named = recognize_services([path.rsplit("/", 1)[-1] for path in paths], size)
    if named:
        sure = len(named) == 1
        return [
            ServiceMatch(name, service, _reason("names", service, size, fits), sure)
            for name, service in _services(named)
        ]
    return [
        ServiceMatch(name, service, _reason("", service, size, fits), sure=False)
        for name, service in _services(service_names())
        if _has_size(service, size) and _has_palette(service, fits)
    ]


def service_keys(match: ServiceMatch, found: Sequence[Key]) -> list[Key]:
    """Return the keys of a radar that takes a service: its name, and the keys that the service leaves to the user.

    `found` are keys that the pictures show; they are written where the service leaves them open.
    """
    comment = f"{match.service.title}: {match.reason}. Its keys are taken; keys beside this one override them"
    keys = [Key("service", match.name, comment)]
    for place, reason in match.service.missing.items():
        shown = next((key for key in found if key.name == place and not key.unknown), None)
        outer, _, inner = place.partition(".")
        if shown is not None:
            keys.append(Key(place, shown.value, f"{shown.comment}; the service leaves it open: {reason}"))
        else:
            keys.append(Key(outer, (unknown(inner, reason),)) if inner else unknown(outer, reason))
    return keys


def needs_place(service: Service) -> bool:
    """Return whether the grid of a service is about a radar whose place the service does not know."""
    keys: Mapping[str, Any] = service.radar
    about = "range_km" in keys or any(kind in (keys.get("grid") or {}) for kind in ABOUT_RADAR)
    return about and keys.get("latitude") is None


def _services(names: Sequence[str]) -> list[tuple[str, Service]]:
    return [(name, find_service(name)) for name in names]


def _reason(first: str, service: Service, size: tuple[int, int] | None, fits: set[Path]) -> str:
    parts = [first] if first else []
    parts += ["size"] * _has_size(service, size) + ["colours"] * _has_palette(service, fits)
    return f"{' and '.join(parts)} of the pictures fit"


def _has_size(service: Service, size: tuple[int, int] | None) -> bool:
    wanted = service.radar.get("size_px")
    return wanted is not None and size is not None and list(wanted) == list(size)


def _has_palette(service: Service, fits: set[Path]) -> bool:
    palette = (service.radar.get("labels") or {}).get("palette")
    return palette is not None and Path(palette).resolve() in fits
