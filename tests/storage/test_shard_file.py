"""The files of shards are those that Zarr itself writes, and are read as Zarr reads them."""

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import Blosc
from zarr.codecs import BloscCodec

from radar_cleaner.storage.shard_file import ShardFile, read_frames


@given(
    levels=st.lists(st.one_of(st.just(None), st.integers(0, 200)), min_size=1, max_size=6).filter(any),
    most=st.integers(6, 8),
    dtype=st.sampled_from(["uint8", "bool", "int8", "float32"]),
    seed=st.integers(0, 2**16),
)
def test_a_file_is_that_of_zarr_and_is_read_as_zarr_reads_it(tmp_path_factory, levels, most, dtype, seed):
    folder, shape = tmp_path_factory.mktemp("shard"), (3, 50)
    frames = np.zeros((len(levels), *shape), dtype)
    for number, level in enumerate(levels):
        if level is not None:
            frames[number] = (np.random.default_rng(seed).integers(0, 2, shape) + level).astype(dtype)
            frames[number, 0, 0] = 1
    shuffle = Blosc.SHUFFLE if dtype == "float32" else Blosc.NOSHUFFLE
    array = zarr.create_array(
        folder / "zarr",
        shape=frames.shape,
        dtype=dtype,
        chunks=(1, *shape),
        shards=(most, *shape),
        compressors=BloscCodec(cname="zstd", clevel=2, shuffle="shuffle" if shuffle else "noshuffle"),
    )
    array[...] = frames
    ours = ShardFile(most, Blosc("zstd", 2, shuffle))
    for number, frame in enumerate(frames):
        if frame.any():
            ours.add(number, frame)
    ours.write(folder / "ours")
    theirs = folder / "zarr/c/0/0/0"
    assert (folder / "ours").read_bytes() == theirs.read_bytes()
    read = np.empty_like(frames)
    read[read_frames(theirs, most, 0, read)] = 0
    assert np.array_equal(read, frames)
    assert np.array_equal(array[...], frames)


def test_frames_of_a_file_that_does_not_exist_are_all_missing(tmp_path):
    assert read_frames(tmp_path / "none", 4, 1, np.empty((2, 3), np.uint8)) == [0, 1]


def test_a_damaged_index_is_an_error_with_the_name_of_the_file(tmp_path):
    file = ShardFile(2, Blosc("lz4", 1, Blosc.NOSHUFFLE))
    file.add(0, np.arange(40, dtype=np.uint8))
    file.write(tmp_path / "a")
    content = bytearray((tmp_path / "a").read_bytes())
    content[-10] ^= 1
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="a: the check sum of its index is wrong"):
        read_frames(tmp_path / "a", 2, 0, np.empty((1, 40), np.uint8))
