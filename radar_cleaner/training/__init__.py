"""The training loop, losses, optimizer, checkpoints, processes, trackers."""
