"""Random frames for the tests of decision and composite."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.products.cf import pack_frame
from radar_cleaner.products.decision import decide

SHAPE = (5, 6)
some_codes = arrays(np.uint8, SHAPE, elements=st.sampled_from([UNDETECT, NODATA, 1, 90, 200, 254]))
some_probability = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))
some_dbz = arrays(np.float32, SHAPE, elements=st.floats(-60, 120, width=32))
some_range = arrays(np.bool_, SHAPE)


@st.composite
def layers(draw: st.DrawFn) -> dict[str, NDArray[np.uint8]]:
    """The variables of a cleaned frame of an ensemble."""
    frame = decide(
        draw(some_codes),
        draw(some_probability),
        draw(some_dbz),
        draw(some_probability) / 2,
        threshold=draw(st.floats(0, 1)),
        fill=draw(st.booleans()),
        in_range=draw(some_range),
    )
    return pack_frame(frame)
