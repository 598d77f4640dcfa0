"""Labelers: each module is one kind of evidence, registered by `register_labeler`."""
