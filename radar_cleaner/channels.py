"""From codes to the network's channels, and from the network's scale back to dBZ; on any device.

Shapes are named by suffix: B samples, K input times, C channels, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from radar_cleaner.vocabulary import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT

# The network's scale: 0 is DBZ_FLOOR, 1 is DBZ_FLOOR + DBZ_SPAN. They are part of what a model has learned.
DBZ_FLOOR, DBZ_SPAN = -10.0, 80.0
WEAKEST_ECHO = 0.1  # channel value of the weakest echo; undetect is 0
HELPERS = 3  # range, cosine and sine of azimuth


def count_channels(input_times: int, atlas: str) -> int:
    """Channels for so many input times: 4 a time, 3 helpers, and one more for the atlas as a channel."""
    return 4 * input_times + HELPERS + (atlas == "channel")


def scale_dbz(dbz: Tensor) -> Tensor:
    """Reflectivity in dBZ (any shape) on the network's scale."""
    return (dbz - DBZ_FLOOR) / DBZ_SPAN


def unscale_dbz(scaled: Tensor) -> Tensor:
    """What `scale_dbz` gave, in dBZ again."""
    return scaled * DBZ_SPAN + DBZ_FLOOR


def is_echo(codes: Tensor) -> Tensor:
    """Where codes (any shape) hold an echo: neither undetect nor nodata."""
    return (codes != UNDETECT) & (codes != NODATA)


def decode_scaled(codes: Tensor) -> Tensor:
    """Echo codes (any shape) on the network's scale; meaningless where there is no echo."""
    return scale_dbz(codes.float() * SCALE_FACTOR + ADD_OFFSET)


def reflectivity_channel(codes: Tensor) -> Tensor:
    """0 where undetect or unavailable, else 0.1 (weakest echo) to 1 (any shape)."""
    values = WEAKEST_ECHO + (1 - WEAKEST_ECHO) * decode_scaled(codes).clamp(0, 1)
    return values * is_echo(codes)


def polar_channels(center_B2: Tensor, range_px_B: Tensor, shape: tuple[int, int]) -> Tensor:
    """(B, 3, H, W): range over the radar's range, cosine and sine of azimuth (clockwise from up).

    `center_B2` is the (column, row) of the radar in each picture, which may lie outside.
    """
    device = center_B2.device
    columns = torch.arange(shape[1], device=device, dtype=torch.float32)
    rows = torch.arange(shape[0], device=device, dtype=torch.float32)
    right_BHW = (columns[None, None, :] - center_B2[:, 0, None, None]).expand(-1, shape[0], -1)
    up_BHW = (center_B2[:, 1, None, None] - rows[None, :, None]).expand(-1, -1, shape[1])
    distance_BHW = torch.hypot(right_BHW, up_BHW)
    at_radar = distance_BHW < 1e-6  # azimuth 0 by convention
    divisor = distance_BHW.masked_fill(at_radar, 1.0)
    cosine = (up_BHW / divisor).masked_fill(at_radar, 1.0)
    return torch.stack([distance_BHW / range_px_B[:, None, None], cosine, right_BHW / divisor], dim=1)


def make_channels(
    own_BKHW: Tensor,
    others_BKHW: Tensor,
    center_B2: Tensor,
    range_px_B: Tensor,
    echo_frequency_BHW: Tensor | None = None,
) -> Tensor:
    """(B, C, H, W) float32: what the network sees.

    For each time: own reflectivity, own availability, others' reflectivity, others' availability; then the
    helpers; then the echo frequency (given as uint8) if there is one. Codes are uint8.
    """
    per_time = torch.stack(
        [
            reflectivity_channel(own_BKHW),
            (own_BKHW != NODATA).float(),
            reflectivity_channel(others_BKHW),
            (others_BKHW != NODATA).float(),
        ],
        dim=2,
    )
    shape = (own_BKHW.shape[-2], own_BKHW.shape[-1])
    parts = [per_time.flatten(1, 2), polar_channels(center_B2, range_px_B, shape)]
    if echo_frequency_BHW is not None:
        parts.append(echo_frequency_BHW[:, None].float() / 255)
    return torch.cat(parts, dim=1)
