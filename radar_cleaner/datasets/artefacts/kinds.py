"""Paint each kind of injected echo: its reflectivity, by torch.

Shapes: T input times at which an artefact appears, H rows, W columns. A painter returns (T, H, W) dBZ, NOTHING
where the artefact has no echo. Its random numbers come from the generator of the canvas alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from radar_cleaner.config.artefacts import ArtefactKind
from radar_cleaner.conventions import ADD_OFFSET, SCALE_FACTOR
from radar_cleaner.datasets.artefacts.canvas import Artefact, Canvas, sector
from radar_cleaner.datasets.channels import is_echo

NOTHING = -1000.0  # dBZ
_THINNEST_PX = 0.6  # half the width of the thinnest line that is one pixel wide everywhere
_RAY_DEGREES, _GATE_PX = 0.7, 2.0  # the grain of wide interference
_DASH_PX = 6  # of a ring
_BLOCK_PX = 8  # of JPEG


def _spokes(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint a ray of dashes; it grows wider and stronger with distance, as constant noise does."""
    times, (distance, azimuth) = canvas.times, canvas.polar(artefact)
    wander = artefact["width_degrees"] / 4 * canvas.normal(times, 1, 1)
    off = torch.deg2rad(canvas.off_degrees(azimuth + wander).abs().clamp(max=90))
    half_px = (math.radians(artefact["width_degrees"] / 2) * canvas.distance).clamp_min(_THINNEST_PX)
    beam = off * canvas.distance / half_px
    dashes = math.ceil(canvas.farthest_px / artefact["dash_px"]) + 2
    on, level = _along(
        canvas.distance / artefact["dash_px"] + artefact.free[0], dashes, artefact["filled"], canvas
    )
    shows = on & (beam < 1) & (canvas.distance >= artefact["start"] * distance)
    return _where(shows, artefact["dbz"] + canvas.range_db() + 2 * level - 4 * beam.square())


