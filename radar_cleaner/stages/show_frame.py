"""Show how a config reads a frame: its place, its classes, and the pixels that fit none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from radar_cleaner.config.config import Config
from radar_cleaner.config.labels import Colours, PictureColours
from radar_cleaner.config.load import read_config
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.conventions import is_echo
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import is_remote
from radar_cleaner.georeference.coast import border_lines, coast_lines
from radar_cleaner.georeference.graticule import graticule
from radar_cleaner.georeference.place_check import PlaceCheck, check_place, describe_place, shown_lines
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.georeference.rings import range_rings
from radar_cleaner.inspection.checked import CheckedFrame, check_frame, doubtful_classes, table_lines
from radar_cleaner.inspection.sample import choose_frames, write_sample
from radar_cleaner.planning.plan import Plan
from radar_cleaner.planning.radars import Radar
from radar_cleaner.plotting.checked_frame import Place, checked_frame_figure
from radar_cleaner.plotting.place import over_white
from radar_cleaner.plotting.style import write_png
from radar_cleaner.reflectivity.decoding import build_decoder, observed_mask
from radar_cleaner.reflectivity.picture import read_picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.unmatched import Unmatched, UnmatchedColours
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
        reading = _read_frames(shown, size, sample, wanted)
        picture = over_white(*(frames.frame(name, reading.index) for name in ("rgb", "alpha")))
        moment = to_datetime(int(frames.times[reading.index]))
    title = f"{shown.id}, {moment:%Y-%m-%d %H:%M} UTC"
    checked, notes = reading.checked, _notes(shown.id, reading, refused, len(frames.times))
    print(title)
    for line in (*table_lines(checked.rows), *notes, *(f"WARNING: {line}" for line in plan.warnings)):
        print(line)
    others = [name for name in plan.pictures if name != shown.id]
    if others and radar is None:
        print(f"other radars and layouts, with --radar: {', '.join(others)}")
    if output is None:
        print("with --output FRAME.png it draws them")
        return
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


@dataclass(frozen=True)
class _Reading:
    """The frame that is shown, checked, what is unmatched in all frames, and the place of the radar's map."""

    index: int
    checked: CheckedFrame
    unmatched: Unmatched
    place: PlaceCheck


def _read_frames(radar: Radar, size: tuple[int, int], sample: Path, time: int | None) -> _Reading:
    """Decode the frames of a store by what they show; check the frame of a time, or that with most echo."""
    box, geometry = radar.box(size), radar.geometry(size)
    within, shown = in_range(geometry), observed_mask(size, box, radar.overlay)
    frames, picture = open_store(sample, "rgb"), sample.with_name("picture.zarr")
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
    learned = read_picture(open_store(picture, "picture"), within.shape)
    decoder, palette = build_decoder(radar.labels.cut(Colours), frames, learned, shown & within)
    unmatched, decoded = UnmatchedColours(learned.soft), []
    for index in range(len(frames.times)):
        pixels, alpha = (_cut(frames.frame(name, index), box) for name in ("rgb", "alpha"))
        decoded.append(decoder(pixels, alpha))
        unmatched.add(pixels, decoded[-1].unmatched)
    echoes = [int(is_echo(one.codes).sum()) for one in decoded]
    away = -np.array(echoes) if time is None else np.abs(frames.times.astype(np.int64) - time)
    index = int(np.argmin(away))
    one = decoded[index]
    pixels = _cut(frames.frame("rgb", index), box)
    checked = check_frame(pixels, one.codes, palette, ~shown | learned.overlay, within, one.unmatched)
    place = check_place(geometry.grid, *learned.seen_ground(pixels))
    return _Reading(index, checked, unmatched.summarize(sum(echoes)), place)


def _cut(picture: Pixels, box: Box) -> Pixels:
    x0, y0, x1, y1 = box
    return np.ascontiguousarray(picture[y0:y1, x0:x1])


def _notes(radar: str, reading: _Reading, refused: list[tuple[str, str]], count: int) -> list[str]:
    checked, place = reading.checked, reading.place
    notes = [f"{checked.echo_pixels:,} pixels of echo; {count} frames were read"]
    notes.append(f"{'WARNING: ' if place.warns else ''}{describe_place(place)}")
    notes += [f"WARNING: {line}" for line in doubtful_classes(checked)]
    if reading.unmatched.are_many:
        notes.append(f"WARNING: {reading.unmatched.describe(radar)}")
    if refused:
        notes.append(f"WARNING: {len(refused)} frames are refused, such as {refused[0][0]}: {refused[0][1]}")
    return notes


def _draw(
    title: str, radar: Radar, size: tuple[int, int], picture: Pixels, reading: _Reading, notes: list[str]
) -> bytes:
    geometry, box, place, checked = radar.geometry(size), radar.box(size), reading.place, reading.checked
    reach = geometry.max_range_km or geometry.range_px * geometry.mean_side_km
    coast = coast_lines(geometry.grid)
    lines = Place(
        coast,
        border_lines(geometry.grid),
        graticule(geometry.grid),
        range_rings(geometry, reach),
        shown_lines(geometry.grid, place, coast) if place.warns else (),
    )
    center = geometry.center_px
    middle = None if center is None else (center[0] + box[0], center[1] + box[1])
    legend = radar.labels.legend.box_px if radar.labels.method == "legend" else None
    boxes = {} if legend is None else {"legend": (legend[0], legend[1], legend[2], legend[3])}
    return checked_frame_figure(title, picture, box, lines, middle, boxes, checked.kinds, checked.rows, notes)
