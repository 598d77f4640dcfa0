"""Batches: crops that are flipped, masked, given artefacts, encoded and weighted, on the training device.

Shapes: B samples, K input times, L lead times, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from radar_cleaner.config.artefacts import ARTEFACT_KINDS
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNDETECT, UNKNOWN
from radar_cleaner.datasets.artefacts.inject import inject_batch, level_table
from radar_cleaner.datasets.channels import FrameTensors, decode_scaled, is_echo, make_channels
from radar_cleaner.datasets.crops import Labels, RawBatch
from radar_cleaner.datasets.dihedral import UNCHANGED, flip_rotate
from radar_cleaner.datasets.inpainting_masks import rasterize_masks
from radar_cleaner.datasets.mixing import NEAR_WEIGHT, mix
from radar_cleaner.datasets.redraw import draw_again


@dataclass(frozen=True)
class Forecast:
    """The targets at the lead times, (B, L, H, W) each, as in `Batch`.

    `mask` is 1 where there will be meteorological echo, 0 where there will be clutter or nothing. `weight` is 0
    where that is unknown. Inpainting masks and artefacts of the input change nothing here.
    """

    mask: Tensor
    weight: Tensor
    reflectivity: Tensor
    reflectivity_weight: Tensor


@dataclass(frozen=True)
class Batch:
    """The input and the targets of the network, on one device; (B, H, W) except `channels`.

    `mask` is 1 where the echo is meteorological. `weight` is the confidence of that, 0 where it is unknown.
    `reflectivity` is on the network's scale and counts where `reflectivity_weight` > 0. `hidden` is where an
    inpainting mask or an artefact hides this radar's data. `echo` is where this radar has an echo, hidden or
    not, or an injected one; `injected` is where it is injected. `forecast` is None without lead times above
    0.
    """

    channels: Tensor
    mask: Tensor
    weight: Tensor
    reflectivity: Tensor
    reflectivity_weight: Tensor
    hidden: Tensor
    echo: Tensor
    injected: Tensor
    forecast: Forecast | None = None


@dataclass(frozen=True)
class _Injection:
    """Artefacts in a batch.

    `codes` (B, K, H, W) are the input frames with artefacts. The others are (B, H, W) at the sample's time:
    `injected` is injected echo, `covered` a real echo that an artefact changes, `weight` the weight of an injected
    pixel in the loss.
    """

    codes: Tensor
    injected: Tensor
    covered: Tensor
    weight: Tensor


def make_batch(raw: RawBatch, inputs: Inputs, device: torch.device, noise_dbz: float = 0.0) -> Batch:
    """Flip, mix, draw again, mask, inject artefacts, encode and weight a raw batch on a device.

    `noise_dbz` is the standard deviation of independent noise on the echoes of the input; it changes no target.
    """
    raw = _draw_again(_mix(_flip_rotate(raw.to(device)), inputs.kept))
    hidden = _mask(raw)
    injection = _inject(raw, inputs.kept)
    channels = _encode(raw, injection.codes, hidden, inputs, noise_dbz)
    mask = (raw.now.echo_class == METEOROLOGICAL).float()
    confidence = raw.now.confidence.float() / 255 * (raw.now.echo_class != UNKNOWN)
    reflectivity, seen = _pool(raw.now.this_radar, raw.other_radars_now, inputs.reflectivity_target)
    injected = injection.injected & ~hidden
    return Batch(
        channels=channels,
        mask=mask.masked_fill(injected, 0),
        weight=_weight(raw, injection, hidden, confidence, inputs.kept),
        reflectivity=reflectivity,
        reflectivity_weight=confidence * mask * seen,
        hidden=hidden | injection.covered,
        echo=is_echo(raw.now.this_radar) | injected,
        injected=injected,
        forecast=None if raw.lead is None else _forecast(raw.lead),
    )


def _flip_rotate(raw: RawBatch) -> RawBatch:
    """Flip and rotate the crops; `center_px` describes the result already."""
    if raw.clutter is not None:
        raw = replace(raw, clutter=_flip_rotate(raw.clutter))
    if all(crop.flip_rotation == UNCHANGED for crop in raw.params):
        return raw

    def changed(frames: Tensor) -> Tensor:
        pairs = zip(frames, raw.params, strict=True)
        return torch.stack([flip_rotate(frame, crop.flip_rotation) for frame, crop in pairs])

    return replace(replace(raw, clutter=None).map_frames(changed), clutter=raw.clutter)


def _mix(raw: RawBatch, own: int) -> RawBatch:
    """Add clutter to the crops that have some; `own` is the position of the sample's own time.

    The class is that of the stronger echo. The reflectivity of the target stays that of the echo without clutter.
    """
    if raw.clutter is None:
        return raw
    rows, clutter = list(raw.clutter_of), raw.clutter
    codes, added, near = mix(raw.this_radar[rows], clutter.this_radar, clutter.now.echo_class, own)
    for number, row in enumerate(rows):
        table = torch.tensor(level_table(raw.levels[row]), device=codes.device)
        codes[number] = torch.where(is_echo(codes[number]), table[codes[number].int()], codes[number])
    this_radar, now = raw.this_radar.clone(), raw.now
    this_radar[rows] = codes
    echo_class, confidence, own_codes = (part[rows] for part in (now.echo_class, now.confidence, now.this_radar))
    confidence = torch.where(added, clutter.now.confidence, confidence)
    confidence = torch.where(near, (confidence * NEAR_WEIGHT).to(torch.uint8), confidence)
    changed = (
        (now.this_radar, torch.where(is_echo(own_codes), own_codes, codes[:, own])),
        (now.echo_class, echo_class.masked_fill(added, NON_METEOROLOGICAL)),
        (now.confidence, confidence),
    )
    labels = [part.index_copy(0, torch.tensor(rows, device=part.device), values) for part, values in changed]
    return replace(raw, this_radar=this_radar, now=Labels(*labels), clutter=None)


def _draw_again(raw: RawBatch) -> RawBatch:
    """Draw the echo of both this and the other radars with the palette of each crop, if it has one."""
    drawn = [number for number, crop in enumerate(raw.params) if crop.drawing is not None]
    if not drawn:
        return raw
    levels = list(raw.levels or [None] * len(raw.params))

    def redrawn(codes: Tensor) -> Tensor:
        """(B, H, W) or (B, K, H, W)."""
        codes = codes.clone()
        for number in drawn:
            crop = raw.params[number]
            assert crop.drawing is not None
            codes_KHW = codes[number].view(-1, *codes.shape[-2:])
            codes[number] = draw_again(codes_KHW, crop.drawing, levels[number], crop.key).view_as(codes[number])
        return codes

    def of_labels(labels: Labels) -> Labels:
        return replace(labels, this_radar=redrawn(labels.this_radar))

    palettes = [
        old if crop.drawing is None else crop.drawing.levels for old, crop in zip(levels, raw.params, strict=True)
    ]
    return replace(
        raw,
        this_radar=redrawn(raw.this_radar),
        other_radars=redrawn(raw.other_radars),
        now=of_labels(raw.now),
        other_radars_now=redrawn(raw.other_radars_now),
        lead=None if raw.lead is None else of_labels(raw.lead),
        levels=palettes,
    )


def _mask(raw: RawBatch) -> Tensor:
    """(B, H, W) bool: where an inpainting mask hides data of this radar."""
    codes_BHW = raw.now.this_radar
    if not any(crop.masks for crop in raw.params):
        return torch.zeros_like(codes_BHW, dtype=torch.bool)
    masks, keys = [crop.masks for crop in raw.params], [crop.key for crop in raw.params]
    shape = (codes_BHW.shape[-2], codes_BHW.shape[-1])
    return rasterize_masks(masks, raw.center_px.to(codes_BHW.device), keys, shape) & (codes_BHW != NODATA)


def _inject(raw: RawBatch, kept: int) -> _Injection:
    """Paint artefacts into the input frames; `kept` is the position of the sample's own time."""
    clean_BHW = raw.this_radar[:, kept]
    if not any(crop.artefacts for crop in raw.params):
        nowhere = torch.zeros_like(clean_BHW, dtype=torch.bool)
        return _Injection(raw.this_radar, nowhere, nowhere, nowhere.float())
    codes_BKHW, kinds_BKHW = inject_batch(
        raw.this_radar,
        [crop.artefacts for crop in raw.params],
        raw.center_px.tolist(),
        raw.range_px.tolist(),
        [crop.key for crop in raw.params],
        raw.levels or [None] * len(raw.params),
    )
    codes_BHW, kinds_BHW = codes_BKHW[:, kept], kinds_BKHW[:, kept]
    weights_BN = torch.zeros(len(raw.params), len(ARTEFACT_KINDS) + 1)
    for number, crop in enumerate(raw.params):
        for artefact in crop.artefacts:
            weights_BN[number, ARTEFACT_KINDS.index(artefact.kind) + 1] = artefact.loss
    device = clean_BHW.device
    rows = torch.arange(len(raw.params), device=device)[:, None, None]
    return _Injection(
        codes=codes_BKHW,
        injected=(kinds_BHW > 0) & is_echo(codes_BHW),
        covered=is_echo(clean_BHW) & (codes_BHW != clean_BHW),
        weight=weights_BN.to(device)[rows, kinds_BHW.long()],
    )


