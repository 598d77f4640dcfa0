"""Print where the workflow that comes with the package is."""

from __future__ import annotations

from radar_cleaner.config.shipped import ROOT


def locate_workflow() -> None:
    """Print the path of the Snakefile: `snakemake --snakefile "$(radar-cleaner locate-workflow)" ...`."""
    print(ROOT / "workflow/Snakefile")
