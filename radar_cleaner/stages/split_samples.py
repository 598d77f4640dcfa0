"""Split the samples of the training period into training and validation."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.samples import Split
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import (
    check_split,
    complete_samples,
    count_with_lead,
    read_times,
    sample_table,
    split,
)

log = logging.getLogger(__name__)


def split_samples(*, results: Path, stores: list[str], samples: Split, train: Path, val: Path) -> None:
    """Split the samples of the training period by blocks of time, with a gap between them.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        Shards of the training period, RADAR=SHARD,FIRST..LAST,...
    samples
        The times that a sample reads, and how samples are split.
    train
        Table of training samples to write.
    val
        Table of validation samples to write.
    """
    times = read_times(Layout(results), stores)
    inputs = tuple(samples.input_minutes or ())
    found = complete_samples(times, [0] if samples.incomplete else [0, *inputs])
    training, validating = split(
        found,
        [*inputs, *samples.lead_minutes],
        validation=samples.validation,
        block_minutes=samples.block_minutes,
        purge_minutes=samples.purge_minutes or 0,
        validation_radars=samples.validation_radars,
    )
    check_split(samples, times, found, training, validating)
    write_csv(train, sample_table(training))
    write_csv(val, sample_table(validating))
    log.info(
        "%d frames, %d with all input frames: %d for training, %d for validation, %d left out between them",
        sum(map(len, times.values())),
        len(found),
        len(training),
        len(validating),
        len(found) - len(training) - len(validating),
    )
    for lead in filter(None, samples.lead_minutes):
        count = count_with_lead(training, times, lead)
        log.info("%d of the training samples have the frame %d minutes later", count, lead)
