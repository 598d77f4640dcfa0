"""The plan: the periods, the shards, and the files that each job reads and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from math import inf
from pathlib import Path

from radar_cleaner.config.config import Config
from radar_cleaner.config.shipped import trains
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.georeference.grid import geometries_flag, may_overlap
from radar_cleaner.georeference.motion import neighbour
from radar_cleaner.planning.checks import (
    check_boxes,
    check_composite,
    check_disjoint,
    check_geotiff,
    check_place,
    stretched_pixels,
)
from radar_cleaner.planning.contradictions import contradictions
from radar_cleaner.planning.frame_files import describe_joined, file_contradictions
from radar_cleaner.planning.inventory import Inventory
from radar_cleaner.planning.layouts import layout_gaps
from radar_cleaner.planning.radars import read_period, within
from radar_cleaner.storage.reader import nearest_time
from radar_cleaner.storage.shards import encode_stores, format_time, shard_of, shard_start


class Plan(Inventory):
    """A validated config with the frames that exist now, and the files of each job.

    `answers` is the folder in which the run that started this process keeps the lists of its object store.
    """

    def __init__(self, settings: Config, answers: str | None = None) -> None:
        grain: str = settings.frames.shard
        self.periods = {
            name: read_period(f"{name}.period", getattr(settings, name).period, grain)
            for name in ("frames", "training", "atlas", "picture", "evaluation")
        }
        self.trains = trains(settings)
        self.evaluates = self.periods["evaluation"] is not None
        is_evidence = bool(settings.cleaning.votes and settings.votes.reads("atlas"))
        is_input = settings.samples.atlas != "none"
        self.uses_atlas = self.trains or self.evaluates or is_evidence or is_input
        self._settle_periods()
        super().__init__(settings, self.periods["frames"], answers)
        self._since = self._newest(settings.frames.newest_minutes)
        self._check_periods()
        for name, one in self.pictures.items():
            check_boxes(one, self.sizes[name])
        self._geometries = {name: one.geometry(self.sizes[name]) for name, one in self.pictures.items()}
        for name, one in self.pictures.items():
            check_place(one, self._geometries[name])
            if settings.cleaning.geotiff:
                check_geotiff(one, self._geometries[name])
        check_composite(settings.composite.grid, [self._geometries[radar] for radar in self.radars])
        self._times = {
            name: {frame.time for frames in shards.values() for frame in frames}
            for name, shards in self._frames.items()
        }
        counts = self.trains and settings.votes.reads("masks")
        voting = settings.votes.reference if counts else None
        self._votes = self._find_masks("votes.reference", voting, "training")

    def _settle_periods(self) -> None:
        """Set the default of the atlas period; check that training and atlas share no time with the evaluation."""
        check_disjoint("training", self.periods["training"], self.periods["evaluation"])
        own = self.periods["atlas"]
        self.periods["atlas"] = own or self.periods["training"]
        if self.uses_atlas:
            check_disjoint("atlas", own, self.periods["evaluation"])
        check_disjoint("picture", self.periods["picture"], self.periods["evaluation"])
        if self.evaluates and self.periods["atlas"] is None:
            raise ConfigError(
                "atlas.period: is missing; the scores need a clutter atlas: give the times that it counts, apart"
                " from evaluation.period"
            )

    def _check_periods(self) -> None:
        for name, period in self.periods.items():
            wanted = period is not None and (name != "atlas" or self.uses_atlas)
            if wanted and not any(self.shards(radar, name) for radar in self.radars):
                raise ConfigError(
                    f"{name}.period: no radar has a frame in it; see frames.period and the file names"
                )
        for radar in self.radars if self.uses_atlas else ():
            if not self.shards(radar, "atlas"):
                raise ConfigError(
                    f"atlas.period: radar {radar} has no frame in it (by default it is training.period);"
                    " lengthen it, or clean that radar in a run of its own,"
                    " with cleaning.model, samples.atlas: none and votes.atlas: 0"
                )

    def _newest(self, minutes: float | None) -> float:
        """Return the time from which on the last frame of a shard is new enough; -inf without `minutes`."""
        times = [frames[-1].time for shards in self._frames.values() for frames in shards.values()]
        return -inf if minutes is None or not times else max(times) - 60 * minutes

    @cached_property
    def warnings(self) -> list[str]:
        """Lines about times and files of frames that contradict the config, and about pixels of odd shapes."""
        samples, cadence = self.settings.samples, self.settings.frames.cadence_minutes
        offset = self.settings.overlap.max_offset_minutes
        places = [(name, self._geometries[name]) for name in self._sorted_times]
        overlapping = {
            name: [other for other, there in places if other != name and may_overlap(here, there)]
            for name, here in places
        }
        lines = contradictions(self._sorted_times, cadence, samples.input_minutes or (), offset, overlapping)
        for name, radar in self.radars.items():
            frames = self._all_frames(name)
            lines += file_contradictions(radar, frames, self.sizes[name])
            lines += layout_gaps(radar, self.choices, [frame.time for frame in frames])
        for name, radar in self.pictures.items():
            lines += stretched_pixels(radar, self._geometries[name])
        return lines

    @property
    def notes(self) -> list[str]:
        """Lines that a run prints when it starts."""
        found = [one.residuals(self.sizes[name]) for name, one in self.pictures.items()]
        found += [describe_joined(radar, self._all_frames(name)) for name, radar in self.radars.items()]
        found += [
            f"{radar.place}: {radar.id} has no latitude and longitude, so it counts as a mosaic: without spokes,"
            " range and azimuth"
            for radar in self.radars.values()
            if radar.latitude is None
        ]
        return [line for line in found if line is not None]

    @property
    def forecasts(self) -> bool:
        """Whether forecasts are scored."""
        return self.evaluates and len(self.settings.samples.lead_minutes) > 1

    def shards(self, radar: str, period: str = "frames") -> list[str]:
        """Return the sorted shards of a radar in the period of a config section.

        With the period `frames` they are the shards to make: only the newest ones with `frames.newest_minutes`.
        """
        if self.periods[period] is None and period in ("training", "evaluation"):
            return []  # nothing reads them, and there may be years of them
        since = self._since if period == "frames" else -inf
        return [
            name
            for name, frames in self._frames[radar].items()
            if frames[-1].time >= since and within(self.periods[period], shard_start(name))
        ]

    def picture_shards(self, radar: str) -> list[str]:
        """Return the shards whose frames show the map and the overlay of a radar: at most `picture.frames`.

        They are spread over the period of `picture` or else the atlas. Without any they are the first ones outside
        the evaluation, with 1, 8 or `picture.frames` frames: a new frame seldom changes them.
        """
        most, shown = self.settings.picture.frames, self._shown[radar]
        for name in ("picture", "atlas"):
            period = self.periods[name]
            if period is not None and (shards := [name for name in shown if within(period, shard_start(name))]):
                return [shards[round(at * (len(shards) - 1))] for at in _spread(min(most, len(shards)))]
        evaluation = self.periods["evaluation"]
        found = {name: sum(not frame.problem for frame in frames) for name, frames in shown.items()}
        usable = [name for name in found if evaluation is None or not within(evaluation, shard_start(name))]
        usable = usable or list(found)
        total = sum(found[name] for name in usable)
        wanted = max((step for step in (8, most) if step <= total), default=1)
        before = accumulate((found[name] for name in usable), initial=0)
        return [name for name, count in zip(usable, before, strict=False) if count < wanted]

    def all_shards(self) -> list[str]:
        """Return the sorted shards of all radars."""
        return sorted({name for radar in self.radars for name in self.shards(radar)})

    def having(self, shard: str, but: str = "") -> list[str]:
        """Return the radars with frames in a shard, in the order of the config, without `but`."""
        return [radar for radar in self.radars if radar != but and shard in self._frames[radar]]

    def paired(self, shard: str, radar: str) -> list[tuple[str, str]]:
        """Return (radar, shard) of the other radars' frames that are paired with those of a radar's shard.

        These are the nearest within `overlap.max_offset_minutes`, of the same period: labels for training must not
        depend on frames of the evaluation.
        """
        if not self.settings.overlap.max_offset:
            return [(other, shard) for other in self.having(shard, but=radar)]
        own = [frame.time for frame in self._frames[radar].get(shard, ())]
        found = [pair for other in self.radars if other != radar for pair in self._near(other, own)]
        return [pair for pair in found if self._period_of(pair[1]) == self._period_of(shard)]

    def composed(self, shard: str) -> list[tuple[str, str]]:
        """Return (radar, shard) of the products that a composite shows."""
        having = self.having(shard)
        if not self.settings.overlap.max_offset:
            return [(radar, shard) for radar in having]
        times = sorted({frame.time for radar in having for frame in self._frames[radar][shard]})
        return [pair for radar in self.radars for pair in self._near(radar, times)]

    def _near(self, radar: str, times: Iterable[int]) -> list[tuple[str, str]]:
        """Return (radar, shard) of the frames of a radar that are nearest to some times.

        Those of other times also need the frame before, which shows their motion. The frame after does, too, but a
        new shard must not change an older one.
        """
        own, overlap = self._sorted_times[radar], self.settings.overlap
        found = {time: nearest_time(own, time, overlap.max_offset) for time in times}
        near = {near for near in found.values() if near is not None}
        if overlap.motion == "flow":
            moved = {frame for time, frame in found.items() if frame is not None and frame != time}
            before = {frame: neighbour(own, frame, frame - 1) for frame in moved}
            near |= {other for frame, other in before.items() if other is not None and other < frame}
        return [(radar, name) for name in sorted({shard_of(time, self.grain) for time in near})]

    @cached_property
    def _sorted_times(self) -> dict[str, list[int]]:
        return {radar: sorted(times) for radar, times in self._times.items()}

    def layout_stores(self, radar: str, shard: str) -> list[tuple[str, str]]:
        """Return (layout, shard) of the layouts of a radar with frames in a shard; of a layout none."""
        layouts = self.radars[radar].layouts if radar in self.radars else ()
        return [(layout.id, shard) for layout in layouts if shard in self._shown[layout.id]]

    def picture_pairs(self, radar: str) -> list[tuple[str, str]]:
        """Return (radar or layout, shard) of the picture stores of a radar that are made."""
        shards = self.shards(radar)
        return [
            *((radar, shard) for shard in shards),
            *(pair for shard in shards for pair in self.layout_stores(radar, shard)),
        ]

    def layout_shards(self) -> dict[str, list[str]]:
        """Return the shards of each layout whose picture stores are made."""
        found: dict[str, list[str]] = {}
        for radar in self.radars:
            for name, shard in self.picture_pairs(radar):
                if name not in self.radars:
                    found.setdefault(name, []).append(shard)
        return found

    def decoded_pictures(self) -> list[str]:
        """Return the radars, and the layouts whose picture stores are made."""
        return [*self.radars, *self.layout_shards()]

    def neighbours(self, radar: str, shard: str) -> list[str]:
        """Return the other shards with a frame at an input time of one of this shard's frames."""
        return self._holding(radar, shard, [minute * 60 for minute in self.settings.samples.input_minutes or ()])

    def near_in_time(self, radar: str, shard: str) -> list[str]:
        """Return the other shards of the same period with the frame before or after one of this shard's frames.

        Labels for training must not depend on frames of the evaluation.
        """
        step = round(60 * self.settings.frames.cadence_minutes)
        found = self._holding(radar, shard, [-step, step])
        return [name for name in found if self._period_of(name) == self._period_of(shard)]

    def _holding(self, radar: str, shard: str, offsets: list[int]) -> list[str]:
        """Return the other shards with a frame at one of these offsets, in seconds, from a frame of this shard."""
        wanted = {frame.time + offset for frame in self._frames[radar].get(shard, ()) for offset in offsets}
        return sorted({shard_of(time, self.grain) for time in wanted & self._times[radar]} - {shard})

    def _period_of(self, shard: str) -> str | None:
        """Return the section whose period contains a shard: `training`, `evaluation` or None."""
        start = shard_start(shard)
        periods = {name: self.periods[name] for name in ("training", "evaluation")}
        return next((name for name, period in periods.items() if period and within(period, start)), None)

    def store_flags(self, period: str = "frames", radars: Iterable[str] | None = None) -> list[str]:
        """Return `RADAR=FIRST..LAST,...` of all stores in a period, for --stores."""
        shards = {radar: self.shards(radar, period) for radar in radars or self.radars}
        return encode_stores({radar: names for radar, names in shards.items() if names})

    def period_flags(self, section: str) -> list[str]:
        """Return `START/END` of each part of the period of a config section."""
        return ["/".join(format_time(time) for time in part) for part in self.periods[section] or ()]

    def pairs(self, period: str = "frames") -> list[tuple[str, str]]:
        """Return (radar, shard) of all stores in a period."""
        return [(radar, shard) for radar in self.radars for shard in self.shards(radar, period)]

    def labelled_shards(self, radar: str) -> list[str]:
        """Return the sorted shards of a radar that need labels: for training, evaluation or cleaning."""
        periods = ["training"] * self.trains + ["evaluation"] * self.evaluates
        periods += ["frames"] * (self.settings.cleaning.votes > 0)
        return sorted({shard for period in periods for shard in self.shards(radar, period)})

    def geometry(self, radar: str) -> str:
        """Return the geometry of a radar as JSON text."""
        return self._geometries[radar].to_flag()

    def credit(self, radar: str) -> str:
        """Return what products of a radar name of its services, as JSON text."""
        return self.radars[radar].credit.to_flag()

    def geometries(self, radars: Iterable[str]) -> str:
        """Return the geometries of radars as a JSON list."""
        return geometries_flag(self._geometries[radar] for radar in radars)

    def references(self) -> list[str]:
        """Return the reference masks of the evaluation period, `evaluation.reference`/RADAR/*.png."""
        found = self._find_masks("evaluation.reference", self.settings.evaluation.reference, "evaluation")
        return [path for paths in found.values() for path in paths]

    def training_masks(self, radar: str, shard: str) -> list[str]:
        """Return the reference masks of a shard of the training period, `votes.reference`/RADAR/*.png."""
        return self._votes.get((radar, shard), [])

    def _find_masks(self, place: str, root: str | None, section: str) -> dict[tuple[str, str], list[str]]:
        """Return the masks of the period of a section below a folder, by radar and shard."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for radar in self.radars.values() if root is not None else ():
            folder = Path(root or "", radar.id)
            for frame in list_frames(folder, radar.mask_names).frames if folder.is_dir() else ():
                if not frame.problem and within(self.periods[section], frame.time):
                    found[radar.id, shard_of(frame.time, self.grain)].append(frame.path)
        if root is not None and not found:
            raise ConfigError(f"{place}: {root} has no masks RADAR/*.png of the {section} period")
        return dict(found)


def _spread(count: int) -> list[float]:
    """Return evenly spread numbers from 0 to 1."""
    return [number / max(count - 1, 1) for number in range(count)]
