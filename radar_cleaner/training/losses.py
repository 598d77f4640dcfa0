"""The loss: a focal and a Dice term on the mask, a reflectivity term, one on what holes hid, one on forecasts.

Every term is a ratio within one sample; a batch's loss is the mean of its samples' losses. So the loss of a
global batch is the same however its samples are spread over processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from radar_cleaner.datasets.batches import Batch, Forecast
from radar_cleaner.errors import require

TERMS = ("loss", "focal", "dice", "reflectivity", "inpainting")
FORECAST = "forecast"  # one more term, of a network that forecasts
_SMOOTH_L1_BETA = 0.05  # on the network's scale: 4 dBZ, about one class of a palette
_DICE_SMOOTHING = 1.0  # pixels


@dataclass(frozen=True)
class LossWeights:
    """Exponent of the focal term (Lin et al. 2017) and the weights of the other terms against it.

    Attributes
    ----------
    focal_gamma
        Exponent of the focal loss.
    dice_weight
        Weight of the Dice loss.
    reflectivity_weight
        Weight of the reflectivity loss.
    inpainting_weight
        Weight of the reflectivity loss where holes hid the data.
    label_smoothing
        How far the mask's targets lie from 0 and 1: half of it each (Szegedy et al. 2016).
    other_weight
        What a real echo that is no weather weighs in the mask's terms, where one of weather weighs 1: it is rare.
    forecast_weight
        Weight of the forecasts' loss.
    """

    focal_gamma: float
    dice_weight: float
    reflectivity_weight: float
    inpainting_weight: float
    label_smoothing: float = 0.0
    other_weight: float = 1.0
    forecast_weight: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            require(name, getattr(self, name), 0, 0.5 if name == "label_smoothing" else math.inf)


def sample_losses(
    logit_BHW: Tensor,
    scaled_BHW: Tensor,
    batch: Batch,
    weights: LossWeights,
    ahead: tuple[Tensor, Tensor] | None = None,
) -> dict[str, Tensor]:
    """(B,) each: the terms of TERMS, unweighted, and `loss`, their weighted sum; with `ahead` FORECAST, too.

    A term of which a sample has no pixel is 0. `logit` and `scaled` are the heads of the network at the sample's
    time, `ahead` the same (B, L, H, W) at its leads ahead, where the batch has such targets.
    """
    other = batch.own_echo & ~batch.planted & (batch.mask < 0.5)
    weight = torch.where(other, weights.other_weight * batch.weight, batch.weight)
    terms = {
        "focal": _mean(focal_bce(logit_BHW, batch.mask, weights.focal_gamma, weights.label_smoothing), weight),
        "dice": soft_dice(torch.sigmoid(logit_BHW), batch.mask, weight),
        "reflectivity": _mean(
            functional.smooth_l1_loss(scaled_BHW, batch.reflectivity, reduction="none", beta=_SMOOTH_L1_BETA),
            batch.reflectivity_weight,
        ),
        "inpainting": _mean((scaled_BHW - batch.reflectivity).abs(), batch.reflectivity_weight * batch.hole),
    }
    loss = (
        terms["focal"]
        + weights.dice_weight * terms["dice"]
        + weights.reflectivity_weight * terms["reflectivity"]
        + weights.inpainting_weight * terms["inpainting"]
    )
    if ahead is not None:
        assert batch.forecast is not None, "the batch has targets ahead"
        terms[FORECAST] = forecast_loss(*ahead, batch.forecast, weights)
        loss = loss + weights.forecast_weight * terms[FORECAST]
    return {"loss": loss, **terms}


def forecast_loss(logit_BLHW: Tensor, scaled_BLHW: Tensor, forecast: Forecast, weights: LossWeights) -> Tensor:
    """(B,) mean over the leads of which a sample knows anything: the focal and the Dice term of the mask, and the
    weighted one of the reflectivity.

    All pixels count, as a forecast says where rain will be. Where that is little the entropy alone is low though
    none is forecast at all; the Dice term is about the share of rain that is hit.
    """
    entropy = focal_bce(logit_BLHW, forecast.mask, weights.focal_gamma, weights.label_smoothing)
    dice = soft_dice(torch.sigmoid(logit_BLHW), forecast.mask, forecast.weight)
    error = functional.smooth_l1_loss(scaled_BLHW, forecast.reflectivity, reduction="none", beta=_SMOOTH_L1_BETA)
    reflectivity = weights.reflectivity_weight * _mean(error, forecast.reflectivity_weight)
    known_BL = forecast.weight.sum((-2, -1)) > 0
    of_leads_BL = (_mean(entropy, forecast.weight) + dice + reflectivity) * known_BL
    return of_leads_BL.sum(-1) / known_BL.sum(-1).clamp_min(1)


def focal_bce(logit: Tensor, mask: Tensor, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Binary cross entropy, less where the network is right already: (1 - p of the truth) ** gamma times it.

    The entropy is that to the smoothed target, mask * (1 - smoothing) + smoothing / 2.
    """
    target = mask * (1 - smoothing) + smoothing / 2 if smoothing else mask
    entropy = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    # From the logit, not from exp(-entropy): its gradient stays finite for gamma < 1 where p is 1.
    wrong = torch.sigmoid(torch.where(mask > 0.5, -logit, logit)).clamp_min(1e-6)
    return wrong**gamma * entropy


def soft_dice(probability_BHW: Tensor, mask_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """(B,) 1 - Dice coefficient of probability and mask, each pixel by its weight (Milletari et al. 2016).

    As all here it takes (B, L, H, W), too, and gives (B, L).
    """
    both = (weight_BHW * probability_BHW * mask_BHW).sum((-2, -1))
    total = (weight_BHW * (probability_BHW + mask_BHW)).sum((-2, -1))
    return 1 - (2 * both + _DICE_SMOOTHING) / (total + _DICE_SMOOTHING)


def _mean(values_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """(B,) weighted mean; 0 where all weights are 0."""
    total = weight_BHW.sum((-2, -1))
    mean = (values_BHW * weight_BHW).sum((-2, -1)) / total.clamp_min(1e-6)
    return torch.where(total > 0, mean, torch.zeros_like(mean))
