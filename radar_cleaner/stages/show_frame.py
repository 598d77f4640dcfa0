"""Show how a config reads a frame: its place, its classes, and the pixels that fit none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from radar_cleaner.config.config import Config
from radar_cleaner.config.labels import Colours, PictureColours
from radar_cleaner.config.load import read_config
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import is_remote
from radar_cleaner.inspection.checked import table_lines
from radar_cleaner.inspection.frame_reading import FrameReading, describe_reading, lines_of_place, read_frames
from radar_cleaner.inspection.sample import choose_frames, write_sample
from radar_cleaner.planning.plan import Plan
from radar_cleaner.planning.radars import Radar
from radar_cleaner.plotting.checked_frame import checked_frame_figure
from radar_cleaner.plotting.place import over_white
from radar_cleaner.plotting.style import write_png
from radar_cleaner.reflectivity.picture import PICTURE_WARNINGS, Picture, read_picture
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.shards import parse_time, to_datetime

Pixels = NDArray[np.uint8]

SAMPLED = 16  # frames that are read: enough to find an overlay
FEWEST, MOST_PIXELS = 6, 40_000_000  # of large pictures fewer, as far as that suffices


def show_frame(
    *, config: Path, radar: str | None = None, time: str | None = None, output: Path | None = None
) -> None:
    """Show how a config reads a frame: its place, its classes, and the pixels that fit none.

    Parameters
    ----------
    config
        Config of the run.
    radar
        Id of the radar, or of one of its layouts, such as `CASGO.1`. By default the first radar.
    time
        Time of the frame, UTC, such as 2024-07-11T05:06; the nearest frame is taken. By default the frame with
        most echo of a few.
    output
        PNG to write. Without it only the numbers are printed.
    """
    plan = Plan(_read(config))
    shown = _find_radar(plan, radar)
    size = plan.sizes[shown.id]
    wanted = None if time is None else _parse(time)
    count = max(FEWEST, min(SAMPLED, MOST_PIXELS // (size[0] * size[1])))
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "rgb.zarr"
        refused = write_sample(sample, choose_frames(plan.readable_frames(shown.id), count, wanted), size)
        frames = open_store(sample, "rgb")
        learned, warnings = _learn(shown, size, sample)
        labels = shown.labels.cut(Colours)
        reading = read_frames(
            frames, learned, shown.box(size), shown.geometry(size), shown.overlay, labels, wanted
        )
        picture = over_white(*(frames.frame(name, reading.index) for name in ("rgb", "alpha")))
        moment = to_datetime(int(frames.times[reading.index]))
    title = f"{shown.id}, {moment:%Y-%m-%d %H:%M} UTC"
    checked, notes = reading.checked, describe_reading(shown.id, reading, refused, len(frames.times))
    print(title)
    for line in (*table_lines(checked.rows), *notes, *(f"WARNING: {line}" for line in plan.warnings)):
        print(line)
    others = [name for name in plan.pictures if name != shown.id]
    if others and radar is None:
        print(f"other radars and layouts, with --radar: {', '.join(others)}")
    if output is None:
        print("with --output FRAME.png it draws them")
        return
    notes += [f"WARNING: {line}" for line in warnings]  # the log has printed them
    write_png(output, _draw(title, shown, size, picture, reading, notes))
    print(f"picture: {output}")


def _read(path: Path) -> Config:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--config {path}: cannot be read ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise ConfigError(f"--config {path}: has no keys; `radar-cleaner init` writes a config")
    try:
        return read_config(content)
    except ConfigError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def _parse(time: str) -> int:
    try:
        return parse_time(time)
    except ConfigError as error:
        raise ConfigError(f"--time {error}") from None


def _find_radar(plan: Plan, name: str | None) -> Radar:
    if name is not None and name not in plan.pictures:
        raise ConfigError(f"--radar {name}: the config has {', '.join(plan.pictures)}")
    radar = plan.pictures[name or next(iter(plan.pictures))]
    if is_remote(radar.source):
        raise ConfigError(
            f"{radar.place}.frames: {radar.source} is an object store; fetch a few frames to look at"
        )
    return radar


def _learn(radar: Radar, size: tuple[int, int], sample: Path) -> tuple[Picture, list[str]]:
    """Return what the frames of a store show apart from the weather, and warnings about it."""
    box, geometry, picture = radar.box(size), radar.geometry(size), sample.with_name("picture.zarr")
    learn_picture(
        rgb=[sample],
        plot_box=box,
        geometry=geometry,
        overlay=radar.overlay,
        labels=radar.labels.cut(PictureColours),
        picture=PictureFrames(),
        output=picture,
        mask=sample.with_name("overlay.png"),
    )
    store = open_store(picture, "picture")
    warnings = [str(store.attrs[name]) for name in PICTURE_WARNINGS if store.attrs.get(name)]
    return read_picture(store, (box[3] - box[1], box[2] - box[0])), warnings


def _draw(
    title: str, radar: Radar, size: tuple[int, int], picture: Pixels, reading: FrameReading, notes: list[str]
) -> bytes:
    geometry, box, checked = radar.geometry(size), radar.box(size), reading.checked
    lines = lines_of_place(geometry, reading.place)
    center = geometry.center_px
    middle = None if center is None else (center[0] + box[0], center[1] + box[1])
    legend = radar.labels.legend.box_px if radar.labels.method == "legend" else None
    boxes = {} if legend is None else {"legend": (legend[0], legend[1], legend[2], legend[3])}
    return checked_frame_figure(title, picture, box, lines, middle, boxes, checked.kinds, checked.rows, notes)
