"""Figures as arrays, for the tests that look at them."""

from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np


def pixels(png):
    picture = iio.imread(io.BytesIO(png))
    assert picture.ndim == 3 and picture.shape[1] > 300
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 5  # something is drawn
    return picture
