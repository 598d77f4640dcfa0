"""The stage that learns a radar's picture reports frames of another product."""

import logging

import numpy as np
import pytest
from legend_cases import Drawn, ramp

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.planning.closing import closing_lines
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter


def learn(results, others):
    """Learn from twelve frames; those numbered `others` have the legend of another product beside the map."""
    layout = Layout(results)
    with StoreWriter(layout.rgb("R", "20240711"), variables=RGB.frame_variables((60, 90, 3))) as store:
        for number in range(12):
            frame = np.full((60, 90, 3), 230, np.uint8)
            frame[5:15, 3 * number : 3 * number + 10] = (255, 0, 0)
            colours = ramp(6)[::-1] if number in others else ramp(6)
            frame[5:53, 70:82] = Drawn(step=8, width=12).bar(colours)
            store.append(1_720_656_000 + 360 * number, rgb=frame)
    learn_picture(
        rgb=[layout.rgb("R", "20240711")],
        plot_box=(0, 0, 60, 60),
        geometry=RadarGeometry.about("R", 45.1, -63.7, 30, 60, 60, (30, 30)),
        overlay=Overlay(),
        labels=PictureColours(method="hsv_multi"),
        picture=PictureFrames(),
        output=layout.picture("R") / "zarr.json",
        mask=results / "picture/R.png",
    )
    return open_store(layout.picture("R"), "picture").attrs["other_product"]


@pytest.mark.parametrize("others", [(), (1, 4, 5), (8, 9, 10, 11)])
def test_frames_of_another_product_are_named_on_the_terminal(tmp_path, caplog, others):
    with caplog.at_level(logging.WARNING):
        warning = learn(tmp_path, others)
    assert closing_lines(tmp_path, {"R": [], "not made": []}, []) == ([f"WARNING {warning}"] if others else [])
    assert bool(warning) == bool(others)
    if others:
        first = f"2024-07-11T00:{6 * others[0]:02d}:00Z"
        assert f"{len(others)} of 12 frames" in warning and first in warning and "radars[].frames" in warning
        assert warning in caplog.text
