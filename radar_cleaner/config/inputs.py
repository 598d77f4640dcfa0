"""The input channels of a network: their names and order. No torch is needed here."""

from __future__ import annotations

from dataclasses import dataclass

from radar_cleaner.errors import ConfigError

TIMED_KINDS = ("own_reflectivity", "own_availability", "others_reflectivity", "others_availability")
HELPERS = ("range", "azimuth_cos", "azimuth_sin")
LONGITUDE = ("longitude_cos", "longitude_sin")
COORDINATES = ("latitude", *LONGITUDE, "pixel_size")


@dataclass(frozen=True)
class Inputs:
    """Which frames a sample reads, what else the network is told, and how the target is made.

    `reflectivity_target`: `max` or `mean` (in dBZ) over the radars that see an echo. `atlas`: `mask`, `channel`
    or `none`. `static` names fields of the static store, in the order of their channels. `lead_minutes` are those
    that the network is asked for. Raises ConfigError where two channels would have one name.
    """

    input_minutes: tuple[int, ...]
    atlas: str
    reflectivity_target: str
    time_of_day: bool = False
    day_of_year: bool = False
    coordinates: bool = False
    static: tuple[str, ...] = ()
    lead_minutes: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        twice = sorted({name for name in self.static if self.names.count(name) > 1})
        if twice:
            raise ConfigError(f"samples.static: {', '.join(twice)} is the name of another channel; choose another")

    @property
    def kept(self) -> int:
        """Position of the input time that is never dropped: the one nearest to the sample's own."""
        return min(range(len(self.input_minutes)), key=lambda place: abs(self.input_minutes[place]))

    @property
    def ahead(self) -> tuple[int, ...]:
        """The lead minutes above 0: of frames that are not there yet when the network is asked."""
        return tuple(minutes for minutes in self.lead_minutes if minutes > 0)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what the network is told of each pixel of a radar whatever the time, in order.

        They come from the radar's static store; without any the store is not needed.
        """
        if self.coordinates:
            return (*COORDINATES, *self.static)
        return (*LONGITUDE, *self.static) if self.time_of_day else self.static

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each channel, in order."""
        names = [f"{kind}_{minutes}" for minutes in self.input_minutes for kind in TIMED_KINDS]
        names += [*HELPERS, *(["echo_frequency"] if self.atlas == "channel" else [])]
        for name in ("time_of_day", "day_of_year"):
            names += [f"{name}_cos", f"{name}_sin"] if getattr(self, name) else []
        return (*names, *(COORDINATES if self.coordinates else ()), *self.static)
