"""Which files each job reads and writes; only the Snakefile imports it."""
