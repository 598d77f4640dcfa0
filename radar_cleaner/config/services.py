"""Known services: the catalogue of public pictures in `config/services`, and how a radar takes one.

A service has the keys of a radar's entry that describe its pictures. They count as written in the entry. Keys that
are in the entry go before them.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import Field, ValidationError

from radar_cleaner.config.grid import ABOUT_RADAR, KINDS
from radar_cleaner.config.messages import describe_errors
from radar_cleaner.config.section import Section
from radar_cleaner.config.shipped import ROOT
from radar_cleaner.config.values import Point, Text
from radar_cleaner.errors import ConfigError

CATALOGUE = ROOT / "config/services"
Keys = dict[str, Any]  # keys of a radar's entry
BOXES = ("plot_box_px", "legend_width_px")  # one of the entry replaces both of the service
OF_THE_BOX = ("range_km", "bounds", "tiles")  # grids of the plot box, not of the whole frame
IN_PIXELS = (*BOXES, "center_px", "overlay.boxes_px", "grid.km_per_px", "grid.circle", "grid.control_points")
OF_A_LAYOUT = ("size_px", *BOXES, "overlay", "grid", "center_px", "labels")  # the rest is the radar's


class Landmark(Section):
    """A point whose place on Earth and in the picture is known."""

    name: Text = Field(description="What the point is.")
    longitude: Annotated[float, Ge(-180), Le(180)] = Field(description="Longitude in degrees east.")
    latitude: Annotated[float, Ge(-90), Le(90)] = Field(description="Latitude in degrees north.")
    pixel: Point = Field(
        description="Pixel `[x, y]` of the whole frame. Whole numbers are pixel centres, so that the upper left"
        " corner of the frame is [-0.5, -0.5]."
    )


class Service(Section):
    """The pictures of a public service."""

    title: Text = Field(description="Service and product.")
    page: Text = Field(description="Address of the service's page.")
    attribution: Text = Field(description="Words that the service wants beside its data.")
    licence: Text = Field(description="Licence, or the page of the terms.")
    geometry_from: Text = Field(description="Where size, box and grid are stated.")
    colours_from: Text = Field(description="Where the colours and their values are stated.")
    names_from: Text = Field(description="Where the file names are stated.")
    sources: tuple[Text, ...] = Field((), description="Addresses of these statements.")
    landmarks_from: Text = Field(
        "the grid's own statement", description="Where the landmarks are stated, apart from the grid."
    )
    checked_on_real_frames: bool = Field(description="Whether real frames were read with these keys.")
    landmarks: tuple[Landmark, ...] = Field((), description="Three or more points that prove the grid.")
    missing: dict[str, Text] = Field({}, description="Keys that the user must write, and why.")
    example: Keys = Field(
        {}, description="Keys of an entry that uses the service, such as a radar's position. For tests."
    )
    cadence_minutes: Annotated[float, Gt(0)] | None = Field(None, description="Minutes between two frames.")
    radar: Annotated[Keys, MinLen(1)] = Field(description="Keys of a radar's entry.")


class Credit(Section):
    """The services whose pictures products are made from, as the products name them, each once."""

    attribution: tuple[Text, ...] = Field((), description="Words that the services want beside their data.")
    licence: tuple[Text, ...] = Field((), description="Their licences, or the pages of the terms.")
    page: tuple[Text, ...] = Field((), description="Addresses of their pages.")


def credit_of(names: Iterable[str | None]) -> Credit:
    """Return the credit of services, by their names or files. None among them is skipped."""
    services = [find_service(name) for name in dict.fromkeys(names) if name is not None]
    return Credit(
        attribution=_each_once(service.attribution for service in services),
        licence=_each_once(service.licence for service in services),
        page=_each_once(service.page for service in services),
    )


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def service_names() -> list[str]:
    """Return the names of the catalogue, sorted."""
    return sorted(path.stem for path in CATALOGUE.glob("*.yaml"))


def find_service(name: str, place: str = "service") -> Service:
    """Return a service by its name in the catalogue, or by the path of a file with its keys (`.yaml`).

    Its palette is relative to that file. Raises ConfigError, with `place` the key that names the service.
    """
    file = Path(name) if name.endswith((".yaml", ".yml")) else CATALOGUE / f"{name}.yaml"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        service = Service.model_validate_json(json.dumps(content), strict=True)
    except FileNotFoundError:
        raise ConfigError(f"{place}: {_unknown(name)}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{place}: cannot read the service {file} ({error})") from None
    except ValidationError as error:
        lines = describe_errors(error, Service)
        raise ConfigError("\n".join(f"{place}: {file}: {line}" for line in lines)) from None
    return service.model_copy(update={"radar": _with_paths(service.radar, file.parent)})


def recognize_services(names: Sequence[str], size: Sequence[int] | None = None) -> list[str]:
    """Return the services of the catalogue that name files so, and whose pictures have the size if it is given.

    `names` are file names without folders. Services without words of their own in their names are not recognized.
    """
    found = []
    for name in service_names():
        keys = find_service(name).radar
        pattern, wanted = keys.get("pattern", ""), keys.get("size_px")
        own_words = re.sub(r"\\.|\(.*?\)|[^A-Za-z]", "", pattern)
        other_size = size is not None and wanted is not None and list(size) != list(wanted)
        if len(own_words) > 1 and not other_size and names and all(re.search(pattern, text) for text in names):
            found.append(name)
    return found


def take_services(content: Mapping[str, Any]) -> Keys:
    """Return a config in which the keys of the named services are filled in.

    Values of a wrong type are left for validation. Raises ConfigError for an unknown service, and for a key that
    the service leaves to the user.
    """
    radars, taken = content.get("radars"), dict(content)
    if not isinstance(radars, list):
        return taken
    cadences: dict[str, float] = {}
    taken["radars"] = [_take(entry, f"radars[{index}]", cadences) for index, entry in enumerate(radars)]
    frames = content.get("frames") or {}
    if cadences and isinstance(frames, dict) and frames.get("cadence_minutes") is None:
        taken["frames"] = {**frames, "cadence_minutes": _only(cadences)}
    return taken


def _take(entry: Any, place: str, cadences: dict[str, float]) -> Any:
    """Return a radar's entry with the keys of its services. Notes the cadence of its own service."""
    if not isinstance(entry, dict):
        return entry
    service = _service_of(entry, place)
    taken = entry if service is None else _fill(entry, service, place)
    if service is not None and service.cadence_minutes is not None:
        cadences[entry["service"]] = service.cadence_minutes
    if isinstance(taken.get("layouts"), list):
        layouts = enumerate(taken["layouts"])
        taken = {**taken, "layouts": [_take_layout(one, f"{place}.layouts[{number}]") for number, one in layouts]}
    return taken


