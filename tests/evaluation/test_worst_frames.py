"""The worst frames are those with the largest effect on the scores; texts describe their errors."""

from dataclasses import replace
from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_cases import flat_geometry

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN, decode_dbz, encode_dbz, is_echo
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.tallies import MODEL, Answer, Frame, Reflectivity, score_frame
from radar_cleaner.evaluation.worst_frames import (
    FrameDecisions,
    FrameScore,
    choose_worst,
    describe_wrong,
    frame_rows,
    harms,
)

START = 1720699200
SHAPE, CENTER = (480, 480), (240.0, 239.0)
BANDS = [20.0, 35.0, 50.0]


@st.composite
def score_lists(draw):
    """Frames of two radars, ten an hour, with any number of wrong pixels."""
    numbers = st.integers(0, 50)
    moments = st.tuples(st.sampled_from("AB"), st.integers(0, 60).map(lambda index: START + 360 * index))
    scores = []
    for radar, time in draw(st.lists(moments, max_size=30, unique=True)):
        misses, hits, alarms, removed = (draw(numbers) for _ in range(4))
        scores.append(FrameScore(radar, time, misses + hits, alarms + removed, misses, alarms))
    return scores


@given(score_lists(), st.integers(1, 12), st.randoms())
def test_the_worst_come_first_and_the_order_of_the_frames_does_not_matter(scores, count, random):
    found = choose_worst(scores, count)
    harm = dict(zip(scores, harms(scores), strict=True))
    assert all(harm[one] >= harm[next_one] for one, next_one in pairwise(found))
    assert len(found) == min(count, sum(score.wrong > 0 for score in scores)) == len(set(found))
    if found:
        assert harm[found[0]] == max(harm.values())
    again = list(scores)
    random.shuffle(again)
    assert choose_worst(again, count) == found


