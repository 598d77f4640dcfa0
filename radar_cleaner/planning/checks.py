"""Checks of everything that a config names: files, boxes, periods.

Without these checks a job would fail, perhaps hours later.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from radar_cleaner.config import shipped
from radar_cleaner.config.artefacts import read_artefact_ranges
from radar_cleaner.config.config import Config
from radar_cleaner.config.grid import ABOUT_RADAR
from radar_cleaner.config.labels import Colours
from radar_cleaner.config.network_choice import backbone_folder
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.image import header_size
from radar_cleaner.frames.picture_file import count_pictures
from radar_cleaner.frames.sources import FrameFile, is_picture
from radar_cleaner.georeference.grid import RadarGeometry, union_grid
from radar_cleaner.georeference.planes import fits_geotiff, point_of
from radar_cleaner.planning.radars import Period, Radar
from radar_cleaner.reflectivity.palette_source import read_legend_file, read_palette
from radar_cleaner.storage.shards import format_time

STRETCHED = 2.5  # ratio of the sides of a pixel that no public picture has


def check_files(config: Config, radars: Sequence[Radar]) -> None:
    """Raise ConfigError for a file that a key names and that does not exist or has another content."""
    for radar in radars:
        if radar.labels.method == "palette":
            _check_palette(radar.labels)
        if radar.labels.method == "legend" and radar.labels.legend.file is not None:
            read_legend_file(radar.labels)
    for name, path in config.samples.static.items():
        if not Path(path).is_file():
            raise ConfigError(
                f"samples.static.{name}: there is no file {path}; name a raster that rasterio reads, for example"
                " a GeoTIFF"
            )
    _check_network(config)
    if shipped.trains(config):
        try:
            read_artefact_ranges(shipped.artefact_ranges(config.training.plants), config.training.plants.kinds)
        except ConfigError as error:
            raise ConfigError(f"training.plants.ranges: {error}") from None
    for section, key in shipped.MODEL_KEYS:
        for name in shipped.named_models(config, section, key):
            _check_model_file(f"{section}.{key}", name, "trained, pretrained or the path of a best.pt")
    begins = config.training.model.start_from
    _check_model_file("training.model.start_from", begins, "pretrained or the path of a best.pt")
    for problem in _result_problems(config):
        raise ConfigError(problem)


def _check_network(config: Config) -> None:
    model = config.training.model
    if model.code is not None and (not model.code.endswith(".py") or not Path(model.code).is_file()):
        raise ConfigError(f"training.model.code: there is no Python file {model.code}; its name ends in .py")
    folder = backbone_folder(model)
    if folder is not None and not (Path(folder) / "config.json").is_file():
        raise ConfigError(
            f"training.model.backbone: {folder} is neither a backbone of that name nor a folder written by"
            " save_pretrained; `radar-cleaner list-models` lists the names"
        )


def _check_model_file(place: str, name: str | None, allowed: str) -> None:
    path = shipped.model_file(name)
    if path is not None and not path.is_file():
        raise ConfigError(f"{place}: there is no file {path}; write {allowed}")
    if path is not None and not zipfile.is_zipfile(path):  # the format of a model file
        raise ConfigError(f"{place}: {path} is not a model file, or only a part of one; write {allowed}")


def _result_problems(config: Config) -> Iterator[str]:
    """Yield models that this config's own training writes, named as if they existed before it.

    A model of an earlier training may clean if nothing trains: if no model is `trained`, and Snakemake, which
    knows the file by its path, could not make it again because there is no training.period.
    """
    folder = Path(config.results, "model")
    begins = config.training.model.start_from
    trains = shipped.trains(config)
    if trains and _is_result(folder, begins):
        yield (
            f"training.model.start_from: {begins} is the result of this training; copy it elsewhere first, and"
            " name the copy, or choose other results"
        )
    for section, key in shipped.MODEL_KEYS:
        for name in shipped.named_models(config, section, key):
            by_path = config.training.period is not None and not _is_alias(folder, name)
            if _is_result(folder, name) and (trains or by_path):
                yield (
                    f"{section}.{key}: {name} is the result of the training of this config; write trained, or copy"
                    " it elsewhere and name the copy, or leave out training.period to train no more"
                )


def _is_result(folder: Path, name: str | None) -> bool:
    """Return whether a model's name is the path of a file that a training writes into this folder."""
    path = shipped.model_file(name)
    if path is None:
        return False
    place = path.resolve()
    root = folder.resolve()
    return place.name == "best.pt" and (
        place.parent == root or (place.parent.parent == root and place.parent.name.startswith("seed-"))
    )


