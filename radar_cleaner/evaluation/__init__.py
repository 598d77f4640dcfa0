"""Metrics, scorers, intervals, baselines, comparison of runs."""
