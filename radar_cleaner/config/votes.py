"""Section `votes`: the weights of the labelers in the label model. Each labeler declares its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, create_model

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.config.section import Section

if TYPE_CHECKING:
    LabelerWeights = Section
else:
    LabelerWeights = create_model(
        "LabelerWeights",
        __base__=Section,
        __module__=__name__,
        __doc__="The weight of each labeler.",
        **{
            labeler.key: (float, Field(labeler.weight, ge=0, description=labeler.description))
            for labeler in declared_labelers()
        },
    )


class LabelModel(LabelerWeights):
    """Weights of the labelers, and what happens to a sum that is near zero."""

    min_confidence: float = Field(
        0.2, ge=0, le=0.99, description="A less confident label is unknown; nothing is learned from it."
    )

    @property
    def weights(self) -> dict[str, float]:
        """The weights by the name of the labeler, in the order in which the label model adds them."""
        return {labeler.name: float(getattr(self, labeler.key)) for labeler in declared_labelers()}

    def reads(self, source: str) -> bool:
        """Whether a labeler with a weight above 0 needs a source: neighbours, atlas, other_radars or masks."""
        return any(self.weights[labeler.name] > 0 for labeler in declared_labelers() if labeler.needs == source)


class Votes(LabelModel):
    """Weights of the labelers. A labeler with weight 0 is off; data that only it reads are no longer an input."""

    reference: str | None = Field(
        None,
        description="Folder with masks `RADAR/*.png`, named like the frames. Masks of the training period are"
        " evidence for the label model.",
    )
