"""The errors that a user meets. Each names the problem, the place and the next step.

RadarCleanerError (a ValueError)
├── ConfigError     a key of the config or a flag has an impossible value
├── FrameError      a picture cannot be taken as a frame of this radar
├── StoreError      a store is missing, half written, or not what its reader expects
├── SampleError     no samples can be made, or a table of them is broken
├── ModelError      a model file is broken or does not fit the data
└── Interrupted     a training received a signal to stop and resumes when called again
"""


class RadarCleanerError(ValueError):
    """Base of all errors that are the input's fault, not the program's."""


class ConfigError(RadarCleanerError):
    """A key of the config, or a flag, has an impossible value."""


class FrameError(RadarCleanerError):
    """A picture cannot be taken as a frame of this radar."""


class StoreError(RadarCleanerError):
    """A store is missing, half written, or not what its reader expects."""


class SampleError(RadarCleanerError):
    """No samples can be made from these stores, or a sample table is broken."""


class ModelError(RadarCleanerError):
    """A model file is broken, or does not fit the data."""


class Interrupted(RadarCleanerError):  # noqa: N818  # nobody's fault
    """A training received a signal to stop; it resumes from its checkpoint when called again."""


def require(name: str, value: float, low: float, high: float = float("inf"), *, above: bool = False) -> None:
    """Raise ConfigError unless low <= value <= high (`above`: low < value)."""
    if (low < value if above else low <= value) and value <= high:
        return
    if high == float("inf"):
        allowed = f"above {low:g}" if above else f"{low:g} or more"
    else:
        allowed = f"above {low:g}, to {high:g}" if above else f"{low:g} to {high:g}"
    raise ConfigError(f"{name} is {value}, allowed is {allowed}")
