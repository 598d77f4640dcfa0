"""Validate a config with the section models. Every mistake is one line with the key, the value and the remedy."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from pydantic import ValidationError

from radar_cleaner.config.config import Config
from radar_cleaner.config.consistency import check_values, fill_windows
from radar_cleaner.config.section import Section
from radar_cleaner.errors import ConfigError

Path = tuple[str | int, ...]  # keys and positions from the root of a config to a value
Schema = Mapping[str, Any]


def read_config(config: Mapping[str, Any]) -> Config:
    """Return the validated config. Raises ConfigError with one line for each mistake.

    Validation is strict: 2.0 is not an integer, and true is not a number.
    """
    content = _drop_empty(_as_text(config), Config)
    infinite = dict(_infinite(content))
    try:
        checked = Config.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        lines = [*infinite.values(), *_lines(error, set(infinite))]
        raise ConfigError("\n".join(lines)) from None
    filled = fill_windows(checked)
    check_values(filled)
    return filled


def _as_text(value: Any) -> Any:
    """Return the config with text keys, and with times as text; YAML reads some times as dates."""
    if isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _drop_empty(value: Any, model: type[Section]) -> Any:
    """Return the config without sections that have no key (`evaluation:` and nothing below it)."""
    if not isinstance(value, dict):
        return value
    content = {}
    for key, item in value.items():
        field = model.model_fields.get(key)
        section = field.annotation if field is not None else None
        if isinstance(section, type) and issubclass(section, Section):
            if item is not None:
                content[key] = _drop_empty(item, section)
        elif key == "radars" and isinstance(item, list):
            content[key] = [_drop_empty(radar, RADAR) for radar in item]
        else:
            content[key] = item
    return content


RADAR: type[Section] = Config.model_fields["radars"].annotation.__args__[0]  # type: ignore[union-attr]


def _infinite(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield path and message of numbers that no bound stops: .nan, .inf, and those too large for a float."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))
    elif isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
        yield path, f"{_place(path)}: {_shown(value)} must be a finite number"


def _lines(error: ValidationError, infinite: set[Path]) -> list[str]:
    """Return a line for each mistake: the first one of a value, and of a list the first wrong item."""
    problems: dict[Path, list[Mapping[str, Any]]] = {}
    for problem in error.errors(include_url=False):
        problems.setdefault(_path(problem["loc"]), []).append(problem)
    lines, places = [], set(infinite)
    for path in sorted(problems, key=lambda path: (-len(path), [str(part) for part in path])):
        is_key = problems[path][0]["type"] in ("extra_forbidden", "missing")
        if not is_key and any(place[: len(path)] == path for place in places):
            continue
        if isinstance(path[-1], int) and any(len(p) == len(path) and p[:-1] == path[:-1] for p in places):
            continue
        places.add(path)
        lines.append((path, _line(path, problems[path])))
    order = list(problems)
    return [line for path, line in sorted(lines, key=lambda item: order.index(item[0]))]


def _path(loc: Sequence[str | int]) -> Path:
    """Return the path in the config: pydantic's without the names of a union's members."""
    part: Schema | None = _schema()
    path: list[str | int] = []
    for step in loc:
        below = _step(part, step)
        if below is None and part is not None and "anyOf" in part:
            continue  # the name of a member
        if step == "[key]":
            return tuple(path[:-1])
        path.append(step)
        part = below
    return tuple(path)


@cache
def _schema() -> Schema:
    return Config.model_json_schema()


def _step(part: Schema | None, step: str | int) -> Schema | None:
    """Return the schema of an item or a key, resolved, or None where there is none."""
    if part is None:
        return None
    part = _resolved(part)
    for option in (part, *map(_resolved, part.get("anyOf", ()))):
        if isinstance(step, int) and "items" in option:
            return _resolved(option["items"])
        if step in option.get("properties", {}):
            return _resolved(option["properties"][step])
        if isinstance(step, str) and "patternProperties" in option:
            return _resolved(next(iter(option["patternProperties"].values())))
    return None


def _resolved(part: Schema) -> Schema:
    if "$ref" in part:
        target = _schema()["$defs"][part["$ref"].removeprefix("#/$defs/")]
        return {**target, **{key: item for key, item in part.items() if key != "$ref"}}
    return part


def _part(path: Path) -> Schema:
    part: Schema | None = _schema()
    for step in path:
        part = _step(part, step)
    return part or {}


def _line(path: Path, problems: Sequence[Mapping[str, Any]]) -> str:
    problem, part, place = problems[0], _part(path), _place(path)
    if problem["type"] == "extra_forbidden":
        return f"{place}: no such key; {_nearest(str(path[-1]), sorted(_part(path[:-1]).get('properties', {})))}"
    if problem["type"] == "missing":
        return f"{place}: is missing; add it (docs/reference/config.md explains it)"
    reason = REASONS.get(problem["type"])
    if "anyOf" in part and len(problems) > 1:
        special = [other for other in problems if not _is_type_error(other)]
        fits = [other for other in special if other["type"] in ("too_short", "not_unique", "string_too_short")]
        problem = fits[0] if fits else problem
        reason = REASONS.get(problem["type"]) if fits else None
    if reason is None and problem["type"] == "value_error":
        return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
    if reason is not None:
        return f"{place}: {_shown(problem['input'])} {reason(problem.get('ctx', {}))}"
    if "enum" in part:
        words = f"choose one of {', '.join(map(str, part['enum']))}"
    else:
        words = f"write {_type_words(part)}{_meant(problem['input'], part)}"
    return f"{place}: {_shown(problem['input'])} is not possible; {words}"


def _is_type_error(problem: Mapping[str, Any]) -> bool:
    kind: str = problem["type"]
    return kind.endswith("_type") or kind == "literal_error"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.15g}"


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


def _shown(value: Any) -> str:
    """Return a value as YAML shows it, shortened to fit a line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 60 else text[:57] + "..."


