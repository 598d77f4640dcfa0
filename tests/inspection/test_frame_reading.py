"""Lines about a frame as a config reads it."""

from __future__ import annotations

import numpy as np
import pytest

from radar_cleaner.inspection.frame_reading import describe_weak_classes
from radar_cleaner.reflectivity.palette import make_palette


@pytest.mark.parametrize(("first", "line"), [(-10, "classes 1 to 3 count"), (0, "class 1 counts"), (5, "")])
def test_classes_that_count_as_no_echo_are_named_with_their_key(first: int, line: str) -> None:
    colours = np.arange(30, dtype=np.uint8).reshape(10, 3)
    palette = make_palette(colours, first + 5.0 * np.arange(10), "ten")
    described = describe_weak_classes(palette, 5)
    assert described.startswith(line) and ("labels.min_dbz" in described) == bool(line)
