"""Frame cache, crops, augmentation, artefact injection, batches."""
