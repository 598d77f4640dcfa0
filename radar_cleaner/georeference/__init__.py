"""Grids, regridding, static fields."""
