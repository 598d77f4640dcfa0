"""Polar coordinates of pixels on the device that trains.

Shapes are named by suffix: B samples, C channels, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEUTRAL = (0.5, 0.0, 0.0)  # of a mosaic: the middle of the range, no direction
_FAR_KM = 250.0  # this distance is encoded as 1


def polar_channels(
    center_B2: Tensor, range_px_B: Tensor, shape: tuple[int, int], sides_B2: Tensor | None = None
) -> Tensor:
    """Return (B, 3, H, W): range as a share of the radar's range, cosine and sine of azimuth.

    Azimuth is clockwise from up. `center_B2` is the (column, row) of the radar in each frame. A mosaic of many
    radars has an infinite range. Its channels are NEUTRAL everywhere. `sides_B2` is the width and height of a
    pixel at the radar, in pixels of the mean side; by default pixels are square.
    """
    device = center_B2.device
    columns = torch.arange(shape[1], device=device, dtype=torch.float32)
    rows = torch.arange(shape[0], device=device, dtype=torch.float32)
    right_BHW = columns[None, None, :] - center_B2[:, 0, None, None]
    up_BHW = center_B2[:, 1, None, None] - rows[None, :, None]
    if sides_B2 is not None:
        right_BHW, up_BHW = right_BHW * sides_B2[:, 0, None, None], up_BHW * sides_B2[:, 1, None, None]
    distance_BHW = (right_BHW.square() + up_BHW.square()).sqrt_()
    at_radar = distance_BHW < 1e-6  # azimuth 0 by convention
    divisor = distance_BHW.masked_fill(at_radar, 1.0)
    cosine = (up_BHW / divisor).masked_fill_(at_radar, 1.0)
    polar = torch.stack([distance_BHW / range_px_B[:, None, None], cosine, right_BHW / divisor], dim=1)
    mosaic_B11 = torch.isinf(range_px_B)[:, None, None]
    for channel, value in enumerate(NEUTRAL):
        polar[:, channel].masked_fill_(mosaic_B11, value)
    return polar


def scale_channels(share_BHW: Tensor, range_px_B: Tensor, pixel_km_B: Tensor) -> Tensor:
    """Return (B, 2, H, W): distance from the radar in units of 250 km, and log2 of the pixel's mean side in km.

    `share_BHW` is the range as a share of the radar's range. The distance in a mosaic of many radars is NEUTRAL.
    """
    range_km_B = range_px_B * pixel_km_B
    range_km_B = torch.where(torch.isinf(range_km_B), _FAR_KM, range_km_B)
    distance_BHW = share_BHW * (range_km_B / _FAR_KM)[:, None, None]
    return torch.stack([distance_BHW, pixel_km_B.log2()[:, None, None].expand_as(share_BHW)], dim=1)


def polar_grid(center_2: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return distance in pixels and azimuth in degrees (clockwise from up) of each pixel, (H, W) each."""
    one_pixel = torch.ones(1, device=center_2.device)
    distance_HW, cosine_HW, sine_HW = polar_channels(center_2[None], one_pixel, shape)[0]
    return distance_HW, torch.rad2deg(torch.atan2(sine_HW, cosine_HW))
