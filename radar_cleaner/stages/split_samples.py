"""Write the tables of training and validation samples."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from radar_cleaner.errors import SampleError
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.targets.splits import Sample, complete_samples, sample_table, split

log = logging.getLogger(__name__)


def split_samples(
    *,
    results: Path,
    stores: list[str],
    input_minutes: list[int],
    lead_minutes: list[int],
    validation: float,
    block_minutes: int,
    purge_minutes: int,
    train: Path,
    val: Path,
) -> None:
    """Split the samples of the training period by blocks of time, with a gap between the two.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the training period, RADAR=SHARD,FIRST..LAST,...
    input_minutes
        Minutes from a sample's time to the frames that the model reads.
    lead_minutes
        Minutes from a sample's time to the frames that it is judged by; those ahead (above 0) may be missing.
    validation
        Share of the blocks that validate, 0 for none.
    block_minutes
        Length of a block of time.
    purge_minutes
        Least distance of a frame that training reads from one that validation reads.
    train
        Table of training samples to write.
    val
        Table of validation samples to write.
    """
    layout = Layout(results)
    minutes = [*input_minutes, *lead_minutes]
    times = {
        radar: TimeSeries([layout.reflectivity(radar, shard) for shard in shards], "reflectivity").times
        for radar, shards in decode_stores(stores).items()
    }
    samples = complete_samples(times, [0, *input_minutes])
    chosen, validating = split(
        samples,
        minutes,
        validation=validation,
        block_minutes=block_minutes,
        purge_minutes=purge_minutes,
    )
    found = f"{sum(map(len, times.values()))} frames, {len(samples)} of them with all that a sample reads"
    if not samples:
        raise SampleError(
            f"no samples: {found} at minutes {sorted({0, *input_minutes})}; widen training.period, or let"
            " samples.input_minutes be multiples of the cadence"
        )
    if not chosen:
        raise SampleError(
            f"no training samples: {found}, {len(validating)} for validation, the rest within {purge_minutes}"
            " minutes of those; widen training.period, or lower samples.validation or samples.purge_minutes"
        )
    if validation > 0 and not validating:
        raise SampleError(
            f"no validation samples: {found}, none wholly in every {round(1 / validation)}th block of"
            f" {block_minutes} minutes; widen training.period, change samples.block_minutes, or set"
            " samples.validation to 0"
        )
    ahead = {lead: _having(chosen, times, lead) for lead in lead_minutes if lead > 0}
    if missing := [lead for lead, count in ahead.items() if not count]:
        raise SampleError(
            f"no training sample has a frame {missing[0]} minutes later; let samples.lead_minutes be multiples of"
            " the cadence, or widen training.period"
        )
    write_csv(train, sample_table(chosen))
    write_csv(val, sample_table(validating))
    log.info(
        "%s: %d for training, %d for validation, %d left out between them",
        found,
        len(chosen),
        len(validating),
        len(samples) - len(chosen) - len(validating),
    )
    for lead, count in ahead.items():
        log.info("%d of the training samples have the frame %d minutes later", count, lead)


def _having(samples: Sequence[Sample], times: Mapping[str, Sequence[int]], minutes: int) -> int:
    """How many samples have a frame of their radar so many minutes after them."""
    known = {radar: set(own) for radar, own in times.items()}
    return sum(time + 60 * minutes in known[radar] for time, radar in samples)
