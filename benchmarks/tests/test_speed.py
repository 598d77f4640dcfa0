"""How fast it is, as ratios of CPU time: far from what was measured, so that only a regression fails."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # for the benchmarks' packages


def test_labels_are_many_times_as_quick_as_the_plain_way(tmp_path: Path) -> None:
    from benchmarks.speed import frames, plain, preparation
    from benchmarks.speed.timing import in_turns

    pictures = [plain.decode(file) for file in frames.link_frames(tmp_path / "frames")[::4]]
    classes, _ = preparation.label_in_memory(pictures)
    timed = in_turns(
        {"ours": classes, "plain": lambda: [plain.label(picture, frames.PLOT_BOX) for picture in pictures]}, 3
    )
    assert timed.ratio("plain", "ours") > 5


def test_frames_are_stored_and_decoded_in_a_few_times_the_time_of_the_fastest_decoder(tmp_path: Path) -> None:
    import pyspng

    from benchmarks.speed import frames
    from benchmarks.speed.timing import in_turns
    from radar_cleaner.stages.build_rgb_store import build_rgb_store
    from radar_cleaner.stages.decode_reflectivity import decode_reflectivity
    from radar_cleaner.stages.learn_picture import learn_picture

    files = frames.link_frames(tmp_path / "frames")
    held = [file.read_bytes() for file in files]
    rgb, picture, decoded = (tmp_path / f"{name}.zarr" for name in ("rgb", "picture", "reflectivity"))
    build_rgb_store(**frames.rgb_options(tmp_path / "frames", rgb))
    learn_picture(**frames.picture_options(rgb, picture))
    timed = in_turns(
        {
            "floor": lambda: [pyspng.load(data) for data in held],
            "rgb": lambda: build_rgb_store(**frames.rgb_options(tmp_path / "frames", rgb)),
            "reflectivity": lambda: decode_reflectivity(**frames.reflectivity_options(rgb, picture, decoded)),
        },
        5,
    )
    assert timed.ratio("rgb", "floor") < 10
    assert timed.ratio("reflectivity", "floor") < 10


def test_crops_are_read_many_times_faster_than_from_the_stores_and_a_step_costs_little_more_than_the_network(
    tmp_path: Path,
) -> None:
    from benchmarks.speed import feeding, training
    from benchmarks.speed.made import make

    made = make(tmp_path / "made", ("2024-07-10 20:00", "2024-07-10 21:00"))
    times = feeding.measure(made, tmp_path / "feeding", 3)
    assert times["raw"] > 40 and times["packed"] > 15
    timed = training.measure(made, tmp_path / "training", 5, crop=128)
    assert timed.ratio("step", "bare") < 1.5