def _sectors(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint adjacent rays, each with its own strength, speckled along the beam."""
    times = canvas.times
    off = canvas.off_degrees(canvas.polar(artefact)[1])
    rays = math.ceil(artefact["width_degrees"] / _RAY_DEGREES) + 1
    gates = math.ceil(canvas.farthest_px / _GATE_PX) + 1
    ray = ((off + artefact["width_degrees"] / 2) / _RAY_DEGREES).long().clamp(0, rays - 1)
    gate = (canvas.distance / _GATE_PX).long()
    on = (canvas.uniform(times, rays, gates) < artefact["filled"])[:, ray, gate]
    level = (3 * canvas.normal(times, rays, 1) + 2 * canvas.normal(times, rays, gates))[:, ray, gate]
    return _where(on & sector(artefact, canvas), artefact["dbz"] + canvas.range_db() + level)


def _specks(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint points around a pixel, different ones at each time."""
    shape = (canvas.times, int(artefact["specks"]))
    size = 1 + artefact["size_px"] * canvas.uniform(2, *shape).square()  # most are small
    place = artefact["radius_px"] / 2 * canvas.normal(2, *shape)
    return _points(artefact, canvas, place, size, artefact["dbz"] + 4 * canvas.normal(*shape))


def _turbines(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint points around a pixel, the same at all times except for their strength."""
    times, count = canvas.times, int(artefact["turbines"])
    size = artefact["size_px"] * (0.5 + canvas.uniform(2, 1, count))
    place = artefact["radius_px"] / 2 * canvas.normal(2, 1, count)
    swing = 4 * canvas.normal(1, count) + artefact["swing_db"] * canvas.normal(times, count)
    return _points(artefact, canvas, place, size, artefact["dbz"] + swing)


def _patches(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint an ellipse of speckle, dense in the middle; half of its pattern is the same at all times."""
    right, down = canvas.beside(artefact)
    angle, stretch = math.pi * artefact.free[0], math.sqrt(1 + 2 * artefact.free[1])
    along = right * math.cos(angle) + down * math.sin(angle)
    across = down * math.cos(angle) - right * math.sin(angle)
    away = ((along / stretch).square() + (across * stretch).square()) / artefact["radius_px"] ** 2
    cover = artefact["density"] * torch.exp(-away)
    grain = _grain(canvas, canvas.times + 1, artefact["grain_px"])
    rank = torch.special.ndtr((grain[:1] + grain[1:]) * math.sqrt(0.5))
    return _where(rank < cover, artefact["dbz"] + 4 - 8 * rank / cover.clamp_min(1e-6))


def _rings(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint a dashed circle around the radar through the pixel, or an arc of it."""
    radius, azimuth = canvas.polar(artefact)
    half_px = max(_THINNEST_PX, artefact["width_px"] / 2)
    off_px = (canvas.distance - radius).abs()
    off = canvas.off_degrees(azimuth)
    dashes = math.ceil(2 * math.pi * radius / _DASH_PX) + 1
    on, level = _along((off + 180) / 360 * (dashes - 1), dashes, artefact["filled"], canvas)
    shows = on & (off_px < half_px) & (off.abs() <= artefact["arc_degrees"] / 2)
    return _where(shows, artefact["dbz"] + 2 * level - 3 * (off_px / half_px).square())


def _second_trip(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint rain from another place, narrower across the beam, smeared and weaker."""
    distance, degrees = canvas.polar(artefact)
    azimuth, (height, width) = math.radians(degrees), canvas.shape
    along = canvas.distance - distance
    across = torch.deg2rad(canvas.off_degrees(degrees)) * canvas.distance
    inside = (2 * along / artefact["along_px"]).square() + (2 * across / artefact["across_px"]).square() < 1
    found = []
    for smear in (-1, 0, 1):
        sideways = artefact["squeeze"] * (across + smear)
        column = artefact.from_column + along * math.sin(azimuth) + sideways * math.cos(azimuth)
        row = artefact.from_row - along * math.cos(azimuth) + sideways * math.sin(azimuth)
        held = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
        place = row.clamp(0, height - 1).round().long(), column.clamp(0, width - 1).round().long()
        codes = canvas.codes[:, *place]
        found.append(codes * (is_echo(codes) & held))
    codes = torch.stack(found).amax(0)
    shows = inside & (codes > 0) & (canvas.uniform(canvas.times, height, width) < artefact["filled"])
    level = 2 * canvas.normal(canvas.times, height, width) - artefact["loss_db"]
    return _where(shows, codes.float() * SCALE_FACTOR + ADD_OFFSET + level)


def _overlays(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint a border line, a circle, a town's mark or a name: one colour, the same at all times."""
    right, down = canvas.beside(artefact)
    size, half_px = artefact["size_px"], max(_THINNEST_PX, artefact["width_px"] / 2)
    form, choice = divmod(4 * artefact.free[0], 1)
    if form == 0:  # a line that winds
        angle = 2 * math.pi * artefact.free[1]
        along = right * math.cos(angle) + down * math.sin(angle)
        across = down * math.cos(angle) - right * math.sin(angle)
        turn = 2 * math.pi * (along / size + artefact.free[2])
        winding = size * choice * (0.06 * torch.sin(2 * turn) + 0.03 * torch.sin(5 * turn))
        slope = 2 * math.pi * choice * (0.12 * torch.cos(2 * turn) + 0.15 * torch.cos(5 * turn))
        shows = ((across - winding).abs() < half_px * torch.sqrt(1 + slope.square())) & (along.abs() < size / 2)
    elif form == 1:  # around the radar, or around a pixel
        distance, radius = torch.hypot(right, down), size
        if choice < 0.5:
            distance, radius = canvas.distance, canvas.polar(artefact)[0]
        shows = (distance - radius).abs() < half_px
    elif form == 2:
        side = torch.maximum(right.abs(), down.abs())
        half = 1 + 3 * artefact.free[1]
        shows = (side <= half) & ((side > half - 1) | (choice < 0.5))
    else:  # letters of 5 x 7, one beside the other
        letters = 3 + int(6 * artefact.free[1])
        ink = canvas.uniform(letters, 7, 5) < 0.45
        x, y = (right + 3 * letters).floor().long(), (down + 3).floor().long()
        inside = (x >= 0) & (x < 6 * letters) & (x % 6 < 5) & (y >= 0) & (y < 7)
        shows = inside & ink[(x // 6).clamp(0, letters - 1), y.clamp(0, 6), (x % 6).clamp(0, 4)]
    return _where(shows, artefact["dbz"]).expand(canvas.times, -1, -1)


def _noise(artefact: Artefact, canvas: Canvas) -> Tensor:
    """Paint single pixels in blocks of 8 x 8 that have both echo and no echo."""
    echo = is_echo(canvas.codes)[:, None].float()
    height, width = canvas.shape
    edge = (height % -_BLOCK_PX, width % -_BLOCK_PX)
    whole = functional.pad(echo, (0, -edge[1], 0, -edge[0]), mode="replicate") if any(edge) else echo
    share = functional.avg_pool2d(whole, _BLOCK_PX)[:, 0]
    mixed = ((share > 0) & (share < 1)).repeat_interleave(_BLOCK_PX, 1).repeat_interleave(_BLOCK_PX, 2)
    wrong = canvas.uniform(canvas.times, height, width) < artefact["share"]
    dbz = artefact["dbz"] + 8 * canvas.normal(canvas.times, height, width)
    return _where(wrong & mixed[:, :height, :width], dbz)


PAINTERS: Mapping[ArtefactKind, Callable[[Artefact, Canvas], Tensor]] = {
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
    """Return dBZ where an artefact appears, NOTHING elsewhere; (T, H, W), T is 1 where all times are equal."""
    values = torch.as_tensor(dbz, dtype=torch.float32, device=shows.device).expand(shows.shape)
    found = torch.where(shows, values, torch.full_like(values, NOTHING))
    return found if found.dim() == 3 else found[None]


def _along(place: Tensor, dashes: int, filled: float, canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return (T, H, W) twice: whether a dash appears, and its strength (standard deviation 1).

    `place` (H, W) counts the dashes.
    """
    dash = place.long()
    on = canvas.uniform(canvas.times, dashes) < filled
    return on[:, dash], canvas.normal(canvas.times, dashes)[:, dash]


def _grain(canvas: Canvas, count: int, grain_px: float) -> Tensor:
    """Return (count, H, W) noise of mean 0 and standard deviation about 1, with grains of a given size."""
    height, width = canvas.shape
    if grain_px <= 1:
        return canvas.normal(count, height, width)
    grain_px = min(grain_px, max(height, width))  # larger grains would look the same and cost more
    small = canvas.normal(count, math.ceil(height / grain_px) + 2, math.ceil(width / grain_px) + 2)
    size = tuple(math.ceil(length * grain_px) for length in small.shape[1:])
    wide = functional.interpolate(small[None], size=size, mode="bilinear", align_corners=False)[0]
    return 1.5 * wide[:, :height, :width]  # interpolation makes noise flatter between two grains


def _points(artefact: Artefact, canvas: Canvas, place: Tensor, size: Tensor, dbz: Tensor) -> Tensor:
    """Return (T, H, W) dBZ of N small spots at each time.

    `place` and `size` are (2, T, N), or (2, 1, N) where they are the same at all times: rows and columns from the
    artefact's pixel, and whole pixels. `dbz` is (T, N). Where spots overlap the strongest appears.
    """
    height, width = canvas.shape
    times = dbz.shape[0]
    most = max(1, math.floor(1.5 * artefact["size_px"]) + 1)
    step = torch.arange(most, device=dbz.device)
    row = (artefact.row + place[0]).round().long()[..., None, None] + step[:, None]
    column = (artefact.column + place[1]).round().long()[..., None, None] + step
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
