"""Mean and standard deviation of each channel over the training samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.augmentation import whole_frame
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.frame_cache import FrameCache
from radar_cleaner.targets.splits import Sample

MAX_SAMPLES = 256
_CONSTANT = 1e-6  # a standard deviation below this share of the mean is rounding of float32


def channel_statistics(cache: FrameCache, samples: Sequence[Sample], inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (C,) float32 of each channel, in the order of `inputs.names`.

    They are taken over all pixels of whole, unchanged frames, of at most 256 evenly spaced samples. A constant
    channel has the standard deviation 1.
    """
    assert samples, "statistics need samples"
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MAX_SAMPLES)).round().astype(int))
    pixels = 0
    sums = torch.zeros(2, len(inputs.names), dtype=torch.float64)
    for sample in (samples[number] for number in chosen.tolist()):
        raw = cut_crops(cache, [sample], [whole_frame(cache[sample.radar].grid.shape, inputs)], inputs)
        values_CP = make_batch(raw, inputs, torch.device("cpu")).channels[0].flatten(1).double()
        sums += torch.stack([values_CP.sum(dim=1), values_CP.square().sum(dim=1)])
        pixels += values_CP.shape[1]
    mean, square = sums / pixels
    # Sums in float64 resolve every variation of a float32 channel.
    std = (square - mean.square()).clamp(min=0).sqrt()
    constant = std <= _CONSTANT * mean.abs()
    return mean.float(), std.masked_fill(constant, 1.0).float()
