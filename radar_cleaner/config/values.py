"""Types that several sections share: shares, boxes, names, periods."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, Len, MinLen
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

T = TypeVar("T")


def _unique(items: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(items)) < len(items):
        raise PydanticCustomError("not_unique", "has an item twice")
    return items


def _rising(items: tuple[float, ...]) -> tuple[float, ...]:
    if any(before >= after for before, after in pairwise(items)):
        raise PydanticCustomError("not_rising", "must rise")
    return items


Unique = (AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True}))

Share = Annotated[float, Ge(0), Le(1)]
ShareAbove0 = Annotated[float, Gt(0), Le(1)]
# Reflectivity that fits into a store, in dBZ.
StoredDBZ = Annotated[float, Ge(-31.5), Le(95)]
Seed = Annotated[int, Ge(0), Le(2**63 - 1)]
Text = Annotated[str, MinLen(1)]
Rising = AfterValidator(_rising)
# It begins with no '-', which would be a flag.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
Pixels = Annotated[int, Ge(0)]
Box = Annotated[tuple[Pixels, ...], Len(4, 4)]  # x0, y0, x1, y1; x1 and y1 are excluded
Size = Annotated[tuple[Annotated[int, Ge(1)], ...], Len(2, 2)]  # width, height
TRANSPARENT = "transparent"
Colour = Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6}|transparent)$")]
Point = Annotated[tuple[float, ...], Len(2, 2)]  # x, y
# [start, end], or a list of them; the end is excluded. ISO 8601, UTC unless a zone is written.
Period = Annotated[tuple[str | tuple[Any, ...], ...], MinLen(1)]
