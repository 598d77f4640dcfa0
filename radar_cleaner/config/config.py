"""The root of the configuration: all sections."""

from __future__ import annotations

import json
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import Field

from radar_cleaner.config.atlas import Atlas
from radar_cleaner.config.cleaning import Cleaning, Composite, Report
from radar_cleaner.config.evaluation import Evaluation
from radar_cleaner.config.frames import S3, Frames, Stores
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.overlap import Overlap
from radar_cleaner.config.picture import LearnedPicture
from radar_cleaner.config.radars import RadarEntry
from radar_cleaner.config.samples import Samples
from radar_cleaner.config.section import Section
from radar_cleaner.config.training import Training
from radar_cleaner.config.values import Text
from radar_cleaner.config.votes import Votes


class Config(Section):
    """All keys of a config file."""

    results: Text = Field("results", description="Folder of everything that is made.")
    radars: Annotated[tuple[RadarEntry, ...], MinLen(1)] = Field(description="The radars, at least one.")
    frames: Frames = Frames()
    s3: S3 = S3()
    stores: Stores = Stores()
    labels: Labels = Labels()
    overlap: Overlap = Overlap()
    picture: LearnedPicture = LearnedPicture()
    votes: Votes = Votes()
    atlas: Atlas = Atlas()
    samples: Samples = Samples()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    cleaning: Cleaning = Cleaning()
    composite: Composite = Composite()
    report: Report = Report()

    def plain(self) -> dict[str, Any]:
        """Return the config as a file would have it, with all defaults: dictionaries, lists, numbers and text."""
        content = self.model_dump(mode="json", exclude={"radars"})
        content["radars"] = [
            {"center_px": None} | radar.model_dump(mode="json", exclude_unset=True) for radar in self.radars
        ]
        model = content["training"]["model"]
        model |= json.loads(model.pop("options"))
        return content