def _meant(value: Any, part: Schema) -> str:
    """Return how to write what was meant by a text, if a number or keys are wanted."""
    if part.get("type") == "object":
        return _as_keys(value[0] if isinstance(value, list) and len(value) == 1 else value, part)
    kinds = str([option.get("type") for option in (part, *part.get("anyOf", ()))])
    try:  # YAML reads 1e-3 as text: an exponent needs a point before it
        number = Decimal(value) if isinstance(value, str) else Decimal("nan")
    except InvalidOperation:
        return ""
    short = number.is_finite() and abs(number.adjusted()) < 15
    fits = short and ("number" in kinds or ("integer" in kinds and number % 1 == 0))
    return f", such as {number:f}" if fits else ""


def _as_keys(value: Any, part: Schema) -> str:
    """Return the key that a lone text belongs to, if there is one: `{name: one_cycle}`."""
    if not isinstance(value, str):
        return ""
    if "patternProperties" in part:  # the user chooses the keys
        key: str | None = "terrain"
    else:
        properties = part.get("properties", {})
        key = next((key for key in properties if value in _resolved(properties[key]).get("enum", ())), None)
    return f", such as {{{key}: {_shown(value)[1:-1]}}}" if key else ""


def _place(path: Path) -> str:
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


def _type_words(part: Schema) -> str:
    """Return the type and the lower bound of a value: `a list of 4 whole numbers, 0 or more, or null`."""
    part = _resolved(part)
    if "anyOf" in part:
        return " or ".join(map(_type_words, part["anyOf"]))
    if "const" in part or "enum" in part:
        return " or ".join(f"`{choice}`" for choice in part.get("enum", [part.get("const")]))
    words = WORDS.get(part.get("type", ""), "another value")
    items = _resolved(part.get("items", {}))
    if items.get("type") in ("integer", "number"):
        count = part.get("minItems", 0)
        words += f" of {count} " if count > 1 else " of "
        words += WORDS[items["type"]].removeprefix("a ") + "s"
        words += f", {items['minimum']} or more" if "minimum" in items else ""
    return f"{words} above {part['exclusiveMinimum']}" if "exclusiveMinimum" in part else words
