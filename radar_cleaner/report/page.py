"""Render the report as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from radar_cleaner.errors import ConfigError
from radar_cleaner.storage.shards import to_datetime


def render_report(**values: Any) -> str:
    """Fill the template. Every text is escaped; a value that the template lacks is an error, never a blank."""
    environment = Environment(
        loader=PackageLoader("radar_cleaner.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: "n/a" if value is None else f"{100 * value:.1f}"
    environment.filters["decimal"] = lambda value: "n/a" if value is None else f"{value:.2f}"
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["count_of"] = count_of
    return environment.get_template("report.html").render(**values)


def count_of(number: int, noun: str) -> str:
    """`1 frame`, `2,000 frames`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def utc(time: int) -> str:
    """Format a time, seconds since 1970, for readers: `2024-07-11 12:06`."""
    return to_datetime(time).strftime("%Y-%m-%d %H:%M")


def embed_png(png: bytes) -> str:
    """Return a PNG as the source of an HTML image."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def embed_svg(svg: bytes, source: str) -> str:
    """Return an SVG drawing as the source of an HTML image, where it runs no script and fetches nothing.

    Raises ConfigError that names `source` if it is not SVG.
    """
    if b"<svg" not in svg or b"</svg>" not in svg:
        raise ConfigError(f"{source}: not an SVG drawing; draw it again with dot -Tsvg")
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
