"""How long a shard takes, and how many a cluster job holds: jobs of minutes, however small the shards are."""

from __future__ import annotations

import math
from statistics import median

from radar_cleaner.planning.plan import Plan

ASKED_MINUTES = 180  # by a job of many shards; it takes a fraction of that
START_SECONDS = 5.0  # Snakemake's and the stage's start, and opening and closing stores
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
TURNS = 8  # that a picture is cleaned in with `cleaning.tta`
CAUTION = 3  # a slower machine, a busier disk
SHARDS_LOOKED_AT = 50
ONCE = 18  # of what is done once, not once a shard: ten minutes each


def minutes(rule: str, frames: float, attempt: int = 1) -> int:
    """The time to ask of a cluster for a shard of so many frames; each attempt asks for more."""
    seconds = START_SECONDS + SECONDS_A_FRAME[rule] * frames
    return math.ceil(attempt * (1 + CAUTION * seconds / 60))


def count_frames(plan: Plan, target: str, shard: str) -> int:
    """The frames of a radar's shard; of the composite, those of the radar that has most."""
    radars = [target] if target in plan.radars else plan.having(shard)
    return max((len(plan.frames(radar, shard)) for radar in radars), default=0)


def weigh_frames(plan: Plan, rule: str, frames: int) -> float:
    """As how many plain frames of 580 x 480 pixels so many of this plan's count."""
    larger = max(1.0, max(width * height for width, height in plan.sizes.values()) / PIXELS)
    turns = TURNS if rule == "clean_frames" and plan.settings.cleaning.tta else 1
    return frames * larger * turns


def shard_minutes(plan: Plan, rule: str, target: str, shard: str, attempt: int) -> int:
    """The time to ask of a cluster for a shard of a radar, or of the composite."""
    return minutes(rule, weigh_frames(plan, rule, count_frames(plan, target, shard)), attempt)


def group_components(plan: Plan) -> dict[str, int]:
    """For Snakemake's --group-components: how many components a job of each group of profiles/slurm holds.

    A component is what must be done in turn: a shard's frames and reflectivity; the other radars on its grid
    and its labels; a shard's products of all radars. So many that a job asks for some ASKED_MINUTES.
    """
    pairs = plan.pairs()
    looked_at = pairs[:: math.ceil(len(pairs) / SHARDS_LOOKED_AT) or 1]
    frames = round(median(count_frames(plan, *pair) for pair in looked_at)) if looked_at else 0
    radars = len(plan.radars)

    def asked(rule: str) -> int:
        return minutes(rule, weigh_frames(plan, rule, frames))

    products = radars * asked("clean_frames") + asked("compose_radars")
    if plan.settings.cleaning.geotiff:
        products += (radars + 1) * asked("export_geotiff")
    most = {
        "decode": asked("build_rgb_store") + asked("decode_reflectivity"),
        "label": asked("align_radars") + asked("label_echoes"),
        "clean": products,
    }
    return {"once": ONCE} | {group: max(1, ASKED_MINUTES // each) for group, each in most.items()}
