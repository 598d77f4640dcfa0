"""Shards of time: the store of a frame is named by a strftime prefix of the frame time.

Names sort in time order, and their length gives the grain: month `202407`, day `20240711`,
hour `20240711T12`, frame `20240711T1206`. Times are UTC, in whole seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from radar_cleaner.errors import ConfigError

FORMATS = {"month": "%Y%m", "day": "%Y%m%d", "hour": "%Y%m%dT%H", "frame": "%Y%m%dT%H%M"}
_GRAINS = {6: "month", 8: "day", 11: "hour", 13: "frame"}


def to_datetime(time: int) -> datetime:
    """UTC datetime of seconds since 1970."""
    return datetime.fromtimestamp(time, UTC)


def format_time(time: int) -> str:
    """ISO 8601 text, to the second, of seconds since 1970: `2024-07-11T12:06:00Z`."""
    return to_datetime(time).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> int:
    """Return the seconds since 1970 of an ISO 8601 text; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ConfigError(f"'{text}' is not a time; write it as 2024-07-11 12:00 (UTC)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


def shard_of(time: int, grain: str) -> str:
    """Return the name of the shard of a time at this grain."""
    return to_datetime(time).strftime(FORMATS[grain])


def shard_start(name: str) -> int:
    """Return the first second of a shard, as seconds since 1970."""
    return int(_start(name).timestamp())


def shard_end(name: str) -> int:
    """Return the first second after a shard."""
    return shard_start(next_shard(name))


def next_shard(name: str) -> str:
    """Return the name of the next shard."""
    grain = _grain(name)
    step = {"month": 31 * 86400, "day": 86400, "hour": 3600, "frame": 60}[grain]
    # 31 days after the first of any month are in the next one.
    return (_start(name) + timedelta(seconds=step)).strftime(FORMATS[grain])


def encode_stores(shards: dict[str, Iterable[str]]) -> list[str]:
    """Write {radar: shards} compactly, for a command line: `CASGO=20240710T21..20240711T03,20240711T05`.

    Runs of consecutive shards become `first..last`; `decode_stores` gives back exactly the same sets.
    """
    encoded = []
    for radar, names in sorted(shards.items()):
        runs: list[list[str]] = []
        for name in sorted(set(names)):
            if runs and next_shard(runs[-1][-1]) == name:
                runs[-1] = [runs[-1][0], name]
            else:
                runs.append([name])
        encoded.append(f"{radar}=" + ",".join("..".join(run) for run in runs))
    return encoded


def decode_stores(encoded: Sequence[str]) -> dict[str, list[str]]:
    """{radar: sorted shards} from what `encode_stores` wrote. Raises ConfigError on anything else."""
    stores: dict[str, list[str]] = {}
    for item in encoded:
        radar, separator, text = item.partition("=")
        if not radar or not separator:
            raise ConfigError(f"--stores '{item}': write RADAR=SHARD,FIRST..LAST,...")
        stores[radar] = []
        for run in filter(None, text.split(",")):
            first, _, last = run.partition("..")
            name, last = first, last or first
            if _grain(first) != _grain(last) or last < first:
                raise ConfigError(f"--stores '{item}': '{run}' is not a run of shards")
            while name <= last:
                stores[radar].append(name)
                name = next_shard(name)
    return stores


def _grain(name: str) -> str:
    try:
        return _GRAINS[len(name)]
    except KeyError:
        raise ConfigError(f"'{name}' is not a shard; names look like 202407, 20240711, 20240711T12") from None


def _start(name: str) -> datetime:
    try:
        return datetime.strptime(name, FORMATS[_grain(name)]).replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"'{name}' is not a shard; names look like 202407, 20240711, 20240711T12") from None
