"""The frames that the preparation is timed on, and how its stages are called on them.

Every fourth frame of a day of one radar of the sample (`resources/maritimes`), 60 in all, so that dry and rainy
hours are in; over and over where there are to be more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "resources/maritimes/frames"
RADAR, DAY, SHARD = "CASGO", "20240711", "202407"
EVERY = 4
# As config/maritimes.yaml has it, and the schema's defaults of `labels`.
SIZE = (580, 480)
PLOT_BOX = (100, 0, 580, 480)
CENTER = (340.0, 239.0)
RANGE_KM = 240.0
BORDER = 3
BOXES = [(334, 233, 347, 246), (100, 0, 290, 20)]
PALETTE, TOLERANCE = ROOT / "config/palettes/eccc.csv", 20.0
SHAPE: dict[str, Any] = {"min_dbz": 5.0, "opening": 5, "closing": 3, "min_area": 20}


def link_frames(folder: Path, count: int = 60) -> list[Path]:
    """Make a folder of links to so many frames of a month; gives the links."""
    folder.mkdir(parents=True)
    pictures = sorted((SAMPLE / RADAR).glob(f"*_{DAY}*.png"))[::EVERY]
    for number, picture in zip(range(count), cycle(pictures), strict=False):
        time = datetime.strptime(SHARD, "%Y%m") + number * timedelta(minutes=6)
        (folder / f"{time:%Y%m%d%H%M}.png").symlink_to(picture)
    return sorted(folder.iterdir())


def rgb_options(frames: Path, output: Path, codec: str = "compact") -> dict[str, Any]:
    """How the store of a folder's frames is made."""
    return {
        "radar": RADAR,
        "source": str(frames),
        "pattern": r"(\d{12})(?=\D*$)",
        "time_format": "%Y%m%d%H%M",
        "time_zone": "UTC",
        "shard": SHARD,
        "size": SIZE,
        "codec": codec,
        "on_bad_frame": "fail",
        "output": output,
        "rejects": output.with_suffix(".csv"),
    }


def label_options(rgb: Path, output: Path, codec: str = "compact") -> dict[str, Any]:
    """How the labels of a store of frames are made."""
    return {
        "radar": RADAR,
        "rgb": rgb,
        "output": output,
        "codec": codec,
        "plot_box": PLOT_BOX,
        "center": CENTER,
        "range_km": RANGE_KM,
        "border": BORDER,
        "boxes": BOXES,
        "method": "palette",
        "palette": PALETTE,
        "tolerance": TOLERANCE,
        **SHAPE,
    }
