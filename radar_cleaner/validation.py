"""Validation: sums over whole frames, and the scores that follow from them. No score depends on ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radar_cleaner.bank import Bank, Sample
from radar_cleaner.calibration import LOGIT_CENTRES, logit_histogram, mean_logits
from radar_cleaner.cutting import cut
from radar_cleaner.dataset import Batch
from radar_cleaner.distributed import Processes
from radar_cleaner.draws import draw_validation
from radar_cleaner.interruption import Interruption
from radar_cleaner.losses import TERMS
from radar_cleaner.steps import ERRORS, compute_losses, count_errors, expect_finite
from radar_cleaner.training_options import Training

ECHOES = ("kept", "lost", "passed", "removed")  # see `count_echoes`
SUMS = (*TERMS, *ERRORS, *ECHOES)
Numbers = NDArray[np.float64]


def validate(
    training: Training,
    bank: Bank,
    samples: Sequence[Sample],
    model: nn.Module,
    processes: Processes,
    interruption: Interruption,
) -> dict[str, float]:
    """Sums of SUMS over all samples; whole frames, one at a time, each epoch with the same holes.

    `asked` is one more sum: how many processes were asked to stop and so left samples out. Raises NotFiniteError.
    """
    sums = torch.zeros(len(SUMS), dtype=torch.float64, device=processes.device)
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
                    torch.stack([terms[name].double().sum() for name in TERMS]),
                    count_errors(heads[1], batch).double(),
                    count_echoes(heads[0], batch),
                ]
            )
    model.train()
    expect_finite([(name, float(loss)) for name, loss in losses])
    found = dict(zip(SUMS, sums.tolist(), strict=True))
    return processes.sum_values({**found, "asked": float(bool(interruption.asked))})


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
            logit, rain = heads[0][known].float().cpu().numpy(), (batch.mask > 0.5)[known].cpu().numpy()
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


def mean_losses(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """Means of the loss's terms, on the network's scale and, where they are reflectivity, in dBZ."""
    return {name: _ratio(sums[name], samples) for name in TERMS} | {
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
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
