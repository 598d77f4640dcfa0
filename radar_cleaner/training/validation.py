"""Validation: sums over whole frames, and the scores that follow from them. No score depends on ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radar_cleaner.datasets.augmentation import draw_validation
from radar_cleaner.datasets.batches import Batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut
from radar_cleaner.datasets.frame_cache import Bank, Sample
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.losses import FORECAST, TERMS
from radar_cleaner.training.settings import Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.step import ERRORS, compute_losses, count_errors, expect_finite
from radar_cleaner.training.temperature import LOGIT_CENTRES, logit_histogram, mean_logits

ECHOES = ("kept", "lost", "passed", "removed")  # see `count_echoes`
SUMS = (*TERMS, *ERRORS, *ECHOES)
FORECASTS = ("hits", "misses", "false_alarms", "dbz_error", "dbz_pixels")  # see `count_forecasts`
Numbers = NDArray[np.float64]


def validate(
    training: Training,
    bank: Bank,
    samples: Sequence[Sample],
    model: nn.Module,
    processes: Processes,
    interruption: Interruption,
) -> dict[str, float]:
    """Sums over all samples, those of `sum_names`; whole frames, one at a time, each epoch with the same holes.

    `asked` is one more sum: how many processes were asked to stop and so left samples out. Raises NotFiniteError.
    """
    names = sum_names(training)
    sums = torch.zeros(len(names), dtype=torch.float64, device=processes.device)
    losses: list[tuple[str, Tensor]] = []
    model.eval()
    with torch.inference_mode():
        for item in processes.share(range(len(samples))):
            if interruption.asked:
                break
            sample = samples[item]
            draw = draw_validation(bank, sample, training.holes, training.inputs, training.schedule.seed, item)
            raw = cut(bank, [sample], [draw], training.inputs)
            terms, heads, batch = compute_losses(training, model, raw, processes.device)
            losses.append((str(sample), terms["loss"][0]))
            sums += torch.cat(
                [
                    torch.stack([terms[name].double().sum() for name in training.terms]),
                    count_errors(heads[1, :, 0], batch).double(),
                    count_echoes(heads[0, :, 0], batch),
                    count_forecasts(heads, batch).flatten(),
                ]
            )
    model.train()
    expect_finite([(name, float(loss)) for name, loss in losses])
    found = dict(zip(names, sums.tolist(), strict=True))
    return processes.sum_values({**found, "asked": float(bool(interruption.asked))})


def sum_names(training: Training) -> tuple[str, ...]:
    """Names of the sums of a training's validation: terms, ERRORS, ECHOES, and FORECASTS for each lead ahead."""
    ahead = [f"{name}_{lead}min" for lead in training.inputs.ahead for name in FORECASTS]
    return (*training.terms, *ERRORS, *ECHOES, *ahead)


def count_logits(
    training: Training,
    bank: Bank,
    samples: Sequence[Sample],
    model: nn.Module,
    processes: Processes,
    interruption: Interruption,
) -> tuple[Numbers, Numbers] | None:
    """How sure a network is of the echoes that `count_echoes` counts, over all samples.

    (class, bin) counts and mean logits, as `calibration.fit_temperature` takes them; None where any process was
    asked to stop.
    """
    found = np.zeros((2, 2, LOGIT_CENTRES.size))
    seed = training.schedule.seed
    model.eval()
    with torch.inference_mode():
        for item in processes.share(range(len(samples))):
            if interruption.asked:
                break
            draw = draw_validation(bank, samples[item], training.holes, training.inputs, seed, item)
            raw = cut(bank, [samples[item]], [draw], training.inputs)
            _, heads, batch = compute_losses(training, model, raw, processes.device)
            known = _known_echo(batch)
            logit, rain = heads[0, :, 0][known].float().cpu().numpy(), (batch.mask > 0.5)[known].cpu().numpy()
            found += np.stack(logit_histogram(logit, rain))
    told = {str(place): float(value) for place, value in enumerate(found.reshape(-1))}
    summed = processes.sum_values({**told, "asked": float(bool(interruption.asked))})
    if summed.pop("asked"):
        return None
    counts, sums = np.array(list(summed.values())).reshape(found.shape)
    return counts, mean_logits(counts, sums)


def count_echoes(logit_BHW: Tensor, batch: Batch) -> Tensor:
    """(4,) float64, as ECHOES: own echoes of a known kind that the model saw, judged at probability 0.5.

    kept, lost: meteorological ones; passed, removed: the others.
    """
    said, rain = logit_BHW >= 0, batch.mask > 0.5
    known = _known_echo(batch)
    found = (known & rain & said, known & rain & ~said, known & ~rain & said, known & ~rain & ~said)
    return torch.stack([part.sum() for part in found]).double()


def _known_echo(batch: Batch) -> Tensor:
    """(B, H, W) bool: own echoes that the model sees and whose kind is known."""
    return (batch.weight > 0) & batch.own_echo & ~batch.hole


def count_forecasts(heads_2BLHW: Tensor, batch: Batch) -> Tensor:
    """(leads ahead, 5) float64, as FORECASTS: pixels of a known kind, weather forecast at a probability of 0.5.

    The error is the absolute one in dBZ where there is weather, forecast or not.
    """
    if batch.forecast is None:
        return torch.zeros(0, len(FORECASTS), dtype=torch.float64, device=heads_2BLHW.device)
    (logit, scaled), target = heads_2BLHW[:, :, 1:], batch.forecast
    said, rain, known = logit >= 0, target.mask > 0.5, target.weight > 0
    counted = target.reflectivity_weight > 0
    error = (unscale_dbz(scaled) - unscale_dbz(target.reflectivity)).abs() * counted
    found = (known & said & rain, known & ~said & rain, known & said & ~rain, error, counted)
    return torch.stack([part.double().sum((0, 2, 3)) for part in found], dim=1)


def mean_losses(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """Means of the loss's terms, on the network's scale and, where they are reflectivity, in dBZ."""
    return {name: _ratio(sums[name], samples) for name in (*TERMS, FORECAST) if name in sums} | {
        "reflectivity_mae_dbz": _ratio(sums["dbz_error"], sums["dbz_pixels"]),
        "inpainting_mae_dbz": _ratio(sums["hole_error"], sums["hole_pixels"]),
    }


def scores(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """`mean_losses`, and how well the mask does; NaN where nothing was counted."""
    kept, lost, passed, removed = (sums[name] for name in ECHOES)
    return mean_losses(sums, samples) | {
        "mask_f1": _ratio(2 * kept, 2 * kept + lost + passed),
        "meteorological_kept": _ratio(kept, kept + lost),
        "non_meteorological_removed": _ratio(removed, removed + passed),
        **_forecast_scores(sums),
    }


def _forecast_scores(sums: Mapping[str, float]) -> dict[str, float]:
    """By lead ahead: the critical success index of weather, and the mean error where there was some."""
    found = {}
    for lead in [name.removeprefix("hits_") for name in sums if name.startswith("hits_")]:
        hits, misses, false_alarms, error, pixels = (sums[f"{name}_{lead}"] for name in FORECASTS)
        found[f"forecast_csi_{lead}"] = _ratio(hits, hits + misses + false_alarms)
        found[f"forecast_mae_dbz_{lead}"] = _ratio(error, pixels)
    return found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
