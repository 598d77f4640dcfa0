"""Table of what `radar-cleaner init` finds, and how many values it leaves to the user.

    .venv/bin/python -m benchmarks.first_day [FOLDER ...]

It looks at the sample, at imitated services, and at the folders of frames that are named.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import time

from benchmarks.imitations import IMITATIONS, Imitation, write_frames
from radar_cleaner.inspection.colours import known_palettes
from radar_cleaner.inspection.draft import Key
from radar_cleaner.inspection.first_config import FirstConfig, Given, draft_config
from radar_cleaner.inspection.sources import read_source

SAMPLE = Path("resources/maritimes/frames")
HEAD = "| pictures | radars | time format | cadence | plot box | colours | nodata | service | to write | seconds |"


def main() -> None:
    print(HEAD)
    print("|---" * (HEAD.count("|") - 1) + "|")
    print(row("sample", SAMPLE))
    with tempfile.TemporaryDirectory() as folder:
        for imitation in IMITATIONS:
            frames = Path(folder, imitation.name)
            write_frames(imitation, frames)
            print(row(imitation.name, frames, imitation))
    for argument in sys.argv[1:]:
        frames = Path(argument)
        print(row(frames.parent.name if frames.name == "frames" else frames.name, frames))


def row(name: str, folder: Path, imitation: Imitation | None = None) -> str:
    """Return the row of a folder; of an imitation each finding is compared with the truth."""
    start = time()
    first = draft_config(read_source(folder, int(start)), known_palettes(), Given())
    seconds = time() - start
    radar = first.radars[0]
    size = radar.sizes[0]
    keys = {key.name: key for key in (*radar.frames, *radar.labels)}
    sections = {key.name: key for key in first.keys}
    cadence = next(key for key in sections["frames"].value if key.name == "cadence_minutes").value
    box = f"{list(size.plot_box.box)} ({size.plot_box.found_by})"
    if imitation is not None:
        right = size.plot_box.box == imitation.plot_box
        box += "" if right else f", right is {list(imitation.plot_box)}"
        cadence = f"{cadence}" if cadence == imitation.cadence_minutes else f"{cadence} (wrong)"
    sources = [one.names for one in (found.series for found in first.radars)]
    formats = {names.time_format if names else "???" for names in sources}
    cells = [
        name,
        str(len(first.radars)),
        ", ".join(f"`{one}`" for one in sorted(formats)),
        str(cadence),
        box,
        colours(keys),
        nodata(keys),
        next((str(key.value) for key in radar.entry if key.name == "service" and key.active), ""),
        written(first),
        f"{seconds:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def colours(keys: dict[str, Key]) -> str:
    if "legend" in keys:
        return f"legend, {keys['legend'].value[-1].comment.count('#')} classes"
    palette = keys.get("palette")
    return "of the service" if palette is None else Path(str(palette.value)).stem


def nodata(keys: dict[str, Key]) -> str:
    key = keys.get("nodata_colours")
    return "" if key is None else f"{key.value[0]}{'' if key.active else '?'}"


def written(first: FirstConfig) -> str:
    return str(len(first.unknown))


if __name__ == "__main__":
    main()