def _take_layout(layout: Any, place: str) -> Any:
    """Return a layout with those keys of its service that a layout has."""
    service = _service_of(layout, place) if isinstance(layout, dict) else None
    if service is None:
        return layout
    radar = {key: value for key, value in service.radar.items() if key in OF_A_LAYOUT}
    missing = {key: reason for key, reason in service.missing.items() if key.split(".")[0] in OF_A_LAYOUT}
    return _fill(layout, service.model_copy(update={"radar": radar, "missing": missing}), place)


def _service_of(entry: Keys, place: str) -> Service | None:
    name = entry.get("service")
    return find_service(name, f"{place}.service") if isinstance(name, str) else None


def _fill(entry: Keys, service: Service, place: str) -> Keys:
    """Return an entry with the keys of a service. Raises ConfigError for a key that the service leaves to it."""
    name = entry["service"]
    merged = lay_over(entry, service.radar)
    for key, reason in service.missing.items():
        own_grid = key.startswith("grid.") and "grid" in service.radar and _other_grid(entry, service.radar)
        if not own_grid and _value_at(merged, key) is None:
            raise ConfigError(f"{place}.{key}: is missing; the service {name} leaves it to you: {reason}")
    _check_box(entry, service, place)
    _check_size(entry, service, merged, place)
    return merged


