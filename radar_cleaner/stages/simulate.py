"""Write a small simulated world: moving rain, radars with their faults and clutter, pictures, truth, a config."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from shlex import quote

from radar_cleaner import __version__
from radar_cleaner.conventions import NODATA, REFLECTIVITY_ATTRS
from radar_cleaner.errors import ConfigError
from radar_cleaner.simulation.pictures import PALETTE_CSV, encode_indices, encode_picture
from radar_cleaner.simulation.radar_view import RadarView
from radar_cleaner.simulation.rain import RainStyle
from radar_cleaner.simulation.world import World, WorldOptions
from radar_cleaner.simulation.world_config import write_config
from radar_cleaner.storage.atomic import write_bytes, write_json, write_text
from radar_cleaner.storage.shards import to_datetime
from radar_cleaner.storage.writer import StoreWriter, Variable

logger = logging.getLogger(__name__)
# Variables of the true reflectivity, by the names of `View`.
TRUTH = {
    "rain": "reflectivity of the rain as the radar measures it, without clutter",
    "clutter": "reflectivity of the clutter, without rain",
    "ground": "reflectivity of the rain at the ground, without the radar's faults",
}


def simulate(
    *,
    output: Path,
    seed: int = 1,
    radars: int = 2,
    hours: int = 3,
    cadence_minutes: int = 6,
    size: int = 240,
    range_km: float = 120.0,
    rain: float = 0.25,
    speed_kmh: float = 40.0,
    degrees: float = 70.0,
    clutter: float = 1.0,
    start: str = "2026-06-01T00:00",
) -> None:
    """Write a small simulated world to try settings on: pictures, truth, and a config that the workflow runs on.

    Parameters
    ----------
    output
        Folder to make: frames/, truth/ (masks: 0 none, 1 meteorological, 2 non-meteorological, 255 overlay),
        reflectivity/ (true dBZ), overlay/, palette.csv, world.json, config.yaml. Paths in the config begin with
        this one, as it is given.
    seed
        Equal seeds and options make equal worlds.
    radars
        Number of radars: SIM1 in the middle, the others around it, overlapping.
    hours
        Hours of frames; the last third is for evaluation.
    cadence_minutes
        Minutes between frames, a divisor of 60.
    size
        Side of the map in pixels.
    range_km
        Range of the radars.
    rain
        Mean share of the area where it rains, however weakly; about half of this rain is visible in the pictures.
    speed_kmh
        Speed of the wind that carries the rain.
    degrees
        Direction to which the wind carries the rain, in degrees clockwise from north.
    clutter
        Amount of clutter: 0 for none, 1 is usual.
    start
        First time, a full hour, UTC.
    """
    style = RainStyle(share=rain, speed_kmh=speed_kmh, degrees=degrees)
    options = WorldOptions(seed, radars, hours, cadence_minutes, size, range_km, clutter, start, style)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise ConfigError(f"--output {output} exists and is not an empty folder; name another one, or remove it")
    world = World(options)
    with ExitStack() as stack:
        stores = {
            radar: stack.enter_context(_truth_store(output / "reflectivity" / f"{radar}.zarr", view, options))
            for radar, view in world.views.items()
        }
        for time, views in world.scenes():
            stamp = to_datetime(time).strftime("%Y%m%d%H%M")
            for radar, view in views.items():
                name = f"{radar}_{stamp}.png"
                write_bytes(output / "frames" / radar / name, encode_indices(view.frame))
                write_bytes(output / "truth" / radar / name, encode_picture(view.truth))
                stores[radar].append(time, rain=view.rain, clutter=view.clutter, ground=view.ground)
    for radar, painter in world.painters.items():
        write_bytes(output / "overlay" / f"{radar}.png", encode_picture(painter.overlay_picture()))
    write_text(output / "palette.csv", PALETTE_CSV)
    write_json(output / "world.json", {"version": __version__, **asdict(options)})
    write_text(output / "config.yaml", write_config(world, output))
    logger.info("%s: %d frames of each of %d radar(s)", output, len(options.times), radars)
    print(f"snakemake --cores all --configfile {quote(str(output / 'config.yaml'))}")


def _truth_store(path: Path, view: RadarView, options: WorldOptions) -> StoreWriter:
    shape = view.within.shape
    return StoreWriter(
        path,
        variables={
            name: Variable("uint8", shape, ("y", "x"), {**REFLECTIVITY_ATTRS, "long_name": text}, NODATA)
            for name, text in TRUTH.items()
        },
        attrs=view.radar.attrs(),
        provenance={"stage": "simulate", "parameters": asdict(options)},
    )
