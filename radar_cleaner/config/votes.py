"""Section `votes`: the weights of the labelers in the label model."""

from __future__ import annotations

from pydantic import Field

from radar_cleaner.config.section import Section


class LabelModel(Section):
    """Weights of the labelers, and what happens to a sum that is near zero."""

    colour: float = Field(1, ge=0, description="Weight of the prior: 0.5 for every echo.")
    density: float = Field(
        1, ge=0, description="Weight of the share of echo in 5 x 5 and 17 x 17 pixels around the pixel."
    )
    spoke: float = Field(
        1, ge=0, description="Weight of the echo 5 degrees to the left and to the right in polar coordinates."
    )
    area: float = Field(0.25, ge=0, description="Weight of the class by the shape of the echo (`labels`).")
    atlas: float = Field(1, ge=0, description="Weight of the echo frequency in quiet weather (`atlas`).")
    persistence: float = Field(
        0.25, ge=0, description="Weight of the frames before and after, moved along the flow."
    )
    others: float = Field(0.25, ge=0, description="Weight of the other radars, up to half of their range.")
    reference_weight: float = Field(1, ge=0, description="Weight of the masks of `reference`.")
    min_confidence: float = Field(
        0.2, ge=0, le=0.99, description="A less confident label is unknown; nothing is learned from it."
    )

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the labelers, but for the masks of a user."""
        others = {"reference", "reference_weight", "min_confidence"}
        return {name: getattr(self, name) for name in type(self).model_fields if name not in others}


class Votes(LabelModel):
    """Weights of the labelers. A labeler with weight 0 is off; data that only it reads are no longer an input."""

    reference: str | None = Field(
        None,
        description="Folder with masks `RADAR/*.png`, named like the frames. Masks of the training period are"
        " evidence for the label model.",
    )
