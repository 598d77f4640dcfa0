"""Validate a config with the section models. Every mistake is one line with the key, the value and the remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from radar_cleaner.config.config import Config
from radar_cleaner.config.consistency import check_values, fill_windows
from radar_cleaner.config.messages import Path, describe_errors, place_of, shown
from radar_cleaner.config.section import Section
from radar_cleaner.config.services import take_services
from radar_cleaner.errors import ConfigError

UNKNOWN = "???"  # in a config written by `radar-cleaner init`: the user writes this value


def read_config(config: Mapping[str, Any]) -> Config:
    """Return the validated config. Raises ConfigError with one line for each mistake.

    Validation is strict: 2.0 is not an integer, and true is not a number.
    """
    content = _drop_empty(take_services(_as_text(config)), Config)
    known = dict(_unfilled(content)) | dict(_infinite(content))
    try:
        checked = Config.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        lines = [*known.values(), *describe_errors(error, Config, known)]
        raise ConfigError("\n".join(lines)) from None
    if known:  # a text where any text is possible
        raise ConfigError("\n".join(known.values()))
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


def _unfilled(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield path and message of the values that `radar-cleaner init` left to the user."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unfilled(item, (*path, key))
    elif value == UNKNOWN:
        yield path, f"{place_of(path)}: is still {UNKNOWN}; write its value, as the comment beside it explains"


def _infinite(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield path and message of numbers that no bound stops: .nan, .inf, and those too large for a float."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))
    elif isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
        yield path, f"{place_of(path)}: {shown(value)} must be a finite number"
