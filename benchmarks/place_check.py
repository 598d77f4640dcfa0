"""How well the coast finds the place of a picture: the sample, imitated pictures, textures.

    .venv/bin/python -m benchmarks.place_check [--pictures 100] [--seed 1] [--folder DIR]

The pictures of the sample are moved by 3 px in eight directions. Imitated pictures (`benchmarks.coast_pictures`)
are at random places of the world, moved by up to 12 px, a third of them not at all; some are too large or small.
Textures show no coast. Wrong answers are written into the folder as pictures.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from benchmarks.coast_pictures import GROUNDS, TEXTURES, draw_ground, draw_texture, find_place
from radar_cleaner.config.load import read_config
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.place_check import PlaceCheck, check_place, describe_place
from radar_cleaner.planning.plan import Plan

CONFIG = Path("config/config.yaml")
EVERY = 12  # of the frames of the sample
SHIFTS = [(3, 0), (3, -3), (0, -3), (-3, -3), (-3, 0), (-3, 3), (0, 3), (3, 3)]
LARGEST_PX = 12.0
SIZES = (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    _check_sample()
    wrong: dict[str, NDArray[np.uint8]] = {}
    _check_grounds(options.pictures, options.seed, wrong)
    _check_sizes(options.pictures // 4, options.seed, wrong)
    _check_textures(options.pictures, options.seed, wrong)
    for name, picture in wrong.items() if options.folder else ():
        options.folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(options.folder / f"{name}.png")


def sample_radars() -> dict[str, tuple[Grid, NDArray[np.uint8]]]:
    """Return the grid of each radar of the sample and the median of some frames: the map without echo."""
    plan = Plan(read_config(yaml.safe_load(CONFIG.read_text())))
    found = {}
    for name, radar in plan.radars.items():
        x0, y0, x1, y1 = radar.box(plan.sizes[name])
        files = sorted(Path(radar.source).glob("*.png"))[::EVERY]
        frames = np.stack([np.array(Image.open(file).convert("RGB"))[y0:y1, x0:x1] for file in files])
        found[name] = radar.geometry(plan.sizes[name]).grid, np.median(frames, axis=0).astype(np.uint8)
    return found


def _check_sample() -> None:
    print("radar, planted east, south; found east, south (px); difference to the found place of the sample")
    for radar, (grid, ground) in sample_radars().items():
        own = check_place(grid, ground)
        print(f"{radar}, 0, 0; {own.east_px:+.1f}, {own.south_px:+.1f}; {describe_place(own)}")
        for east, south in SHIFTS:
            check = check_place(grid, np.roll(ground, (south, east), axis=(0, 1)))
            print(
                f"{radar}, {east:+d}, {south:+d}; {check.east_px:+.1f}, {check.south_px:+.1f};"
                f" {check.east_px - own.east_px:+.1f}, {check.south_px - own.south_px:+.1f}"
            )


def _check_grounds(count: int, seed: int, wrong: dict[str, NDArray[np.uint8]]) -> None:
    errors, missed, alarms, unmoved = defaultdict(list), defaultdict(int), 0, 0
    for index in range(count):
        rng = np.random.default_rng((seed, 1, index))
        kind = GROUNDS[index % len(GROUNDS)]
        grid = find_place(rng)
        offset = np.zeros(2) if rng.random() < 1 / 3 else rng.uniform(-LARGEST_PX, LARGEST_PX, 2)
        picture = draw_ground(rng, grid, kind, (offset[0], offset[1]))
        check = check_place(grid, picture)
        unmoved += not offset.any()
        alarms += not offset.any() and check.warns
        error = float(np.hypot(*(_found(check) - offset))) if check.found else None
        if error is None:
            missed[kind] += 1
        else:
            errors[kind].append(error)
        if error is None or error > 1:
            wrong[f"ground_{index}_{kind.replace(' ', '_')}"] = picture
    print(f"\nimitated pictures ({count}): found; error (px): median, largest; more than 1 px")
    for kind, values in errors.items():
        print(
            f"{kind}: {len(values)} of {len(values) + missed[kind]}; {np.median(values):.2f}, {max(values):.2f};"
            f" {sum(value > 1 for value in values)}"
        )
    print(f"in their place: {unmoved}, a warning: {alarms}")


def _check_sizes(count: int, seed: int, wrong: dict[str, NDArray[np.uint8]]) -> None:
    found, errors = 0, []
    for index in range(count):
        rng = np.random.default_rng((seed, 2, index))
        kind, size = GROUNDS[index % len(GROUNDS)], float(rng.choice(SIZES))
        grid = find_place(rng)
        offset = rng.uniform(-LARGEST_PX, LARGEST_PX, 2)
        picture = draw_ground(rng, grid, kind, (offset[0], offset[1]), size)
        check = check_place(grid, picture)
        found += check.found
        if check.found:
            errors.append(max(abs(check.wide / size - 1), abs(check.high / size - 1)))
        if not check.found or errors[-1] > 0.02:
            wrong[f"size_{index}_{kind.replace(' ', '_')}"] = picture
    print(f"\nof another size ({count}): {found} found")
    if errors:
        print(f"error of the size: median {100 * np.median(errors):.1f} %, largest {100 * max(errors):.1f} %")


def _check_textures(count: int, seed: int, wrong: dict[str, NDArray[np.uint8]]) -> None:
    alarms: dict[str, int] = defaultdict(int)
    for index in range(count):
        rng = np.random.default_rng((seed, 3, index))
        kind = TEXTURES[index % len(TEXTURES)]
        grid = find_place(rng)
        picture = draw_texture(rng, grid, kind)
        if check_place(grid, picture).found:
            alarms[kind] += 1
            wrong[f"texture_{index}_{kind.replace(' ', '_')}"] = picture
    print(f"\ntextures ({count}): called a coast: {sum(alarms.values())} {dict(alarms) or ''}")


def _found(check: PlaceCheck) -> NDArray[np.float64]:
    return np.array([check.east_px, check.south_px])


if __name__ == "__main__":
    main()
