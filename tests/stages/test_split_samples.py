"""The stage that splits samples: its tables, and the reason if there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from store_cases import START, make_reflectivity, times_from

from radar_cleaner.config.samples import Split
from radar_cleaner.errors import SampleError, StoreError
from radar_cleaner.stages.split_samples import split_samples
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import read_samples

SHAPE = (4, 4)
DEFAULTS: dict[str, Any] = {
    "input_minutes": [-6, 0, 6],
    "lead_minutes": [0],
    "validation": 0.25,
    "block_minutes": 60,
    "purge_minutes": 12,
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    layout = Layout(tmp_path)
    for radar, day, start in [("CASGO", "20240711", 0), ("CASGO", "20240712", 1), ("CASCM", "20240711", 0)]:
        times = times_from(START + start * 86400, count=100)
        make_reflectivity(layout.reflectivity(radar, day), radar, times, shape=SHAPE)
    return tmp_path


STORES = ("CASCM=20240711", "CASGO=20240711..20240712")


def run(results: Path, stores: Sequence[str] = STORES, **changes: Any) -> tuple[Path, Path]:
    train, val = results / "samples/train.csv", results / "samples/val.csv"
    split_samples(
        results=results, stores=list(stores), samples=Split(**{**DEFAULTS, **changes}), train=train, val=val
    )
    return train, val


def test_samples_of_all_radars_and_shards_are_split_apart(results: Path) -> None:
    train, val = (read_samples(path) for path in run(results))
    assert {radar for _, radar in train} == {radar for _, radar in val} == {"CASGO", "CASCM"}
    reads = [{time + 60 * minute for time, _ in part for minute in (-6, 0, 6)} for part in (train, val)]
    assert min(abs(a - b) for a in reads[0] for b in reads[1]) >= 12 * 60
    assert train == sorted(train) and val == sorted(val)
    # A window never reaches over the end of the stores.
    assert START not in {time for time, _ in train + val}


def test_only_the_named_stores_are_read(results: Path) -> None:
    train, val = (read_samples(path) for path in run(results, stores=["CASGO=20240712"]))
    assert {radar for _, radar in train + val} == {"CASGO"}
    assert min(time for time, _ in train + val) > START + 86400


def test_the_tables_are_the_same_every_time(results: Path) -> None:
    first = [path.read_bytes() for path in run(results)]
    assert [path.read_bytes() for path in run(results)] == first


def test_no_validation_is_an_empty_table(results: Path) -> None:
    train, val = run(results, validation=0)
    assert val.read_text() == "time,radar\n"
    assert len(read_samples(train)) == 3 * 98


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_minutes": [-5, 0, 5]}, "no samples: 300 frames, 0 with .* samples.input_minutes"),
        ({"stores": []}, "no samples: 0 frames"),
        ({"purge_minutes": 3000}, "no training samples: 300 frames, 294 .* samples.purge_minutes"),
        ({"block_minutes": 6}, "no validation samples: 300 frames, .* samples.block_minutes"),
    ],
)
def test_the_reason_for_no_samples_is_one_line(results: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleError, match=message) as error:
        run(results, **changes)
    assert "\n" not in str(error.value)
    assert not (results / "samples").exists()


def test_a_store_that_is_not_there_is_named(results: Path) -> None:
    with pytest.raises(StoreError, match=r"20240713.zarr: reflectivity store missing or incomplete"):
        run(results, stores=["CASGO=20240711..20240713"])


def test_a_sample_whose_frames_ahead_are_missing_stays_and_keeps_its_distance(results: Path) -> None:
    """The last frames of a period have none ahead; what they would read counts for the purge all the same."""
    leads = {"input_minutes": [-12, -6, 0], "lead_minutes": [0, 6, 30], "purge_minutes": 42, "block_minutes": 120}
    train, val = (read_samples(path) for path in run(results, stores=["CASGO=20240711"], **leads))
    last = START + 99 * 360
    assert last in {time for time, _ in train + val} and val
    reads = [{time + 60 * minute for time, _ in part for minute in (-12, 0, 30)} for part in (train, val)]
    assert min(abs(a - b) for a in reads[0] for b in reads[1]) >= 42 * 60


def test_lead_times_that_no_frame_has_are_logged(results: Path) -> None:
    with pytest.raises(SampleError, match=r"no training sample has a frame 5 minutes later; make samples.lead_"):
        run(results, input_minutes=[-6, 0], lead_minutes=[0, 5, 6])
