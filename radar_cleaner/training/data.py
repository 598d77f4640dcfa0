"""The data of a training: the sample tables, the frame cache, and the digests of all that was read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.training import Learning
from radar_cleaner.datasets.frame_cache import (
    FrameCache,
    RadarSources,
    copy_to_device,
    open_frame_cache,
    write_frame_cache,
)
from radar_cleaner.errors import SampleError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.registry import model_options
from radar_cleaner.storage.digests import digest_of_file
from radar_cleaner.targets.splits import Sample, read_samples
from radar_cleaner.training.distributed import Processes

logger = logging.getLogger(__name__)


def read_tables(train: Path, val: Path, learning: Learning) -> tuple[list[Sample], list[Sample]]:
    """Read the training and the validation samples. Raises SampleError where the training needs more of them."""
    train_samples, val_samples = read_samples(train), read_samples(val)
    if not train_samples:
        raise SampleError(f"{train}: has no samples; choose a training.period with more frames")
    if not val_samples and (learning.schedule.name == "plateau" or learning.early_stopping):
        raise SampleError(
            f"{val}: has no samples, but schedule plateau and early_stopping need a validation loss; raise "
            "samples.validation, or choose a training.period with more blocks"
        )
    return train_samples, val_samples


@contextmanager
def cached_frames(
    processes: Processes,
    sources: Mapping[str, RadarSources],
    samples: list[Sample],
    inputs: Inputs,
    max_bytes: int,
    incomplete: bool,
) -> Iterator[tuple[FrameCache, dict[str, str]]]:
    """Yield the frame cache of this machine and the digests of the stores by path.

    A GPU takes the frames into its memory if they need at most half of its free memory.
    """
    with processes.shared_folder(
        lambda folder: write_frame_cache(folder, sources, samples, inputs, max_bytes, incomplete)
    ) as (folder, digests):
        cache = open_frame_cache(folder)
    if processes.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(processes.device)
        on_device = copy_to_device(cache, processes.device, free // 2)
        if processes.first:
            logger.info("the frame cache is in the memory of the %s", "machine" if on_device is cache else "GPU")
        cache = on_device
    yield cache, digests


def input_digests(
    results: Path, stores: Mapping[str, str], config: ModelConfig, files: Mapping[str, Path | None]
) -> dict[str, str]:
    """Return the digests of everything that a training reads: stores, tables, and files that shape the weights."""
    digests = {str(Path(path).relative_to(results)): digest for path, digest in stores.items()}
    backbone = {f"backbone/{path.name}": path for path in getattr(model_options(config), "files", ())}
    named = {name: path for name, path in {**files, **backbone}.items() if path is not None}
    return digests | {name: digest_of_file(path) for name, path in named.items()}
