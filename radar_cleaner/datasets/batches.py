"""Batches of crops: turned, planted, hidden and made into channels and targets, on the device that trains.

Shapes: B samples, K input times, L leads ahead, P planes, F fields, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from radar_cleaner.config.artefacts import PLANT_KINDS
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, UNDETECT, UNKNOWN
from radar_cleaner.datasets.artefacts.inject import plant_batch
from radar_cleaner.datasets.augmentation import Draw
from radar_cleaner.datasets.channels import decode_scaled, is_echo, make_channels
from radar_cleaner.datasets.crops import AHEAD_PLANES, RawBatch
from radar_cleaner.datasets.dihedral import Turn, turn_picture
from radar_cleaner.datasets.frame_cache import CONFIDENCE, ECHO_CLASS, OTHERS, OWN
from radar_cleaner.datasets.inpainting_masks import hole_mask


@dataclass(frozen=True)
class Forecast:
    """What the network should say of frames that are yet to come, (B, L, H, W) each, as in `Batch`.

    `mask` is 1 where there will be weather and 0 elsewhere, be it clutter or nothing; `weight` is 0 where that is
    not known. What is hidden from the network, or planted for it, changes nothing here.
    """

    mask: Tensor
    weight: Tensor
    reflectivity: Tensor
    reflectivity_weight: Tensor


@dataclass(frozen=True)
class Batch:
    """What the network sees and what it should say, all on one device; (B, H, W) but for `channels`.

    `mask` is 1 where the echo is meteorological, `weight` the confidence where that is known (else 0).
    `reflectivity` is on the network's scale and counts where `reflectivity_weight` > 0. `hole` is where own
    data were hidden, by a hole or by what is planted over an echo; `own_echo` where the radar has an echo (hidden
    or not) or one is planted, `planted` where that is so. `forecast` is None without leads ahead.
    """

    channels: Tensor
    mask: Tensor
    weight: Tensor
    reflectivity: Tensor
    reflectivity_weight: Tensor
    hole: Tensor
    own_echo: Tensor
    planted: Tensor
    forecast: Forecast | None = None


def make_batch(raw: RawBatch, inputs: Inputs, device: torch.device, noise_dbz: float = 0.0) -> Batch:
    """Turn, plant, hide and encode a cut batch on the device that trains.

    Planted echo is no weather; what it weighs is its kind's (`plant_ranges`). Where it covers an echo, or a
    planted gap hides one, the reflectivity is asked for as in a hole; what is in a gap is of unknown class.
    `noise_dbz` is the standard deviation of what is added to the echoes that the network sees, each for itself; it
    changes no target. Where the network sees that there is no echo, there is nothing to judge, and no loss: it
    would learn that echo is doubtful where it ends.
    """
    times = len(inputs.input_minutes)
    planes_BPHW = _turn(raw.planes.to(device, non_blocking=True), raw.draws)
    own_BKHW, others_BKHW = planes_BPHW[:, :times], planes_BPHW[:, times : 2 * times]
    target = planes_BPHW[:, 2 * times :]
    own, others, echo_class = target[:, OWN], target[:, OTHERS], target[:, ECHO_CLASS]
    center_B2 = torch.from_numpy(raw.center_px).to(device)
    hidden = _hide(raw.draws, center_B2, own)
    seen_BKHW, planted, covered, planted_weight = _plant(raw, own_BKHW, inputs.kept)
    own_seen = torch.tensor([draw.own_seen for draw in raw.draws], device=device)[:, :, None, None]
    others_seen = torch.tensor([draw.others_seen for draw in raw.draws], device=device)[:, :, None, None]
    channels = make_channels(
        inputs,
        seen_BKHW.masked_fill(~own_seen | hidden[:, None], NODATA),
        others_BKHW.masked_fill(~others_seen, NODATA),
        center_B2,
        torch.from_numpy(raw.range_px).to(device),
        [sample.time for sample in raw.samples],
        target[:, CONFIDENCE + 1] if inputs.atlas == "channel" else None,
        None if raw.fields is None else _turn(raw.fields.to(device, non_blocking=True), raw.draws),
        _draw_noise(raw.draws, planes_BPHW[:, : 2 * times], noise_dbz) if noise_dbz else None,
    )
    mask = (echo_class == METEOROLOGICAL).float()
    weight = target[:, CONFIDENCE].float() / 255 * (echo_class != UNKNOWN)
    reflectivity, seen = _pool(own, others, inputs.reflectivity_target)
    planted = planted & ~hidden
    now = seen_BKHW[:, inputs.kept]
    gap = covered & ~is_echo(now)
    dry = own_seen[:, inputs.kept] & ~hidden & (now == UNDETECT)
    return Batch(
        channels,
        mask.masked_fill(planted, 0),
        torch.where(planted, planted_weight, weight.masked_fill(gap | dry, 0)),
        reflectivity,
        weight * mask * seen,
        hidden | covered,
        is_echo(own) | planted,
        planted,
        _forecast(planes_BPHW[:, -len(AHEAD_PLANES) * len(inputs.ahead) :]) if inputs.ahead else None,
    )


def _forecast(planes_BPHW: Tensor) -> Forecast:
    """Targets of the planes of the frames ahead, as `cut` leaves them."""
    every = len(AHEAD_PLANES)
    own, echo_class, confidence = (planes_BPHW[:, plane::every] for plane in range(every))
    mask = (echo_class == METEOROLOGICAL).float()
    weight = confidence.float() / 255 * (echo_class != UNKNOWN)
    seen = is_echo(own)
    return Forecast(mask, weight, decode_scaled(own) * seen, weight * mask * seen)


def _pool(own: Tensor, others: Tensor, how: str) -> tuple[Tensor, Tensor]:
    """Reflectivity on the network's scale over the radars that see an echo, and where any of them does."""
    own_echo, others_echo = is_echo(own), is_echo(others)
    first, second = decode_scaled(own), decode_scaled(others)
    if how == "mean":
        count = own_echo.float() + others_echo.float()
        pooled = (first * own_echo + second * others_echo) / count.clamp(min=1)
    else:
        lowest = torch.full_like(first, -torch.inf)
        pooled = torch.maximum(torch.where(own_echo, first, lowest), torch.where(others_echo, second, lowest))
    seen = own_echo | others_echo
    return torch.where(seen, pooled, torch.zeros_like(pooled)), seen


