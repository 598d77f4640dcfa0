"""A palette comes from a CSV, the frames' legend or a picture of a legend."""

import numpy as np
import pytest
from legend_cases import Drawn, as_jpeg, on_page, ramp
from picture_cases import ROOT, encode

from radar_cleaner.config.labels import Colours, Legend
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.palette_source import find_palette
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

COLOURS = ramp(12)
BOUNDS = tuple(range(5, 65, 5))
STYLE = Drawn(step=9, gap=1, frame=1)
BAR = STYLE.bar(COLOURS)
BOX = (12, 15, 12 + BAR.shape[1], 15 + BAR.shape[0])


def frames_with(folder, *bars):
    """Write an RGB store; each frame has a bar at BOX."""
    pages = [on_page(bar) for bar in bars]
    variables = RGB.frame_variables((*on_page(BAR).shape[:2], 3))
    with StoreWriter(folder / "rgb.zarr", variables=variables, attrs={"radar": "R"}) as store:
        for index, page in enumerate(pages):
            store.append(360 * index, rgb=page)
    return open_store(folder / "rgb.zarr", "rgb")


def settings(**legend):
    return Colours(method="legend", legend=Legend(**{"box_px": BOX, "dbz": BOUNDS, "scale": "bounds", **legend}))


def test_the_frames_legend_gives_the_palette(tmp_path):
    palette = find_palette(settings(), frames_with(tmp_path, BAR, BAR))
    assert palette.colours.tolist() == COLOURS.tolist() and palette.lower_dbz.tolist() == list(BOUNDS)
    assert find_palette(settings(), frames_with(tmp_path / "none")) is None


def test_noise_is_not_another_legend(tmp_path):
    noisy = [as_jpeg(BAR, quality) for quality in (75, 85, 95)]
    assert len(find_palette(settings(), frames_with(tmp_path, *noisy)).colours) == 12


def test_a_legend_that_changes_is_another_product(tmp_path):
    frames = frames_with(tmp_path, BAR, BAR, STYLE.bar(np.roll(COLOURS, 1, axis=0)))
    with pytest.raises(ConfigError, match=r"1970-01-01T00:12:00Z.*another product.*another folder"):
        find_palette(settings(), frames)


@pytest.mark.parametrize("box", [None, BOX])
def test_a_legend_in_a_file_of_its_own(tmp_path, box):
    path = tmp_path / "legend.png"
    path.write_bytes(encode(BAR if box is None else on_page(BAR)))
    palette = find_palette(settings(file=str(path), box_px=box), frames_with(tmp_path))
    assert palette.colours.tolist() == COLOURS.tolist()


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (None, {}, "legend.png cannot be read"),
        (b"colour,dbz_min", {}, "legend.png cannot be read"),
        (encode(BAR), {"box_px": (0, 0, 500, 5)}, "not within the frame"),
        (encode(BAR), {"box_px": None, "dbz": BOUNDS[1:]}, "12 classes .* gives 11 lower bounds"),
    ],
)
def test_a_file_without_the_legend_is_refused(tmp_path, content, changes, message):
    path = tmp_path / "legend.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        find_palette(settings(file=str(path), **changes), frames_with(tmp_path))


def test_the_legends_own_unit_goes_before_that_of_the_labels(tmp_path):
    frames = frames_with(tmp_path, BAR)
    common = Colours(method="legend", unit="mm/h", legend=settings().legend)
    assert find_palette(common, frames).attrs["palette_unit"] == "mm/h"
    own = common.model_copy(update={"legend": settings(unit="dBZ").legend})
    assert find_palette(own, frames).lower_dbz.tolist() == list(BOUNDS)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("**/palettes/*.csv")), ids=lambda path: path.stem)
def test_every_shipped_palette_is_readable(path, caplog):
    palette = find_palette(Colours(palette=str(path)), None)
    assert len(palette.colours) > 5 and palette.upper_dbz[-1] > 45
    assert not caplog.records
