"""The pictures of each layout of a radar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.choice import Claim, PictureChoice
from radar_cleaner.planning.radars import Radar, read_period
from radar_cleaner.storage.shards import format_time


def choose_pictures(radar: Radar) -> dict[str, PictureChoice]:
    """Return the choice of pictures of a radar and of each of its layouts, by id.

    A picture is of the first layout that claims its time and size, else of the radar. Raises ConfigError for
    periods that cannot be read, and for two layouts that claim the same pictures.
    """
    claims: dict[str, Claim] = {}
    for layout in radar.layouts:
        period = read_period(f"{layout.place}.period", layout.period, "frame")
        claims[layout.id] = Claim(period=period, size_px=layout.size_px)
    for (first, one), (second, other) in combinations(claims.items(), 2):
        since = _shared(one, other)
        if one.size_px == other.size_px and since is not None:
            places = {layout.id: layout.place for layout in radar.layouts}
            raise ConfigError(
                f"{places[second]}.period: it and {places[first]} describe the same pictures"
                f"{f' from {format_time(since)}' if since else ''}; give each its own period or size_px"
            )
    choices = {radar.id: PictureChoice(others=tuple(claims.values()))}
    earlier: tuple[Claim, ...] = ()
    for name, claim in claims.items():
        choices[name] = PictureChoice(own=claim, others=earlier)
        earlier += (claim,)
    return choices


def layout_gaps(radar: Radar, choices: Mapping[str, PictureChoice], times: Sequence[int]) -> list[str]:
    """Return a line for each gap between the periods of two layouts in which the radar has frames.

    `times` are those of its frames.
    """
    parts = sorted(
        (part, layout.place) for layout in radar.layouts for part in choices[layout.id].own.period or ()
    )
    lines = []
    for ((_, end), first), ((start, _), second) in pairwise(parts):
        within = [time for time in times if end <= time < start and choices[radar.id].at(time)]
        if within:
            lines.append(
                f"{second}.period: {len(within)} frames of radar {radar.id} are between it and the period of"
                f" {first}, from {format_time(min(within))} to {format_time(max(within))}; they are read like the"
                " radar's own pictures; if they are not, lengthen a period; if they are, give them a layout of"
                " their own"
            )
    return lines


def _shared(one: Claim, other: Claim) -> int | None:
    """Return the first time in both periods, 0 for a period of all times; None without any."""
    if one.period is None or other.period is None:
        return 0
    starts = [max(a, c) for a, b in one.period for c, d in other.period if a < d and c < b]
    return min(starts, default=None)
