"""Cleaners to compare: each gives an echo a score, the higher the likelier it is meteorological.

A module of this package that calls `registry.register` adds one or more cleaners by their names in
`evaluation.cleaners`.
"""
