"""Zarr stores and tables: paths, reader, atomic writer."""
