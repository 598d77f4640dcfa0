"""Write a config with comments: keys that were found, guesses, and keys that the user must fill in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from radar_cleaner.config.load import UNKNOWN

WIDTH = 110


@dataclass(frozen=True)
class Key:
    """A key of a config: its value, or keys below it, and the comment beside it.

    A key that is not `active` is written as a comment, for the user to choose.
    """

    name: str
    value: Any
    comment: str = ""
    active: bool = True

    @property
    def unknown(self) -> int:
        """The number of values that the user must write."""
        return len(self.unknown_places())

    def unknown_places(self, place: str = "") -> list[str]:
        """Return the values that the user must write, as `radars[0].latitude`."""
        path = f"{place}.{self.name}" if place else self.name
        if isinstance(self.value, tuple):
            return [found for key in self.value for found in key.unknown_places(path)]
        if _is_items(self.value):
            items = enumerate(self.value)
            return [found for i, item in items for key in item for found in key.unknown_places(f"{path}[{i}]")]
        return [path] if self.active and self.value == UNKNOWN else []

    def is_like(self, other: Key) -> bool:
        """Return whether two keys are equal but for their comments."""
        if isinstance(self.value, tuple) and isinstance(other.value, tuple):
            pairs = zip(self.value, other.value, strict=False)
            equal = len(self.value) == len(other.value) and all(one.is_like(two) for one, two in pairs)
        else:
            equal = self.value == other.value
        return equal and (self.name, self.active) == (other.name, other.active)


def unknown(name: str, comment: str) -> Key:
    """Return a key that the user must fill in."""
    return Key(name, UNKNOWN, comment)


def split_common(sections: Sequence[Sequence[Key]]) -> tuple[list[Key], list[list[Key]]]:
    """Return the keys that all sections have alike, and the others of each section.

    A value to fill in is common if its comment is, too: the same is asked for.
    """
    first = sections[0]
    common = [
        key for key in first if all(key in section if key.unknown else _has(section, key) for section in sections)
    ]
    return common, [[key for key in section if not _has(common, key)] for section in sections]


def _has(keys: Sequence[Key], key: Key) -> bool:
    return any(key.is_like(other) for other in keys)


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], tuple)


def render(head: str, keys: Sequence[Key]) -> str:
    """Return the text of a config file. Keys below a key are tuples of keys; lists of tuples are list items."""
    lines = [f"# {line}" for line in head.splitlines()]
    for key in keys:
        lines += (
            ["", *_lines(key, "")] if isinstance(key.value, tuple) or _is_items(key.value) else _lines(key, "")
        )
    return "\n".join(lines) + "\n"


def _lines(key: Key, indent: str) -> Iterator[str]:
    if isinstance(key.value, tuple):
        yield from _comment(key.comment, indent)
        yield f"{indent}{key.name}:"
        for below in key.value:
            yield from _lines(below, indent + "  ")
        return
    if _is_items(key.value):
        yield from _comment(key.comment, indent)
        yield f"{indent}{key.name}:"
        for item in key.value:
            yield from _item(item, indent + "  ")
        return
    text = f"{indent}{'' if key.active else '# '}{key.name}: {_flow(key.value)}"
    first, *more = key.comment.split("\n")
    if first and len(text) + len(first) + 4 <= WIDTH and not more:
        yield f"{text}  # {first}"
    else:
        yield from _comment(key.comment, indent)
        yield text


def _item(keys: tuple[Key, ...], indent: str) -> Iterator[str]:
    """Yield the lines of an item of a list; its dash is before the first key."""
    begun = False
    for key in keys:
        for line in _lines(key, indent + "  "):
            if not begun and not line.lstrip().startswith("#"):
                line, begun = f"{indent}- {line.lstrip()}", True
            yield line


def _comment(text: str, indent: str) -> Iterator[str]:
    for paragraph in text.split("\n") if text else ():
        for line in textwrap.wrap(paragraph, WIDTH - len(indent) - 2, break_on_hyphens=False) or [""]:
            yield f"{indent}# {line}"


def _flow(value: Any) -> str:
    if value == UNKNOWN:
        return UNKNOWN
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
