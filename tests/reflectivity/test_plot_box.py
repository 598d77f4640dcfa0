"""Overlays and the range hide pixels of the plot box."""

import numpy as np
import pytest

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.polar import range_mask
from radar_cleaner.reflectivity.plot_box import overlay_mask


def test_a_mask_picture_boxes_and_border_join_in_plot_box_pixels():
    picture = np.zeros((10, 12, 3), np.uint8)
    picture[5, 8] = (0, 0, 1)
    mask = overlay_mask((12, 10), (2, 0, 12, 10), 1, [(0, 0, 5, 3)], picture)
    assert mask.shape == (10, 10)
    assert mask[5, 6]  # (8, 5) of the frame
    assert mask[:3, :3].all() and not mask[3, 3] and not mask[2, 3]
    assert mask[0].all() and mask[-1].all() and mask[:, 0].all() and mask[:, -1].all()
    assert mask.sum() == 36 + 4 + 1


@pytest.mark.parametrize("box", [(0, 0, 13, 5), (-1, 0, 5, 5), (5, 5, 5, 6), (6, 2, 3, 4)])
def test_a_box_outside_the_frame_is_refused(box):
    with pytest.raises(ConfigError, match="not within the frame of 12 x 10"):
        overlay_mask((12, 10), (0, 0, 12, 10), 0, [box])


def test_the_range_is_a_circle_about_the_radar():
    mask = range_mask((480, 480), (240, 239), 240)
    assert mask[239, 0] and mask[239, 479] and mask[0, 240] and mask[479, 240]
    assert not (mask[0, 0] or mask[0, 479] or mask[479, 0] or mask[479, 479])
    assert mask.sum() == pytest.approx(np.pi * 240**2, rel=0.01)
    assert not range_mask((480, 480), (240, 239), 100)[239, 341]
    assert range_mask((480, 480), (240, 239), 100)[239, 340]
