"""Messages for the mistakes that pydantic finds in a section: one line each, with key, value and remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from pydantic import ValidationError

from radar_cleaner.config.section import Section

Path = tuple[str | int, ...]  # keys and positions from the root of a section to a value
Schema = Mapping[str, Any]


def describe_errors(error: ValidationError, section: type[Section], described: Iterable[Path] = ()) -> list[str]:
    """Return a line for each mistake: the first one of a value, and of a list the first wrong item.

    Paths in `described` have a line already.
    """
    schema = _schema_of(section)
    problems: dict[Path, list[Mapping[str, Any]]] = {}
    for problem in error.errors(include_url=False):
        problems.setdefault(schema.path(problem["loc"]), []).append(problem)
    lines, places = {}, set(described)
    for path in sorted(problems, key=len, reverse=True):  # a wrong item explains a wrong list
        is_key = problems[path][0]["type"] in ("extra_forbidden", "missing")
        if not is_key and any(place[: len(path)] == path for place in places):
            continue
        if path and isinstance(path[-1], int) and any(_siblings(place, path) for place in places):
            continue
        places.add(path)
        lines[path] = schema.line(path, problems[path])
    return [lines[path] for path in problems if path in lines]


def _siblings(place: Path, path: Path) -> bool:
    return len(place) == len(path) and place[:-1] == path[:-1]


class _SectionSchema:
    """The JSON schema of a section, with access by path."""

    def __init__(self, section: type[Section]) -> None:
        self._root: Schema = section.model_json_schema()

    def path(self, loc: Sequence[str | int]) -> Path:
        """Return the path of a location: that of pydantic without the names of a union's members."""
        part: Schema | None = self._root
        path: list[str | int] = []
        for step in loc:
            below = self._step(part, step)
            if below is None and part is not None and "anyOf" in part:
                continue  # the name of a member
            if step == "[key]":
                return tuple(path[:-1])
            path.append(step)
            part = below
        return tuple(path)

    def line(self, path: Path, problems: Sequence[Mapping[str, Any]]) -> str:
        """Return the message for the problems of one value."""
        problem, part, place = problems[0], self._part(path), place_of(path)
        if problem["type"] == "extra_forbidden":
            known = sorted(self._part(path[:-1]).get("properties", {}))
            return f"{place}: no such key; {_nearest(str(path[-1]), known)}"
        if problem["type"] == "missing":
            return f"{place}: is missing; add it (docs/reference/config.md explains it)"
        if "anyOf" in part and len(problems) > 1:  # a problem of one member, if only one of them has the type
            of_values = [other for other in problems if other["type"] in _OF_VALUES]
            problem = of_values[0] if of_values else {**problem, "type": "union"}
        if problem["type"] == "value_error":
            return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
        reason = REASONS.get(problem["type"])
        if reason is not None:
            return f"{place}: {shown(problem['input'])} {reason(problem.get('ctx', {}))}"
        if "enum" in part:
            words = f"choose one of {', '.join(map(str, part['enum']))}"
        else:
            words = f"write {self._type_words(part)}{self._meant(problem['input'], part)}"
        return f"{place}: {shown(problem['input'])} is not possible; {words}"

    def _part(self, path: Path) -> Schema:
        part: Schema | None = self._root
        for step in path:
            part = self._step(part, step)
        return part or {}

    def _step(self, part: Schema | None, step: str | int) -> Schema | None:
        """Return the schema of an item or a key, resolved, or None where there is none."""
        if part is None:
            return None
        part = self._resolved(part)
        for option in (part, *map(self._resolved, part.get("anyOf", ()))):
            if isinstance(step, int) and "items" in option:
                return self._resolved(option["items"])
            if step in option.get("properties", {}):
                return self._resolved(option["properties"][step])
            if isinstance(step, str) and "patternProperties" in option:
                return self._resolved(next(iter(option["patternProperties"].values())))
        return None

    def _resolved(self, part: Schema) -> Schema:
        if "$ref" in part:
            target = self._root["$defs"][part["$ref"].removeprefix("#/$defs/")]
            return {**target, **{key: item for key, item in part.items() if key != "$ref"}}
        return part

    def _type_words(self, part: Schema) -> str:
        """Return the type and the lower bound of a value: `a list of 4 whole numbers, 0 or more or null`."""
        part = self._resolved(part)
        if "anyOf" in part:
            return " or ".join(map(self._type_words, part["anyOf"]))
        if "const" in part or "enum" in part:
            return " or ".join(f"`{choice}`" for choice in part.get("enum", [part.get("const")]))
        words = WORDS.get(part.get("type", ""), "another value")
        items = self._resolved(part.get("items", {}))
        if items.get("type") in ("integer", "number"):
            count = part.get("minItems", 0)
            words += f" of {count} " if count > 1 else " of "
            words += WORDS[items["type"]].removeprefix("a ") + "s"
            words += f", {items['minimum']} or more" if "minimum" in items else ""
        return f"{words} above {part['exclusiveMinimum']}" if "exclusiveMinimum" in part else words

    def _meant(self, value: Any, part: Schema) -> str:
        """Return how to write what was meant by a text, if a number or keys are wanted."""
        if part.get("type") == "object":
            return self._as_keys(value[0] if isinstance(value, list) and len(value) == 1 else value, part)
        kinds = str([option.get("type") for option in (part, *part.get("anyOf", ()))])
        try:  # YAML reads 1e-3 as text: an exponent needs a point before it
            number = Decimal(value) if isinstance(value, str) else Decimal("nan")
        except InvalidOperation:
            return ""
        short = number.is_finite() and abs(number.adjusted()) < 15
        fits = short and ("number" in kinds or ("integer" in kinds and number % 1 == 0))
        return f", such as {number:f}" if fits else ""

    def _as_keys(self, value: Any, part: Schema) -> str:
        """Return the key that a lone text belongs to, if there is one: `{name: one_cycle}`."""
        if not isinstance(value, str):
            return ""
        if "patternProperties" in part:  # the user chooses the keys
            key: str | None = "terrain"
        else:
            properties = part.get("properties", {})
            key = next(
                (key for key in properties if value in self._resolved(properties[key]).get("enum", ())), None
            )
        return f", such as {{{key}: {shown(value)[1:-1]}}}" if key else ""


