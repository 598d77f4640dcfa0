"""Labels as cleaners: of one frame alone, with the clutter atlas, and of all labelers together."""

from __future__ import annotations

import numpy as np

from radar_cleaner.config.cleaning import THRESHOLD
from radar_cleaner.conventions import NON_METEOROLOGICAL
from radar_cleaner.evaluation.cleaners.registry import Cleaner, Context, Filter, register, register_filter
from radar_cleaner.evaluation.cleaners.scene import Scene, Values
from radar_cleaner.evaluation.tallies import CLUTTER_MASK, WEAK_LABEL


@register_filter("weak_label", name=WEAK_LABEL, threshold=1)
def weak_label(scene: Scene) -> Values:
    """Keep echo unless the label of the single frame is non-meteorological."""
    return np.asarray(scene.weak_label != NON_METEOROLOGICAL, np.float32)


@register_filter("clutter_mask", name=CLUTTER_MASK, threshold=1)
def clutter_mask(scene: Scene) -> Values:
    """Keep echo that the label keeps, outside the mask of the clutter atlas."""
    return np.where(scene.site.clutter, np.float32(0), weak_label(scene))


@register_filter("clutter_frequency", name="label + clutter frequency", threshold=0.5)
def clutter_frequency(scene: Scene) -> Values:
    """Rank echo that the label keeps by the share of quiet frames without echo there; other echo gets -1."""
    rare = 1 - np.nan_to_num(scene.site.echo_frequency, nan=0.0)
    return np.where(scene.weak_label == NON_METEOROLOGICAL, -1, rare).astype(np.float32)


@register("label_model")
def label_model(context: Context) -> list[Cleaner]:
    """Return the probability of the label model."""
    given = context.decision.threshold
    threshold = THRESHOLD if given is None else given
    return [Filter("label model", _label_model_probability, threshold, probabilistic=True)]


def _label_model_probability(scene: Scene) -> Values:
    return (1 / (1 + np.exp(-scene.log_odds.astype(np.float64)))).astype(np.float32)
