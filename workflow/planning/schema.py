"""Check a config against the schema and fill its defaults; every mistake is one line with place and remedy."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from radar_cleaner.errors import ConfigError


def checked(config: dict[str, Any], schema_file: Path) -> dict[str, Any]:
    """The config with all defaults filled in. Raises ConfigError with one line a mistake."""
    schema = yaml.safe_load(schema_file.read_text(encoding="utf-8"))
    config = _as_text(copy.deepcopy(config))
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        lines = [line for error in errors for line in _lines(error, schema)]
        raise ConfigError("\n".join(dict.fromkeys(lines)))
    _fill(config, schema, schema)
    return config


def _as_text(value: Any) -> Any:
    """YAML reads some times as dates; the schema and the reader of times want text."""
    if isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _lines(error: ValidationError, schema: dict[str, Any]) -> list[str]:
    place = _place(error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = [key for key in error.instance if key not in known]
        return [f"{_join(place, key)}: no such key; {_nearest(key, known)}" for key in unknown]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{_join(place, key)}: is missing; add it (config/README.md explains it)" for key in missing]
    value = repr(error.instance)
    value = value if len(value) < 60 else value[:57] + "..."
    wants: dict[str, Callable[[], str]] = {
        "enum": lambda: f"choose one of {', '.join(map(str, error.validator_value))}",
        "type": lambda: f"wants {_type_words(error.validator_value)}",
        "minimum": lambda: f"must be at least {error.validator_value}",
        "maximum": lambda: f"must be at most {error.validator_value}",
        "exclusiveMinimum": lambda: f"must be above {error.validator_value}",
        "minItems": lambda: f"wants at least {error.validator_value} items",
        "maxItems": lambda: f"wants at most {error.validator_value} items",
        "pattern": lambda: "may hold only letters, digits, '_' and '-'",
        "minLength": lambda: "may not be empty",
        "uniqueItems": lambda: "has an item twice; name each once",
        "anyOf": lambda: f"wants {_any_words(error.validator_value, schema)}",
    }
    return [f"{place}: {value} {wants[str(error.validator)]()}"]


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


def _type_words(types: str | list[str]) -> str:
    return " or ".join([types] if isinstance(types, str) else types)


def _any_words(options: list[dict[str, Any]], schema: dict[str, Any]) -> str:
    words = []
    for option in options:
        option = _resolved(option, schema)
        count = option.get("minItems")
        words.append(f"a list of {count} numbers" if count else str(option["type"]))
    return " or ".join(words)


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
