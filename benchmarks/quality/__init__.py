"""How well cleaners tell rain from what is no rain, on real frames with a reference: `make benchmark-quality`.

run      the command: every method on every radar, then tables and the figure
jobs     the config, its radars that have reference masks, the run that is scored
scenes   a radar's frames, what lies around each of them, and its reference
methods  the list of what is compared, each with the parameters that it is swept over
filters  classical filters of a picture and of a picture's neighbours in time
polar    pictures in the radar's own frame, for filters that work there
libraries  wradlib's and Py-ART's filters
learned  models, their ensembles, and models joined with the votes
ceiling  a model that is taught by the reference
scoring  curves, envelopes over parameters, intervals
details  what one decision does: by size, by reflectivity, in rain
planted  the same frames with artefacts planted into them, whose truth is exact
planted_scores  what is removed of each kind, the rain that it costs, what is filled in
tables, planted_tables, figure  what is written

What each part of the cleaner is worth: `make benchmark-ablation`.

ablation  the command: runs of the config with one thing changed, then tables and the figure
variants  the list of what is changed, and the configs and folders of the runs
readings  what each run removes, and its difference to the base over the same hours
ablation_tables  what is written
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
