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


class Colours(Section):
    method: str = "palette"
    tolerance: float = 20
    hue: float = 0.5

    def unused(self) -> frozenset[str]:
        return frozenset({"hue"} if self.method == "palette" else {"tolerance"})


class Radar(Section):
    range_km: float = 240
    colours: Colours = Colours()


def test_a_key_without_effect_is_not_written() -> None:
    assert Colours(tolerance=3, hue=0.1).to_flag() == '{"tolerance": 3.0}'
    assert Colours(method="hue", tolerance=3, hue=0.1).to_flag() == '{"hue": 0.1, "method": "hue"}'


def test_excluded_keys_are_not_written() -> None:
    assert Cleaning(threshold=0.25, model="a.pt").to_flag(exclude=["model"]) == '{"threshold": 0.25}'


def test_given_keys_replace_the_common_ones_one_by_one() -> None:
    common = Radar(range_km=120, colours=Colours(tolerance=5, hue=0.1))
    own = Radar.model_validate({"colours": {"tolerance": 20}})  # a default that is given counts
    assert own.over(common) == Radar(range_km=120, colours=Colours(tolerance=20, hue=0.1))


def test_a_section_that_the_common_ones_lack_is_taken_whole() -> None:
    class Maybe(Section):
        radar: Radar | None = None

    own = Maybe(radar=Radar(range_km=120))
    assert own.over(Maybe()) == own


def test_a_wrong_flag_of_a_section_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from radar_cleaner.cli import app

    words = ["build-warp-grid", "--target=a", "--radar=b", "--geometries=[]", "--output=o"]
    with pytest.raises(SystemExit):
        app([*words, "--composite", '{"grid": "half"}'])
    written = "".join(capsys.readouterr())
    assert written.split() == [
        "radar-cleaner:", "--composite.grid:", '"half"', "is", "not", "possible;",
        "choose", "one", "of", "first,", "union",
    ]  # fmt: skip