def _is_alias(folder: Path, name: str) -> bool:
    """Return whether a path in this folder is spelled so that Snakemake does not recognize it as an output."""
    return not Path(os.path.normpath(name)).is_relative_to(os.path.normpath(folder))


def _check_palette(labels: Colours) -> None:
    path = labels.palette or ""
    if not Path(path).is_file():
        raise ConfigError(f"labels.palette: there is no file {path}; see config/palettes")
    try:
        read_palette(labels)
    except ConfigError as error:
        raise ConfigError(f"labels.palette: {error}; see config/palettes") from None


def check_boxes(radar: Radar, size: tuple[int, int]) -> None:
    """Raise ConfigError for boxes, a mask and a centre that do not fit a frame of (width, height) `size`."""
    width, height = size
    box = radar.box(size)

    def inside(key: str, candidate: Sequence[int], limits: tuple[int, int, int, int], what: str) -> None:
        x0, y0, x1, y1 = candidate
        if not (limits[0] <= x0 < x1 <= limits[2] and limits[1] <= y0 < y1 <= limits[3]):
            raise ConfigError(
                f"{key}: {list(candidate)} is not inside the {what} {list(limits)} of radar {radar.id};"
                " write [x0, y0, x1, y1] in frame pixels"
            )

    picture = (0, 0, width, height)
    frames = radar.place if radar.is_layout else "frames"
    inside(f"{frames}.{'plot_box_px' if radar.plot_box_px else 'legend_width_px'}", box, picture, "picture")
    for index, overlay in enumerate(radar.overlay.boxes_px):
        inside(f"{frames}.overlay.boxes_px[{index}]", overlay, picture, "picture")
    if radar.overlay.mask_file is not None:
        _check_mask(radar, Path(radar.overlay.mask_file), size)
    if radar.labels.method == "legend" and radar.labels.legend.file is None:
        labels = f"{radar.place}.labels" if radar.is_layout else "labels"
        inside(f"{labels}.legend.box_px", radar.labels.legend.box_px or (), picture, "picture")
    if 2 * radar.overlay.border_px >= min(box[2] - box[0], box[3] - box[1]):
        raise ConfigError(
            f"{frames}.overlay.border_px: {radar.overlay.border_px} covers the whole plot box {list(box)} of"
            f" radar {radar.id}; write the width of the map's border"
        )
    for number, (x, y, *_) in enumerate(radar.grid.control_points or ()):
        if not (-1 <= x <= width and -1 <= y <= height):
            raise ConfigError(
                f"{radar.place}.grid.control_points[{number}]: [{x:g}, {y:g}] is not in a picture of {width} x"
                f" {height} px; write pixels of the frame as it is, not of an enlarged one"
            )
    if radar.grid.kinds[0] in ABOUT_RADAR:
        x, y = radar.center(size)
        if not (box[0] <= x < box[2] and box[1] <= y < box[3]):
            raise ConfigError(
                f"{radar.place}.center_px: [{x:g}, {y:g}] is not in the plot box {list(box)}; write frame pixels"
            )


