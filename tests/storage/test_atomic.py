"""Tables without pandas are those that pandas writes, and reads."""

from __future__ import annotations

import io

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.storage.atomic import format_rows

# Possible file names, without line ends, which a reader of CSV cannot distinguish.
TEXTS = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(TEXTS, st.integers(0, 2**60), TEXTS)))
def test_rows_are_written_as_pandas_writes_them(rows: list[tuple[str, int, str]]) -> None:
    columns = ["file", "bytes", "reason"]
    text = format_rows(columns, rows)
    assert text == pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")
    read = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype={"file": str, "reason": str})
    assert [tuple(row) for row in read.itertuples(index=False)] == rows
