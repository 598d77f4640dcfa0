"""Validation: sums over whole frames, and scores that do not depend on the number of processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radar_cleaner.datasets.batches import Batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.frame_cache import FrameCache
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.calibration import LOGIT_CENTRES, logit_histogram
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.losses import FORECAST, TERMS
from radar_cleaner.training.settings import Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.step import ERRORS, compute_losses, count_errors, expect_finite

ECHOES = ("kept", "lost", "passed", "removed")  # see `count_echoes`
SUMS = (*TERMS, *ERRORS, *ECHOES)
FORECASTS = ("hits", "misses", "false_alarms", "dbz_error", "dbz_pixels")  # see `count_forecasts`
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Validation:
    """The validation of a training: whole frames, one at a time, with the same masks in each epoch."""

    training: Training
    cache: FrameCache
    samples: Sequence[Sample]
    processes: Processes
    interruption: Interruption

    def sums(self, model: nn.Module) -> dict[str, float]:
        """Return the sums of `sum_names` over all samples. Raises NotFiniteError.

        A further sum, `asked`, counts the processes that were asked to stop and skipped samples.
        """
        names = sum_names(self.training)
        sums = torch.zeros(len(names), dtype=torch.float64, device=self.processes.device)
        losses: list[tuple[str, Tensor]] = []
        for sample, terms, heads, batch in self._frames(model):
            losses.append((str(sample), terms["loss"][0]))
            sums += torch.cat(
                [
                    torch.stack([terms[name].double().sum() for name in self.training.terms]),
                    count_errors(heads[1, :, 0], batch).double(),
                    count_echoes(heads[0, :, 0], batch),
                    count_forecasts(heads, batch).flatten(),
                ]
            )
        expect_finite([(name, float(loss)) for name, loss in losses])
        of_names = dict(zip(names, sums.tolist(), strict=True))
        return self.processes.sum_values({**of_names, "asked": float(bool(self.interruption.asked))})

    def logits(self, model: nn.Module) -> tuple[Numbers, Numbers] | None:
        """Return the histogram of the logits of the echoes that `count_echoes` counts, over all samples.

        The result is (radar, class, bin) counts and sums, as of `logit_histogram`; None where any process was
        asked to stop.
        """
        radars = sorted({sample.radar for sample in self.samples})
        histogram = np.zeros((len(radars), 2, 2, LOGIT_CENTRES.size))  # radar, counts and sums, class, bin
        for sample, _, heads, batch in self._frames(model):
            known = _known_echo(batch)
            logit, rain = heads[0, :, 0][known].float().cpu().numpy(), (batch.mask > 0.5)[known].cpu().numpy()
            histogram[radars.index(sample.radar)] += np.stack(logit_histogram(logit, rain))
        histogram = self.processes.sum_array(histogram)
        if self.processes.anyone(bool(self.interruption.asked)):
            return None
        counts, sums = histogram.transpose(1, 0, 2, 3)
        return counts, sums

    def _frames(self, model: nn.Module) -> Iterator[tuple[Sample, dict[str, Tensor], Tensor, Batch]]:
        """Yield this process's samples with their losses, heads and batch, until the training is asked to stop."""
        training, sampler = self.training, self.training.sampler
        model.eval()
        for item in self.processes.share(range(len(self.samples))):
            if self.interruption.asked:
                break
            sample = self.samples[item]
            with torch.inference_mode():
                raw = cut_crops(
                    self.cache, [sample], [sampler.validation(self.cache, sample, item)], training.inputs
                )
                terms, heads, batch = compute_losses(training, model, raw, self.processes.device)
            yield sample, terms, heads, batch
        model.train()


def sum_names(training: Training) -> tuple[str, ...]:
    """Return the names of the sums: terms, ERRORS, ECHOES, and FORECASTS for each lead time."""
    ahead = [f"{name}_{lead}min" for lead in training.inputs.ahead for name in FORECASTS]
    return (*training.terms, *ERRORS, *ECHOES, *ahead)


def count_echoes(logit_BHW: Tensor, batch: Batch) -> Tensor:
    """Return (4,) float64, as ECHOES: visible echoes of known class, classified at probability 0.5.

    `kept` and `lost` are meteorological echoes, `passed` and `removed` the others.
    """
    positive, rain = logit_BHW >= 0, batch.mask > 0.5
    known = _known_echo(batch)
    counts = (
        known & rain & positive,
        known & rain & ~positive,
        known & ~rain & positive,
        known & ~rain & ~positive,
    )
    return torch.stack([part.sum() for part in counts]).double()


def _known_echo(batch: Batch) -> Tensor:
    """(B, H, W) bool: echoes of this radar that the network receives and whose class is known."""
    return (batch.weight > 0) & batch.echo & ~batch.hidden


def count_forecasts(heads_2BLHW: Tensor, batch: Batch) -> Tensor:
    """Return (lead times, 5) float64, as FORECASTS: pixels of known class, classified at probability 0.5.

    The error is the absolute error in dBZ where there is meteorological echo, forecast or not.
    """
    if batch.forecast is None:
        return torch.zeros(0, len(FORECASTS), dtype=torch.float64, device=heads_2BLHW.device)
    (logit, scaled), target = heads_2BLHW[:, :, 1:], batch.forecast
    positive, rain, known = logit >= 0, target.mask > 0.5, target.weight > 0
    counted = target.reflectivity_weight > 0
    error = (unscale_dbz(scaled) - unscale_dbz(target.reflectivity)).abs() * counted
    parts = (known & positive & rain, known & ~positive & rain, known & positive & ~rain, error, counted)
    return torch.stack([part.double().sum((0, 2, 3)) for part in parts], dim=1)


def mean_losses(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """Return the means of the loss terms, on the network's scale, and of the reflectivity errors in dBZ."""
    return {name: _ratio(sums[name], samples) for name in (*TERMS, FORECAST) if name in sums} | {
        "reflectivity_mae_dbz": _ratio(sums["dbz_error"], sums["dbz_pixels"]),
        "inpainting_mae_dbz": _ratio(sums["inpainting_error"], sums["inpainting_pixels"]),
    }


def scores(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """Return `mean_losses` and the scores of the mask; NaN where nothing was counted."""
    kept, lost, passed, removed = (sums[name] for name in ECHOES)
    return mean_losses(sums, samples) | {
        "mask_f1": _ratio(2 * kept, 2 * kept + lost + passed),
        "meteorological_kept": _ratio(kept, kept + lost),
        "non_meteorological_removed": _ratio(removed, removed + passed),
        **_forecast_scores(sums),
    }


def _forecast_scores(sums: Mapping[str, float]) -> dict[str, float]:
    """Return, for each lead time, the critical success index of rain and the mean error where there was rain."""
    by_lead = {}
    for lead in [name.removeprefix("hits_") for name in sums if name.startswith("hits_")]:
        hits, misses, false_alarms, error, pixels = (sums[f"{name}_{lead}"] for name in FORECASTS)
        by_lead[f"forecast_csi_{lead}"] = _ratio(hits, hits + misses + false_alarms)
        by_lead[f"forecast_mae_dbz_{lead}"] = _ratio(error, pixels)
    return by_lead


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
