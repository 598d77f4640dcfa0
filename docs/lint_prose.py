"""Check prose against the style sheet of CONTRIBUTING.md: `python -m docs.lint_prose [--by-folder] [PATH ...]`.

It reads Markdown and reST pages, docstrings, comments and messages of Python, Snakemake, YAML and TOML files.
Text in backticks is code and is not checked. The exit status is 1 if anything is found.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("radar_cleaner", "workflow", "config", "docs", "tests", "benchmarks", "envs", "profiles", "resources")
PYTHON = (".py", ".smk")
COMMENTED = (".yaml", ".yml", ".toml")
PAGES = (".md", ".rst")
# Licences are quoted, and a training wrote the card; this file and its test name the forms that they forbid.
EXCLUDED = ("LICEN", "pretrained/card.md", "lint_prose", "requirements.lock", "site/", ".snakemake", "__pycache__")

MAX_WORDS = 40
DATA_VERBS = "tells?|told|says?|said|asks|lies?|lay|lying|stands?|stood|standing|holds?|held|holding|hangs?|hung"
PEOPLE = r"you|we|users?|readers?|people|who|person|author|maintainers?"
FORMS = {
    '"is no X": write "is not", or what it is': (
        r"(?<!there )\b(?:is|are|was|were|be) (?:no|none|nothing)\b(?! longer)"
    ),
    '"so many": name the number or the limit': r"\bso (?:many|much|few|little)\b",
    '"such": name it ("such as" is fine)': r"\bsuch\b(?! as| file)",
    '"of which": begin a new sentence': r"\bof which\b",
    '"and so": begin a new sentence': r"\band so\b(?! (?:on|does|do|is|are)\b)",
    '"is well": write "works well", or say how': r"\b(?:is|are|be) well\b",
    "a person's verb for data": rf"(?<![-\w])(?<!as you )(?:{DATA_VERBS})\b(?![-\s]out\b|-in\b|-alone\b|ard)",
}
WHAT = 'begins with "What": use the imperative or a noun'
NUMPY_HEADING = re.compile(r"^\s*-{3,}\s*$")


@dataclass(frozen=True)
class Passage:
    """Text of one kind that begins at a line of a file."""

    line: int
    text: str
    kind: str  # docstring, comment, message or page


def _python_prose(source: str) -> Iterator[Passage]:
    """Comments and strings of a Python or Snakemake file, by tokens: Snakemake's syntax has no other parser."""
    comment: list[tokenize.TokenInfo] = []
    fresh = True  # at the start of a statement, where a string is a docstring
    text = ""
    parts: list[tokenize.TokenInfo] = []

    def message() -> Iterator[Passage]:
        nonlocal text
        if text:
            yield Passage(parts[0].start[0], text, "message")
        text = ""
        parts.clear()

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] == comment[-1].start[0] + 1 and not token.line[: token.start[1]].strip():
                comment.append(token)
            else:
                if comment:
                    yield _comment(comment)
                comment = [token]
            continue
        if token.type == tokenize.STRING:
            body = _unquoted(token.string)
            if fresh and token.string.lstrip("rRuUbB").startswith(('"""', "'''")):
                yield Passage(token.start[0], body, "docstring")
            else:
                parts.append(token)
                text += body
            fresh = False
            continue
        if token.type == tokenize.NL:
            continue
        yield from message()
        fresh = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    yield from message()
    if comment:
        yield _comment(comment)


def _comment(tokens: list[tokenize.TokenInfo]) -> Passage:
    return Passage(tokens[0].start[0], "\n".join(token.string.lstrip("#:! ") for token in tokens), "comment")


