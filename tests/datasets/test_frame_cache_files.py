"""Files of a frame cache: the same variables raw and packed, and a full disk is reported with the remedy."""

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
    with FrameWriter(folder, frames.shape, packed) as writer:
        for frame in frames:
            writer.append(frame)
    return open_frames(folder, frames.shape)


@pytest.mark.parametrize("packed", [False, True])
@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(4), st.integers(1, 9), st.integers(1, 9))))
def test_variables_come_back_as_they_were_written(tmp_path_factory, packed, frames):
    written = write(tmp_path_factory.mktemp("cache"), frames, packed)
    assert written.shape == frames.shape and isinstance(written, CompressedFrames) == packed
    for frame, variable in np.ndindex(frames.shape[:2]):
        assert np.array_equal(written[frame, variable], frames[frame, variable])
        assert not written[frame, variable].flags.writeable


def test_packed_variables_of_frames_are_many_times_smaller(tmp_path):
    frames = np.zeros((5, 4, 200, 200), np.uint8)
    frames[:, :, 60:90, 50:120] = 130
    write(tmp_path, frames, packed=True)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < frames.nbytes / 100


def test_a_full_disk_names_the_folder_of_the_frame_cache_and_the_key_to_set(tmp_path):
    with (
        pytest.raises(StoreError, match=rf"{tmp_path}: .*TMPDIR"),
        name_full_disk(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), name_full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "no")