def check_geotiff(radar: Radar, geometry: RadarGeometry) -> None:
    """Raise ConfigError for a plane that a GeoTIFF cannot contain."""
    name = geometry.grid.crs
    if point_of(name) is None and not fits_geotiff(name):
        raise ConfigError(
            f"cleaning.geotiff: a GeoTIFF cannot contain {radar.place}.grid.crs {name}; set it to false, and open"
            " the Zarr products"
        )


def check_place(radar: Radar, geometry: RadarGeometry) -> None:
    """Raise ConfigError for a radar that is not in its own plot box."""
    if geometry.center_px is None:
        return
    x, y = geometry.center_px
    width, height = geometry.grid.width, geometry.grid.height
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        longitude, latitude = geometry.grid.middle
        raise ConfigError(
            f"{radar.place}.latitude: latitude {radar.latitude:g}, longitude {radar.longitude:g} is not in the"
            f" plot box, whose middle grid.{radar.grid.kinds[0]} places at latitude {latitude:.4g}, longitude"
            f" {longitude:.4g}; correct one of them, or leave out latitude and longitude of a mosaic"
        )


def stretched_pixels(radar: Radar, geometry: RadarGeometry) -> list[str]:
    """Return a line if pixels are far from square, on the plane and on the ground: a number is likely wrong."""
    grid = geometry.grid
    wide, high = grid.pixel_km
    ratios = (wide / high, grid.pixel_width / grid.pixel_height)
    if min(max(ratio, 1 / ratio) for ratio in ratios) <= STRETCHED:
        return []
    return [
        f"{radar.place}.grid.{radar.grid.kinds[0]}: a pixel is {wide:.3g} km wide and {high:.3g} km high; check"
        " its numbers and their order, and the plot box"
    ]


def _check_mask(radar: Radar, mask: Path, size: tuple[int, int]) -> None:
    remedy = f"name a picture of the frame's size, {size[0]} x {size[1]} px for radar {radar.id}"
    if not mask.is_file():
        raise ConfigError(f"frames.overlay.mask: there is no file {mask}; {remedy}")
    found = header_size(mask)
    if found is None or not is_picture(mask.name):
        raise ConfigError(f"frames.overlay.mask: {mask} is not a PNG, GIF, JPG, BMP, WebP or TIFF; {remedy}")
    if found != size:
        raise ConfigError(f"frames.overlay.mask: {mask} is {found[0]} x {found[1]} px; {remedy}")


def check_animations(radar: Radar, frames: Sequence[FrameFile]) -> None:
    """Raise ConfigError if all frames that are looked at are animations, and each would be refused."""
    if radar.names.loop_minutes or not frames:
        return
    pictures = [count_pictures(Path(frame.path)) for frame in frames if frame.member is None]
    if pictures and min(pictures) > 1:
        raise ConfigError(
            f"frames.loop: is missing, and all {len(pictures)} files looked at of radar {radar.id} are refused: an"
            f" animation of {pictures[0]} pictures; write loop: {{step_minutes: 6, last: name}} with the minutes"
            " between two pictures"
        )


def check_composite(grid: str, geometries: Sequence[RadarGeometry]) -> None:
    """Raise ConfigError for a composite that is too large."""
    if grid == "union":
        try:
            union_grid(geometries)
        except ConfigError as error:
            raise ConfigError(f"composite.grid: {str(error).removeprefix('composite.grid: ')}") from None


def check_disjoint(section: str, period: Period | None, evaluation: Period | None) -> None:
    """Raise ConfigError if `section` (training, atlas or picture) and the evaluation share times."""
    for start, end in period or ():
        for other_start, other_end in evaluation or ():
            if start < other_end and other_start < end:
                since = format_time(max(start, other_start))
                raise ConfigError(
                    f"evaluation.period: overlaps training.period from {since};"
                    " score on times that training does not use"
                    if section == "training"
                    else f"{section}.period: overlaps evaluation.period from {since};"
                    " choose times that are not scored"
                )