def _unquoted(literal: str) -> str:
    """The text of a string literal; what an f-string puts in is code."""
    prefix = re.match(r"[a-zA-Z]*", literal)[0].lower()  # type: ignore[index]
    body = literal[len(prefix) :]
    quote = body[:3] if body.startswith(('"""', "'''")) else body[:1]
    body = body[len(quote) : -len(quote)]
    if "r" in prefix and quote not in ('"""', "'''"):
        return ""  # a regular expression
    if "f" in prefix:
        body = re.sub(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", "`x`", body)
    return body.replace("\\n", "\n")


def _hash_comments(source: str) -> Iterator[Passage]:
    """Comments of a YAML or TOML file, neighbouring lines together."""
    lines: list[str] = []
    start = 0
    for number, line in enumerate([*source.splitlines(), ""], 1):
        found = re.match(r"\s*#+\s?(.*)", line)
        trailing = None if found else re.search(r"\s#\s(.*)", line)
        if found:
            start = start if lines else number
            lines.append(found[1])
            continue
        if lines:
            yield Passage(start, "\n".join(lines), "comment")
            lines = []
        if trailing:
            yield Passage(number, trailing[1], "comment")


def passages(path: Path) -> Iterator[Passage]:
    """The prose of a file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix in PYTHON or path.name == "Snakefile":
        yield from _python_prose(source)
    elif path.suffix in COMMENTED or path.name == "Makefile":
        yield from _hash_comments(source)
    elif "*Generated by" not in source:  # a generated page is checked where its text is written
        yield Passage(1, source, "page")


def _without_code(text: str) -> str:
    """The same lines with code, addresses and doctests blanked out, so that line numbers stay."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])  # noqa: E731
    text = re.sub(r"(?ms)^\s*```.*?^\s*```", blank, text)
    text = re.sub(r"(?m)^(?: {4}|\t)(?!\s*(?:[-*]|\d+\.)\s).*$", blank, text) if text.count("\n") > 30 else text
    text = re.sub(r"(?m)^\s*(?:>>>|\.\.\.).*$", blank, text)
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.S)
    text = re.sub(r"``?[^`\n]+``?", lambda found: "x" + " " * (len(found[0]) - 1), text)
    return re.sub(r"\]\([^)\s]*\)|https?://\S+|<[^>\n]+>", blank, text)


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Sentences with the line they begin at. A blank line, a list item, a heading or a table row ends one."""
    block: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), ""]):
        bare = line.strip()
        breaks = not bare or bare.startswith(("|", "#", ">")) or NUMPY_HEADING.match(line)
        item = re.match(r"(?:[-*+├└]|\d+\.)", bare) or re.search(r"\S {3,}\S", bare)  # list, tree, columns
        if breaks or item:
            yield from _split(" ".join(block), start)
            block = []
        if not breaks:
            start = start if block else number
            block.append(bare)


def _split(paragraph: str, start: int) -> Iterator[tuple[int, str]]:
    for sentence in re.split(r"(?<=[.!?:;])[\"'*)]*\s+", paragraph):
        yield start, sentence


def _is_no_sentence(text: str) -> bool:
    """Return whether a string has fewer than four words, or is a program."""
    return len(re.findall(r"[A-Za-z]{2,}", text)) < 4 or bool(re.search(r"^(?:import|from) ", text, re.MULTILINE))


def problems(passage: Passage) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of a passage."""
    if passage.kind == "message" and _is_no_sentence(passage.text):
        return
    text = _without_code(passage.text)
    for form, pattern in FORMS.items():
        for found in re.finditer(pattern, text, flags=re.I):
            if found[0].endswith("None"):
                continue
            before = text[max(0, found.start() - 24) : found.start()]
            if "person's" in form and re.search(rf"\b(?:{PEOPLE})\s+(?:\w+\s+)?$", before, flags=re.I):
                continue
            around = " ".join(text[max(0, found.start() - 30) : found.end() + 30].split())
            yield passage.line + text.count("\n", 0, found.start()), f"{form}: ...{around}..."
    first = text.strip()
    if passage.kind in ("docstring", "comment") and re.match(r"What\b(?![^.]*\?)", first):
        yield passage.line, f"{passage.kind} {WHAT}: {first[:60]}"
    if passage.kind != "message":
        for offset, sentence in _sentences(text):
            words = len(re.findall(r"\w[\w'.-]*", sentence))
            if words > MAX_WORDS:
                yield passage.line + offset, f"a sentence of {words} words: {' '.join(sentence.split())[:70]}..."


def files(paths: list[Path]) -> Iterator[Path]:
    """The files with prose below the paths."""
    for path in paths:
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            known = file.suffix in (*PYTHON, *COMMENTED, *PAGES) or file.name in ("Snakefile", "Makefile")
            if known and file.is_file() and not any(part in file.as_posix() for part in EXCLUDED):
                yield file


def main() -> int:
    """Print what is found, by file or by folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("paths", nargs="*", type=Path, help="files and folders (default: the whole project)")
    parser.add_argument("--by-folder", action="store_true", help="print counts only")
    arguments = parser.parse_args()
    everything = (
        [ROOT / name for name in FOLDERS] + sorted(ROOT.glob("*.md")) + [ROOT / "Snakefile", ROOT / "Makefile"]
    )
    counts: Counter[str] = Counter()
    for file in files(arguments.paths or everything):
        checks_messages = "tests" in file.parts  # of other modules and programs
        for passage in passages(file):
            if checks_messages and passage.kind == "message":
                continue
            for line, problem in problems(passage):
                name = file.resolve().relative_to(ROOT) if file.resolve().is_relative_to(ROOT) else file
                counts[str(Path(*name.parts[:2])) if len(name.parts) > 2 else str(name)] += 1
                if not arguments.by_folder:
                    print(f"{name}:{line}: {problem}")
    for folder, count in sorted(counts.items()):
        if arguments.by_folder:
            print(f"{count:5d}  {folder}")
    if counts:
        print(f"{counts.total()} problem(s); CONTRIBUTING.md has the style sheet", file=sys.stderr)
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
