"""Encode reflectivity codes as the channels of the network, and decode the network's scale; on any device.

Shapes: B samples, K input times, F fields, C channels, H rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.config.inputs import COORDINATES, LONGITUDE, Inputs
from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT
from radar_cleaner.datasets.polar import polar_channels, scale_channels

# The network's scale: 0 is DBZ_FLOOR, 1 is DBZ_FLOOR + DBZ_SPAN. A trained model depends on it.
DBZ_FLOOR, DBZ_SPAN = -10.0, 80.0
WEAKEST_ECHO = 0.1  # channel value of the weakest echo; undetect is 0
STATIC_SPAN = math.asinh(1000.0)  # a static field of 1000, in any unit, is encoded as 1
DAY_S = 86400


@dataclass(frozen=True)
class FrameTensors:
    """The frames of B samples and what else the channels are made of, on one device.

    `this_radar` and `other_radars` are codes (B, K, H, W) uint8, NODATA where unavailable. `center_px` (B, 2)
    is the (column, row) of the radar, `range_px` (B,) its range, infinite of a mosaic. `times` are the samples' in
    seconds since 1970. `echo_frequency` is (B, H, W) uint8, `fields` (B, F, H, W) as `field_channels` returns
    them, `pixel_sides` (B, 2) as `polar_channels` has them. `pixel_km` (B,) is the mean side of a pixel.
    `noise_dbz` (B, 2K, H, W), for this radar and then for the other radars, is added to echoes.
    """

    this_radar: Tensor
    other_radars: Tensor
    center_px: Tensor
    range_px: Tensor
    times: Sequence[int]
    echo_frequency: Tensor | None = None
    fields: Tensor | None = None
    pixel_sides: Tensor | None = None
    pixel_km: Tensor | None = None
    noise_dbz: Tensor | None = None


def scale_dbz(dbz: Tensor) -> Tensor:
    """Convert reflectivity in dBZ (any shape) to the network's scale."""
    return (dbz - DBZ_FLOOR) / DBZ_SPAN


def unscale_dbz(scaled: Tensor) -> Tensor:
    """Convert reflectivity on the network's scale to dBZ."""
    return scaled * DBZ_SPAN + DBZ_FLOOR


def is_echo(codes: Tensor) -> Tensor:
    """Return where codes (any shape) are an echo: neither undetect nor nodata."""
    return (codes != UNDETECT) & (codes != NODATA)


def decode_scaled(codes: Tensor) -> Tensor:
    """Convert echo codes (any shape) to the network's scale; other codes give meaningless values."""
    return scale_dbz(codes.float() * SCALE_FACTOR + ADD_OFFSET)


def reflectivity_channel(codes: Tensor, noise_dbz: Tensor | None = None) -> Tensor:
    """Encode codes (any shape): 0 where undetect or unavailable, else 0.1 (weakest echo) to 1.

    `noise_dbz` (the shape of `codes`) is added to echoes; they stay echoes.
    """
    if noise_dbz is None:  # a lookup table takes a fifth of the time
        values = _encode(torch.arange(256, dtype=torch.uint8, device=codes.device), 0.0)
        return values.index_select(0, codes.reshape(-1).int()).view(codes.shape)
    return _encode(codes, noise_dbz / DBZ_SPAN)


def _encode(codes: Tensor, noise: Tensor | float) -> Tensor:
    scaled = decode_scaled(codes) + noise
    return (WEAKEST_ECHO + (1 - WEAKEST_ECHO) * scaled.clamp(0, 1)) * is_echo(codes)


