"""Write the table of test samples."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.samples import InputTimes
from radar_cleaner.errors import SampleError
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import complete_samples, read_times, sample_table

log = logging.getLogger(__name__)


def list_test_samples(*, results: Path, stores: list[str], samples: InputTimes, output: Path) -> None:
    """List every sample of the evaluation period.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        The input times of a sample.
    output
        Table to write.
    """
    minutes = sorted({0, *(samples.input_minutes or ())})
    times = read_times(Layout(results), stores)
    found = complete_samples(times, minutes)
    frames = sum(map(len, times.values()))
    if not found:
        raise SampleError(
            f"no test samples: {frames} frames, none with all frames at minutes {minutes};"
            " widen evaluation.period, or make samples.input_minutes multiples of the cadence"
        )
    write_csv(output, sample_table(found))
    log.info("%d frames, %d test samples", frames, len(found))
