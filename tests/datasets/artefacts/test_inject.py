"""Injected artefacts: their pixels and times; they depend on their key only."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from artefact_cases import ALL_CODES, CENTER, RANGE, SHAPE, TIMES, apart, injected, one, polar, quiet, rainy
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import ARTEFACT_FILE, injection

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, KINDS
from radar_cleaner.config.training import Plants
from radar_cleaner.conventions import NODATA, UNDETECT, is_echo
from radar_cleaner.datasets.artefacts.inject import (
    NO_ARTEFACTS,
    ArtefactInjection,
    inject,
    inject_batch,
    level_table,
    read_injection,
    sample_artefacts,
)
from radar_cleaner.datasets.artefacts.kinds import PAINTERS

KEYS = st.integers(0, 2**63 - 1)


def drawn(seed, *kinds, fraction=1.0, times=TIMES, target=1):
    random = np.random.default_rng(seed)
    return sample_artefacts(random, injection(fraction, *kinds), SHAPE, CENTER, RANGE, times, target)


# Painted pixels.


@given(
    kind=st.sampled_from(sorted(PAINTERS)),
    key=KEYS,
    shown=st.tuples(*[st.booleans()] * TIMES),
    seed=st.integers(0, 99),
)
def test_injected_echo_shows_where_it_is_stronger_and_changes_nothing_else(kind, key, shown, seed):
    codes = rainy(seed)
    found = injected(codes, one(kind, shown=shown), key=key)
    changed = found.codes != codes
    assert (found.codes >= codes).all() and np.array_equal(found.echo, changed)
    assert np.array_equal(found.kinds, changed * (ARTEFACT_KINDS.index(kind) + 1))
    assert not changed[~np.array(shown)].any() and not changed[codes == NODATA].any()


@given(
    width=st.floats(1, 90),
    start=st.floats(0, 1),
    column=st.integers(0, SHAPE[1] - 1),
    row=st.integers(0, SHAPE[0] - 1),
)
def test_a_blocked_sector_has_no_echo_from_its_start_on(width, start, column, row):
    codes, (distance, azimuth) = rainy(), polar()
    found = injected(codes, one("blocked", width_degrees=width, start=start, column=column, row=row))
    away = np.hypot(column - CENTER[0], row - CENTER[1])
    off = apart(azimuth, np.degrees(np.arctan2(column - CENTER[0], CENTER[1] - row)))
    inside = (off < width / 2 - 1e-3) & (distance > start * away + 1e-3)
    outside = (off > width / 2 + 1e-3) | (distance < start * away - 1e-3)
    assert not is_echo(found.codes)[:, inside].any()
    assert np.array_equal(found.codes[:, outside], codes[:, outside])
    assert np.array_equal(found.kinds > 0, found.codes != codes) and not found.echo.any()
    assert (found.codes[codes == NODATA] == NODATA).all()


def test_a_frozen_block_shows_another_time_and_calls_clutter_only_what_is_echo_there_alone():
    codes = rainy()
    frozen = one("frozen", shown=(False, True, False), source=0, column=30.0, row=60.0, size_px=40)
    found = injected(codes, frozen)
    assert np.array_equal(found.codes[[0, 2]], codes[[0, 2]])
    rows, columns = np.nonzero(found.codes[1] != codes[1])
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert np.array_equal(found.codes[1][box], codes[0][box]) and max(np.ptp(rows), np.ptp(columns)) > 30
    was, now = is_echo(codes[1]), is_echo(found.codes[1])
    assert np.array_equal(found.echo[1], now & ~was) and found.echo[1].any()
    assert np.array_equal(found.kinds[1] > 0, now != was) and (was & ~now).any()


def test_a_frozen_block_removes_what_was_injected_there_before():
    frozen = one("frozen", shown=(False, True, False), source=0, size_px=200)
    spoke = one("spokes", shown=(False, True, False))
    assert injected(quiet(), spoke).echo.any() and not injected(quiet(), spoke, frozen).kinds.any()


def test_a_repeated_neighbour_is_the_frame_itself_with_its_artefacts_and_a_missing_one_is_unavailable():
    codes = rainy()
    spoke = one("spokes", shown=(False, True, False))
    repeated = replace(one("repeated"), shown=(True, False, False))
    missing = replace(one("missing"), shown=(False, False, True))
    found = injected(codes, spoke, repeated, missing)
    assert np.array_equal(found.codes[0], found.codes[1]) and (found.codes[2] == NODATA).all()
    assert np.array_equal(found.codes[1], injected(codes, spoke).codes[1])
    assert np.array_equal(found.kinds[2] > 0, codes[2] != NODATA) and not found.echo[2].any()


def test_of_several_artefacts_the_strongest_shows_and_is_named():
    weak, strong = one("spokes", dbz=20), one("rings", dbz=50)
    both = injected(quiet(), weak, strong)
    alone = [injected(quiet(), weak), injected(quiet(), one("specks", shown=(False,) * 3), strong)]
    assert np.array_equal(both.codes, np.maximum(alone[0].codes, alone[1].codes))
    assert {0, 1 + ARTEFACT_KINDS.index("spokes"), 1 + ARTEFACT_KINDS.index("rings")} == set(np.unique(both.kinds))
    assert (both.kinds[alone[1].echo] == 1 + ARTEFACT_KINDS.index("rings")).all()


# Dependence on the key.


@pytest.mark.parametrize("kind", ARTEFACT_KINDS)
def test_an_artefact_depends_on_its_key_alone(kind):
    codes = rainy()
    state = torch.get_rng_state()
    first, again = injected(codes, one(kind), key=2**63 - 1), injected(codes, one(kind), key=2**63 - 1)
    assert np.array_equal(first.codes, again.codes) and torch.equal(torch.get_rng_state(), state)
    fixed = ("rings", "overlays", "frozen", "blocked", "repeated", "missing")
    assert kind in fixed or not np.array_equal(first.codes, injected(codes, one(kind), key=1).codes)


@given(seeds=st.lists(st.integers(0, 10**6), min_size=2, max_size=5, unique=True), data=st.data())
def test_artefacts_do_not_depend_on_their_batch(seeds, data):
    artefacts = [drawn(seed, fraction=0.8) for seed in seeds]
    codes = torch.from_numpy(np.stack([rainy(seed) for seed in seeds]))
    count = len(seeds)
    levels = [None, np.array([80, 100, 120], np.uint8)] * count

    def painted(order):
        columns = (artefacts, [CENTER] * count, [RANGE] * count, seeds, levels)
        parts = ([values[item] for item in order] for values in columns)
        return inject_batch(codes[list(order)], *parts)

    together, order = painted(range(count)), data.draw(st.permutations(range(count)))
    for found, wanted in zip(painted(order), together, strict=True):
        assert torch.equal(found, wanted[list(order)])
    for item in range(count):
        mine = ALL_CODES if levels[item] is None else levels[item]
        alone = inject(codes[item].numpy(), CENTER, RANGE, artefacts[item], seeds[item], mine)
        assert np.array_equal(alone.codes, together[0][item].numpy())


def test_the_frames_that_are_given_stay_as_they_are():
    codes = rainy()
    kept = codes.copy()
    injected(codes, *(one(kind) for kind in ARTEFACT_KINDS))
    assert np.array_equal(codes, kept)


# Levels.


@given(levels=st.lists(st.integers(1, 254), min_size=2, unique=True), code=st.integers(0, 254))
def test_a_code_becomes_the_nearest_level_and_none_far_below_the_weakest(levels, code):
    levels = sorted(levels)
    found = int(level_table(np.array([0, 255, *levels], np.uint8))[code])
    if found == UNDETECT:
        assert code == 0 or code < levels[0] - (levels[1] - levels[0]) // 2
    else:
        assert found in levels and code > 0
        assert abs(found - code) == min(abs(level - code) for level in levels)


def test_without_levels_each_code_is_its_own():
    assert np.array_equal(level_table(None), ALL_CODES)
    assert np.array_equal(level_table(np.array([0, 255], np.uint8)), ALL_CODES)


def test_injected_echo_has_the_classes_of_the_frames():
    levels = np.array([94, 115, 125, 134], np.uint8)
    codes = np.where(is_echo(rainy()), levels[rainy() % 4], rainy())
    for kind in PAINTERS:
        found = inject(codes, CENTER, RANGE, [one(kind)], 3)
        assert set(np.unique(found.codes[found.echo])) <= set(levels.tolist()), kind
    weak = inject(codes, CENTER, RANGE, [one("rings", dbz=2.0)], 3)
    assert not weak.echo.any()  # 15 dBZ is the weakest class, 20.25 dBZ where the next begins


# Drawn numbers.


def test_rates_and_weights_are_met():
    draws = [drawn(seed, fraction=0.4) for seed in range(3000)]
    assert np.mean([bool(artefacts) for artefacts in draws]) == pytest.approx(0.4, abs=0.03)
    kinds = Counter(kind for artefacts in draws for kind in {one.kind for one in artefacts})
    assert set(kinds) == set(ARTEFACT_KINDS)
    assert kinds["spokes"] > 1.8 * kinds["rings"] > 1.8 * kinds["missing"]
    together = Counter(len({one.kind for one in artefacts}) for artefacts in draws if artefacts)
    assert set(together) == {1, 2, 3} and min(together.values()) > 250


@pytest.mark.parametrize("kind", ARTEFACT_KINDS)
def test_a_drawn_kind_is_within_its_ranges_and_shows_when_it_does(kind):
    artefacts = [one for seed in range(300) for one in drawn(seed, kind)]
    spans = injection(1.0, kind).ranges.kinds[kind].spans
    assert {one.kind for one in artefacts} == {kind}
    for one_ in artefacts:
        assert all(
            low - 1e-9 <= value <= high + 1e-9 for value, (low, high) in zip(one_.numbers, spans, strict=True)
        )
        assert 0 <= one_.column < SHAPE[1] and 0 <= one_.row < SHAPE[0]
    shown = np.array([one.shown for one in artefacts])
    shows = KINDS[kind].shows
    if shows == "all":
        assert shown.all()
    elif shows == "neighbour":
        assert (
            not shown[:, 1].any()
            and (shown.sum(1) == 1).all()
            and shown[:, 0].mean() == pytest.approx(0.5, abs=0.1)
        )
    else:
        assert shown.any(1).all() and 0.7 < shown[:, 1].mean() < 1
        assert shown[:, [0, 2]].any()
        assert shows == "some" or (shown.sum(1) == 1).all()
    if kind == "frozen":
        assert not any(one.shown[one.source] for one in artefacts)


def test_counts_are_those_of_the_ranges():
    counts = Counter(len(drawn(seed, "spokes")) for seed in range(600))
    assert set(counts) == {1, 2, 3} and counts[1] > counts[2] > counts[3] > 60


def test_artefacts_are_within_the_range_where_possible():
    center = (-60.0, 48.0)  # most of the picture is farther than 80 px
    artefacts = [
        one
        for seed in range(300)
        for one in sample_artefacts(
            np.random.default_rng(seed), injection(1.0, "specks"), SHAPE, center, 80.0, 3, 1
        )
    ]
    inside = [math.hypot(one.column - center[0], one.row - center[1]) <= 80 for one in artefacts]
    assert np.mean(inside) > 0.4  # of all pixels it is 14 %


def test_a_single_time_has_no_artefacts_that_copy_or_change_another():
    artefacts = [one for seed in range(300) for one in drawn(seed, times=1, target=0)]
    assert {one.kind for one in artefacts} == set(ARTEFACT_KINDS) - {"frozen", "repeated", "missing"}
    assert all(one.shown == (True,) for one in artefacts)
    assert drawn(1, "frozen", times=1, target=0) == ()


def test_a_mosaic_has_no_artefacts_along_rays_and_all_others():
    drawn = Counter(
        one.kind
        for seed in range(400)
        for one in sample_artefacts(
            np.random.default_rng(seed), injection(1, *ARTEFACT_KINDS), SHAPE, CENTER, math.inf, 3, 1
        )
    )
    rays = {"spokes", "sectors", "rings", "second_trip", "blocked"}
    assert set(drawn) == set(ARTEFACT_KINDS) - rays == {kind for kind in ARTEFACT_KINDS if not KINDS[kind].polar}


def test_nothing_is_injected_by_default():
    assert sample_artefacts(np.random.default_rng(1), NO_ARTEFACTS, SHAPE, CENTER, RANGE, 3, 1) == ()
    full = ArtefactInjection(1.0, NO_ARTEFACTS.ranges)
    assert sample_artefacts(np.random.default_rng(1), full, SHAPE, CENTER, RANGE, 3, 1) == ()


# Options.


def test_a_section_names_the_kinds_that_are_read_from_the_file():
    found = read_injection(Plants(fraction=0.25, kinds=("missing", "spokes")), ARTEFACT_FILE)
    assert found == injection(0.25, "spokes", "missing")
