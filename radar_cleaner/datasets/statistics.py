"""Mean and spread of each channel over the training samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.augmentation import Draw
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut
from radar_cleaner.datasets.frame_cache import Bank, Sample

MAX_SAMPLES = 256
_CONSTANT = 1e-6  # a spread below this share of the mean is rounding of float32


def channel_statistics(bank: Bank, samples: Sequence[Sample], inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C,) float32 of each channel, in the order of `inputs.names`.

    Over all pixels of the whole frames, as they are, of at most 256 of the samples, spread evenly. The standard
    deviation of a channel that does not vary is 1.
    """
    assert samples, "there is nothing to take statistics of"
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MAX_SAMPLES)).round().astype(int))
    pixels = 0
    sums = torch.zeros(2, len(inputs.names), dtype=torch.float64)
    seen = (True,) * len(inputs.input_minutes)
    for sample in (samples[number] for number in chosen.tolist()):
        draw = Draw(0, 0, bank[sample.radar].grid.shape, False, 0, seen, seen, holes=(), key=0)
        raw = cut(bank, [sample], [draw], inputs)
        values_CP = make_batch(raw, inputs, torch.device("cpu")).channels[0].flatten(1).double()
        sums += torch.stack([values_CP.sum(dim=1), values_CP.square().sum(dim=1)])
        pixels += values_CP.shape[1]
    mean, square = sums / pixels
    # Sums of float64 keep what a channel of float32 can vary.
    std = (square - mean.square()).clamp(min=0).sqrt()
    constant = std <= _CONSTANT * mean.abs()
    return mean.float(), std.masked_fill(constant, 1.0).float()
