"""From codes to the network's channels, and from the network's scale back to dBZ; on any device.

Shapes are named by suffix: B samples, K input times, F fields, C channels, H rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.config.inputs import COORDINATES, LONGITUDE, Inputs
from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT
from radar_cleaner.datasets.polar import polar_channels

# The network's scale: 0 is DBZ_FLOOR, 1 is DBZ_FLOOR + DBZ_SPAN. They are part of what a model has learned.
DBZ_FLOOR, DBZ_SPAN = -10.0, 80.0
WEAKEST_ECHO = 0.1  # channel value of the weakest echo; undetect is 0
STATIC_SPAN = math.asinh(1000.0)  # a static field of 1000, in whatever unit, is 1
DAY_S = 86400


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


def reflectivity_channel(codes: Tensor, noise_dbz: Tensor | None = None) -> Tensor:
    """0 where undetect or unavailable, else 0.1 (weakest echo) to 1 (any shape).

    `noise_dbz` (the shape of `codes`) is added to echoes; they stay echoes.
    """
    if noise_dbz is None:  # looked up, which takes a fifth of the time
        values = _encode(torch.arange(256, dtype=torch.uint8, device=codes.device), 0.0)
        return values.index_select(0, codes.reshape(-1).int()).view(codes.shape)
    return _encode(codes, noise_dbz / DBZ_SPAN)


def _encode(codes: Tensor, noise: Tensor | float) -> Tensor:
    scaled = decode_scaled(codes) + noise
    return (WEAKEST_ECHO + (1 - WEAKEST_ECHO) * scaled.clamp(0, 1)) * is_echo(codes)


def scale_static(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A static field (any shape, any unit) on the network's scale: asinh(value) / asinh(1000), NaN to 0.

    The rule is the same for all fields and radars, so that a model means the same on a stranger's. It is
    linear near 0 and logarithmic beyond: a land mask comes out as 0 and 0.12, terrain of 10, 100, 1000 and
    8000 m as 0.39, 0.70, 1 and 1.27. What is unknown is 0.
    """
    return np.nan_to_num(np.arcsinh(values) / np.float32(STATIC_SPAN)).astype(np.float32)


def field_channels(
    inputs: Inputs,
    latitude: NDArray[np.float32],
    longitude: NDArray[np.float32],
    metres_per_pixel: float,
    static: Mapping[str, NDArray[np.float32]],
) -> NDArray[np.float32]:
    """(F, H, W): what the network is told of each pixel of a radar whatever the time, as `inputs.fields` say.

    Latitude and longitude (H, W) are in degrees, `static` by name (H, W) in any unit, NaN where unknown. The
    channels are latitude / 90, cosine and sine of longitude (no step at 180 degrees), log2 of the pixel in km.
    """
    angle = np.deg2rad(longitude, dtype=np.float64)
    fields = {
        "latitude": latitude / 90,
        "longitude_cos": np.cos(angle),
        "longitude_sin": np.sin(angle),
        "pixel_size": np.full(latitude.shape, math.log2(metres_per_pixel / 1000)),
        **{name: scale_static(static[name]) for name in inputs.static},
    }
    return np.stack([fields[name] for name in inputs.fields]).astype(np.float32)


def time_of_day_channels(times: Sequence[int], longitude_B2HW: Tensor) -> Tensor:
    """(B, 2, H, W): cosine and sine of mean solar time, once round a day, midnight at cosine 1.

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
    """(B, 2): cosine and sine of the position in the (UTC) year, 1 January at cosine 1; device as of `like`."""
    return _circle([_share_of_year(time) for time in times], like)


def make_channels(
    inputs: Inputs,
    own_BKHW: Tensor,
    others_BKHW: Tensor,
    center_B2: Tensor,
    range_px_B: Tensor,
    times: Sequence[int],
    echo_frequency_BHW: Tensor | None = None,
    fields_BFHW: Tensor | None = None,
    noise_dbz_BPHW: Tensor | None = None,
) -> Tensor:
    """(B, C, H, W) float32: what the network sees, in the order of `inputs.names`.

    For each time: own reflectivity, own availability, others' reflectivity, others' availability; then the
    helpers; then what `inputs` asks for of echo frequency (given as uint8), clock, coordinates and static
    fields. Codes are uint8. `times` are the samples' in seconds since 1970, `fields_BFHW` what
    `field_channels` gives, turned as the picture. `noise_dbz_BPHW` (2K planes: own, then others) is added
    to echoes.
    """
    batch, count, *shape = own_BKHW.shape
    own_noise, others_noise = (
        (None, None) if noise_dbz_BPHW is None else (noise_dbz_BPHW[:, :count], noise_dbz_BPHW[:, count:])
    )
    # Plane by plane, each in one piece, into the one memory: pieces joined at the end would be copied once more.
    planes_CBHW = torch.empty((len(inputs.names), batch, *shape), device=own_BKHW.device)
    plane = iter(planes_CBHW)
    for number in range(count):
        for codes_BKHW, noise_BKHW in ((own_BKHW, own_noise), (others_BKHW, others_noise)):
            noise = None if noise_BKHW is None else noise_BKHW[:, number]
            next(plane)[...] = reflectivity_channel(codes_BKHW[:, number], noise)
            next(plane)[...] = codes_BKHW[:, number] != NODATA
    helpers = [polar_channels(center_B2, range_px_B, (shape[0], shape[1]))]
    if inputs.atlas == "channel":
        assert echo_frequency_BHW is not None, "the atlas is a channel"
        helpers.append(echo_frequency_BHW[:, None].float() / 255)
    if inputs.time_of_day:
        assert fields_BFHW is not None, "mean solar time needs the longitude"
        first = inputs.fields.index(LONGITUDE[0])
        helpers.append(time_of_day_channels(times, fields_BFHW[:, first : first + 2]))
    if inputs.day_of_year:
        helpers.append(day_of_year_channels(times, center_B2)[:, :, None, None].expand(-1, -1, *shape))
    told = (*(COORDINATES if inputs.coordinates else ()), *inputs.static)
    if told:
        assert fields_BFHW is not None, f"{told} are channels"
        helpers.append(fields_BFHW[:, len(inputs.fields) - len(told) :])
    for values_BHW in chain.from_iterable(values_BCHW.unbind(dim=1) for values_BCHW in helpers):
        next(plane)[...] = values_BHW
    return planes_CBHW.transpose(0, 1)


def _share_of_year(time: int) -> float:
    """0 at the start of the UTC year of a time, towards 1 at its end."""
    year = datetime.fromtimestamp(time, UTC).year
    start, end = (datetime(number, 1, 1, tzinfo=UTC).timestamp() for number in (year, year + 1))
    return (time - start) / (end - start)


def _circle(shares: Sequence[float], like: Tensor) -> Tensor:
    """(B, 2) float32 on the device of `like`: cosine and sine of shares of a turn."""
    angles = [2 * math.pi * share for share in shares]
    points = [(math.cos(angle), math.sin(angle)) for angle in angles]
    return torch.tensor(points, dtype=torch.float32, device=like.device)
