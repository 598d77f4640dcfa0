"""A section travels as one value, and a rule gets just the keys that it uses."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from radar_cleaner.config.section import Section


class Decision(Section):
    threshold: float = Field(0.5, ge=0, le=1)
    fill: bool = True


class Cleaning(Decision):
    model: str = "trained"


def test_a_section_is_read_back_as_it_was_written() -> None:
    section = Cleaning(threshold=0.25, model="pretrained")
    assert Cleaning.from_flag(section.to_flag()) == section


def test_defaults_are_not_written() -> None:
    assert Cleaning(fill=True, threshold=0.25).to_flag() == '{"threshold": 0.25}'


def test_a_cut_section_does_not_depend_on_other_keys() -> None:
    one, other = Cleaning(model="a.pt"), Cleaning(model="b.pt")
    assert one.cut(Decision) == other.cut(Decision) == Decision()


def test_unknown_keys_and_values_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValidationError):
        Cleaning.from_flag('{"treshold": 0.5}')
    with pytest.raises(ValidationError):
        Cleaning.from_flag('{"threshold": 2}')
