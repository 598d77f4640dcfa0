"""How fast each part is, as ratios of things that are measured in one run: `make bench`.

timing         things timed in turns, so that a slow minute of the machine falls on all of them
plain          the preparation of frames as one writes it down: what ours is compared with
frames         what the preparation is timed on
preparation    frames to labels on disk: against the fastest decoder, and against the plain way
jobs           how long subcommands take to start, their memory, several at once
alignment      a radar's frames on another one's grid
made           what the training and the cleaning are timed on: a run of the workflow on three hours
chunk_loader   samples as one reads them at first: what ours is compared with
feeding        samples a second from the bank
training       a step, to the bare network
cleaning       a shard and a single frame, to the bare network
growth         all rules on archives of more frames, larger pictures, more radars: `make bench-scale`
large_archive  a training on more frames than memory holds as raw
"""

from __future__ import annotations

from ..quality import ROOT as ROOT  # with it, `planning` is found
