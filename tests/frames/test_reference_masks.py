"""Reference masks: found by the time in their names, and refused if they are not masks."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.frames.timestamps import NameFormat

NAMES = NameFormat(r"(\d{12})", "%Y%m%d%H%M", "UTC")
TIME = 1720656360  # 2024-07-11 00:06
MASK = np.array([[1, 2, 0], [0, 255, 1]], np.uint8)


def test_a_mask_is_found_by_its_time_alone(tmp_path: Path) -> None:
    iio.imwrite(tmp_path / "A_202407110006.png", MASK)
    masks = ReferenceMasks(tmp_path, NAMES)
    found = masks.picture(TIME, (2, 3))
    assert found is not None and np.array_equal(found, MASK)
    assert masks.picture(TIME - 360, (2, 3)) is None


def test_two_masks_of_one_time_are_refused(tmp_path: Path) -> None:
    for name in ("A", "B"):
        iio.imwrite(tmp_path / f"{name}_202407110006.png", MASK)
    with pytest.raises(FrameError, match=r"B_202407110006.png: A_202407110006.png is a mask of the same time"):
        ReferenceMasks(tmp_path, NAMES)


def test_a_folder_named_like_a_mask_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "202407110006.png").mkdir()
    (tmp_path / "202407110000.png").mkdir()
    iio.imwrite(tmp_path / "A_202407110006.png", MASK)
    masks = ReferenceMasks(tmp_path, NAMES)
    assert masks.picture(TIME, (2, 3)) is not None
    assert masks.picture(TIME - 360, (2, 3)) is None


@pytest.mark.parametrize("picture", [MASK[:1], np.stack([MASK] * 3, axis=2)], ids=["smaller", "in colours"])
def test_a_picture_of_another_shape_or_mode_is_refused(tmp_path: Path, picture: np.ndarray) -> None:
    iio.imwrite(tmp_path / "A_202407110006.png", picture)
    with pytest.raises(FrameError, match="a mask is a grey picture of 8 bits and 3 x 2 pixels"):
        ReferenceMasks(tmp_path, NAMES).picture(TIME, (2, 3))


def test_a_broken_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "A_202407110006.png").write_bytes(b"no picture")
    with pytest.raises(FrameError, match=r"A_202407110006.png: not readable as a mask"):
        ReferenceMasks(tmp_path, NAMES).picture(TIME, (2, 3))
