"""How fast it is, as ratios of CPU time: far from what was measured, so that only a regression fails."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.slow  # for the benchmarks' packages
def test_labels_are_many_times_as_quick_as_the_plain_way(tmp_path: Path) -> None:
    from benchmarks.speed import frames, plain, preparation
    from benchmarks.speed.timing import in_turns

    pictures = [plain.decode(file) for file in frames.link_frames(tmp_path / "frames")[::4]]
    classes, _ = preparation.label_in_memory(pictures)
    timed = in_turns(
        {"ours": classes, "plain": lambda: [plain.label(picture, frames.PLOT_BOX) for picture in pictures]}, 3
    )
    assert timed.ratio("plain", "ours") > 5
