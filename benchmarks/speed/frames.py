"""Provide the frames for the timing of the preparation, and the arguments of its stages.

The frames are every fourth one of a day of the first radar of config/maritimes.yaml, 60 in all, from dry and rainy
hours. For more frames they are repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from radar_cleaner.config.frames import BadFrames, Stores
from radar_cleaner.config.labels import Colours, Morphology, PictureColours
from radar_cleaner.config.load import read_config
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.planning.radars import read_radars
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE

from . import ROOT

DAY, SHARD = "20240711", "202407"
EVERY = 4
CONFIG = read_config(yaml.safe_load((ROOT / "config/maritimes.yaml").read_text(encoding="utf-8")))
RADAR = read_radars(CONFIG)[0]
SIZE = tuple(CONFIG.frames.size_px or ())
PLOT_BOX, CENTER = RADAR.box(SIZE), RADAR.center(SIZE)
BORDER, BOXES = RADAR.overlay.border_px, [tuple(box) for box in RADAR.overlay.boxes_px]
PALETTE, TOLERANCE = ROOT / RADAR.labels.palette, DEFAULT_TOLERANCE
MIN_DBZ = RADAR.labels.min_dbz
SHAPE = RADAR.labels.cut(Morphology)


def link_frames(folder: Path, count: int = 60) -> list[Path]:
    """Make a folder of links to `count` frames of a month; return the links."""
    folder.mkdir(parents=True)
    pictures = sorted((ROOT / RADAR.source).glob(f"*_{DAY}*.png"))[::EVERY]
    for number, picture in zip(range(count), cycle(pictures), strict=False):
        time = datetime.strptime(SHARD, "%Y%m") + number * timedelta(minutes=6)
        (folder / f"{time:%Y%m%d%H%M}.png").symlink_to(picture)
    return sorted(folder.iterdir())


def rgb_options(frames: Path, output: Path, codec: str = "compact") -> dict[str, Any]:
    """Return the arguments of `build_rgb_store` for a folder of frames."""
    return {
        "radar": RADAR.id,
        "source": str(frames),
        "names": RADAR.names,
        "shard": SHARD,
        "size": SIZE,
        "stores": Stores.model_validate({"codec": codec}),
        "frames": BadFrames(on_bad_frame="fail"),
        "output": output,
        "rejects": output.with_suffix(".csv"),
    }


def picture_options(rgb: Path, output: Path) -> dict[str, Any]:
    """Return the arguments of `learn_picture` for a store of frames."""
    return {
        "rgb": [rgb],
        "plot_box": PLOT_BOX,
        "geometry": RADAR.geometry(SIZE),
        "overlay": RADAR.overlay,
        "labels": RADAR.labels.cut(PictureColours).model_copy(update={"palette": str(PALETTE)}),
        "picture": PictureFrames(),
        "output": output,
        "mask": output.with_suffix(".png"),
    }


def reflectivity_options(rgb: Path, picture: Path, output: Path, codec: str = "compact") -> dict[str, Any]:
    """Return the arguments of `decode_reflectivity` for a store of frames."""
    return {
        "rgb": rgb,
        "picture": picture,
        "output": output,
        "stores": Stores(codec=codec),
        "plot_box": PLOT_BOX,
        "geometry": RADAR.geometry(SIZE),
        "overlay": RADAR.overlay,
        "labels": RADAR.labels.cut(Colours).model_copy(update={"palette": str(PALETTE)}),
    }
