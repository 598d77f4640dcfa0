"""The section models have the keys, defaults and bounds of the schema file."""

from __future__ import annotations

from typing import Any

import yaml
from workflow_cases import REPOSITORY

from radar_cleaner.config.config import Config

SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems", "minLength", "uniqueItems", "enum")


def resolved(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        target: Any = root
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def facts(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Type and bounds of a value, however they are written."""
    part = resolved(part, root)
    if "const" in part:
        return {"types": {"enum"}, "enum": [part["const"]]}
    if "anyOf" in part or isinstance(part.get("type"), list):
        options = part.get("anyOf") or [
            {"type": kind, **({k: v for k, v in part.items() if k != "type"} if kind != "null" else {})}
            for kind in part["type"]
        ]
        found: dict[str, Any] = {"types": set()}
        for option in options:
            one = facts(option, root)
            found["types"] |= one.pop("types")
            found |= one
    else:
        found = {"types": {"enum" if "enum" in part else part.get("type")}}
        if part.get("type") == "object":
            values = part.get("patternProperties", {"": part.get("additionalProperties")}).values()
            found["values"] = facts(next(iter(values)), root)
        if part.get("type") == "array" and "items" in part:
            found["items"] = facts(part["items"], root)
            if found["items"]["types"] == {None}:
                del found["items"]
        found |= {bound: part[bound] for bound in BOUNDS if bound in part}
    if "string" not in found["types"]:
        found.pop("minLength", None)
    return found


def leaves(part: dict[str, Any], root: dict[str, Any], place: str = "") -> dict[str, dict[str, Any]]:
    part = resolved(part, root)
    if "properties" in part:
        found = {}
        for key, item in part["properties"].items():
            found |= leaves(item, root, f"{place}.{key}" if place else key)
        return found
    if "properties" in resolved(part.get("items", {}), root):
        return leaves(part["items"], root, f"{place}.*")
    found = facts(part, root)
    if not place.startswith("radars.*."):
        found["default"] = part.get("default")
    elif "center" not in place:  # there a null in the place of an override is new
        found["types"].discard("null")
    return {place: found}


def test_the_models_have_the_keys_bounds_and_defaults_of_the_schema() -> None:
    models = Config.model_json_schema()
    ours, theirs = leaves(models, models), leaves(SCHEMA, SCHEMA)
    assert ours.keys() == theirs.keys()
    for key in ours:
        if key != "radars.*.id":
            assert ours[key] == theirs[key], key


def test_every_key_has_help() -> None:
    models = Config.model_json_schema()

    def check(part: dict[str, Any], place: str) -> None:
        part = resolved(part, models)
        if "properties" in part:
            for key, item in part["properties"].items():
                assert resolved(item, models).get("description"), f"{place}.{key}"
                check(item, f"{place}.{key}")

    check(models, "")
