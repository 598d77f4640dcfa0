"""Settings as the flags of a stage's command line.

Every entry of a rule's params names its flag because Snakemake compares params as a set of values: were they
bare, two keys that swap their values, or one that takes another's, would rerun nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Labels


def flag(name: str, value: Any) -> list[Any] | Callable[[Any], list[Any]]:
    """A flag with its value or values, nothing where there is none; of wildcards, where the value is."""
    if callable(value):
        return lambda wildcards: _entry(name, value(wildcards))
    return _entry(name, value)


def flags(section: dict[str, Any], *keys: str, **renamed: str) -> list[Any]:
    """Flags of a config section's keys: `some_key` is --some-key, unless renamed; a switch --key or --no-key."""
    found: list[Any] = []
    for key, name in [*((key, f"--{key.replace('_', '-')}") for key in keys), *renamed.items()]:
        value = section[key]
        if isinstance(value, bool):
            found.append(name if value else f"--no-{name.removeprefix('--')}")
        else:
            found += _entry(name, value)
    return found


def palette_file(labels: Labels) -> str | list[Any]:
    """The palette's CSV, where a radar's label method reads one."""
    return labels.palette or [] if labels.method == "palette" else []


def colour_flags(radar_labels: Labels) -> list[Any]:
    """The flags of a radar's label method, and of no other method."""
    labels = radar_labels.model_dump(mode="json")
    if labels["method"] == "palette":
        return flags(labels, "method", "tolerance", "palette")
    if labels["method"] == "legend":
        legend = flags(labels["legend"], box_px="--legend-box", dbz="--legend-dbz", scale="--legend-scale")
        return flags(labels, "method", "tolerance") + legend
    return flags(labels, "method", "dbz_range", "min_saturation", "min_value")


def overlay_flags(overlay: Overlay) -> list[Any]:
    """Boxes and mask picture of a radar's overlay."""
    corners = [corner for box in overlay.boxes_px for corner in box]
    return _entry("--boxes", corners) + _entry("--mask", overlay.mask)


def atlas_flags(atlas: dict[str, Any]) -> list[Any]:
    """The flags of the atlas's method, and of no other method."""
    if atlas["method"] == "deviation":
        return flags(atlas, "min_quiet_frames", "threshold", "max_frames", "max_std")
    return flags(atlas, "quiet_fraction", "min_quiet_frames", "threshold", window_px="--window")


def _entry(name: str, value: Any) -> list[Any]:
    if value in (None, [], ()):
        return []
    return [name, *value] if isinstance(value, (list, tuple)) else [name, value]
