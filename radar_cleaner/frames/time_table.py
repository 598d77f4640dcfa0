"""Find the times of pictures in a table, or in the dates of their files, instead of in their names."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.timestamps import NameFormat

MTIME = "mtime"
COLUMNS = ("file", "time")
DELIMITERS = ",;\t"


def time_reader(names: NameFormat) -> Callable[[str, str], float]:
    """Give the function from (path of the file, name below the source) to seconds since 1970.

    The function raises ValueError with a reason. Raises ConfigError for a table that cannot be read.
    """
    if names.time_from == "name":
        read = names.reader()
        whole = names.of_path
        return lambda _, name: read(name if whole else name[name.rfind("/") + 1 :])
    if names.time_from == MTIME:
        return lambda path, _: _date(path)
    path = Path(names.time_from)
    times = read_time_table(path, path.stat().st_mtime_ns if path.is_file() else 0, names.time_zone)

    def look_up(_: str, name: str) -> float:
        found = times.get(name, times.get(name[name.rfind("/") + 1 :]))
        if found is None:
            raise ValueError(f"no time in {path}: it has no row of this file")
        return found

    return look_up


def _date(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError as error:
        raise ValueError(f"no date of the file: {error.strerror}") from error


@lru_cache(maxsize=8)
def read_time_table(path: Path, version: int, time_zone: str) -> dict[str, int]:
    """Read a CSV of `file`, a path below the source or a file name, and `time`, in ISO 8601, to {file: seconds}.

    Columns are divided by commas, semicolons or tabs. A time without a zone is in `time_zone`. `version` changes
    when the file does. Raises ConfigError.
    """
    zone, times = ZoneInfo(time_zone), dict[str, int]()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=max(DELIMITERS, key=head.count)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"time_from: {path} cannot be read ({error}); write name, mtime or a CSV") from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        found = ", ".join(map(str, rows[0])) if rows else "no rows"
        raise ConfigError(f"time_from: {path} has {found}; it needs the columns {', '.join(COLUMNS)}")
    for number, row in enumerate(rows, start=2):
        try:
            moment = datetime.fromisoformat(row["time"].strip())
        except (ValueError, AttributeError):
            raise ConfigError(
                f"time_from: {path}, line {number}: '{row['time']}' is not a time; write it like 2024-07-11T12:06"
            ) from None
        time = int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())
        if times.setdefault(row["file"], time) != time:
            raise ConfigError(f"time_from: {path}, line {number}: {row['file']} has two times; keep one")
    return times
