"""What the network sees."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.channels import (
    decode_scaled,
    make_channels,
    polar_channels,
    reflectivity_channel,
    scale_dbz,
    unscale_dbz,
)
from radar_cleaner.geometry import polar_coordinates
from radar_cleaner.vocabulary import MIN_ECHO_DBZ, NODATA, UNDETECT, decode_dbz, encode_dbz


def codes(*values):
    return torch.tensor(values, dtype=torch.uint8)


def test_no_echo_is_zero_and_the_weakest_echo_is_not():
    channel = reflectivity_channel(codes(UNDETECT, NODATA, int(encode_dbz(MIN_ECHO_DBZ))))
    assert channel[:2].tolist() == [0, 0]
    assert channel[2] == pytest.approx(0.1)


def test_stronger_echoes_are_larger_up_to_one():
    channel = reflectivity_channel(torch.arange(1, 255, dtype=torch.uint8))
    assert (channel.diff() >= 0).all() and channel.max() == 1
    between = reflectivity_channel(torch.from_numpy(encode_dbz(np.arange(-10, 70, 0.5))))
    assert (between.diff() > 0).all()


@given(dbz=st.floats(-31.5, 95))
def test_the_networks_scale_comes_back_as_dbz(dbz):
    assert float(unscale_dbz(scale_dbz(torch.tensor(dbz)))) == pytest.approx(dbz, abs=1e-4)
    packed = encode_dbz(np.array([dbz]))
    assert float(unscale_dbz(decode_scaled(torch.from_numpy(packed)))[0]) == pytest.approx(decode_dbz(packed)[0])


@given(x=st.floats(-5, 25), y=st.floats(-5, 25), range_px=st.floats(5, 50))
def test_helpers_are_the_radars_range_and_azimuth(x, y, range_px):
    helpers = polar_channels(torch.tensor([[x, y]]), torch.tensor([range_px]), (12, 20))[0].numpy()
    range_km, azimuth = polar_coordinates((12, 20), (x, y), 1000.0)
    far = range_km > 1e-3
    assert np.allclose(helpers[0], range_km / range_px, atol=1e-4)
    assert np.allclose(helpers[1][far], np.cos(azimuth)[far], atol=1e-3)
    assert np.allclose(helpers[2][far], np.sin(azimuth)[far], atol=1e-3)


def test_at_the_radar_the_azimuth_is_north_and_finite():
    helpers = polar_channels(torch.tensor([[3.0, 2.0]]), torch.tensor([10.0]), (5, 5))
    assert helpers[0, :, 2, 3].tolist() == [0, 1, 0]
    assert torch.isfinite(helpers).all()


def test_channels_lie_in_their_order():
    own = torch.full((1, 3, 2, 2), UNDETECT, dtype=torch.uint8)
    others = torch.full((1, 3, 2, 2), NODATA, dtype=torch.uint8)
    own[0, 1, 0, 0], own[0, 2] = 120, NODATA
    others[0, 0, 1, 1] = 90
    place = (torch.tensor([[1.0, 1.0]]), torch.tensor([2.0]))
    plain = make_channels(own, others, *place)
    assert plain.shape == (1, 15, 2, 2) and plain.dtype == torch.float32
    assert plain[0, 4, 0, 0] == reflectivity_channel(codes(120))[0] and plain[0, 4].count_nonzero() == 1
    assert [plain[0, channel].min().item() for channel in (1, 5, 9)] == [1, 1, 0]
    assert plain[0, 2, 1, 1] > 0 and plain[0, 3].tolist() == [[0, 0], [0, 1]]
    assert not plain[0, [6, 7, 10, 11]].any()
    frequency = torch.full((1, 2, 2), 255, dtype=torch.uint8)
    more = make_channels(own, others, *place, frequency)
    assert more.shape == (1, 16, 2, 2) and (more[0, 15] == 1).all()
    assert torch.equal(more[:, :15], plain)
