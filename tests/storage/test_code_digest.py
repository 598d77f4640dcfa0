"""The digest of a stage's code: what it does counts, how it is written does not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from radar_cleaner.cli import STAGES
from radar_cleaner.storage.code_digest import FOLDER, CodeReader, import_closure, syntax_digest

MODULES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
CODE = '''
"""A module."""
from pydantic import Field

class A:
    """A class."""

    size: int = Field(3, ge=1, description="Size, pixels.")

def double(x):
    """Double it."""
    return 2 * x  # twice
'''


def reword(source: str) -> str:
    """The source with another text in every docstring, comments, and blank lines."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            first, last = node.lineno - 1, node.end_lineno
            indent = re.match(" *", lines[first])[0]
            lines[first:last] = [f'{indent}"""Reworded."""', *[""] * (last - first - 1)]
    return "\n\n# reworded\n" + "\n".join(lines) + "\n# reworded\n"


@pytest.mark.parametrize(
    "change", [("return 2", "return 3"), ("x", "y"), ("ge=1", "ge=0"), ("size: int", "size: float")]
)
def test_a_change_of_behaviour_changes_the_digest_of_code(change: tuple[str, str]) -> None:
    assert syntax_digest(CODE.replace(*change).encode()) != syntax_digest(CODE.encode())


def test_prose_and_layout_leave_the_digest_as_it_is() -> None:
    worded = reword(CODE).replace("Size, pixels.", "Its side.").replace("2 * x", "(2*\n  x)")
    assert syntax_digest(worded.encode()) == syntax_digest(CODE.encode())


def test_rewording_any_module_of_the_package_leaves_its_digest_as_it_is() -> None:
    for module in MODULES:
        source = (FOLDER / module).read_text()
        reworded = reword(source)
        assert reworded != source
        assert syntax_digest(reworded.encode()) == syntax_digest(source.encode()), module


def make_package(root: Path, **modules: str) -> Path:
    for name, text in modules.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in {path.parent for path in root.rglob("*.py")}:
        (folder / "__init__.py").touch()
    return root


def closure(root: Path, stage: str = "a") -> set[str]:
    return {path.relative_to(root).as_posix() for path in import_closure(stage, root)} - {"stages/__init__.py"}


def test_the_closure_follows_imports_in_functions_and_packages_that_run(tmp_path: Path) -> None:
    root = make_package(
        tmp_path,
        stages__a="def a():\n    from radar_cleaner.data.one import f",
        data__one="import radar_cleaner.other.two",
        data__unused="",
        other__two="import numpy",
    )
    packages = {"data/__init__.py", "other/__init__.py"}
    assert closure(root) == {"stages/a.py", "data/one.py", "other/two.py"} | packages
    (root / "data/__init__.py").write_text("import radar_cleaner.data.unused")
    assert closure(root) == {"stages/a.py", "data/one.py", "data/unused.py", "other/two.py"} | packages


def test_a_registry_that_imports_computed_names_has_all_modules_beside_it(tmp_path: Path) -> None:
    root = make_package(
        tmp_path,
        stages__a="import radar_cleaner.nets",
        nets__one="",
        nets__two="import radar_cleaner.blocks",
        blocks="",
    )
    assert closure(root) == {"stages/a.py", "nets/__init__.py"}
    (root / "nets/__init__.py").write_text("import pkgutil\nfor m in pkgutil.iter_modules(__path__): load(m)")
    assert closure(root) == {"stages/a.py", "nets/__init__.py", "nets/one.py", "nets/two.py", "blocks.py"}


def test_a_stage_of_the_package_counts_itself_and_leaves_the_command_line_out() -> None:
    for stage in STAGES:
        files = import_closure(stage)
        assert FOLDER / f"stages/{stage}.py" in files and FOLDER / "cli.py" not in files
    assert FOLDER / "models/tiny_unet.py" in import_closure("train_model")


def test_the_digest_names_the_stage_and_follows_its_modules(tmp_path: Path) -> None:
    root = make_package(tmp_path, stages__a="import radar_cleaner.b", stages__c="", b="x = 1")
    before = {stage: CodeReader(root).digest(stage) for stage in ("a", "c")}
    (root / "b.py").write_text("x = 2")
    after = {stage: CodeReader(root).digest(stage) for stage in ("a", "c")}
    assert before["a"] != after["a"] and before["c"] == after["c"]
    assert before["a"].split()[0] == "a"


def test_what_is_kept_between_processes_never_hides_an_edit(tmp_path: Path) -> None:
    root, kept = make_package(tmp_path / "package", stages__a="x = 1"), tmp_path / "kept" / "code.json"
    first = CodeReader(root, kept).digest("a")
    assert kept.is_file() and CodeReader(root, kept).digest("a") == first == CodeReader(root).digest("a")
    (root / "stages/a.py").write_text("x = 2")
    assert CodeReader(root, kept).digest("a") == CodeReader(root).digest("a") != first
    for broken in (b"", b"[]", b'{"reader": "another", "modules": {}}'):
        kept.write_bytes(broken)
        assert CodeReader(root, kept).digest("a") == CodeReader(root).digest("a")
    assert CodeReader(root, root / "stages/a.py/no_folder").digest("a") == CodeReader(root).digest("a")
