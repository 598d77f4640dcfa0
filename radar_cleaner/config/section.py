"""The base of all sections of the configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """Keys of the configuration that belong together: type, bounds, default and help of each, written once.

    A section that a user sees as one may be made of several, by inheritance: one for each set of rules that
    uses its keys. `cut` gives a rule just the keys that it uses, so that no other key makes it run again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)

    def cut(self, part: type[S]) -> S:
        """Return the keys of the base section `part`."""
        return part.model_validate({name: getattr(self, name) for name in part.model_fields})

    def unused(self) -> frozenset[str]:
        """Return the keys that have no effect because of the values of other keys. Subclasses override this."""
        return frozenset()

    def to_flag(self, exclude: Iterable[str] = ()) -> str:
        """Return the keys that differ from their defaults as JSON text, keys sorted: a value on a command line.

        Keys of `exclude`, and keys that have no effect (`unused`), are left out.
        """
        left_out = {*exclude, *self.unused()}
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True, exclude=left_out), sort_keys=True)

    @classmethod
    def from_flag(cls, text: str) -> Self:
        """Read what `to_flag` wrote. Raises pydantic.ValidationError."""
        return cls.model_validate_json(text)

    def over(self, common: S) -> S:
        """Return `common` with the keys that were given to this section in their place, nested ones one by one."""
        values = {}
        for name in self.model_fields_set & type(common).model_fields.keys():
            value, other = getattr(self, name), getattr(common, name)
            both = isinstance(value, Section) and isinstance(other, Section)
            values[name] = value.over(other) if both else value
        return common.model_copy(update=values)
