"""Write the table of test samples."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.errors import SampleError
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.targets.splits import complete_samples, sample_table

log = logging.getLogger(__name__)


def list_test_samples(
    *,
    results: Path,
    stores: list[str],
    input_minutes: list[int],
    output: Path,
) -> None:
    """List every sample of the evaluation period.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    input_minutes
        Minutes from a sample's time to the frames that the model reads.
    output
        Table to write.
    """
    layout = Layout(results)
    minutes = sorted({0, *input_minutes})
    times = {
        radar: TimeSeries([layout.reflectivity(radar, shard) for shard in shards], "reflectivity").times
        for radar, shards in decode_stores(stores).items()
    }
    samples = complete_samples(times, minutes)
    frames = sum(map(len, times.values()))
    if not samples:
        raise SampleError(
            f"no test samples: {frames} frames, none with all frames at minutes {minutes};"
            " widen evaluation.period, or let samples.input_minutes be multiples of the cadence"
        )
    write_csv(output, sample_table(samples))
    log.info("%d frames, %d test samples", frames, len(samples))
