"""Figures as arrays, for the tests that look at them."""

from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np


def pixels(png):
    picture = iio.imread(io.BytesIO(png))
    assert picture.ndim == 3 and picture.shape[1] > 300
    grey = picture[..., :3].astype(np.uint16).sum(axis=2)
    assert np.count_nonzero(np.bincount(grey.ravel())) > 5  # something is drawn
    return picture
