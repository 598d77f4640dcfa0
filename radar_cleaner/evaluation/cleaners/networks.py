"""Networks as cleaners: alone, and joined with the label model as in the products."""

from __future__ import annotations

from dataclasses import dataclass

from radar_cleaner.evaluation.cleaners.registry import Cleaner, Context, Fusion, Network, register
from radar_cleaner.evaluation.cleaners.scene import Scene, Values
from radar_cleaner.evaluation.tallies import COMPARED, MEMBER, MODEL
from radar_cleaner.inference.ensemble import mean_prediction
from radar_cleaner.inference.predictor import Prediction


@dataclass(frozen=True)
class NetworkCleaner:
    """The probability of an ensemble, or of one of its members; `fusion` adds the evidence of the label model."""

    name: str
    network: Network
    threshold: float
    tta: bool
    fusion: Fusion | None = None
    member: int | None = None
    probabilistic: bool = True
    settings: tuple[str, ...] = ("",)

    def score(self, scene: Scene, setting: str | None = None) -> Values:
        """Return (y, x) probabilities of meteorological echo."""
        each = predict_each(self.network, scene, self.tta)
        probability = (mean_prediction(each) if self.member is None else each[self.member]).probability
        return probability if self.fusion is None else self.fusion.fuse(probability, scene.time)


def predict_each(network: Network, scene: Scene, tta: bool) -> list[Prediction]:
    """Predict by each member, once for each scene."""
    predictions: list[Prediction] = scene.once(
        ("predictions", id(network)),
        lambda: network.ensemble.predict_each(network.frames.inputs(scene.time), tta),
    )
    return predictions


@register("model")
def model(context: Context) -> list[Cleaner]:
    """Return the model as in the products, the compared model, and the members of an ensemble."""
    decision, tta, fusion = context.decision, context.tta, context.fusion
    cleaners: list[Cleaner] = [
        NetworkCleaner(name, network, network.ensemble.threshold(decision), tta, fusion)
        for name in (MODEL, COMPARED)
        if (network := context.networks.get(name)) is not None
    ]
    network = context.networks[MODEL]
    threshold = network.ensemble.threshold(decision)
    members = range(len(network.ensemble.members)) if len(network.ensemble.members) > 1 else ()
    for number in members:
        cleaners.append(NetworkCleaner(f"{MEMBER} {number + 1}", network, threshold, tta, fusion, member=number))
    return cleaners


@register("network")
def network(context: Context) -> list[Cleaner]:
    """Return the model, and the compared model, without the label model."""
    return [
        NetworkCleaner(name, network, network.ensemble.threshold(context.decision), context.tta)
        for name, key in (("network", MODEL), ("compared network", COMPARED))
        if (network := context.networks.get(key)) is not None
    ]