@given(score_lists(), st.integers(1, 12))
def test_an_hour_of_a_radar_is_shown_once_as_long_as_there_are_others(scores, count):
    found = choose_worst(scores, count)
    hours = [(score.radar, score.time // 3600) for score in found]
    all_hours = {(score.radar, score.time // 3600) for score in scores if score.wrong}
    assert len(set(hours)) == min(count, len(all_hours))


@given(score_lists(), st.integers(1, 12))
def test_after_the_worst_of_each_hour_come_the_worst_of_all_others(scores, count):
    harm = dict(zip(scores, harms(scores), strict=True))
    by_harm = sorted((s for s in scores if s.wrong), key=lambda s: (-harm[s], s.time, s.radar))
    alone = [
        score
        for place, score in enumerate(by_harm)
        if not any((s.radar, s.time // 3600) == (score.radar, score.time // 3600) for s in by_harm[:place])
    ]
    others = [score for score in by_harm if score not in alone]
    assert choose_worst(scores, count) == sorted([*alone, *others][:count], key=by_harm.index)


def test_the_worst_of_years_of_frames_are_found_quickly():
    numbers = np.random.default_rng(1).permutation(20_000) + 1
    scores = [FrameScore("A", START + 3600 * hour, 30_000, 9, int(miss), 0) for hour, miss in enumerate(numbers)]
    began = process_time()
    found = choose_worst(scores)
    assert process_time() - began < 3  # each frame beside each other one: above 10 s
    assert [score.misses for score in found] == list(range(20_000, 19_990, -1))


@given(score_lists())
def test_harms_add_up_to_what_is_missing_of_both_scores(scores):
    weather, other, misses, alarms = (
        sum(getattr(score, name) for score in scores)
        for name in ("meteorological", "non_meteorological", "misses", "false_alarms")
    )
    missing = (misses / weather if weather else 0) + (alarms / other if other else 0)
    assert sum(harms(scores)) == pytest.approx(missing)


def test_a_nearly_empty_frame_does_not_win_by_its_share():
    empty = FrameScore("A", START, 3, 2, 3, 2)
    spoke = FrameScore("A", START + 7200, 50_000, 1000, 100, 900)
    edges = FrameScore("A", START + 14_400, 50_000, 1000, 4000, 0)
    assert choose_worst([empty, edges, spoke]) == [spoke, edges, empty]


def test_a_frame_without_wrong_or_scored_pixels_is_left_out():
    right, unscored = FrameScore("A", START, 10, 10, 0, 0), FrameScore("A", START + 360, 0, 0, 0, 0)
    assert choose_worst([right, unscored]) == [] == choose_worst([])
    assert [row["wrong_share"] for row in frame_rows([right, unscored])] == [0, None]


def decisions(kept, reference=METEOROLOGICAL, dbz=10.0):
    """Echo everywhere within 200 km, of one reflectivity and class; `kept` (y, x) is what the model keeps."""
    row, column = np.indices(SHAPE)
    echo = np.hypot(column - CENTER[0], row - CENTER[1]) <= 200
    codes = np.where(echo, encode_dbz(dbz), 0).astype(np.uint8)
    return FrameDecisions(codes, np.full(SHAPE, reference, np.uint8), kept, flat_geometry(SHAPE, CENTER, 240))


def blob(range_km, bearing, size):
    """(y, x): a square of `size` x `size` pixels at a range in km and a bearing in degrees."""
    mask = np.zeros(SHAPE, bool)
    row = round(CENTER[1] - range_km * np.cos(np.radians(bearing))) - size // 2
    column = round(CENTER[0] + range_km * np.sin(np.radians(bearing))) - size // 2
    mask[row : row + size, column : column + size] = True
    return mask


PLACES = [
    (20, 0, "within 30 km", "to the north,"),
    (45, 45, "30 to 60 km away", "to the north-east,"),
    (90, 90, "60 to 120 km away", "to the east,"),
    (150, 180, "120 to 180 km away", "to the south,"),
    (187, 225, "beyond 180 km", "to the south-west,"),
    (187, 300, "beyond 180 km", "to the north-west,"),
]
REFLECTIVITIES = [(10.0, "below 20 dBZ"), (35.0, "35 to 50 dBZ"), (60.0, "50 dBZ and more")]
PIECES = [
    (1, "in single pixels"),
    (2, "2 to 4 px"),
    (4, "5 to 19 px"),
    (7, "20 to 99 px"),
    (10, "100 px and more"),
]


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_the_text_has_range_direction_reflectivity_and_size_of_the_errors(number):
    range_km, bearing, far, towards = PLACES[number]
    dbz, strength = REFLECTIVITIES[number % len(REFLECTIVITIES)]
    size, piece = PIECES[number % len(PIECES)]
    wrong, weather = blob(range_km, bearing, size), number % 2 == 0
    kept, class_ = (~wrong, METEOROLOGICAL) if weather else (wrong, NON_METEOROLOGICAL)
    texts = describe_wrong(decisions(kept, class_, dbz), BANDS)
    text, other = texts if weather else texts[::-1]
    assert text.startswith(f"{size**2:,} px of {'weather lost' if weather else 'other echo kept'} (")
    assert all(part in text for part in (far, towards, strength, piece))
    assert other == ("no other echo kept" if weather else "no weather lost")


def test_errors_all_over_have_nothing_in_common_but_their_size():
    wrong = np.zeros(SHAPE, bool)
    wrong[::9, ::9] = True
    words, _ = describe_wrong(decisions(~wrong), [])
    assert words.endswith("mostly in single pixels")
    halves = wrong.copy()
    halves[::18, 1::9] = halves[4::18, ::27] = True
    assert "single" not in describe_wrong(decisions(~np.kron(halves[:160, :160], np.eye(3, dtype=bool))), [])[0]


def test_removed_rain_all_around_an_echo_is_at_its_edges():
    row, column = np.indices(SHAPE)
    inside = np.hypot(column - CENTER[0], row - CENTER[1]) <= 198
    lost, _ = describe_wrong(decisions(inside), BANDS)
    assert lost.endswith("mostly beyond 180 km, below 20 dBZ, at the edges of echo that stays")
    assert "edges" not in describe_wrong(decisions(np.zeros(SHAPE, bool)), BANDS)[0]
    assert "edges" not in describe_wrong(decisions(~inside, NON_METEOROLOGICAL), BANDS)[1]


@given(st.integers(0, 2**32))
def test_counts_of_a_frame_are_those_of_its_masks_and_of_its_tally(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (20, 20)).astype(np.uint8)
    reference = rng.choice([METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN], (20, 20)).astype(np.uint8)
    probability = rng.random((20, 20), np.float32)
    nothing = np.zeros((20, 20), np.float32)
    answers = {MODEL: Answer(probability, 0.5, True)}
    tally = score_frame(Frame(codes, reference, nothing), answers, Bands(tuple(BANDS)), Reflectivity(nothing))
    score = FrameScore.of("A", START, tally)
    seen = FrameDecisions(codes, reference, probability >= 0.5, flat_geometry((20, 20), (10.0, 10.0), 10))
    assert (score.misses, score.false_alarms) == (seen.lost.sum(), seen.left.sum())
    assert score.scored == (is_echo(codes) & (reference != UNKNOWN)).sum()
    assert not (seen.lost & seen.left).any() and np.isfinite(decode_dbz(codes)[seen.lost]).all()
    assert replace(score, misses=0).wrong == score.false_alarms
