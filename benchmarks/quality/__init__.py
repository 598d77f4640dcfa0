"""How well cleaners separate meteorological from other echo: `make benchmark-quality`, `make benchmark-ablation`.

The comparison of cleaners is the rule `sweep_thresholds` with the config `benchmarks/quality.yaml`. What is more
than an evaluation is here.

run             the command of the benchmark: companion trainings, the sweep, injected artefacts
runs            runs of changed configs in folders of their own
injected        test frames with artefacts injected, whose truth is exact
injected_scores what is removed of each kind, its cost in rain, what is filled in
injected_tables, injected_figure  what is written
ablation        the command of the ablation: a sweep of configs with one change each
variants        the list of changes
ablation_tables what is written
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""
