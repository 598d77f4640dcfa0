"""What is read of pictures that are not as clean as the sample's."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
