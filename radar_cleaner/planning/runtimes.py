"""Estimate the run time of the jobs of a shard, for a cluster."""

from __future__ import annotations

import math

from radar_cleaner.planning.plan import Plan

START_SECONDS = 5.0  # start of Snakemake and the stage; opening and closing stores
SECONDS_A_FRAME = {  # of 580 x 480 pixels on one core, measured on 288 frames
    "build_rgb_store": 0.02,
    "decode_reflectivity": 0.02,
    "align_radars": 0.01,
    "label_echoes": 0.02,
    "clean_frames": 0.3,  # a network twice as slow as the smallest
    "compose_radars": 0.03,
    "export_geotiff": 0.08,
}
PIXELS = 580 * 480
FLIPS_AND_ROTATIONS = 8  # with `cleaning.tta`
CAUTION = 3  # a slower machine, a busier disk


def minutes(rule: str, frames: float, attempt: int = 1) -> int:
    """Return the run time to request for a shard with this number of frames; it grows with each attempt."""
    seconds = START_SECONDS + SECONDS_A_FRAME[rule] * frames
    return math.ceil(attempt * (1 + CAUTION * seconds / 60))


def count_frames(plan: Plan, target: str, shard: str) -> int:
    """Return the number of frames in a shard; for the composite that of the radar with most frames."""
    radars = [target] if target in plan.radars else plan.having(shard)
    return max((len(plan.frames(radar, shard)) for radar in radars), default=0)


def weigh_frames(plan: Plan, rule: str, frames: int) -> float:
    """Return the equivalent number of plain frames of 580 x 480 pixels."""
    larger = max(1.0, max(width * height for width, height in plan.sizes.values()) / PIXELS)
    factor = FLIPS_AND_ROTATIONS if rule == "clean_frames" and plan.settings.cleaning.tta else 1
    return frames * larger * factor


def shard_minutes(plan: Plan, rule: str, target: str, shard: str, attempt: int) -> int:
    """Return the run time to request for a shard of a radar or of the composite."""
    return minutes(rule, weigh_frames(plan, rule, count_frames(plan, target, shard)), attempt)
