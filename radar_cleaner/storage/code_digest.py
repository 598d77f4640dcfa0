"""Digest the code that a stage runs, so that a change of behaviour reruns it and a comment does not.

The digest covers the syntax of every module of the package that the stage imports, directly or not. It leaves
out comments, docstrings, layout and the `description` of a `Field`. It does not depend on the Python version.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "radar_cleaner"
FOLDER = Path(__file__).parents[1]
# Functions that import modules by names that are computed.
_DYNAMIC = {"import_module", "__import__", "iter_modules", "walk_packages"}


@dataclass(frozen=True)
class _Module:
    """The digest of a module's syntax, the names it imports, and whether it imports computed names."""

    digest: str
    imports: tuple[str, ...]
    dynamic: bool


class CodeReader:
    """Read the modules of a package, each once.

    `kept` is a JSON file that keeps what was found between processes, by the content of the modules: to parse the
    whole package takes half a second.
    """

    def __init__(self, folder: Path = FOLDER, kept: Path | None = None) -> None:
        self.folder = folder
        self.kept = kept
        self._known = _read_kept(kept) if kept is not None else {}
        self._places: dict[str, Path | None] = {}
        self._read: dict[Path, _Module] = {}

    def closure(self, stage: str) -> dict[str, Path]:
        """Find the modules that a stage imports, directly or not, itself included: file by name.

        A package's `__init__` runs with each of its modules. A module that imports computed names, as a registry
        of plug-ins does, is taken to import all modules beside it. The package's own `__init__` is left out,
        because a new version would rerun everything. Files that are not Python are inputs of their rule.
        """
        pending = [f"{PACKAGE}.stages.{stage}"]
        found: dict[str, Path] = {}
        while pending:
            name = pending.pop()
            path = self._find(name)
            if path is None or name in found or name == PACKAGE:
                continue
            found[name] = path
            module = self._examine(path)
            pending += [*module.imports, name.rpartition(".")[0]]
            if module.dynamic:
                pending += [self._name(beside) for beside in path.parent.glob("*.py")]
        return found

    def digest(self, stage: str) -> str:
        """Digest the syntax of all modules that a stage runs; the text begins with the stage's name."""
        before = len(self._known)
        total = hashlib.sha256()
        for name, path in sorted(self.closure(stage).items()):
            total.update(f"{name} {self._examine(path).digest}\n".encode())
        if self.kept is not None and len(self._known) > before:
            _write_kept(self.kept, self._known)
        return f"{stage} sha256:{total.hexdigest()}"

    def _find(self, name: str) -> Path | None:
        if name not in self._places:
            place = self.folder.joinpath(*name.split(".")[1:])
            candidates = (place.with_suffix(".py"), place / "__init__.py")
            self._places[name] = next(filter(Path.is_file, candidates), None)
        return self._places[name]

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join((PACKAGE, *parts)).removesuffix(".__init__")

    def _examine(self, path: Path) -> _Module:
        if path not in self._read:
            source = path.read_bytes()
            key = hashlib.sha256(source).hexdigest()
            if key not in self._known:
                self._known[key] = _parse(source)
            self._read[path] = self._known[key]
        return self._read[path]


def import_closure(stage: str, folder: Path = FOLDER) -> list[Path]:
    """List the files of the package that a stage imports, directly or not, itself included, sorted."""
    return sorted(CodeReader(folder).closure(stage).values())


def syntax_digest(source: bytes) -> str:
    """Digest the syntax of Python source without comments, docstrings and the descriptions of fields."""
    return _parse(source).digest


@cache  # a training digests its code twice
def _parse(source: bytes) -> _Module:
    tree = ast.parse(source)
    names: set[str] = set()
    dynamic = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(_imported(node))
        elif isinstance(node, ast.Call):
            dynamic |= _called(node) in _DYNAMIC
            if _called(node) in ("Field", "register_labeler"):
                node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
    return _Module(hashlib.sha256(_serialize(tree).encode()).hexdigest(), tuple(sorted(names)), dynamic)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """List the modules of the package that a statement may import: in `from a import b`, b may be one."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        assert node.module and not node.level, "the package's modules import each other by their whole names"
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    yield from (name for name in names if name.split(".")[0] == PACKAGE)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _serialize(node: object) -> str:
    """Write a tree as text. `ast.dump` differs between versions of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields if name != "ctx")
        parts = [f"{name}={_serialize(value)}" for name, value in fields if value is not None and value != []]
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{','.join(_serialize(item) for item in node if not _is_text(item))}]"
    return f"{type(node).__name__}:{node!r}"


def _is_text(node: object) -> bool:
    """Find statements that are only a text: docstrings."""
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def _read_kept(path: Path) -> dict[str, _Module]:
    """Read what is known of modules, by the digest of their content; nothing that another version wrote."""
    try:
        found = json.loads(path.read_bytes())
        if found["reader"] != _own_digest():
            return {}
        modules = found["modules"].items()
        return {key: _Module(digest, tuple(imports), dynamic) for key, (digest, imports, dynamic) in modules}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_kept(path: Path, known: dict[str, _Module]) -> None:
    """Replace the file. A folder that cannot be written costs time only."""
    modules = {key: [module.digest, module.imports, module.dynamic] for key, module in known.items()}
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"reader": _own_digest(), "modules": modules}), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        return


def _own_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