def _check_box(entry: Keys, service: Service, place: str) -> None:
    """Raise ConfigError for another plot box with a grid of the service that is of its own one."""
    own = next((key for key in BOXES if entry.get(key) is not None), None)
    of_the_box = any(key in OF_THE_BOX for key in service.radar.get("grid") or ())
    if own and of_the_box and "plot_box_px" not in service.missing and not _other_grid(entry, service.radar):
        raise ConfigError(
            f"{place}.{own}: is another plot box than that of the service {entry['service']}, whose grid is of"
            " its own; write grid for yours too"
        )


def _check_size(entry: Keys, service: Service, merged: Keys, place: str) -> None:
    """Raise ConfigError for pictures of another size if keys of the service count in pixels."""
    own, common = entry.get("size_px"), service.radar.get("size_px")
    if not isinstance(own, list) or common is None or own == common:
        return
    kept = [key for key in IN_PIXELS if _value_at(entry, key) is None and _value_at(merged, key) is not None]
    if kept:
        raise ConfigError(
            f"{place}.size_px: the pictures of the service {entry['service']} are {common}, and its"
            f" {', '.join(kept)} count in their pixels; write them for yours too, or leave size_px out"
        )


def lay_over(entry: Mapping[str, Any], service: Mapping[str, Any]) -> Keys:
    """Return the keys of a service with those of an entry in their place, nested ones one by one.

    A plot box and a grid replace those of the service, also in their short forms. A null in the entry leaves the
    value of the service.
    """
    kept = dict(service)
    if _other_grid(entry, service):
        kept.pop("grid", None)
        if not set(entry.get("grid") or ABOUT_RADAR).intersection(ABOUT_RADAR):
            kept.pop("center_px", None)
    if any(entry.get(key) is not None for key in BOXES):
        for key in BOXES:
            kept.pop(key, None)
    merged: Keys = _merged(entry, kept)
    return merged


def _other_grid(entry: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Return whether an entry has a grid of its own instead of that of the service."""
    if entry.get("range_km") is not None:
        return True
    own, common = (set(keys.get("grid") or ()).intersection(KINDS) for keys in (entry, service))
    return bool(own and common)


def _merged(given: Any, common: Any) -> Any:
    if not (isinstance(given, dict) and isinstance(common, dict)):
        return given
    values = {key: _merged(value, common.get(key)) for key, value in given.items() if value is not None}
    return {**common, **values}


def _value_at(entry: Any, key: str) -> Any:
    """Return the value of a key such as `grid.bounds`, or None."""
    for step in key.split("."):
        entry = entry.get(step) if isinstance(entry, dict) else None
    return entry


def _with_paths(keys: Keys, folder: Path) -> Keys:
    """Return keys with the palette, which is relative to `folder`, as seen from the working folder."""
    labels = keys.get("labels")
    if not isinstance(labels, dict) or not isinstance(labels.get("palette"), str):
        return keys
    return {**keys, "labels": {**labels, "palette": os.path.relpath(folder / labels["palette"])}}


def _only(cadences: Mapping[str, float]) -> float:
    """Return the cadence of all services. Raises ConfigError if they differ."""
    if len(set(cadences.values())) > 1:
        listed = ", ".join(f"{name} {minutes:g}" for name, minutes in cadences.items())
        raise ConfigError(
            f"frames.cadence_minutes: is missing; the services have different cadences ({listed}), write one"
        )
    return next(iter(cadences.values()))


def _unknown(name: str) -> str:
    return f"'{name}' is not a service; {' '.join(_advice(name))}"


def _advice(name: str) -> Iterator[str]:
    names = service_names()
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    yield f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}."
    yield "docs/reference/services.md describes them"
