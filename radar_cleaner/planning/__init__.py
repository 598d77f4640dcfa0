"""The plan of a run: the files that each job reads and writes. Only the workflow imports it."""
