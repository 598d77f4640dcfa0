"""Labelers, label model, clutter atlas, split of the samples."""
