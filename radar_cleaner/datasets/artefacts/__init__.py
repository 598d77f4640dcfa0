"""Artefact injection: synthetic clutter and gaps in training crops."""
