"""Simulated clutter: each kind has the form of its cause, and an amount of 0 gives none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.simulation.clutter import GroundClutter, Specks, Spokes
from radar_cleaner.simulation.radar_view import RAYS, RadarView

VIEW = RadarView(
    RadarGeometry.about("A", 50.0, 10.0, 100.0, 200, 200, (99.5, 99.5)),
    Grid.about(50.0, 10.0, 1000.0, 250, 250, (125, 125)),
)
KINDS = {"ground": GroundClutter, "spokes": Spokes, "specks": Specks}


def hills(north: float, south: float) -> NDArray[np.float32]:
    """km above the sea, north and south of the radar, which is at sea level."""
    land = np.zeros((250, 250), dtype=np.float32)
    land[:115], land[135:] = north, south
    return land


def make(kind: str, amount: float = 1.0, seed: int = 0, land: NDArray[np.float32] | None = None):
    generator = np.random.default_rng(seed)
    if kind == "ground":
        return GroundClutter(VIEW, hills(0.6, 0.0) if land is None else land, amount, generator)
    return KINDS[kind](VIEW, amount, generator)


def scans(kind: str, count: int = 20, **options) -> NDArray[np.bool_]:
    """Return (scans, rays, gates), True where the kind is visible."""
    source = make(kind, **options)
    return np.stack([np.isfinite(source.scan(6.0)) for _ in range(count)])


@pytest.mark.parametrize("kind", KINDS)
def test_an_amount_of_0_is_none_and_more_is_more(kind: str) -> None:
    none, little, much = (
        np.mean([scans(kind, amount=amount, seed=seed).mean() for seed in range(5)]) for amount in (0, 0.5, 2)
    )
    assert none == 0 < little < much


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_scans(kind: str) -> None:
    assert np.array_equal(scans(kind), scans(kind))
    assert not np.array_equal(scans(kind), scans(kind, seed=1))


@pytest.mark.parametrize("kind", KINDS)
def test_clutter_is_a_small_part_of_the_picture(kind: str) -> None:
    assert scans(kind).mean() < 0.1


def test_ground_clutter_occurs_where_hills_reach_into_the_beam_and_stays_there() -> None:
    shown = scans("ground")
    north = np.r_[0:60, 300:360]
    assert shown[:, north].any() and not shown[:, 120:240].any()
    once = shown.any(axis=0)
    always = shown.all(axis=0)
    assert always.sum() > 0.4 * once.sum()


def test_higher_hills_give_stronger_ground_clutter_and_it_ends_where_the_beam_is_above_them() -> None:
    high, low = (make("ground", land=hills(height, 0.0)).scan(6.0) for height in (0.8, 0.3))
    assert np.isfinite(high).sum() > np.isfinite(low).sum()
    assert high[np.isfinite(high)].mean() > low[np.isfinite(low)].mean()
    assert not np.isfinite(low[:, VIEW.range_km > 85]).any()


def test_spokes_are_thin_dashed_rays_that_grow_with_range() -> None:
    source, found, gains = make("spokes", amount=2.0), 0, []
    for _ in range(60):
        dbz = source.scan(6.0)
        shown = np.isfinite(dbz)
        for ray in np.flatnonzero(shown.any(axis=1)):
            found += 1
            gates = np.flatnonzero(shown[ray])
            gap = shown[ray, gates[0] : gates[-1] + 1].mean()
            assert gap < 1 or len(gates) < 12
            if len(gates) > 20:
                gains.append(np.polyfit(np.log10(VIEW.range_km[gates]), dbz[ray, gates], 1)[0])
        assert shown.any(axis=1).mean() < 0.1
    assert found > 20
    assert np.mean(gains) == pytest.approx(20, abs=4)  # dB a decade of range


def test_an_emitter_returns_from_about_the_same_direction() -> None:
    rays = scans("spokes", count=60).any(axis=2).sum(axis=0)
    assert rays.max() > 8 and np.count_nonzero(rays) < RAYS / 2


def test_specks_are_weak_dots_of_a_scan() -> None:
    source = make("specks")
    before = source.scan(6.0)
    after = source.scan(6.0)
    assert before[np.isfinite(before)].max() <= 20
    both = np.isfinite(before) & np.isfinite(after)
    assert both.sum() < 0.1 * np.isfinite(before).sum()


def test_specks_are_clustered() -> None:
    shown = np.argwhere(np.isfinite(make("specks", seed=4).scan(6.0))).astype(float)
    range_km, azimuth = VIEW.range_km[shown[:, 1].astype(int)], np.deg2rad(shown[:, 0])
    places = np.stack([range_km * np.sin(azimuth), range_km * np.cos(azimuth)], axis=1)
    distance = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(len(places))
    evenly = 0.5 * np.sqrt(np.pi * 100**2 / len(places))  # mean distance of the nearest of evenly strewn points
    assert np.median(distance.min(axis=1)) < 0.6 * evenly
