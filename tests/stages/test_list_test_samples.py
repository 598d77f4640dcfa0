"""The stage that lists test samples: every complete one, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_cases import START, make_reflectivity, times_from

from radar_cleaner.config.samples import InputTimes
from radar_cleaner.errors import SampleError
from radar_cleaner.stages.list_test_samples import list_test_samples
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import read_samples


def test_every_complete_sample_is_listed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    times = times_from(count=10)
    make_reflectivity(layout.reflectivity("CASGO", "20240711T00"), "CASGO", times, shape=(4, 4))
    make_reflectivity(layout.reflectivity("CASGO", "20240711T01"), "CASGO", [times[-1] + 360], shape=(4, 4))
    gap = [time for time in times if time != times[4]]
    make_reflectivity(layout.reflectivity("CASCM", "20240711T00"), "CASCM", gap, shape=(4, 4))
    output = tmp_path / "samples" / "test.csv"
    list_test_samples(
        results=tmp_path,
        stores=["CASCM=20240711T00", "CASGO=20240711T00..20240711T01"],
        samples=InputTimes(input_minutes=(-6, 0, 6)),
        output=output,
    )
    expected = [(time, "CASGO") for time in times[1:]]  # the window reaches over the shards' border
    expected += [(times[index], "CASCM") for index in (1, 2, 6, 7, 8)]
    assert read_samples(output) == sorted(expected)


def test_no_complete_sample_is_refused_with_the_key(tmp_path: Path) -> None:
    make_reflectivity(Layout(tmp_path).reflectivity("CASGO", "20240711"), "CASGO", [START], shape=(4, 4))
    with pytest.raises(SampleError, match=r"no test samples: 1 frames, .* widen evaluation.period"):
        list_test_samples(
            results=tmp_path,
            stores=["CASGO=20240711"],
            samples=InputTimes(input_minutes=(-6, 0, 6)),
            output=tmp_path / "test.csv",
        )
    assert not (tmp_path / "test.csv").exists()
