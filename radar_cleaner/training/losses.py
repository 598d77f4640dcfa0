"""The loss: a focal and a Dice term on the mask, a reflectivity, an inpainting and a forecast term.

Every term is a ratio within one sample, and the loss of a batch is the mean over its samples. The loss of a global
batch therefore does not depend on how its samples are spread over processes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from radar_cleaner.config.training import Loss
from radar_cleaner.datasets.batches import Batch, Forecast

TERMS = ("loss", "focal", "dice", "reflectivity", "inpainting")
FORECAST = "forecast"  # a further term of a network that forecasts
_SMOOTH_L1_BETA = 0.05  # on the network's scale: 4 dBZ, about one class of a palette
_DICE_SMOOTHING = 1.0  # pixels


def sample_losses(
    logit_BHW: Tensor,
    scaled_BHW: Tensor,
    batch: Batch,
    loss: Loss,
    ahead: tuple[Tensor, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Return the unweighted terms of TERMS and `loss`, their weighted sum, (B,) each; with `ahead` also FORECAST.

    A term without a pixel in a sample is 0. `logit` and `scaled` are the heads of the network at the sample's
    time, `ahead` the heads (B, L, H, W) at the lead times.
    """
    other = batch.echo & ~batch.injected & (batch.mask < 0.5)
    weight = torch.where(other, loss.other_echo * batch.weight, batch.weight)
    terms = {
        "focal": _mean(focal_bce(logit_BHW, batch.mask, loss.focal_gamma, loss.label_smoothing), weight),
        "dice": soft_dice(torch.sigmoid(logit_BHW), batch.mask, weight),
        "reflectivity": _mean(
            functional.smooth_l1_loss(scaled_BHW, batch.reflectivity, reduction="none", beta=_SMOOTH_L1_BETA),
            batch.reflectivity_weight,
        ),
        "inpainting": _mean((scaled_BHW - batch.reflectivity).abs(), batch.reflectivity_weight * batch.hidden),
    }
    total = (
        terms["focal"]
        + loss.dice * terms["dice"]
        + loss.reflectivity * terms["reflectivity"]
        + loss.inpainting * terms["inpainting"]
    )
    if ahead is not None:
        assert batch.forecast is not None, "the batch has targets ahead"
        terms[FORECAST] = forecast_loss(*ahead, batch.forecast, loss)
        total = total + loss.forecast * terms[FORECAST]
    return {"loss": total, **terms}


def forecast_loss(logit_BLHW: Tensor, scaled_BLHW: Tensor, forecast: Forecast, loss: Loss) -> Tensor:
    """Return (B,): the mean over known lead times of the focal, the Dice and the weighted reflectivity term.

    All pixels count, because a forecast predicts where rain will be. Where rain is rare, the entropy is low
    even if no rain is forecast; the Dice term measures the share of rain that is hit.
    """
    entropy = focal_bce(logit_BLHW, forecast.mask, loss.focal_gamma, loss.label_smoothing)
    dice = soft_dice(torch.sigmoid(logit_BLHW), forecast.mask, forecast.weight)
    error = functional.smooth_l1_loss(scaled_BLHW, forecast.reflectivity, reduction="none", beta=_SMOOTH_L1_BETA)
    reflectivity = loss.reflectivity * _mean(error, forecast.reflectivity_weight)
    known_BL = forecast.weight.sum((-2, -1)) > 0
    of_leads_BL = (_mean(entropy, forecast.weight) + dice + reflectivity) * known_BL
    return of_leads_BL.sum(-1) / known_BL.sum(-1).clamp_min(1)


def focal_bce(logit: Tensor, mask: Tensor, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Return the focal loss: (1 - p of the true class) ** gamma times the entropy (Lin et al. 2017).

    The target of the entropy is smoothed: mask * (1 - smoothing) + smoothing / 2 (Szegedy et al. 2016).
    """
    target = mask * (1 - smoothing) + smoothing / 2 if smoothing else mask
    entropy = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    # From the logit, not from exp(-entropy): its gradient stays finite for gamma < 1 where p is 1.
    wrong = torch.sigmoid(torch.where(mask > 0.5, -logit, logit)).clamp_min(1e-6)
    return wrong**gamma * entropy


def soft_dice(probability_BHW: Tensor, mask_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """Return (B,): 1 - the weighted Dice coefficient of probability and mask (Milletari et al. 2016).

    Input (B, L, H, W) gives (B, L).
    """
    both = (weight_BHW * probability_BHW * mask_BHW).sum((-2, -1))
    total = (weight_BHW * (probability_BHW + mask_BHW)).sum((-2, -1))
    return 1 - (2 * both + _DICE_SMOOTHING) / (total + _DICE_SMOOTHING)


def _mean(values_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """(B,) weighted mean; 0 where all weights are 0."""
    total = weight_BHW.sum((-2, -1))
    mean = (values_BHW * weight_BHW).sum((-2, -1)) / total.clamp_min(1e-6)
    return torch.where(total > 0, mean, torch.zeros_like(mean))