def _turn(planes_BPHW: Tensor, draws: Sequence[Draw]) -> Tensor:
    if not any(draw.flip or draw.turns for draw in draws):
        return planes_BPHW
    pairs = zip(planes_BPHW, draws, strict=True)
    return torch.stack([turn_picture(planes_PHW, Turn(draw.flip, draw.turns)) for planes_PHW, draw in pairs])


def _hide(draws: Sequence[Draw], center_B2: Tensor, own_BHW: Tensor) -> Tensor:
    """(B, H, W) bool: where a hole hides own data; where there were none there is nothing to hide."""
    if not any(draw.holes for draw in draws):
        return torch.zeros_like(own_BHW, dtype=torch.bool)
    holes, keys = [draw.holes for draw in draws], [draw.key for draw in draws]
    shape = (own_BHW.shape[-2], own_BHW.shape[-1])
    return hole_mask(holes, center_B2, keys, shape, own_BHW.device) & (own_BHW != NODATA)


def _plant(raw: RawBatch, own_BKHW: Tensor, target: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the radar seems to see, (B, K, H, W), and (B, H, W) at the time that is judged: where it is planted
    echo, where an echo is not seen as it is, and what a planted pixel weighs.
    """
    clean_BHW = own_BKHW[:, target]
    if not any(draw.plants for draw in raw.draws):
        nowhere = torch.zeros_like(clean_BHW, dtype=torch.bool)
        return own_BKHW, nowhere, nowhere, nowhere.float()
    codes_BKHW, kinds_BKHW = plant_batch(
        own_BKHW,
        [draw.plants for draw in raw.draws],
        raw.center_px.tolist(),
        raw.range_px.tolist(),
        [draw.key for draw in raw.draws],
        raw.levels or [None] * len(raw.draws),
    )
    codes_BHW = codes_BKHW[:, target]
    planted_BHW = (kinds_BKHW[:, target] > 0) & is_echo(codes_BHW)
    weights_BN = torch.zeros(len(raw.draws), len(PLANT_KINDS) + 1)
    for number, draw in enumerate(raw.draws):
        for one in draw.plants:
            weights_BN[number, PLANT_KINDS.index(one.kind) + 1] = one.loss
    rows = torch.arange(len(raw.draws), device=own_BKHW.device)[:, None, None]
    weight_BHW = weights_BN.to(own_BKHW.device)[rows, kinds_BKHW[:, target].long()]
    return codes_BKHW, planted_BHW, is_echo(clean_BHW) & (codes_BHW != clean_BHW), weight_BHW


def _draw_noise(draws: Sequence[Draw], like_BPHW: Tensor, noise_dbz: float) -> Tensor:
    """(B, P, H, W) dBZ of Gaussian noise; that of a sample hangs on its key alone, not on its neighbours."""
    noise_BPHW = torch.empty(like_BPHW.shape, dtype=torch.float32, device=like_BPHW.device)
    for noise_PHW, draw in zip(noise_BPHW, draws, strict=True):
        random = torch.Generator(like_BPHW.device).manual_seed(draw.key)
        noise_PHW.normal_(0, noise_dbz, generator=random)
    return noise_BPHW
