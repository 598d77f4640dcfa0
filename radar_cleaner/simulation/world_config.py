"""The config for a workflow run on a world."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote

from radar_cleaner.simulation.pictures import BORDER_PX, PALETTE
from radar_cleaner.simulation.world import World, WorldOptions
from radar_cleaner.storage.shards import format_time
from radar_cleaner.targets.splits import complete_samples, split

CROP_PX = 128


def write_config(world: World, folder: Path) -> str:
    """Return the text of a config.yaml for a world in `folder`, relative to the folder of the snakemake call."""
    options = world.options
    first, parted, end = options.first_time, evaluation_start(options), options.times.stop
    keys = "\n".join(f"  {key}: {value}" for key, value in sample_keys(options).items())
    painter = next(iter(world.painters.values()))
    bar = painter.legend_box
    radars = "\n".join(
        f"  - {{id: {radar.radar}, frames: {_text(folder / 'frames' / radar.radar)},\n"
        f"     latitude: {radar.latitude!r}, longitude: {radar.longitude!r}, range_km: {radar.max_range_km!r},\n"
        f"     overlay: {{mask: {_text(folder / 'overlay' / f'{radar.radar}.png')}}}}}"
        for radar in world.radars
    )
    return f"""\
# A simulated world (radar-cleaner simulate, seed {options.seed}); docs/reference/config.md explains every key.
#   snakemake --cores all --configfile {quote(str(folder / "config.yaml"))}
# Call snakemake in the folder in which you called simulate: paths are relative to it.

results: {_text(folder / "results")}

radars:
{radars}

frames:
  pattern: '(\\d{{12}})(?=\\D*$)'
  time_format: '%Y%m%d%H%M'
  time_zone: UTC
  size_px: {list(painter.frame_size)}
  plot_box_px: {list(painter.plot_box)}
  overlay:
    border_px: {BORDER_PX}
    boxes_px: {[list(box) for box in painter.boxes]}  # the radar's cross, the clock
  cadence_minutes: {options.cadence_minutes}
  shard: hour

labels:
  method: palette
  palette: {_text(folder / "palette.csv")}
  # Or read it off the bar in the picture, with method: legend and
  # legend: {{box_px: {list(bar)}, dbz: [{PALETTE.lower_dbz[0]:g}, {PALETTE.upper_dbz[-1]:g}]}}

samples:
{keys}

training:
  period: [{_time(first)}, {_time(parted)}]
  crop_px: {min(CROP_PX, options.size // 16 * 16)}

evaluation:
  period: [{_time(parted)}, {_time(end)}]
  reference: {_text(folder / "truth")}  # for scoring only: nothing that trains reads it

cleaning:
  model: trained
"""


def evaluation_start(options: WorldOptions) -> int:
    """Return the start of the evaluation period: the last third of the world, in whole hours."""
    return options.times.stop - 3600 * max(1, options.hours // 3)


def sample_keys(options: WorldOptions) -> dict[str, object]:
    """Return `samples` of a world's config with samples for training and for testing."""
    parted, step = evaluation_start(options), options.cadence_minutes
    window = [-step, 0, step]
    samples = complete_samples({"": [time for time in options.times if time < parted]}, window)
    tests = complete_samples({"": [time for time in options.times if time >= parted]}, window)
    if not samples or not tests:  # use single frames
        return {"input_minutes": [0], "validation": 0}
    block = next(length for length in (30, 60, 120, 240) if length >= 4 * step)  # a window and the purge
    for share in (0.25, 0.5):
        if all(split(samples, window, validation=share, block_minutes=block, purge_minutes=2 * step)):
            return {"block_minutes": block, "validation": share}
    return {"validation": 0}


def _time(seconds: int) -> str:
    return format_time(seconds)[:16].replace("T", " ")


def _text(path: Path) -> str:
    """Return a path as YAML text: JSON is a part of YAML."""
    return json.dumps(str(path))
