"""The planes of a bank: the same raw and packed, and nothing lost on a full disk."""

import errno

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radar_cleaner.datasets.frame_cache_files import CompressedFrames, FrameWriter, name_full_disk, open_frames
from radar_cleaner.errors import StoreError


def write(folder, frames, packed):
    folder.mkdir(exist_ok=True)
    with FrameWriter(folder, frames.shape, packed) as planes:
        for frame in frames:
            planes.append(frame)
    return open_frames(folder, frames.shape)


@pytest.mark.parametrize("packed", [False, True])
@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(4), st.integers(1, 9), st.integers(1, 9))))
def test_planes_come_back_as_they_were_written(tmp_path_factory, packed, frames):
    planes = write(tmp_path_factory.mktemp("bank"), frames, packed)
    assert planes.shape == frames.shape and isinstance(planes, CompressedFrames) == packed
    for frame, plane in np.ndindex(frames.shape[:2]):
        assert np.array_equal(planes[frame, plane], frames[frame, plane])
        assert not planes[frame, plane].flags.writeable


def test_packed_planes_of_pictures_are_many_times_smaller(tmp_path):
    frames = np.zeros((5, 4, 200, 200), np.uint8)
    frames[:, :, 60:90, 50:120] = 130
    write(tmp_path, frames, packed=True)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < frames.nbytes / 100


def test_a_full_disk_says_where_the_bank_lies_and_what_to_set(tmp_path):
    with (
        pytest.raises(StoreError, match=rf"{tmp_path}: .*TMPDIR"),
        name_full_disk(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), name_full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "no")
