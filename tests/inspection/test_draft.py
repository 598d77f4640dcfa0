"""A drafted config is YAML with the keys that were given, comments aside."""

import yaml

from radar_cleaner.inspection.draft import Key, render, split_common, unknown

KEYS = [
    Key("results", "results"),
    Key("radars", [(Key("id", "A", "one"), unknown("latitude", "of A\nin degrees")), (Key("id", "B"),)], "two"),
    Key("frames", (Key("pattern", r"(\d{12})(?=\D*$)", "long " * 60), Key("off", [1, 2], "no", active=False))),
    Key("loop", (unknown("step", "minutes"), Key("last", "name"))),
]


def test_the_text_has_the_keys_and_their_comments():
    text = render("head\nline", KEYS)
    assert yaml.safe_load(text) == {
        "results": "results",
        "radars": [{"id": "A", "latitude": "???"}, {"id": "B"}],
        "frames": {"pattern": r"(\d{12})(?=\D*$)"},
        "loop": {"step": "???", "last": "name"},
    }
    assert text.startswith("# head\n# line\n")
    assert "# off: [1, 2]  # no" in text
    assert max(map(len, text.splitlines())) <= 115


def test_values_to_fill_in_are_counted():
    assert [key.unknown for key in KEYS] == [0, 1, 0, 1]


def test_keys_of_all_radars_are_common_whatever_their_comments_are():
    first = [Key("a", 1, "x"), Key("b", 2), unknown("c", "of A")]
    second = [Key("a", 1, "y"), Key("b", 3), unknown("c", "of B")]
    common, own = split_common([first, second])
    assert [key.name for key in common] == ["a"]
    assert [[key.name for key in keys] for keys in own] == [["b", "c"], ["b", "c"]]
    assert split_common([first]) == (first, [[]])
