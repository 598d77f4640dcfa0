"""The run time of a shard follows its frames."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from radar_cleaner.planning.runtimes import SECONDS_A_FRAME, shard_minutes


def plan(frames: int, size: tuple[int, int] = (580, 480), tta: bool = False) -> Any:
    """The parts of a plan that count: two radars, one of them with fewer frames."""
    counts = {"AAA": frames, "BBB": frames // 2}
    return SimpleNamespace(
        radars=counts,
        sizes=dict.fromkeys(counts, size),
        settings=SimpleNamespace(cleaning=SimpleNamespace(tta=tta)),
        having=lambda shard: list(counts),
        frames=lambda radar, shard: ["frame"] * counts[radar],
    )


def test_time_follows_the_frames_of_the_shard_and_grows_with_each_attempt() -> None:
    day, month = (shard_minutes(plan(frames), "clean_frames", "AAA", "0", 1) for frames in (96, 2976))
    assert day < month
    attempts = [shard_minutes(plan(2976), "clean_frames", "AAA", "0", attempt) for attempt in (1, 2, 3)]
    assert attempts[0] < attempts[1] < attempts[2] <= 3 * attempts[0]
    assert all(shard_minutes(plan(1), rule, "AAA", "0", 1) >= 2 for rule in SECONDS_A_FRAME)


def test_larger_frames_and_flips_and_rotations_take_longer() -> None:
    plain = shard_minutes(plan(500), "clean_frames", "AAA", "0", 1)
    assert shard_minutes(plan(500, size=(1920, 1080)), "clean_frames", "AAA", "0", 1) > plain
    assert shard_minutes(plan(500, tta=True), "clean_frames", "AAA", "0", 1) > plain


def test_the_composite_counts_the_radar_with_most_frames() -> None:
    minutes = {target: shard_minutes(plan(2000), "compose_radars", target, "0", 1) for target in ("AAA", "BBB")}
    assert shard_minutes(plan(2000), "compose_radars", "composite", "0", 1) == minutes["AAA"] > minutes["BBB"]
