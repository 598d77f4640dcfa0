"""Check the links that `mkdocs build --strict` does not see: `python -m docs.check_links`, after `make docs`.

Relative links of pages outside `docs/` must lead to files, and their anchors to headings. The built site must load
nothing from the network.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=\"?(https?:|//)|<link[^>]*rel=\"?stylesheet[^>]*href=\"?https?:"
)


def pages() -> list[Path]:
    """Return the Markdown files of the repository that are not part of the site."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and not name.startswith("docs/") and "LICEN" not in name]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    """Return the broken links of a page."""
    text = re.sub(r"(?ms)^```.*?^```|`[^`\n]+`", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            yield f"{page.relative_to(ROOT)}: {target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{page.relative_to(ROOT)}: {target}: no such heading"


def main() -> int:
    """Print what is broken."""
    found = [problem for page in pages() if page.exists() for problem in broken(page)]
    for built in sorted((ROOT / "site").rglob("*.html")):
        if LOADED.search(built.read_text(encoding="utf-8")):
            found.append(f"{built.relative_to(ROOT)}: loads something from the network")
    print("\n".join(found) or "all links lead somewhere", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
