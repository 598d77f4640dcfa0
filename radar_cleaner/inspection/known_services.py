"""Recognize the known service of a radar's pictures by names, size and palette."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radar_cleaner.config.grid import ABOUT_RADAR
from radar_cleaner.config.services import (
    BOXES,
    OF_THE_BOX,
    Service,
    find_service,
    recognize_services,
    service_names,
)
from radar_cleaner.inspection.colours import FEW_COLOURS, NEAR, ColourCounts, read_palette_colours, saturated
from radar_cleaner.inspection.draft import Key, unknown
from radar_cleaner.inspection.findings import SizeFindings

# Share of the saturated pixels that move; less contradicts the palette of a service. A JPEG blends its colours.
LEAST_IN_CLASSES, LEAST_OF_MANY_COLOURS = 0.5, 0.25
BESIDE_SERVICE = ("pattern", "time_format", "time_zone", "time_from", "loop")  # keys that the names show
LEAST_MOVING = 0.0002  # share of all pixels that must move before their colours count
MOST_OF_SIDE = 0.02  # of the picture, by which the edges of its map may differ from the plot box of a service


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


def match_services(paths: Sequence[str], found: SizeFindings) -> list[ServiceMatch]:
    """Return the service whose names and size the pictures have; otherwise those of the same size and colours.

    `paths` are below the folder of the radar, `found` is what its pictures show. A service is sure if it alone has
    these names, size or colours fit too, and neither the colours that move nor the edges of the map contradict it.
    """
    size = found.look.size
    named = recognize_services([path.rsplit("/", 1)[-1] for path in paths], size)
    if named:
        return [_named_match(name, find_service(name), found, len(named) == 1) for name in named]
    fits = {Path(match.name).resolve() for match in found.palettes}
    return [
        ServiceMatch(name, service, "size and colours of the pictures fit", sure=False)
        for name, service in ((name, find_service(name)) for name in service_names())
        if _has_size(service, size) and _palette(service) in fits
    ]


def _named_match(name: str, service: Service, found: SizeFindings, alone: bool) -> ServiceMatch:
    """Return a service whose file names fit, with what else fits or contradicts it."""
    share, box = _share_in_classes(service, found.counts), service.radar.get("plot_box_px")
    fits, doubts = ["names"] + ["size"] * _has_size(service, found.look.size), []
    least = LEAST_IN_CLASSES if len(found.counts.colours) <= FEW_COLOURS else LEAST_OF_MANY_COLOURS
    if share is not None and share >= least:
        fits.append("colours")
    elif share is not None:
        doubts.append(f"only {share:.0%} of the colours that move are of its classes")
    if box is not None and found.plot_box.found_by == "edges":
        away = max(abs(one - other) for one, other in zip(box, found.plot_box.box, strict=True))
        doubts += [f"its plot box is {list(box)}"] * (away > MOST_OF_SIDE * max(found.look.size))
    if len(fits) == 1 and not doubts:
        doubts.append("neither their size nor their colours could be compared")
    if not alone:
        doubts.append("other services have the same")
    text = f"{' and '.join(fits)} of the pictures fit"
    return ServiceMatch(name, service, ", but ".join([text, *doubts]), sure=not doubts)


def _share_in_classes(service: Service, counts: ColourCounts) -> float | None:
    """Return the share of the saturated colours that move which are near a class; None if too few move."""
    palette = _palette(service)
    weights = np.where(saturated(counts.colours), counts.moving, 0)
    if palette is None or weights.sum() < LEAST_MOVING * counts.pixels.sum():
        return None
    classes = read_palette_colours(palette).astype(float)
    distance = np.linalg.norm(counts.colours[:, None].astype(float) - classes[None], axis=2).min(axis=1)
    return float(weights[distance <= NEAR].sum() / weights.sum())


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


def keys_beside(service: Service, found: SizeFindings) -> set[str]:
    """Return the keys of the pictures that are written beside a service which does not have them.

    A plot box is written only if a legend beside the map proves it, and only where it does not move the grid.
    """
    keys, grid = service.radar.keys(), {*(service.radar.get("grid") or ()), *_inner(service.missing, "grid")}
    own_box = any(key in keys or key in service.missing for key in BOXES)
    if own_box or grid.intersection(OF_THE_BOX) or found.plot_box.found_by != "edges":
        return set(BESIDE_SERVICE)
    x0, y0, x1, y1 = found.plot_box.box
    outside = [
        box for box in found.legend_boxes.values() if box[2] <= x0 or box[0] >= x1 or box[3] <= y0 or box[1] >= y1
    ]
    return {*BESIDE_SERVICE, *(["plot_box_px"] if outside else [])}


def _inner(places: Iterable[str], section: str) -> list[str]:
    """Return the keys of a section among places such as `grid.bounds`."""
    return [place.split(".", 1)[1] for place in places if place.startswith(f"{section}.")]


def needs_place(service: Service) -> bool:
    """Return whether the grid of a service is about a radar whose place the service does not know."""
    keys: Mapping[str, Any] = service.radar
    about = "range_km" in keys or any(kind in (keys.get("grid") or {}) for kind in ABOUT_RADAR)
    return about and keys.get("latitude") is None


def _has_size(service: Service, size: tuple[int, int]) -> bool:
    wanted = service.radar.get("size_px")
    return wanted is not None and list(wanted) == list(size)


def _palette(service: Service) -> Path | None:
    """Return the file of a service's palette."""
    palette = (service.radar.get("labels") or {}).get("palette")
    return None if palette is None else Path(palette).resolve()
