"""Check a config against the schema and fill its defaults; every mistake is one line with place and remedy."""

from __future__ import annotations

import copy
import difflib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from radar_cleaner.errors import ConfigError

Keys = tuple[str | int, ...]  # the way to a place in the config
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the schema is read at each call of snakemake

# To JSON schema 2.0 is an integer; to the flags of the jobs it is not.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def checked(config: dict[str, Any], schema_file: Path) -> dict[str, Any]:
    """The config with all defaults filled in. Raises ConfigError with one line a mistake."""
    schema = yaml.load(schema_file.read_text(encoding="utf-8"), Loader=LOADER)
    config = _as_text(copy.deepcopy(config))
    _drop_empty(config, schema, schema)
    lines = _lines(config, schema)
    if lines:
        raise ConfigError("\n".join(lines))
    _fill(config, schema, schema)
    return config


def _as_text(value: Any) -> Any:
    """YAML reads some times as dates; the schema and the reader of times want text."""
    if isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _drop_empty(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Leave out sections without a key (`evaluation:` and nothing below): all of them is default."""
    if isinstance(value, list):
        for item in value:
            _drop_empty(item, _resolved(schema.get("items", {}), root), root)
    for key, part in schema.get("properties", {}).items() if isinstance(value, dict) else ():
        part = _resolved(part, root)
        if part.get("type") == "object" and key in value and value[key] is None:
            del value[key]
        elif key in value:
            _drop_empty(value[key], part, root)


def _lines(config: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """All mistakes of a config, a line each: of a place the first, of a list the first item of a wrong type."""
    infinite = dict(_infinite(config))
    lines = list(infinite.values())
    told: set[Keys] = {path[:length] for path in infinite for length in range(len(path) + 1)}
    for error in sorted(Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))):
        path = tuple(error.absolute_path)
        if error.validator not in ("additionalProperties", "required"):
            items = path and isinstance(path[-1], int) and error.validator == "type"
            place = (*path[:-1], "items") if items else path
            if {place, path} & told:
                continue
            told.add(place)
        lines += _words(error, schema)
    return lines


def _infinite(value: Any, path: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Places of and complaints about numbers that no bound stops: .nan, .inf, and what no float can hold."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))
    elif isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
        yield path, f"{_place(path)}: {_shown(value)} is no number to reckon with; write a finite one"


def _words(error: ValidationError, schema: dict[str, Any]) -> list[str]:
    place, wanted = _place(error.absolute_path), error.validator_value
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = [key for key in error.instance if key not in known]
        return [f"{_join(place, key)}: no such key; {_nearest(key, known)}" for key in unknown]
    if error.validator == "required":
        missing = [key for key in wanted if key not in error.instance]
        return [f"{_join(place, key)}: is missing; add it (config/README.md explains it)" for key in missing]
    reasons: dict[str, Callable[[], str]] = {
        "enum": lambda: f"is not possible; choose one of {', '.join(map(str, wanted))}",
        "type": lambda: f"is not possible; write {_type_words(error.schema, schema)}{_meant(error, schema)}",
        "minimum": lambda: f"must be at least {wanted}",
        "maximum": lambda: f"must be at most {wanted}",
        "exclusiveMinimum": lambda: f"must be above {wanted}",
        "minItems": lambda: f"is too short; write at least {_count(wanted, 'item')}",
        "maxItems": lambda: f"is too long; write at most {_count(wanted, 'item')}",
        "pattern": lambda: "may hold only letters, digits, '_' and '-', and not begin with '-'",
        "minLength": lambda: (
            "may not be empty" if wanted == 1 else f"is too short; write at least {_count(wanted, 'character')}"
        ),
        "uniqueItems": lambda: "has an item twice; name each once",
        "anyOf": lambda: (
            f"is not possible; write {' or '.join(_type_words(option, schema) for option in wanted)}"
            f"{_meant(error, schema)}"
        ),
    }
    reason = reasons.get(str(error.validator), lambda: f"is not possible; see {place} in config/README.md")
    return [f"{place}: {_shown(error.instance)} {reason()}"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _shown(value: Any) -> str:
    """A value as YAML would show it, shortened to fit a line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 60 else text[:57] + "..."


def _meant(error: ValidationError, root: dict[str, Any]) -> str:
    """How to write what was meant by a text where a number or keys are wanted."""
    value, part = error.instance, error.schema
    if part.get("type") == "object":
        return _as_keys(value[0] if isinstance(value, list) and len(value) == 1 else value, part, root)
    kinds = str([option.get("type") for option in (part, *part.get("anyOf", ()))])
    try:  # YAML takes 1e-3 for a text: it wants a point before an exponent
        number = Decimal(value) if isinstance(value, str) else Decimal("nan")
    except InvalidOperation:
        return ""
    short = number.is_finite() and abs(number.adjusted()) < 15
    fits = short and ("number" in kinds or ("integer" in kinds and number % 1 == 0))
    return f", such as {number:f}" if fits else ""


def _as_keys(value: Any, part: dict[str, Any], root: dict[str, Any]) -> str:
    """The key that a lone text belongs below, where there is one: `{name: one_cycle}`."""
    if not isinstance(value, str):
        return ""
    if isinstance(part.get("additionalProperties"), dict):  # the user chooses the keys
        key: str | None = "terrain"
    else:
        properties = part.get("properties", {})
        key = next((key for key in properties if value in _resolved(properties[key], root).get("enum", ())), None)
    return f", such as {{{key}: {_shown(value)[1:-1]}}}" if key else ""


def _place(path: Any) -> str:
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, part)
    return text or "config"


def _join(place: str, key: str) -> str:
    return key if place in ("", "config") else f"{place}.{key}"


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"


WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "keys below it",
    "string": "a text",
}


def _type_words(part: dict[str, Any], root: dict[str, Any]) -> str:
    """What a part of the schema wants: `null or a list of 4 whole numbers, 0 or more`."""
    part = _resolved(part, root)
    if "enum" in part:
        return " or ".join(f"`{choice}`" for choice in part["enum"])
    types = part.get("type", "another value")
    words = " or ".join(WORDS.get(name, name) for name in ([types] if isinstance(types, str) else types))
    items = _resolved(part.get("items", {}), root)
    if items.get("type") in ("integer", "number"):
        count = part.get("minItems", 0)
        words += f" of {count} " if count > 1 else " of "
        words += WORDS[items["type"]].removeprefix("a ") + "s"
        words += f", {items['minimum']} or more" if "minimum" in items else ""
    return f"{words} above {part['exclusiveMinimum']}" if "exclusiveMinimum" in part else words


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return {**root["$defs"][name], **{key: item for key, item in schema.items() if key != "$ref"}}
    return schema


def _fill(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Put the schema's defaults into `value`; what overrides for one radar gets no defaults of its own."""
    for key, part in schema.get("properties", {}).items():
        part = _resolved(part, root)
        if "default" in part:
            value.setdefault(key, copy.deepcopy(part["default"]))
        elif part.get("type") == "object":
            _fill(value.setdefault(key, {}), part, root)
        elif key == "radars":
            for radar in value[key]:
                radar.setdefault("center_px", None)
