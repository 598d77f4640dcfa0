"""Radars of a world measure the same rain, its truth fits the pictures, equal seeds give equal worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from simulation_cases import SMALL, small_world

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, decode_dbz, is_echo
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import distance_km
from radar_cleaner.simulation.pictures import LEGEND_WIDTH, PALETTE, class_of
from radar_cleaner.simulation.world import SPACING, World, WorldOptions, judge, place_radars

CODES = arrays(np.uint8, (6, 6), elements=st.integers(0, 255))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_any_number_of_radars_is_placed_on_a_lattice_about_the_first(count: int) -> None:
    radars = place_radars(replace(SMALL, radars=count))
    assert [radar.radar for radar in radars] == [f"SIM{number}" for number in range(1, count + 1)]
    spacing = SPACING * SMALL.range_km
    for radar in radars[1:]:
        nearest = min(distance_km(radar, other) for other in radars if other is not radar)
        assert nearest == pytest.approx(spacing, rel=0.01)
        assert distance_km(radars[0], radar) < spacing * np.sqrt(count)


def test_both_radars_see_the_same_rain_at_the_same_place() -> None:
    world, scenes = small_world()
    first, second = world.radars
    longitude, latitude = first.grid.longitude_latitude()
    column, row = (np.rint(values).astype(int) for values in second.grid.pixel_of(longitude, latitude))
    inside = (column >= 0) & (column < SMALL.size) & (row >= 0) & (row < SMALL.size)
    pairs = []
    for _, views in scenes:
        here = views[first.radar].rain[inside]
        there = views[second.radar].rain[row[inside], column[inside]]
        seen = (here != NODATA) & (there != NODATA)
        echo = is_echo(here) | is_echo(there)
        assert np.mean((is_echo(here) & is_echo(there))[seen & echo]) > 0.7
        pairs.append(np.stack([decode_dbz(here), decode_dbz(there)])[:, seen & is_echo(here) & is_echo(there)])
    pair = np.concatenate(pairs, axis=1)
    assert pair.shape[1] > 1000
    assert np.corrcoef(pair)[0, 1] > 0.9
    assert np.median(np.abs(pair[0] - pair[1])) < 2  # noise, two beams, pixels beside each other
    # The same place moved by ten pixels is another rain.
    shifted = np.roll(scenes[0][1][second.radar].rain, 10, axis=0)[row[inside], column[inside]]
    here = scenes[0][1][first.radar].rain[inside]
    both = is_echo(here) & is_echo(shifted)
    assert np.corrcoef(decode_dbz(here[both]), decode_dbz(shifted[both]))[0, 1] < 0.7


def test_the_radar_measures_the_rain_at_the_ground_where_it_is_near() -> None:
    _, scenes = small_world()
    rows, columns = np.indices((SMALL.size, SMALL.size)) - (SMALL.size - 1) / 2
    near = np.hypot(rows, columns) < 30  # below the snow, 30 km
    for _, views in scenes:
        view = next(iter(views.values()))
        both = near & is_echo(view.rain) & is_echo(view.ground)
        difference = decode_dbz(view.rain[both]) - decode_dbz(view.ground[both])
        assert abs(np.median(difference)) < 1
        assert np.mean(is_echo(view.ground)[near & is_echo(view.rain)]) > 0.8


def test_the_truth_classifies_the_echo_of_the_picture() -> None:
    world, scenes = small_world()
    seen = set()
    for _, views in scenes:
        for radar, view in views.items():
            hidden = world.painters[radar].hidden
            assert ((view.truth == NODATA) == hidden).all()
            shown = view.frame[:, LEGEND_WIDTH:] < len(PALETTE.colours)
            assert (shown == (view.truth != NONE))[~hidden].all()
            rain, clutter = class_of(view.rain), class_of(view.clutter)
            meteorological = view.truth == METEOROLOGICAL
            assert (view.frame[:, LEGEND_WIDTH:] == rain)[meteorological].all()
            assert (view.frame[:, LEGEND_WIDTH:] == clutter)[view.truth == NON_METEOROLOGICAL].all()
            seen |= set(np.unique(view.truth).tolist())
    assert seen == {NONE, METEOROLOGICAL, NON_METEOROLOGICAL, NODATA}


def test_masks_agree_with_where_clutter_was_put() -> None:
    _, scenes = small_world()
    for _, views in scenes:
        for view in views.values():
            visible = view.truth != NODATA
            assert (is_echo(view.clutter) | ~visible)[view.truth == NON_METEOROLOGICAL].all()
            alone = is_echo(view.clutter) & (class_of(view.clutter) >= 0) & ~is_echo(view.rain) & visible
            assert alone.any() and (view.truth[alone] == NON_METEOROLOGICAL).all()


@given(CODES, CODES, arrays(np.bool_, (6, 6)))
def test_the_stronger_echo_is_classified_and_hidden_pixels_are_not(
    rain: np.ndarray, clutter: np.ndarray, hidden: np.ndarray
) -> None:
    truth = judge(rain, clutter, hidden)
    assert (truth[hidden] == NODATA).all()
    shown = class_of(np.maximum(rain, clutter)) >= 0
    assert (truth[~hidden & ~shown] == NONE).all()
    assert (truth[~hidden & shown & (rain >= clutter)] == METEOROLOGICAL).all()
    assert (truth[~hidden & shown & (rain < clutter)] == NON_METEOROLOGICAL).all()


def test_no_clutter_leaves_the_rain_as_it_is() -> None:
    world = World(replace(SMALL, clutter=0.0))
    _, scenes = small_world()
    (_, clean), (_, cluttered) = next(world.scenes()), scenes[0]
    for radar, view in clean.items():
        assert not is_echo(view.clutter).any()
        assert np.array_equal(view.rain, cluttered[radar].rain)
        assert not (view.truth == NON_METEOROLOGICAL).any()


def test_scenes_begin_anew_at_each_call_and_have_the_given_times() -> None:
    world, scenes = small_world()
    again = list(world.scenes())
    assert [time for time, _ in again] == list(SMALL.times)
    assert np.diff(SMALL.times).tolist() == 3 * [1800]
    for (_, first), (_, second) in zip(scenes, again, strict=True):
        for radar in first:
            assert np.array_equal(first[radar].frame, second[radar].frame)


def test_another_seed_is_another_world() -> None:
    _, scenes = small_world()
    _, other = next(World(replace(SMALL, seed=4)).scenes())
    for radar, view in scenes[0][1].items():
        assert not np.array_equal(view.rain, other[radar].rain)
        assert not np.array_equal(view.clutter, other[radar].clutter)


def test_a_lone_radar_has_a_world_too() -> None:
    world = World(replace(SMALL, radars=1, size=64))
    _, views = next(world.scenes())
    assert list(views) == ["SIM1"] and views["SIM1"].frame.shape == (64, 64 + LEGEND_WIDTH)


def test_a_too_large_world_is_refused_by_its_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("radar_cleaner.georeference.grid.MAX_UNION_PIXELS", 120**2)
    with pytest.raises(ConfigError, match=r"^radars is 7 and size 120: the world has too many pixels"):
        World(replace(SMALL, radars=7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radars": 0}, "radars is 0, allowed is 1 to 100"),
        ({"seed": -1}, "seed is -1"),
        ({"hours": 1}, "hours is 1, allowed is 2 or more"),
        ({"cadence_minutes": 7}, "cadence_minutes is 7; write a divisor of 60"),
        ({"size": 10}, "size is 10"),
        ({"range_km": 0}, "range_km is 0"),
        ({"clutter": 9}, "clutter is 9"),
        ({"start": "2026-06-01T00:30"}, "write a full hour"),
        ({"start": "yesterday"}, "'yesterday' is not a time"),
    ],
)
def test_impossible_options_are_refused_with_what_is_allowed(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WorldOptions(**change)  # type: ignore[arg-type]
