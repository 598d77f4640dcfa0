"""Grids, regridding, polar coordinates and static fields."""
