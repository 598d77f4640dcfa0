"""Put the workflow, its settings and the pretrained model into the wheel; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DEPLOYED = ("workflow", "config", "profiles", "resources/pretrained", "docs/rulegraph.svg")


class BuildWithWorkflow(build_py):
    """Copy the folders beside the package to `radar_cleaner/deployment`, where `config/shipped.py` finds them."""

    def run(self) -> None:
        """Build the package. An editable installation finds the folders of the checkout."""
        super().run()
        if not self.editable_mode:
            root = Path(__file__).parent
            for name in DEPLOYED:
                target = Path(self.build_lib, "radar_cleaner/deployment", name)
                target.parent.mkdir(parents=True, exist_ok=True)
                if (root / name).is_dir():
                    shutil.rmtree(target, ignore_errors=True)
                    shutil.copytree(root / name, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy2(root / name, target)


setup(cmdclass={"build_py": BuildWithWorkflow})