@cache
def _schema_of(section: type[Section]) -> _SectionSchema:
    return _SectionSchema(section)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.15g}"


# Mistakes in a value whose type is right.
_OF_VALUES = ("too_short", "not_unique", "string_too_short")
REASONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda ctx: f"must be at least {_number(ctx['ge'])}",
    "less_than_equal": lambda ctx: f"must be at most {_number(ctx['le'])}",
    "greater_than": lambda ctx: f"must be above {_number(ctx['gt'])}",
    "less_than": lambda ctx: f"must be below {_number(ctx['lt'])}",
    "too_short": lambda ctx: f"is too short; write at least {_count(ctx['min_length'], 'item')}",
    "too_long": lambda ctx: f"is too long; write at most {_count(ctx['max_length'], 'item')}",
    "string_too_short": lambda ctx: (
        "must not be empty"
        if ctx["min_length"] == 1
        else f"is too short; write at least {_count(ctx['min_length'], 'character')}"
    ),
    "string_pattern_mismatch": lambda ctx: (
        "must contain only letters, digits, '_' and '-', and not begin with '-'"
    ),
    "not_rising": lambda ctx: "must rise; write the numbers from low to high",
    "not_unique": lambda ctx: "has an item twice; name each once",
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def shown(value: Any) -> str:
    """Return a value as YAML shows it, shortened to fit a line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 60 else text[:57] + "..."


def place_of(path: Path) -> str:
    """Return a path as a message has it: `radars[0].id`."""
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else f"{text}.{part}" if text else part
    return text or "config"


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"


WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "keys below it",
    "null": "null",
    "string": "a text",
}
