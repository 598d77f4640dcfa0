"""Settings as the flags of a stage's command line.

Every entry of a rule's params names its flag because Snakemake compares params as a set of values: were they
bare, two keys that swap their values, or one that takes another's, would rerun nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def _entry(name: str, value: Any) -> list[Any]:
    if value in (None, [], ()):
        return []
    return [name, *value] if isinstance(value, (list, tuple)) else [name, value]
