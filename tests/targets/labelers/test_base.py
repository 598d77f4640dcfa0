"""Echoes select and scatter values; every labeler gives finite log-odds in the order of the sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labeler_cases import (
    Codes,
    some_codes,
)
from numpy.typing import NDArray
from store_cases import START, make_reflectivity

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.conventions import is_echo
from radar_cleaner.storage.reader import open_store
from radar_cleaner.targets.labelers.base import Echoes, Sources, widen
from radar_cleaner.targets.labelers.registry import collect_evidence, find_labeler, open_labelers


@given(codes=some_codes)
def test_echoes_are_taken_from_a_picture_and_put_back(codes: Codes) -> None:
    echoes = Echoes.of(codes)
    assert np.array_equal(echoes.take(codes), codes[is_echo(codes)])
    assert np.array_equal(echoes.scatter(echoes.take(codes)), np.where(is_echo(codes), codes, 0))


@given(mask=arrays(np.bool_, (7, 9)), radius=st.integers(0, 3))
def test_near_is_at_most_so_many_pixels_away(mask: NDArray[np.bool_], radius: int) -> None:
    wanted = np.zeros_like(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        wanted[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1] = True
    assert np.array_equal(widen(mask, radius), wanted)


def test_every_declared_labeler_opens_and_gives_finite_log_odds(tmp_path: Path) -> None:
    weights = LabelModel().weights
    assert list(weights) == [labeler.name for labeler in declared_labelers()]
    sources = Sources(open_store(make_reflectivity(tmp_path / "reflectivity.zarr"), "reflectivity"))
    opened = open_labelers(weights, sources)
    echoes = Echoes.of(sources.codes(START))
    evidence = collect_evidence(opened, echoes, START)
    assert set(weights) - set(opened) == {"reference"}  # there are no masks
    assert {"colour", "density", "spoke", "area"} <= evidence.keys()
    for values in evidence.values():
        assert values.dtype == np.float32 and values.shape == echoes.pixels.shape
        assert np.isfinite(values).all()


def test_a_labeler_without_weight_is_not_opened(tmp_path: Path) -> None:
    sources = Sources(open_store(make_reflectivity(tmp_path / "reflectivity.zarr"), "reflectivity"))
    assert list(open_labelers({"colour": 1, "density": 0}, sources)) == ["colour"]


def test_a_declared_labeler_is_the_class_of_its_module() -> None:
    for labeler in declared_labelers():
        assert find_labeler(labeler.name).__module__.endswith(f".{labeler.module}")
