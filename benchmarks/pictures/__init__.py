"""Pictures that are not as clean as those of the sample."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
