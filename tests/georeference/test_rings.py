"""Range rings are circles about the radar, on any grid."""

import numpy as np
import pytest

from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.rings import range_rings


@pytest.mark.parametrize(
    ("reach", "labels"), [(240, ["50 km", "100 km", "150 km", "200 km"]), (12, ["5 km", "10 km"])]
)
def test_rings_have_round_distances_up_to_the_range(reach, labels):
    radar = RadarGeometry.about("A", 45, -63, 240, 480, 480, (240, 239))
    rings = range_rings(radar, reach)
    assert [label for label, _ in rings] == labels
    for label, points in rings:
        distance = np.hypot(points[:, 0] - 240, points[:, 1] - 239)
        np.testing.assert_allclose(distance, float(label.split()[0]), rtol=1e-3)


def test_rings_on_a_grid_of_degrees_are_wider_in_longitude():
    grid = Grid("EPSG:4326", 0.05, 0.05, 200, 80, (0, 1240))
    radar = RadarGeometry("A", grid, 60.0, 5.0, 200)
    _, points = range_rings(radar, 100)[-1]
    wide, high = np.ptp(points, axis=0)
    assert wide / high == pytest.approx(2, rel=0.03)


def test_a_mosaic_has_no_rings():
    assert range_rings(RadarGeometry("A", Grid("EPSG:4326", 0.05, 0.05, 20, 20, (0, 0))), 100) == []
