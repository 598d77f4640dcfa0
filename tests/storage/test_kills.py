"""A writer that is killed at any of its system calls leaves the old content, the new or none, never a half."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Runs in a process without threads, which may fork. Each fork is killed at a later call that changes the disk.
SCRIPT = '''
import json, os, signal, sys, warnings
from pathlib import Path

import numpy as np

from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.writer import Static, StoreWriter, Variable

warnings.simplefilter("ignore")
kind, root = sys.argv[1], Path(sys.argv[2])
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.chmod"}


def write(place, version):
    """Write the first or the second content."""
    if kind == "table":
        write_text(place, f"a table of version {version}\\n" * 100)
        return
    frame = Variable("uint8", (8, 8), ("y", "x"))
    static = {"grid": Static(np.full((4, 4), version, np.float32), ("y", "x"))}
    with StoreWriter(place, variables={"codes": frame}, static=static, attrs={"version": version}) as store:
        store.files["notes.csv"] = f"version {version}\\n"
        for time in range(3):
            store.append(time, codes=np.full((8, 8), 10 * version + time, np.uint8))


def content(place):
    """All files of an output by name, and None where its declared file is missing."""
    declared = place / "zarr.json" if kind == "store" else place
    if not declared.exists():
        return None
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return {str(path.relative_to(place.parent)): path.read_bytes().hex() for path in files if path.is_file()}


def killed_at(count):
    """A hook that kills this process before its `count`th change of the disk."""
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if event == "open":
            mode, flags = arguments[1:]
            writes = os.O_WRONLY | os.O_RDWR
            changes = any(letter in (mode or "") for letter in "wxa+") or bool((flags or 0) & writes)
        else:
            changes = event in CHANGES
        if changes:
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def in_fork(work):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def run(before):
    """Kill a writer at each of its calls, and write again; `before` is the version that is in its place."""
    wrong, states, count = [], set(), 0
    while True:
        count += 1
        folder = root / f"{before}-{count}"
        place = folder / ("output.zarr" if kind == "store" else "output.csv")
        if before:
            assert in_fork(lambda: write(place, before)) == 0

        def work():
            sys.addaudithook(killed_at(count))
            write(place, 2)

        ended = in_fork(work)
        found = content(place)
        whole = {"none": None, "new": NEW} | ({"old": OLD} if before else {})
        state = next((name for name, value in whole.items() if found == value), "half")
        states.add(state)
        if state == "half":
            wrong.append((before, count, "half of it is in its place"))
        if ended == 0:
            return wrong, sorted(states), count
        if in_fork(lambda: write(place, 2)) != 0 or content(place) != NEW:
            wrong.append((before, count, "it is not written again"))
        if [path for path in folder.rglob(".*") if ".tmp-" in path.name or ".old-" in path.name]:
            wrong.append((before, count, "something is left"))


def reference(version):
    place = root / f"reference-{version}" / ("output.zarr" if kind == "store" else "output.csv")
    assert in_fork(lambda: write(place, version)) == 0
    return content(place)


OLD, NEW = reference(1), reference(2)
assert OLD != NEW
print(json.dumps([run(before) for before in (0, 1)]))
'''


@pytest.mark.parametrize(("kind", "calls"), [("table", 3), pytest.param("store", 15, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_call_leaves_no_half_output_and_can_write_again(
    kind: str, calls: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", SCRIPT, kind, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    for (wrong, states, count), begun in zip(json.loads(done.stdout), ("none", "old"), strict=True):
        assert wrong == []
        assert {begun, "new"} <= set(states) and count >= calls
