"""Frames of a continent are predicted in tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import config
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA
from radar_cleaner.inference import tiles
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.inference.tiles import LARGEST_PIXELS, MARGIN_PX, tiles_of
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model


def inputs_of(shape: tuple[int, int], times: int) -> FrameInputs:
    codes: NDArray[np.uint8] = np.random.default_rng(3).integers(0, 200, (times, *shape), dtype=np.uint8)
    return FrameInputs(codes, np.full_like(codes, NODATA), (20.0, 70.0), 60.0, 1720656000)


@given(height=st.integers(1, 9000), width=st.integers(1, 13000))
def test_tiles_keep_each_pixel_once_and_read_a_margin_around(height: int, width: int) -> None:
    kept = 0
    for tile in tiles_of((height, width)):
        for reads, keeps, size in zip(tile.reads, tile.kept, (height, width), strict=True):
            assert 0 <= reads.start <= keeps.start < keeps.stop <= reads.stop <= size
            assert reads.start % 128 == 0  # the network halves frames as if they were whole
            assert reads.start == 0 or keeps.start - reads.start == MARGIN_PX
            assert reads.stop == size or reads.stop - keeps.stop == MARGIN_PX
        rows, columns = tile.kept
        kept += (rows.stop - rows.start) * (columns.stop - columns.start)
    assert kept == height * width


def test_frames_of_usual_size_are_one_tile() -> None:
    assert len(list(tiles_of((1200, 1200)))) == 1
    assert LARGEST_PIXELS > 2000**2


def test_a_large_frame_is_predicted_tile_by_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(config())
    draw_weights(model, 4)
    save_model(tmp_path / "best.pt", config(), model.state_dict(), {})
    predictor = load_predictor(tmp_path / "best.pt", threads=1)
    frame = inputs_of((90, 70), len(predictor.config.inputs.input_minutes))
    for name, value in (("LARGEST_PIXELS", 1000), ("TILE_PX", 32), ("MARGIN_PX", 8)):
        monkeypatch.setattr(tiles, name, value)
    for tta in (False, True):
        found = predictor.predict(frame, tta)
        parts = list(tiles_of((90, 70)))
        assert len(parts) == 9
        monkeypatch.setattr(tiles, "LARGEST_PIXELS", 10**6)
        for tile in parts:
            alone = predictor.predict(tile.of(frame), tta)
            np.testing.assert_array_equal(found.probability[tile.kept], alone.probability[tile.inner])
            np.testing.assert_array_equal(found.dbz[tile.kept], alone.dbz[tile.inner])
        monkeypatch.setattr(tiles, "LARGEST_PIXELS", 1000)
