"""How well cleaners work on radars that nobody tuned them for: `python -m benchmarks.zoo`.

`radars` reads a folder, with kinds and folds of its radars. `decoding` makes stores of its pictures by the usual
rules. `scoring` sweeps every cleaner over a radar's frames, and `points` chooses the settings and thresholds that
are compared. `tables` writes Markdown and the figure.
"""
