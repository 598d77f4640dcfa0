"""How fast each part is, as ratios of things that are measured in one run: `make bench`.

timing       things timed in turns, so that a slow minute of the machine falls on all of them
plain        the preparation of frames as one writes it down: what ours is compared with
frames       what the preparation is timed on
preparation  frames to labels on disk: against the fastest decoder, and against the plain way
jobs         how long subcommands take to start, and their memory
"""

from __future__ import annotations

from ..quality import ROOT as ROOT  # with it, `planning` is found