def _encode(raw: RawBatch, codes_BKHW: Tensor, hidden: Tensor, inputs: Inputs, noise_dbz: float) -> Tensor:
    """(B, C, H, W): the input channels, without hidden pixels and without dropped times."""
    available = _availability(raw, [crop.available for crop in raw.params])
    others_available = _availability(raw, [crop.others_available for crop in raw.params])
    known = torch.tensor([crop.has_range for crop in raw.params])
    frames = FrameTensors(
        this_radar=codes_BKHW.masked_fill(~available | hidden[:, None], NODATA),
        other_radars=raw.other_radars.masked_fill(~others_available, NODATA),
        center_px=raw.center_px.to(hidden.device),
        range_px=torch.where(known, raw.range_px, torch.inf).to(hidden.device),
        times=[sample.time for sample in raw.samples],
        echo_frequency=raw.echo_frequency,
        fields=raw.fields,
        pixel_sides=None if raw.pixel_sides is None else raw.pixel_sides.to(hidden.device),
        pixel_km=None if raw.pixel_km is None else raw.pixel_km.to(hidden.device),
        noise_dbz=_draw_noise(raw, noise_dbz) if noise_dbz else None,
    )
    return make_channels(inputs, frames)


def _availability(raw: RawBatch, available: Sequence[Sequence[bool]]) -> Tensor:
    """(B, K, 1, 1) bool."""
    return torch.tensor(available, device=raw.this_radar.device)[:, :, None, None]


