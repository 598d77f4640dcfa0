"""Look at a folder of pictures and write a config for them, with comments."""

from __future__ import annotations

from pathlib import Path
from time import time

from radar_cleaner.errors import ConfigError
from radar_cleaner.inspection.colours import known_palettes
from radar_cleaner.inspection.first_config import Given, draft_config
from radar_cleaner.inspection.preview import preview
from radar_cleaner.inspection.sources import read_source
from radar_cleaner.plotting.style import write_png
from radar_cleaner.stages.show_frame import show_frame
from radar_cleaner.storage.atomic import write_text


def init(
    folder: Path,
    /,
    *,
    service: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
    output: Path = Path("radar.yaml"),
) -> None:
    """Look at a folder of pictures and write a config for them, with comments.

    Parameters
    ----------
    folder
        The pictures: a folder, a zip or tar archive, or a glob in quotes; of one radar, or of several in
        sub-folders or with their own names.
    service
        Name of a known service in `config/services`. By default it is looked for.
    latitude
        Latitude of the radar in degrees north.
    longitude
        Longitude of the radar in degrees east.
    output
        Config to write, and beside it a picture with the suffix `.png`. Files that exist are not replaced.
    """
    picture = output.with_suffix(".png")
    for path in (output, picture):
        if path.exists():
            raise ConfigError(f"--output {output}: {path} exists already; write another name, or remove it")
    contents = read_source(str(folder), int(time()))
    first = draft_config(contents, known_palettes(), Given(service, latitude, longitude))
    write_text(output, first.text(contents, output))
    radars, unknown = first.radars, first.unknown
    print(f"{output}: {_count(len(radars), 'radar')}, {_count(len(unknown), 'value')} to write")
    for place in unknown:
        print(f"  {place}")
    for line in first.services:
        print(line)
    for radar in radars:
        if radar.sizes[0].legends and any(key.name == "palette" and key.active for key in radar.labels):
            print(f"  compare: {radar.series.id}, labels.palette with the numbers beside the legend")
    if first.problems:
        example = ": ".join(first.problems[0])
        print(f"WARNING: {_count(len(first.problems), 'picture')} cannot be read, such as {example}")
    if not unknown:
        show_frame(config=output, output=picture)
    else:
        notes = [f"{output} has {_count(len(unknown), 'value')} to write:", *unknown]
        write_png(picture, preview(radars[0].series.id, radars[0].sizes[0], notes))
        print(f"picture: {picture}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
