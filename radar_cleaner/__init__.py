"""Turn raw weather-radar pictures into clean, georeferenced, physical data."""

__version__ = "0.1.0"
