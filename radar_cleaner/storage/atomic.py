"""Write tables, texts and bytes atomically: to a temporary name beside the place, then renamed."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loading it takes as long as a small stage runs
    import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it takes the place of `path`, on an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.tmp-*"):  # of a killed run
        leftover.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of bytes, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file with sorted keys, atomically; NaN is refused, use None."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def format_rows(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows of texts and whole numbers as the CSV that `write_csv` would write of them, without pandas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index, atomically."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_csv(path: Path) -> pd.DataFrame:
    """A table that `write_csv` wrote. Raises OSError, or ValueError if it is not a table.

    A radar's name is a text whatever it looks like (101, 007, NA); only an empty cell is unknown.
    """
    import pandas as pd

    return pd.read_csv(path, dtype={"radar": str}, keep_default_na=False, na_values=[""])
