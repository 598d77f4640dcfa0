"""An installation works without the checkout: the wheel, and the container image by its recipe."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import xarray as xr
import yaml
from workflow_cases import REPOSITORY, SAMPLE, SMOKE

pytestmark = pytest.mark.slow
RECIPE = REPOSITORY / "envs/Containerfile"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


def run(folder: Path, *command: str | Path) -> str:
    """Run a command without any variable that would let Python find the checkout."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "OMP_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def make_environment(folder: Path) -> Path:
    """Make an environment that borrows the dependencies of this one, without the package; return its Python."""
    run(folder, sys.executable, "-m", "venv", "--without-pip", "venv")
    python = folder / "venv/bin/python"
    site = run(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    found = run(folder, python, "-c", "import importlib.util as u; print(u.find_spec('radar_cleaner'))")
    assert found.strip() == "None"
    return python


def copy_sources(folder: Path) -> Path:
    """Copy the sources of a wheel, because a build leaves files beside them."""
    for name in ("radar_cleaner", "workflow", "config", "profiles", "resources/pretrained"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "docs/rulegraph.svg"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    return folder


def make_work(folder: Path, palette: Path) -> Path:
    """Make a user's folder: pictures of one radar, and a config that cleans them by the pretrained model."""
    (folder / "frames").mkdir(parents=True)
    for path in sorted((SAMPLE / "frames/CASGO").glob("CASGO_2024071022*.png"))[:4]:
        shutil.copy2(path, folder / "frames")
    config = {
        "radars": [{**SMOKE["radars"][0], "frames": "frames"}],
        "frames": SMOKE["frames"],
        "labels": {"method": "palette", "palette": str(palette)},
        "samples": {"atlas": "channel"},
        "atlas": {"quiet_fraction": 0.5, "min_quiet_frames": 1},
        "cleaning": {"model": "pretrained"},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return folder


def test_the_wheel_cleans_a_folder_of_pictures_with_the_pretrained_model(tmp_path: Path) -> None:
    python = make_environment(tmp_path)
    sources = copy_sources(tmp_path / "sources")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path / "dist", ".")
    run(sources, sys.executable, *PIP, *build)
    shutil.rmtree(sources)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(tmp_path, sys.executable, *PIP, "--python", python, "install", "--no-deps", wheel)

    snakefile = Path(run(tmp_path, python, "-m", "radar_cleaner", "locate-workflow").strip())
    assert snakefile.is_relative_to(tmp_path / "venv") and snakefile.is_file()
    assert (snakefile.parents[1] / "config/services/bom_128km.yaml").is_file()
    work = make_work(tmp_path / "work", snakefile.parents[1] / "config/palettes/eccc.csv")
    command = (
        "-m",
        "snakemake",
        "products",
        "--snakefile",
        snakefile,
        "--cores",
        "2",
        "--configfile",
        "mine.yaml",
    )
    run(work, python, *command)
    product = xr.open_zarr(work / "results/cleaned/CASGO/20240710T22.zarr")
    assert product.sizes["time"] == 4 and (product.quality_flag == 1).any()
    model = json.loads((work / "results/cleaned/CASGO/20240710T22.zarr/provenance.json").read_text())
    assert model


def test_the_container_recipe_copies_what_its_entry_point_needs(tmp_path: Path) -> None:
    """Do the steps of the recipe in a folder and an environment: not every machine has a container engine."""
    python, image = make_environment(tmp_path), tmp_path / "image"
    steps = re.findall(r"^([A-Z]+) (.*)$", RECIPE.read_text(), re.MULTILINE)
    place = image
    for step, rest in steps:
        if step == "WORKDIR":
            place = image / rest.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            *sources, target = rest.split()
            for source in (REPOSITORY / name for name in sources):
                to = place / target / source.name if target.endswith("/") else place / target
                to.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if source.is_dir() else shutil.copy2)(source, to)
        elif step == "RUN" and rest.endswith(" ."):
            install = [word for word in rest.split()[1:] if word != "--no-cache-dir"]
            run(place, sys.executable, *PIP, "--python", python, *install)
    (entry,) = (json.loads(rest) for step, rest in steps if step == "ENTRYPOINT")
    command = [str(image / word.lstrip("/")) if word.startswith("/") else word for word in entry]
    assert command[0] == "snakemake" and any(step == "WORKDIR" and rest == "/work" for step, rest in steps)
    make_work(tmp_path / "mounted", image / "opt/radar_cleaner/config/palettes/eccc.csv")
    store = "results/rgb/CASGO/20240710T22.zarr/zarr.json"
    call = (python, "-m", *command, "--cores", "1", "--configfile", "mine.yaml")
    assert "clean_frames" in run(tmp_path / "mounted", *call, "--dry-run")
    run(tmp_path / "mounted", *call[:-2], store, *call[-2:])
    assert (tmp_path / "mounted" / store).is_file()
