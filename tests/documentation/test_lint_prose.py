"""The prose lint finds the forms of the style sheet, in text and not in code."""

from pathlib import Path

import pytest

from docs.check_links import broken
from docs.lint_prose import MAX_WORDS, passages, problems


def found(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [problem for passage in passages(path) for _, problem in problems(passage)]


@pytest.mark.parametrize(
    "sentence",
    [
        "A lake is no radar.",
        "There are so many of them.",
        "Such pixels are removed.",
        "Two stores, of which one is empty.",
        "It is small, and so it fits.",
        "A frame a minute is well.",
        "The store holds frames.",
        "The table says more.",
    ],
)
def test_a_forbidden_form_is_found_in_a_page_a_docstring_and_a_comment(tmp_path: Path, sentence: str) -> None:
    assert len(found(tmp_path / "page.md", f"# Title\n\n{sentence}\n")) == 1
    assert len(found(tmp_path / "module.py", f'"""Title.\n\n{sentence}\n"""\n')) == 1
    assert len(found(tmp_path / "comment.py", f"x = 1  # {sentence}\n")) == 1
    assert len(found(tmp_path / "keys.yaml", f"# {sentence}\nkey: 1\n")) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no frame.",
        "You say no.",
        "Formats such as PNG.",
        "`holds` is a name.",
        "A stand-in.",
        "It is no longer so.",
    ],
)
def test_plain_english_and_code_pass(tmp_path: Path, sentence: str) -> None:
    assert not found(tmp_path / "page.md", sentence + "\n")


def test_a_docstring_that_begins_with_what_is_found_and_a_question_is_not(tmp_path: Path) -> None:
    assert found(tmp_path / "module.py", 'def f():\n    """What a level makes."""\n')
    assert not found(tmp_path / "module.py", "x = 1  # What is this?\n")


def test_a_message_is_checked_and_what_an_f_string_puts_in_is_not(tmp_path: Path) -> None:
    assert found(tmp_path / "module.py", 'raise ValueError(f"{holds}: the file is no picture at all")\n')
    assert not found(tmp_path / "module.py", 'raise ValueError(f"{holds}: the file has no picture at all")\n')


def test_a_long_sentence_is_found_but_not_a_long_list(tmp_path: Path) -> None:
    assert found(tmp_path / "page.md", " ".join(["word"] * (MAX_WORDS + 1)) + ".\n")
    assert not found(tmp_path / "page.md", "".join("- a few words\n" for _ in range(MAX_WORDS)))


def test_broken_links_and_anchors_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.check_links.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A title\n\n[a](page.md#a-title) [b](page.md#other) [c](none.md) [d](https://example.org)\n")
    assert [problem.split(": ")[1] for problem in broken(page)] == ["page.md#other", "none.md"]