def _weight(raw: RawBatch, injection: _Injection, hidden: Tensor, confidence: Tensor, kept: int) -> Tensor:
    """(B, H, W): the weight of each pixel in the loss of the mask.

    An injected pixel has the weight of its kind (config/plants.yaml). A pixel inside an injected gap has an
    unknown class and no weight. A pixel that the network receives as dry has no weight either: there is
    nothing to classify, and the network would learn to doubt the edges of echoes.
    """
    now_BHW = injection.codes[:, kept]
    gap = injection.covered & ~is_echo(now_BHW)
    available = torch.tensor([crop.available[kept] for crop in raw.params], device=hidden.device)
    dry = available[:, None, None] & ~hidden & (now_BHW == UNDETECT)
    return torch.where(injection.injected & ~hidden, injection.weight, confidence.masked_fill(gap | dry, 0))


def _forecast(lead: Labels) -> Forecast:
    """Return the targets at the lead times."""
    mask = (lead.echo_class == METEOROLOGICAL).float()
    weight = lead.confidence.float() / 255 * (lead.echo_class != UNKNOWN)
    seen = is_echo(lead.this_radar)
    return Forecast(mask, weight, decode_scaled(lead.this_radar) * seen, weight * mask * seen)


def _pool(this_radar: Tensor, other_radars: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Pool the reflectivity, on the network's scale, of the radars with an echo; also return where one has any."""
    this_echo, other_echo = is_echo(this_radar), is_echo(other_radars)
    this_dbz, other_dbz = decode_scaled(this_radar), decode_scaled(other_radars)
    if method == "mean":
        count = this_echo.float() + other_echo.float()
        pooled = (this_dbz * this_echo + other_dbz * other_echo) / count.clamp(min=1)
    else:
        lowest = torch.full_like(this_dbz, -torch.inf)
        pooled = torch.maximum(
            torch.where(this_echo, this_dbz, lowest), torch.where(other_echo, other_dbz, lowest)
        )
    seen = this_echo | other_echo
    return torch.where(seen, pooled, torch.zeros_like(pooled)), seen


def _draw_noise(raw: RawBatch, noise_dbz: float) -> Tensor:
    """(B, 2K, H, W) dBZ of Gaussian noise, for this radar and then for the other radars.

    The noise of a sample depends on its key alone, not on the other samples of the batch.
    """
    batch, times, height, width = raw.this_radar.shape
    device = raw.this_radar.device
    noise_BPHW = torch.empty((batch, 2 * times, height, width), dtype=torch.float32, device=device)
    for noise_PHW, crop in zip(noise_BPHW, raw.params, strict=True):
        random = torch.Generator(device).manual_seed(crop.key)
        noise_PHW.normal_(0, noise_dbz, generator=random)
    return noise_BPHW
