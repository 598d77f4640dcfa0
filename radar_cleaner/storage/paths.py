"""The path of each store below the results folder; the rules of the workflow use the same paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below one results folder."""

    results: Path

    def rgb(self, radar: str, shard: str) -> Path:
        return self.results / "rgb" / radar / f"{shard}.zarr"

    def rejects(self, radar: str, shard: str) -> Path:
        return self.results / "rgb" / radar / f"{shard}.rejected.csv"

    def refused(self, radar: str) -> Path:
        return self.results / "rgb" / radar / "refused.csv"

    def unplaced(self, radar: str) -> Path:
        return self.results / "rgb" / radar / "unplaced.rejected.csv"

    def reflectivity(self, radar: str, shard: str) -> Path:
        return self.results / "reflectivity" / radar / f"{shard}.zarr"

    def picture(self, radar: str) -> Path:
        return self.results / "picture" / f"{radar}.zarr"

    def place(self, radar: str) -> Path:
        return self.results / "place" / f"{radar}.json"

    def place_figure(self, radar: str) -> Path:
        return self.results / "place" / f"{radar}.png"

    def atlas(self, radar: str) -> Path:
        return self.results / "atlas" / f"{radar}.zarr"

    def static(self, radar: str) -> Path:
        return self.results / "static" / f"{radar}.zarr"

    def warp(self, target: str, radar: str) -> Path:
        return self.results / "warp" / target / f"{radar}.zarr"

    def aligned(self, radar: str, shard: str) -> Path:
        return self.results / "aligned" / radar / f"{shard}.zarr"

    def labels(self, radar: str, shard: str) -> Path:
        return self.results / "labels" / radar / f"{shard}.zarr"

    def labelers(self, radar: str, shard: str) -> Path:
        return self.results / "labels" / radar / f"{shard}.labelers.csv"

    def cleaned(self, radar: str, shard: str) -> Path:
        return self.results / "cleaned" / radar / f"{shard}.zarr"

    def composite(self, shard: str) -> Path:
        return self.results / "composite" / f"{shard}.zarr"
