"""Draw random palettes and legend bars, as services draw them."""

import io
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from PIL import Image

RAINBOW = [
    (0, 236, 255),
    (0, 0, 255),
    (0, 255, 0),
    (0, 145, 0),
    (255, 255, 0),
    (255, 0, 0),
    (150, 0, 0),
    (255, 0, 255),
]
GAP_COLOURS = FRAME_COLOURS = [(0, 0, 0), (255, 255, 255), (216, 216, 216)]


def random_colours(seed, count, apart=(22, 442)):
    """Draw (count, 3) colours; neighbours differ by a distance in RGB of `apart`, all by 10 or more."""
    rng = np.random.default_rng(seed)
    reach = min(apart[1], 128)
    colours = [rng.integers(0, 256, 3)]
    while len(colours) < count:
        draw = colours[-1] + rng.integers(-reach, reach + 1, 3) if apart[1] < 442 else rng.integers(0, 256, 3)
        if apart[1] < 442 and rng.random() < 0.02:  # out of a corner of the cube
            draw = rng.integers(0, 256, 3)
        else:
            draw = np.clip(draw, 0, 255)
            if not apart[0] <= np.linalg.norm(draw - colours[-1]) <= apart[1]:
                continue
        if np.linalg.norm(np.array(colours) - draw, axis=1).min() >= 10:
            colours.append(draw)
    return np.array(colours, dtype=np.uint8)


def ramp(count, anchors=RAINBOW):
    """Return (count, 3) colours that change evenly along anchors."""
    place = np.linspace(0, len(anchors) - 1, count)
    bands = [np.interp(place, np.arange(len(anchors)), [anchor[band] for anchor in anchors]) for band in range(3)]
    return np.rint(np.stack(bands, axis=1)).astype(np.uint8)


@dataclass(frozen=True)
class Drawn:
    """How a bar is drawn: pixels along and across a class, gaps between the classes, a frame, its direction."""

    step: int = 14
    width: int = 20
    gap: int = 0
    gap_colour: tuple = (255, 255, 255)
    frame: int = 0
    frame_colour: tuple = (0, 0, 0)
    lying: bool = False
    strong_first: bool = False  # at the bottom or at the left
    lengths: tuple = ()  # of the classes, if they are not equal

    def bar(self, colours):
        """Draw colours, weak to strong."""
        rows = []
        for number, colour in enumerate(colours):
            rows += [self.gap_colour] * (self.gap if number else 0)
            rows += [tuple(colour)] * (self.lengths[number] if self.lengths else self.step)
        bar = np.repeat(
            np.array(rows, dtype=np.uint8)[:: 1 if self.strong_first else -1, None], self.width, axis=1
        )
        bar = np.pad(bar, ((self.frame,) * 2,) * 2 + ((0, 0),))
        if self.frame:
            edge = np.ones(bar.shape[:2], dtype=bool)
            edge[self.frame : -self.frame, self.frame : -self.frame] = False
            bar[edge] = self.frame_colour
        return bar[::-1].transpose(1, 0, 2) if self.lying else bar

    def ordered(self, numbers):
        """Return rising numbers as the key `legend.dbz` gives them for this bar."""
        return list(numbers)[::-1] if self.strong_first else list(numbers)


def drawn(steps=(4, 16), gaps=(0, 3)):
    """Draw ways to draw a bar."""
    return st.builds(
        Drawn,
        step=st.integers(*steps),
        width=st.integers(6, 30),
        gap=st.integers(*gaps),
        gap_colour=st.sampled_from(GAP_COLOURS),
        frame=st.integers(0, 2),
        frame_colour=st.sampled_from(FRAME_COLOURS),
        lying=st.booleans(),
        strong_first=st.booleans(),
    )


def on_page(bar, background=(255, 255, 255), corner=(12, 15), margin=40):
    """Place a bar on a page, with numbers beside it."""
    (x, y), (height, width) = corner, bar.shape[:2]
    page = np.full((y + height + margin, x + width + margin, 3), background, dtype=np.uint8)
    page[y : y + height, x : x + width] = bar
    page[y + height + 6 : y + height + 12, x::9] = 0
    page[y::14, x + width + 6 : x + width + 16] = 0
    return page


def as_jpeg(bar, quality, background=(255, 255, 255)):
    """Return the bar as JPEG 4:2:0 shows it within a picture."""
    file = io.BytesIO()
    Image.fromarray(on_page(bar, background)).save(file, "JPEG", quality=quality, subsampling=2)
    height, width = bar.shape[:2]
    return np.array(Image.open(file))[15 : 15 + height, 12 : 12 + width]