def scale_static(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Encode a static field (any shape, any unit): asinh(value) / asinh(1000), NaN to 0.

    The rule is the same for all fields and radars, so that a model also works for an unseen radar. It is linear
    near 0 and logarithmic beyond: a land mask becomes 0 and 0.12, terrain of 10, 100, 1000 and 8000 m becomes
    0.39, 0.70, 1 and 1.27. Unknown values become 0.
    """
    return np.nan_to_num(np.arcsinh(values) / np.float32(STATIC_SPAN)).astype(np.float32)


def field_channels(
    inputs: Inputs,
    latitude: NDArray[np.float32],
    longitude: NDArray[np.float32],
    pixel_size_km: float,
    static: Mapping[str, NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return (F, H, W), the channels of a radar that do not change with time, in the order of `inputs.fields`.

    Latitude and longitude (H, W) are in degrees, `static` by name (H, W) in any unit, NaN where unknown. The
    channels are latitude / 90, cosine and sine of longitude (no step at 180 degrees), log2 of the pixel in km.
    """
    angle = np.deg2rad(longitude, dtype=np.float64)
    fields = {
        "latitude": latitude / 90,
        "longitude_cos": np.cos(angle),
        "longitude_sin": np.sin(angle),
        "pixel_size": np.full(latitude.shape, math.log2(pixel_size_km)),
        **{name: scale_static(static[name]) for name in inputs.static},
    }
    return np.stack([fields[name] for name in inputs.fields]).astype(np.float32)


def time_of_day_channels(times: Sequence[int], longitude_B2HW: Tensor) -> Tensor:
    """Return (B, 2, H, W): cosine and sine of mean solar time, one turn a day, midnight at cosine 1.

    `times` are seconds since 1970, `longitude_B2HW` cosine and sine of longitude. Mean solar time is UTC plus
    longitude / 15 hours, so that its angle is the sum of both angles.
    """
    turn_B2 = _circle([time % DAY_S / DAY_S for time in times], longitude_B2HW)
    cosine_B11, sine_B11 = turn_B2[:, 0, None, None], turn_B2[:, 1, None, None]
    cosine_BHW, sine_BHW = longitude_B2HW[:, 0], longitude_B2HW[:, 1]
    return torch.stack(
        [
            cosine_B11 * cosine_BHW - sine_B11 * sine_BHW,
            sine_B11 * cosine_BHW + cosine_B11 * sine_BHW,
        ],
        dim=1,
    )


def day_of_year_channels(times: Sequence[int], like: Tensor) -> Tensor:
    """Return (B, 2) on the device of `like`: cosine and sine of the position in the UTC year.

    1 January is at cosine 1.
    """
    return _circle([_share_of_year(time) for time in times], like)


def make_channels(inputs: Inputs, frames: FrameTensors) -> Tensor:
    """Return (B, C, H, W) float32, the input of the network, in the order of `inputs.names`.

    Each input time has four channels: reflectivity and availability of this radar, then of the other radars. The
    polar channels follow, then those of scale, echo frequency, clock, coordinates and static fields that `inputs`
    selects. Training and inference both encode by this function.
    """
    batch, times, *shape = frames.this_radar.shape
    noise = frames.noise_dbz
    # Each channel is written in one piece into the final memory: joining pieces would copy them once more.
    channels_CBHW = torch.empty((len(inputs.names), batch, *shape), device=frames.this_radar.device)
    channel = iter(channels_CBHW)
    for number in range(times):
        for first, codes_BKHW in ((0, frames.this_radar), (times, frames.other_radars)):
            noise_BHW = None if noise is None else noise[:, first + number]
            next(channel)[...] = reflectivity_channel(codes_BKHW[:, number], noise_BHW)
            next(channel)[...] = codes_BKHW[:, number] != NODATA
    helpers = [polar_channels(frames.center_px, frames.range_px, (shape[0], shape[1]), frames.pixel_sides)]
    if inputs.scale:
        assert frames.pixel_km is not None, "the size of a pixel is a channel"
        helpers.append(scale_channels(helpers[0][:, 0], frames.range_px, frames.pixel_km))
    if inputs.atlas == "channel":
        assert frames.echo_frequency is not None, "the atlas is a channel"
        helpers.append(frames.echo_frequency[:, None].float() / 255)
    if inputs.time_of_day:
        assert frames.fields is not None, "mean solar time needs the longitude"
        first = inputs.fields.index(LONGITUDE[0])
        helpers.append(time_of_day_channels(frames.times, frames.fields[:, first : first + 2]))
    if inputs.day_of_year:
        day_of_year = day_of_year_channels(frames.times, frames.center_px)
        helpers.append(day_of_year[:, :, None, None].expand(-1, -1, *shape))
    static = (*(COORDINATES if inputs.coordinates else ()), *inputs.static)
    if static:
        assert frames.fields is not None, f"{static} are channels"
        helpers.append(frames.fields[:, len(inputs.fields) - len(static) :])
    for values_BHW in chain.from_iterable(values_BCHW.unbind(dim=1) for values_BCHW in helpers):
        next(channel)[...] = values_BHW
    return channels_CBHW.transpose(0, 1)


def _share_of_year(time: int) -> float:
    """Return the position of a time in its UTC year: 0 at the start, towards 1 at the end."""
    year = datetime.fromtimestamp(time, UTC).year
    start, end = (datetime(number, 1, 1, tzinfo=UTC).timestamp() for number in (year, year + 1))
    return (time - start) / (end - start)


def _circle(shares: Sequence[float], like: Tensor) -> Tensor:
    """Return (B, 2) float32 on the device of `like`: cosine and sine of shares of a turn."""
    angles = [2 * math.pi * share for share in shares]
    points = [(math.cos(angle), math.sin(angle)) for angle in angles]
    return torch.tensor(points, dtype=torch.float32, device=like.device)
