"""The input channels of a network: their names and order. No torch is needed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radar_cleaner.config.samples import Channels
from radar_cleaner.errors import ConfigError

TIMED_KINDS = ("own_reflectivity", "own_availability", "others_reflectivity", "others_availability")
HELPERS = ("range", "azimuth_cos", "azimuth_sin")
LONGITUDE = ("longitude_cos", "longitude_sin")
COORDINATES = ("latitude", *LONGITUDE, "pixel_size")
SCALE = ("distance_km", "pixel_km")


@dataclass(frozen=True)
class Inputs:
    """The input times, the further channels of a network, and its target.

    `reflectivity_target`: `max` or `mean` (in dBZ) over the radars with an echo. `atlas`: `mask`, `channel` or
    `none`. `static` names fields of the static store, in the order of their channels. `lead_minutes` are the times
    that the network predicts. Raises ConfigError if two channels have the same name.
    """

    input_minutes: tuple[int, ...]
    atlas: str
    reflectivity_target: str
    time_of_day: bool = False
    day_of_year: bool = False
    coordinates: bool = False
    static: tuple[str, ...] = ()
    lead_minutes: tuple[int, ...] = (0,)
    scale: bool = False

    def __post_init__(self) -> None:
        if not self.input_minutes:
            raise ConfigError("samples.input_minutes is empty; name at least one, for example [-6, 0, 6]")
        leads = list(self.lead_minutes)
        if leads[:1] != [0] or leads != sorted(set(leads)):
            raise ConfigError(
                f"samples.lead_minutes {leads}: must rise from 0, the frame that is cleaned, for example"
                " [0, 6, 12]"
            )
        if len(leads) > 1 and (max(self.input_minutes) > 0 or 0 not in self.input_minutes):
            raise ConfigError(
                f"samples.input_minutes {list(self.input_minutes)}: a forecast ({leads} minutes) uses only past"
                " frames and the frame that is cleaned, for example [-12, -6, 0]"
            )
        twice = sorted({name for name in self.static if self.names.count(name) > 1})
        if twice:
            raise ConfigError(f"samples.static: {', '.join(twice)} is the name of another channel; choose another")

    @classmethod
    def of(cls, samples: Channels, static: Iterable[str]) -> Inputs:
        """Return the input channels of a section, with the names of the static fields."""
        assert samples.input_minutes is not None, "planning fills in the default"
        return cls(
            input_minutes=samples.input_minutes,
            atlas=samples.atlas,
            reflectivity_target=samples.reflectivity,
            time_of_day=samples.time_of_day,
            day_of_year=samples.day_of_year,
            coordinates=samples.coordinates,
            static=tuple(static),
            lead_minutes=samples.lead_minutes,
            scale=samples.scale,
        )

    @property
    def kept(self) -> int:
        """Position of the input time that is never dropped: the one nearest to the sample's own."""
        return min(range(len(self.input_minutes)), key=lambda place: abs(self.input_minutes[place]))

    @property
    def ahead(self) -> tuple[int, ...]:
        """The lead times above 0, in minutes: frames in the future of the sample."""
        return tuple(minutes for minutes in self.lead_minutes if minutes > 0)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the channels from the static store of a radar, in order.

        Without any the store is not needed.
        """
        if self.coordinates:
            return (*COORDINATES, *self.static)
        return (*LONGITUDE, *self.static) if self.time_of_day else self.static

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each channel, in order."""
        names = [f"{kind}_{minutes}" for minutes in self.input_minutes for kind in TIMED_KINDS]
        names += [*HELPERS, *(SCALE if self.scale else ())]
        names += ["echo_frequency"] if self.atlas == "channel" else []
        for name in ("time_of_day", "day_of_year"):
            names += [f"{name}_cos", f"{name}_sin"] if getattr(self, name) else []
        return (*names, *(COORDINATES if self.coordinates else ()), *self.static)
