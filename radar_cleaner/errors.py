"""The errors that a user meets. Each says what is wrong, where, and what to do.

RadarCleanerError (a ValueError)
├── ConfigError     a key of the config or a flag has an impossible value
├── FrameError      a picture cannot be taken as a frame of this radar
├── StoreError      a store is missing, half written, or not what its reader expects
├── SampleError     no samples can be made, or a table of them is broken
└── ModelError      a model file is broken or does not fit the data
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
    """A model file is broken, or does not fit the data it is asked to judge."""
