"""The ranges of injected artefacts: valid files, and the numbers drawn from them."""

import copy
import math
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from workflow_cases import REPOSITORY

from radar_cleaner.config.artefacts import (
    ARTEFACT_KINDS,
    KINDS,
    Number,
    parse_artefact_ranges,
    read_artefact_ranges,
)
from radar_cleaner.errors import ConfigError

FILES = {name: REPOSITORY / name for name in ("config/plants.yaml", "benchmarks/plants.yaml")}
CONTENT = yaml.safe_load(FILES["config/plants.yaml"].read_text())


def parsed(content):
    return parse_artefact_ranges(yaml.safe_dump(content), "my.yaml")


def changed(section, key=None, value=None):
    content = copy.deepcopy(CONTENT)
    if key is None:
        content[section] = value
    else:
        content[section][key] = value
    return content


@pytest.mark.parametrize("name", FILES)
def test_our_files_have_every_kind(name):
    ranges = read_artefact_ranges(FILES[name], ARTEFACT_KINDS)
    assert tuple(ranges.kinds) == ARTEFACT_KINDS
    assert all(
        found.weight > 0 and len(found.spans) == len(KINDS[kind].numbers) for kind, found in ranges.kinds.items()
    )


def test_a_kind_has_the_weight_of_a_sure_label_unless_the_file_has_another():
    lighter = parsed(changed("rings", "loss", 0.2)).kinds
    assert lighter["rings"].loss == 0.2 and lighter["spokes"].loss == 1


def test_the_benchmark_has_ranges_of_its_own():
    mine, other = (read_artefact_ranges(path, ARTEFACT_KINDS).kinds for path in FILES.values())
    assert all(mine[kind].spans != other[kind].spans for kind in ARTEFACT_KINDS if KINDS[kind].numbers)


def test_the_documentation_explains_every_kind():
    page = (REPOSITORY / "docs/explanation/training.md").read_text()
    table = page.split("| kind | what it is |")[1].split("\n\n")[0]
    explained = re.findall(r"^\| ([a-z_, ]+) \|", table, re.MULTILINE)
    assert sorted(", ".join(explained).split(", ")) == sorted(ARTEFACT_KINDS)


def test_every_kind_has_its_count_first_or_none():
    for kind in ARTEFACT_KINDS:
        assert "count" not in list(KINDS[kind].numbers)[1:], kind


@given(
    uniform=st.floats(0, 1, exclude_max=True),
    span=st.tuples(st.floats(0.5, 100), st.floats(0.5, 100)).map(sorted),
    octaves=st.booleans(),
    whole=st.booleans(),
)
def test_a_drawn_number_is_within_its_span(uniform, span, octaves, whole):
    low, high = (math.ceil(bound) for bound in span) if whole else span
    value = Number(0, 1000, octaves, whole).draw(uniform, (low, high))
    assert low - 1e-9 <= value <= high + 1e-9
    assert not whole or value == int(value)


def test_of_sizes_each_octave_is_as_likely_and_of_others_each_value():
    shares = [(number + 0.5) / 1000 for number in range(1000)]
    octaves = [Number(0.1, 100, octaves=True).draw(share, (1, 16)) for share in shares]
    evenly = [Number(0.1, 100).draw(share, (1, 16)) for share in shares]
    assert sorted(octaves)[500] == pytest.approx(4, rel=0.01)
    assert sorted(evenly)[500] == pytest.approx(8.5, rel=0.01)
    dice = [Number(1, 6, whole=True).draw(share, (1, 6)) for share in shares]
    assert all(abs(dice.count(face) - 1000 / 6) < 2 for face in range(1, 7))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1, 2], "my.yaml: has no sections"),
        (changed("spoke", value={}), "my.yaml: there is no key 'spoke'; did you mean 'spokes'?"),
        (changed("together", value=None), "my.yaml: together: is missing"),
        (changed("together", value=[0, 3]), r"my.yaml: together: \[0, 3\] is not possible; allowed is 1 to 13"),
        (changed("together", value=[1, 2.5]), "together: .* write two whole numbers"),
        (changed("rings", value=5), "my.yaml: rings: write keys below it: weight, count, dbz"),
        (
            changed("rings", "wide_px", [1, 2]),
            "my.yaml: rings: there is no key 'wide_px'; did you mean 'width_px'?",
        ),
        (changed("rings", "dbz", None), "my.yaml: rings.dbz: is missing"),
        (changed("rings", "dbz", 20), r"my.yaml: rings.dbz: 20 is not possible; write two numbers, \[low, high\]"),
        (changed("rings", "dbz", [1, 2, 3]), "rings.dbz: .* write two numbers"),
        (changed("rings", "dbz", [True, 3]), "rings.dbz: .* write two numbers"),
        (changed("rings", "dbz", [math.nan, 3]), "rings.dbz: .* write two numbers"),
        (changed("rings", "dbz", ["5", 20]), "rings.dbz: .* write two numbers"),
        (changed("rings", "dbz", [30, 20]), r"rings.dbz: \[30, 20\] does not rise"),
        (changed("rings", "dbz", [20, 120]), r"rings.dbz: \[20, 120\] is not possible; allowed is -31.5 to 95"),
        (changed("rings", "count", [0, 3]), "rings.count: .* allowed is 1 to"),
        (changed("rings", "filled", [0, 1.5]), "rings.filled: .* allowed is 0 to 1"),
        (changed("specks", "size_px", [1, 64]), "specks.size_px: .* allowed is 0.1 to 32"),
        (changed("rings", "weight", -1), "my.yaml: rings.weight: -1 is not possible; write a number from 0 on"),
        (changed("rings", "weight", None), "my.yaml: rings.weight: None is not possible"),
        (changed("rings", "loss", -0.1), "my.yaml: rings.loss: -0.1 is not possible; write a number from 0 on"),
        (changed("missing", "count", [1, 2]), "my.yaml: missing: there is no key 'count'; known here: weight"),
    ],
)
def test_mistakes_are_named_with_their_place(content, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parsed(content)


def test_what_is_not_yaml_is_refused_in_a_line():
    with pytest.raises(ConfigError, match=r"^my\.yaml: is not YAML") as caught:
        parse_artefact_ranges("a: [1, 2", "my.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no file .*mine\.yaml; copy config/plants\.yaml"):
        read_artefact_ranges(tmp_path / "mine.yaml", ["spokes"])
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"mine.yaml: cannot be read as text"):
        read_artefact_ranges(tmp_path / "mine.yaml", ["spokes"])


def test_only_chosen_kinds_are_kept_whose_sections_must_be_there():
    content = copy.deepcopy(CONTENT)
    del content["rings"]
    ranges = parsed(content)
    assert list(ranges.chosen(["missing", "spokes"], "my.yaml").kinds) == ["spokes", "missing"]
    with pytest.raises(ConfigError, match=r"my\.yaml: has no rings; add the section, or leave the kind out"):
        ranges.chosen(ARTEFACT_KINDS, "my.yaml")


def test_some_kind_must_have_a_weight():
    content = changed("rings", "weight", 0)
    assert parsed(content).chosen(["rings", "spokes"], "my.yaml")
    with pytest.raises(ConfigError, match=r"my\.yaml: the weights of rings are all 0"):
        parsed(content).chosen(["rings"], "my.yaml")
