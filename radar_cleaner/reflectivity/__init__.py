"""Colours to reflectivity: palette, legend, colour table."""
