"""Measure the speed of each part as ratios of times from one run: `make bench`.

timing         time functions in turns, so that a slow minute of the machine affects all of them
plain          a plain preparation of frames, for comparison
frames         the frames for the timing of the preparation
preparation    from frames to labels on disk, compared with the fastest decoder and with the plain way
jobs           start and memory of the subcommands, and several at once
alignment      the frames of a radar on the grid of another radar
made           a run of the workflow on three hours, for the timing of training and cleaning
chunk_loader   a plain loader of samples, for comparison
feeding        samples a second from the frame cache
training       a training step, compared with the bare network
cleaning       a shard and a single frame, compared with the bare network
growth         all rules on archives of more frames, larger pictures, more radars: `make bench-scale`
large_archive  a training on an archive that is larger than memory
"""

from __future__ import annotations

from ..quality import ROOT as ROOT  # with it, `planning` is found
