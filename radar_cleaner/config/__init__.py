"""The configuration: sections, keys, bounds, defaults."""
