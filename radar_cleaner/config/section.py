"""The base of all sections of the configuration."""

from __future__ import annotations

import json
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """Keys of the configuration that belong together: type, bounds, default and help of each, written once.

    A section that a user sees as one may be made of several, by inheritance: one for each set of rules that
    uses its keys. `cut` gives a rule just the keys that it uses, so that no other key makes it run again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def cut(self, part: type[S]) -> S:
        """Return the keys of the base section `part`."""
        values = {name: getattr(self, name) for name in part.model_fields}
        return part.model_construct(_fields_set=set(values), **values)

    def to_flag(self) -> str:
        """Return the keys that differ from their defaults as JSON text, keys sorted: a value on a command line."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True)

    @classmethod
    def from_flag(cls, text: str) -> Self:
        """Read what `to_flag` wrote. Raises pydantic.ValidationError."""
        return cls.model_validate_json(text)
