"""The how-to page on labelers adds one with a module and a test, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from workflow_cases import REPOSITORY

PAGE = REPOSITORY / "docs/how-to/add_a_labeler.md"
CHECK = """
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.targets.labelers.registry import find_labeler
names = list(LabelModel().weights)
assert names[names.index("texture") - 1 : names.index("texture") + 2] == ["area", "texture", "atlas"]
assert LabelModel(texture=0.5).weights["texture"] == 0.5
assert find_labeler("texture").__name__ == "Texture"
"""


def test_a_module_and_its_test_add_a_labeler(tmp_path: Path) -> None:
    files = re.findall(r"^`([\w/.]+\.py)`:\n\n```python\n(.*?)```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == [
        "radar_cleaner/targets/labelers/texture.py",
        "tests/targets/labelers/test_texture.py",
    ]
    shutil.copytree(REPOSITORY / "radar_cleaner", tmp_path / "radar_cleaner")
    for name, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (["-c", CHECK], ["-m", "pytest", "-q", "-p", "no:cacheprovider", files[1][0]]):
        found = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
