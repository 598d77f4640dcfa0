"""The rule learn_picture writes what does not change with the weather: a store, and a picture of the overlay."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scene_cases import Scene, jpeg

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.reflectivity.palette import format_colour
from radar_cleaner.reflectivity.picture import Picture, read_picture
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

MARGIN = 10  # columns of a legend at the left
SIZE = 96


def learn(folder: Path, scene: Scene, frames: list[np.ndarray], most: int = 64, **overlay: object) -> Picture:
    """Write frames as two stores, beside a legend, and learn their picture."""
    classes = zip(scene.palette.colours, scene.palette.lower_dbz, strict=True)
    rows = [f"{format_colour(tuple(colour))},{dbz}" for colour, dbz in classes]
    (folder / "palette.csv").write_text("\n".join(["colour,dbz_min", *rows]))
    for number, part in enumerate((frames[::2], frames[1::2])):
        variables = RGB.frame_variables((SIZE, SIZE + MARGIN, 3))
        with StoreWriter(folder / f"{number}.zarr", variables=variables, attrs={"radar": "R"}) as store:
            for index, frame in enumerate(part):
                store.append(86400 * number + 360 * index, rgb=np.pad(frame, ((0, 0), (MARGIN, 0), (0, 0))))
    middle = (SIZE - 1) / 2
    learn_picture(
        rgb=[folder / "0.zarr", folder / "1.zarr"],
        plot_box=(MARGIN, 0, SIZE + MARGIN, SIZE),
        geometry=RadarGeometry.about("R", 45, -63, 100, SIZE, SIZE, (middle, middle)),
        overlay=Overlay.model_validate(overlay),
        labels=PictureColours(palette=str(folder / "palette.csv")),
        picture=PictureFrames(frames=most),
        output=folder / "picture.zarr/zarr.json",
        mask=folder / "picture.png",
    )
    return read_picture(open_store(folder / "picture.zarr", "picture"), (SIZE, SIZE))


def test_the_overlay_is_a_picture_of_the_frame_that_can_be_a_mask(tmp_path: Path) -> None:
    scene = Scene(1)
    lines = scene.lines()
    frames = [scene.draw(scene.rain(step), lines) for step in range(12)]
    picture = learn(tmp_path, scene, frames)
    shown = np.asarray(Image.open(io.BytesIO((tmp_path / "picture.png").read_bytes())))
    assert shown.shape == (SIZE, SIZE + MARGIN, 3)
    assert np.array_equal(shown[:, MARGIN:].any(axis=2), picture.overlay) and not shown[:, :MARGIN].any()
    assert picture.overlay[lines & (picture.ground_share[0] == 0)].mean() > 0.5
    again = learn(tmp_path, scene, frames, mask=str(tmp_path / "picture.png"))
    assert not again.overlay.any()


def test_no_more_than_the_given_number_of_frames_is_read(tmp_path: Path) -> None:
    scene = Scene(2)
    picture = learn(tmp_path, scene, [scene.draw(scene.rain(step)) for step in range(12)], most=5)
    assert picture.frames == 5 and not picture.enough


def test_too_few_frames_are_a_warning_with_the_keys_to_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(3)
    with caplog.at_level(logging.WARNING):
        learn(tmp_path, scene, [scene.draw(scene.rain(step)) for step in range(2)])
    assert "2 frames" in caplog.text and "picture.period" in caplog.text and "frames.overlay.mask" in caplog.text
    assert open_store(tmp_path / "picture.zarr", "picture").attrs["shortage"] in caplog.text


def test_jpeg_frames_are_soft_and_their_tolerance_is_learned(tmp_path: Path) -> None:
    scene = Scene(4)
    picture = learn(tmp_path, scene, [jpeg(scene.draw(scene.rain(step)), 80) for step in range(8)])
    assert picture.soft and picture.tolerance > 20 and picture.space.chroma_weight < 1


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    scene = Scene(5)
    learn(tmp_path, scene, [scene.draw(scene.rain(0))])
    with pytest.raises(ConfigError, match="run snakemake"):
        read_picture(open_store(tmp_path / "picture.zarr", "picture"), (SIZE, SIZE + 1))
