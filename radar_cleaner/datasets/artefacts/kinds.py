"""How each kind of planted echo looks: its reflectivity, painted on a picture by torch.

Shapes: T input times at which a plant shows, H rows, W columns. A painter gives (T, H, W) dBZ, NOTHING where its
plant has no echo; what is random in it comes from the canvas's generator alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from radar_cleaner.config.artefacts import PlantKind
from radar_cleaner.conventions import ADD_OFFSET, SCALE_FACTOR
from radar_cleaner.datasets.artefacts.canvas import Canvas, Plant, sector
from radar_cleaner.datasets.channels import is_echo

NOTHING = -1000.0  # dBZ
_THINNEST_PX = 0.6  # half the width of what always shows at least as a line of pixels
_RAY_DEGREES, _GATE_PX = 0.7, 2.0  # the grain of wide interference
_DASH_PX = 6  # of a ring
_BLOCK_PX = 8  # of JPEG


def _spokes(plant: Plant, canvas: Canvas) -> Tensor:
    """A ray of dashes; it grows wider and stronger with the distance, as constant noise does."""
    times, (distance, azimuth) = canvas.times, canvas.polar(plant)
    wander = plant["width_degrees"] / 4 * canvas.normal(times, 1, 1)
    off = torch.deg2rad(canvas.off_degrees(azimuth + wander).abs().clamp(max=90))
    half_px = (math.radians(plant["width_degrees"] / 2) * canvas.distance).clamp_min(_THINNEST_PX)
    beam = off * canvas.distance / half_px
    dashes = math.ceil(canvas.farthest_px / plant["dash_px"]) + 2
    on, level = _along(canvas.distance / plant["dash_px"] + plant.free[0], dashes, plant["filled"], canvas)
    shows = on & (beam < 1) & (canvas.distance >= plant["start"] * distance)
    return _where(shows, plant["dbz"] + canvas.range_db() + 2 * level - 4 * beam.square())


def _sectors(plant: Plant, canvas: Canvas) -> Tensor:
    """Many rays beside each other, each of its own strength, in speckles along the beam."""
    times = canvas.times
    off = canvas.off_degrees(canvas.polar(plant)[1])
    rays = math.ceil(plant["width_degrees"] / _RAY_DEGREES) + 1
    gates = math.ceil(canvas.farthest_px / _GATE_PX) + 1
    ray = ((off + plant["width_degrees"] / 2) / _RAY_DEGREES).long().clamp(0, rays - 1)
    gate = (canvas.distance / _GATE_PX).long()
    on = (canvas.uniform(times, rays, gates) < plant["filled"])[:, ray, gate]
    level = (3 * canvas.normal(times, rays, 1) + 2 * canvas.normal(times, rays, gates))[:, ray, gate]
    return _where(on & sector(plant, canvas), plant["dbz"] + canvas.range_db() + level)


def _specks(plant: Plant, canvas: Canvas) -> Tensor:
    """Points around a pixel, at each time others."""
    shape = (canvas.times, int(plant["specks"]))
    size = 1 + plant["size_px"] * canvas.uniform(2, *shape).square()  # most are small
    place = plant["radius_px"] / 2 * canvas.normal(2, *shape)
    return _points(plant, canvas, place, size, plant["dbz"] + 4 * canvas.normal(*shape))


def _turbines(plant: Plant, canvas: Canvas) -> Tensor:
    """Points around a pixel, at all times the same, but for their strength."""
    times, count = canvas.times, int(plant["turbines"])
    size = plant["size_px"] * (0.5 + canvas.uniform(2, 1, count))
    place = plant["radius_px"] / 2 * canvas.normal(2, 1, count)
    swing = 4 * canvas.normal(1, count) + plant["swing_db"] * canvas.normal(times, count)
    return _points(plant, canvas, place, size, plant["dbz"] + swing)


def _patches(plant: Plant, canvas: Canvas) -> Tensor:
    """An ellipse of speckle, dense in the middle; half of its pattern is the same at all times."""
    right, down = canvas.beside(plant)
    angle, stretch = math.pi * plant.free[0], math.sqrt(1 + 2 * plant.free[1])
    along = right * math.cos(angle) + down * math.sin(angle)
    across = down * math.cos(angle) - right * math.sin(angle)
    away = ((along / stretch).square() + (across * stretch).square()) / plant["radius_px"] ** 2
    cover = plant["density"] * torch.exp(-away)
    grain = _grain(canvas, canvas.times + 1, plant["grain_px"])
    rank = torch.special.ndtr((grain[:1] + grain[1:]) * math.sqrt(0.5))
    return _where(rank < cover, plant["dbz"] + 4 - 8 * rank / cover.clamp_min(1e-6))


def _rings(plant: Plant, canvas: Canvas) -> Tensor:
    """A circle around the radar through the pixel, or an arc of it, of dashes."""
    radius, azimuth = canvas.polar(plant)
    half_px = max(_THINNEST_PX, plant["width_px"] / 2)
    off_px = (canvas.distance - radius).abs()
    off = canvas.off_degrees(azimuth)
    dashes = math.ceil(2 * math.pi * radius / _DASH_PX) + 1
    on, level = _along((off + 180) / 360 * (dashes - 1), dashes, plant["filled"], canvas)
    shows = on & (off_px < half_px) & (off.abs() <= plant["arc_degrees"] / 2)
    return _where(shows, plant["dbz"] + 2 * level - 3 * (off_px / half_px).square())


def _second_trip(plant: Plant, canvas: Canvas) -> Tensor:
    """Rain of another place, narrower across the beam, smeared and weaker."""
    distance, degrees = canvas.polar(plant)
    azimuth, (height, width) = math.radians(degrees), canvas.shape
    along = canvas.distance - distance
    across = torch.deg2rad(canvas.off_degrees(degrees)) * canvas.distance
    inside = (2 * along / plant["along_px"]).square() + (2 * across / plant["across_px"]).square() < 1
    found = []
    for smear in (-1, 0, 1):
        sideways = plant["squeeze"] * (across + smear)
        column = plant.from_column + along * math.sin(azimuth) + sideways * math.cos(azimuth)
        row = plant.from_row - along * math.cos(azimuth) + sideways * math.sin(azimuth)
        held = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
        place = row.clamp(0, height - 1).round().long(), column.clamp(0, width - 1).round().long()
        codes = canvas.codes[:, *place]
        found.append(codes * (is_echo(codes) & held))
    codes = torch.stack(found).amax(0)
    shows = inside & (codes > 0) & (canvas.uniform(canvas.times, height, width) < plant["filled"])
    level = 2 * canvas.normal(canvas.times, height, width) - plant["loss_db"]
    return _where(shows, codes.float() * SCALE_FACTOR + ADD_OFFSET + level)


def _overlays(plant: Plant, canvas: Canvas) -> Tensor:
    """A border line, a circle, a town's mark or a name: of one colour, at all times the same."""
    right, down = canvas.beside(plant)
    size, half_px = plant["size_px"], max(_THINNEST_PX, plant["width_px"] / 2)
    form, choice = divmod(4 * plant.free[0], 1)
    if form == 0:  # a line that winds
        angle = 2 * math.pi * plant.free[1]
        along = right * math.cos(angle) + down * math.sin(angle)
        across = down * math.cos(angle) - right * math.sin(angle)
        turn = 2 * math.pi * (along / size + plant.free[2])
        winding = size * choice * (0.06 * torch.sin(2 * turn) + 0.03 * torch.sin(5 * turn))
        slope = 2 * math.pi * choice * (0.12 * torch.cos(2 * turn) + 0.15 * torch.cos(5 * turn))
        shows = ((across - winding).abs() < half_px * torch.sqrt(1 + slope.square())) & (along.abs() < size / 2)
    elif form == 1:  # around the radar, or around a pixel
        distance, radius = torch.hypot(right, down), size
        if choice < 0.5:
            distance, radius = canvas.distance, canvas.polar(plant)[0]
        shows = (distance - radius).abs() < half_px
    elif form == 2:
        side = torch.maximum(right.abs(), down.abs())
        half = 1 + 3 * plant.free[1]
        shows = (side <= half) & ((side > half - 1) | (choice < 0.5))
    else:  # letters of 5 x 7, one beside the other
        letters = 3 + int(6 * plant.free[1])
        ink = canvas.uniform(letters, 7, 5) < 0.45
        x, y = (right + 3 * letters).floor().long(), (down + 3).floor().long()
        inside = (x >= 0) & (x < 6 * letters) & (x % 6 < 5) & (y >= 0) & (y < 7)
        shows = inside & ink[(x // 6).clamp(0, letters - 1), y.clamp(0, 6), (x % 6).clamp(0, 4)]
    return _where(shows, plant["dbz"]).expand(canvas.times, -1, -1)


def _noise(plant: Plant, canvas: Canvas) -> Tensor:
    """Single pixels of the blocks of 8 x 8 that hold both echo and none."""
    echo = is_echo(canvas.codes)[:, None].float()
    height, width = canvas.shape
    edge = (height % -_BLOCK_PX, width % -_BLOCK_PX)
    whole = functional.pad(echo, (0, -edge[1], 0, -edge[0]), mode="replicate") if any(edge) else echo
    share = functional.avg_pool2d(whole, _BLOCK_PX)[:, 0]
    mixed = ((share > 0) & (share < 1)).repeat_interleave(_BLOCK_PX, 1).repeat_interleave(_BLOCK_PX, 2)
    wrong = canvas.uniform(canvas.times, height, width) < plant["share"]
    dbz = plant["dbz"] + 8 * canvas.normal(canvas.times, height, width)
    return _where(wrong & mixed[:, :height, :width], dbz)


PAINTERS: Mapping[PlantKind, Callable[[Plant, Canvas], Tensor]] = {
    "spokes": _spokes,
    "sectors": _sectors,
    "specks": _specks,
    "patches": _patches,
    "rings": _rings,
    "turbines": _turbines,
    "second_trip": _second_trip,
    "overlays": _overlays,
    "noise": _noise,
}


def _where(shows: Tensor, dbz: Tensor | float) -> Tensor:
    """dBZ where a plant shows, NOTHING elsewhere; (T, H, W), T 1 where all times are alike."""
    values = torch.as_tensor(dbz, dtype=torch.float32, device=shows.device).expand(shows.shape)
    found = torch.where(shows, values, torch.full_like(values, NOTHING))
    return found if found.dim() == 3 else found[None]


def _along(place: Tensor, dashes: int, filled: float, canvas: Canvas) -> tuple[Tensor, Tensor]:
    """(T, H, W) each: whether a dash shows and how strong it is (spread 1); `place` (H, W) counts the dashes."""
    dash = place.long()
    on = canvas.uniform(canvas.times, dashes) < filled
    return on[:, dash], canvas.normal(canvas.times, dashes)[:, dash]


def _grain(canvas: Canvas, count: int, grain_px: float) -> Tensor:
    """(count, H, W) noise of mean 0 and spread about 1 whose grains are so large."""
    height, width = canvas.shape
    if grain_px <= 1:
        return canvas.normal(count, height, width)
    grain_px = min(grain_px, max(height, width))  # larger ones would show no more of them and cost their square
    small = canvas.normal(count, math.ceil(height / grain_px) + 2, math.ceil(width / grain_px) + 2)
    size = tuple(math.ceil(length * grain_px) for length in small.shape[1:])
    wide = functional.interpolate(small[None], size=size, mode="bilinear", align_corners=False)[0]
    return 1.5 * wide[:, :height, :width]  # between two grains noise is flatter


def _points(plant: Plant, canvas: Canvas, place: Tensor, size: Tensor, dbz: Tensor) -> Tensor:
    """(T, H, W) dBZ of N small spots at each time.

    `place` and `size` are (2, T, N), or (2, 1, N) where they are the same at all times: rows and columns from the
    plant's pixel, and whole pixels. `dbz` is (T, N). The strongest of several shows, whatever the order.
    """
    height, width = canvas.shape
    times = dbz.shape[0]
    most = max(1, math.floor(1.5 * plant["size_px"]) + 1)
    step = torch.arange(most, device=dbz.device)
    row = (plant.row + place[0]).round().long()[..., None, None] + step[:, None]
    column = (plant.column + place[1]).round().long()[..., None, None] + step
    high, wide = size.long().clamp_min(1)[..., None, None]
    held = (step[:, None] < high) & (step < wide) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    ragged = canvas.uniform(*size.shape[1:], most, most) < 0.75
    ragged[..., 0, 0] = True
    time = torch.arange(times, device=dbz.device)[:, None, None, None]
    beyond = times * height * width
    index = torch.where(held & ragged, (time * height + row) * width + column, beyond)
    flat = torch.full((beyond + 1,), NOTHING, device=dbz.device)
    values = dbz[..., None, None].expand(index.shape).flatten()
    flat.scatter_reduce_(0, index.flatten(), values, "amax")
    return flat[:beyond].view(times, height, width)
