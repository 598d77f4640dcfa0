"""A stage's options as its subcommand takes them."""

from __future__ import annotations

from collections.abc import Mapping


def to_flags(options: Mapping[str, object]) -> list[str]:
    """Keyword arguments as words of a command line; empty lists are left out."""
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else "--no-" + flag[2:])
        elif parts := _parts(value):
            words += [flag, *parts]
    return words


def _parts(value: object) -> list[str]:
    """The words of a value; those of a list of boxes one after the other."""
    if isinstance(value, (list, tuple)):
        return [word for part in value for word in _parts(part)]
    return [str(value)]
