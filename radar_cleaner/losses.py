"""The loss: a focal and a Dice term on the mask, a reflectivity term, and one on what holes hid.

Every term is a ratio within one sample; a batch's loss is the mean of its samples' losses. So the loss of a
global batch is the same however its samples are spread over processes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from radar_cleaner.dataset import Batch

TERMS = ("loss", "focal", "dice", "reflectivity", "inpainting")
_SMOOTH_L1_BETA = 0.05  # on the network's scale: 4 dBZ, about one class of a palette
_DICE_SMOOTHING = 1.0  # pixels


@dataclass(frozen=True)
class LossWeights:
    """Exponent of the focal term (Lin et al. 2017) and the weights of the other terms against it."""

    focal_gamma: float
    dice: float
    reflectivity: float
    inpainting: float


def sample_losses(logit_BHW: Tensor, scaled_BHW: Tensor, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """(B,) each: the terms of TERMS, unweighted, and `loss`, their weighted sum.

    A term of which a sample has no pixel is 0. `logit` and `scaled` are the heads of the network.
    """
    terms = {
        "focal": _mean(focal_bce(logit_BHW, batch.mask, weights.focal_gamma), batch.weight),
        "dice": soft_dice(torch.sigmoid(logit_BHW), batch.mask, batch.weight),
        "reflectivity": _mean(
            functional.smooth_l1_loss(scaled_BHW, batch.reflectivity, reduction="none", beta=_SMOOTH_L1_BETA),
            batch.reflectivity_weight,
        ),
        "inpainting": _mean((scaled_BHW - batch.reflectivity).abs(), batch.reflectivity_weight * batch.hole),
    }
    loss = (
        terms["focal"]
        + weights.dice * terms["dice"]
        + weights.reflectivity * terms["reflectivity"]
        + weights.inpainting * terms["inpainting"]
    )
    return {"loss": loss, **terms}


def focal_bce(logit: Tensor, mask: Tensor, gamma: float) -> Tensor:
    """Binary cross entropy, less where the network is right already: (1 - p of the truth) ** gamma times it."""
    entropy = functional.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    # From the logit, not from exp(-entropy): its gradient stays finite for gamma < 1 where p is 1.
    wrong = torch.sigmoid(torch.where(mask > 0.5, -logit, logit)).clamp_min(1e-6)
    return wrong**gamma * entropy


def soft_dice(probability_BHW: Tensor, mask_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """(B,) 1 - Dice coefficient of probability and mask, each pixel by its weight (Milletari et al. 2016)."""
    both = (weight_BHW * probability_BHW * mask_BHW).sum((-2, -1))
    total = (weight_BHW * (probability_BHW + mask_BHW)).sum((-2, -1))
    return 1 - (2 * both + _DICE_SMOOTHING) / (total + _DICE_SMOOTHING)


def _mean(values_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """(B,) weighted mean; 0 where all weights are 0."""
    total = weight_BHW.sum((-2, -1))
    mean = (values_BHW * weight_BHW).sum((-2, -1)) / total.clamp_min(1e-6)
    return torch.where(total > 0, mean, torch.zeros_like(mean))
