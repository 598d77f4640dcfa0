"""One step of training: the gradients of a global batch. Each process computes its share in parts."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from radar_cleaner.config.training import Running
from radar_cleaner.datasets.augmentation import draw_sample
from radar_cleaner.datasets.batches import Batch, make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import RawBatch, cut_crops
from radar_cleaner.datasets.frame_cache import FrameCache
from radar_cleaner.datasets.prefetch import BatchPrefetcher
from radar_cleaner.errors import ModelError
from radar_cleaner.models.dropout import keyed_modules, set_keys
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.losses import sample_losses
from radar_cleaner.training.precision import autocast, compile_network, memory_format
from radar_cleaner.training.settings import Training

logger = logging.getLogger(__name__)

ERRORS = ("dbz_error", "dbz_pixels", "inpainting_error", "inpainting_pixels")  # see `count_errors`
# Added to a sample's key. Input noise uses the key itself, inpainting masks add 1, artefacts 3 and more.
_DROPOUT_KEY = 2


class NotFiniteError(ModelError):
    """A loss or a gradient is not finite."""


@dataclass(frozen=True)
class CropDataset:
    """The items of an epoch, a crop each. By `sampling: frames` item i is of sample i // crops_per_sample."""

    training: Training
    cache: FrameCache
    samples: Sequence[Sample]

    @cached_property
    def _by_radar(self) -> list[list[Sample]]:
        """The samples of each radar."""
        by_radar: dict[str, list[Sample]] = {}
        for sample in self.samples:
            by_radar.setdefault(sample.radar, []).append(sample)
        return list(by_radar.values())

    def __len__(self) -> int:
        return len(self.samples) * self.training.learning.crops_per_sample

    def sample_names(self, items: Sequence[int], epoch: int) -> list[str]:
        """Return the names of the samples of some items, each once, for a message."""
        return list(dict.fromkeys(str(self._sample(item, epoch)) for item in items))

    def batch(self, items: Sequence[int], epoch: int) -> RawBatch:
        """Return the crops of some items."""
        sampler, samples = self.training.sampler, [self._sample(item, epoch) for item in items]
        params = [
            sampler.sample(self.cache, sample, epoch, item, self._by_radar)
            for sample, item in zip(samples, items, strict=True)
        ]
        return cut_crops(self.cache, samples, params, self.training.inputs)

    def _sample(self, item: int, epoch: int) -> Sample:
        learning = self.training.learning
        if learning.sampling == "frames":
            return self.samples[item // learning.crops_per_sample]
        return draw_sample(self._by_radar, learning.seed, epoch, item)


def compute_losses(
    training: Training, network: nn.Module, raw: RawBatch, device: torch.device, noise_dbz: float = 0.0
) -> tuple[dict[str, Tensor], Tensor, Batch]:
    """Return the losses of each sample, the heads (2, B, leads, H, W) float32, and the batch.

    The heads are the logit and the scaled reflectivity.
    """
    learning = training.learning
    batch = make_batch(raw, training.inputs, device, noise_dbz)
    with autocast(learning.precision, device):
        heads = apply_padded(network, batch.channels, training.config.pad_mode, memory_format(learning))
    logit_BLHW, scaled_BLHW = (head.float() for head in heads)
    ahead = (logit_BLHW[:, 1:], scaled_BLHW[:, 1:]) if training.inputs.ahead else None
    terms = sample_losses(logit_BLHW[:, 0], scaled_BLHW[:, 0], batch, learning.loss, ahead)
    return terms, torch.stack([logit_BLHW, scaled_BLHW]), batch


def expect_finite(losses: Sequence[tuple[str, float]]) -> None:
    """Raise NotFiniteError with the samples whose loss is not finite; `losses` are pairs of name and loss."""
    samples = dict.fromkeys(name for name, loss in losses if not math.isfinite(loss))
    if samples:
        raise NotFiniteError(
            f"the loss is not finite for {', '.join(samples)}; lower training.learning_rate, "
            "or leave these times out of training.period"
        )


def count_errors(scaled_BHW: Tensor, batch: Batch) -> Tensor:
    """Return (4,) float32, as ERRORS: absolute dBZ errors and their pixels, where visible and where hidden."""
    counted = batch.reflectivity_weight > 0
    error = (unscale_dbz(scaled_BHW) - unscale_dbz(batch.reflectivity)).abs()
    visible, hidden = counted & ~batch.hidden, counted & batch.hidden
    return torch.stack([(error * visible).sum(), visible.sum(), (error * hidden).sum(), hidden.sum()])


class StepSums:
    """The sums of a step, which the device may still be computing.

    `counts` are the sums of `kinds`, `losses` the losses of this process's samples, whose `names` are given.
    `asked` is true where any process was asked to stop; the step is then incomplete.
    """

    def __init__(
        self, kinds: Sequence[str], counts: Tensor, losses: Tensor, names: Sequence[str], asked: bool
    ) -> None:
        self.asked = asked
        self._kinds, self._names = kinds, names
        self._counts, self._losses = HostCopy(counts), HostCopy(losses)

    def read(self) -> dict[str, float]:
        """Return the sums over the global batch by kind. Raises NotFiniteError where a loss is not finite."""
        sums = dict(zip(self._kinds, self._counts.read().tolist(), strict=True))
        if not math.isfinite(sums["loss"]):
            expect_finite(list(zip(self._names, self._losses.read().tolist(), strict=True)))
            raise NotFiniteError("the loss is not finite on another rank; see that rank's log for the samples")
        return sums


class Steps:
    """Computes the gradients of batches, in parts that fit into memory."""

    def __init__(
        self, training: Training, running: Running, dataset: CropDataset, model: nn.Module, processes: Processes
    ) -> None:
        self.training, self.running, self.dataset = training, running, dataset
        self.model, self.processes = model, processes
        self.part_size = running.micro_batch_size or training.learning.global_batch_size
        self._kinds = (*training.terms, *ERRORS)
        self._keyed = keyed_modules(model)
        self.network = self._compile()
        self.waited_s = 0.0  # of the last step: seconds without data
        self._prefetcher = BatchPrefetcher(dataset.batch)

    @property
    def compiled(self) -> bool:
        """Return whether the network runs compiled."""
        return self.network is not self.model

    def gradients(
        self,
        items: Sequence[int],
        epoch: int,
        scaler: torch.amp.GradScaler,  # type: ignore[name-defined]
        asked: Callable[[], bool] = lambda: False,
        following: tuple[Sequence[int], int] | None = None,
    ) -> StepSums:
        """Compute the gradients of the mean loss over a global batch, and return the sums of the step.

        `items` are those of all processes; each process computes its share. `following` are items and epoch of the
        next step. Where any process was `asked` to stop, the step is incomplete and must not be taken.
        """
        share = self.processes.share(items)
        scaler.scale(torch.zeros((), device=self.processes.device))  # initialized also where the share is empty
        while True:
            self.model.zero_grad(set_to_none=True)
            self.waited_s = 0.0
            try:
                counts, losses = self._accumulate(share, len(items), epoch, scaler, asked, following)
                break
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                problem = str(error).split("\n")[0][:200]
            # Outside the except block: its error keeps the memory in use.
            self._shrink(len(share), problem)
        stops = self.processes.anyone(asked())
        counts = self.processes.sum_step(self.model.parameters(), counts)
        names = [self.dataset.sample_names([item], epoch)[0] for item in share[: len(losses)]]
        return StepSums(self._kinds, counts, losses, names, stops)

    def _accumulate(
        self,
        share: Sequence[int],
        whole: int,
        epoch: int,
        scaler: torch.amp.GradScaler,  # type: ignore[name-defined]
        asked: Callable[[], bool],
        following: tuple[Sequence[int], int] | None,
    ) -> tuple[Tensor, Tensor]:
        """Return the sums of the terms and of ERRORS over a share, and the loss of each of its samples."""
        device = self.processes.device
        counts = torch.zeros(len(self._kinds), device=device)
        losses = [torch.zeros(0, device=device)]
        parts = [share[start : start + self.part_size] for start in range(0, len(share), self.part_size)]
        for number, items in enumerate(parts):
            if asked():
                break
            began = time.perf_counter()
            raw = self._prefetcher.take(items, epoch)
            self.waited_s += time.perf_counter() - began
            if number + 1 < len(parts):
                self._prefetcher.begin(parts[number + 1], epoch)
            elif following is not None:
                self._prefetcher.begin(self.processes.share(following[0])[: self.part_size], following[1])
            if self._keyed:
                set_keys(self._keyed, [(crop.key + _DROPOUT_KEY) % 2**63 for crop in raw.params])
            noise_dbz = self.training.learning.input_noise_dbz
            terms, heads, batch = compute_losses(self.training, self.network, raw, device, noise_dbz)
            scaler.scale(terms["loss"].sum() / whole).backward()  # type: ignore[no-untyped-call]
            sums = torch.stack([terms[name].detach().sum() for name in self.training.terms])
            counts += torch.cat([sums, count_errors(heads[1, :, 0].detach(), batch)])
            losses.append(terms["loss"].detach())
        return counts, torch.cat(losses)

    def _shrink(self, share: int, problem: str) -> None:
        """Halve the number of crops at once. Raises ModelError where that is impossible or switched off."""
        self.model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        at_once = min(self.part_size, share)
        crop = self.training.learning.crop_px
        where = f"out of memory ({problem}): {at_once} crop(s) of {crop} px at once do not fit"
        if at_once <= 1:
            raise ModelError(
                f"{where}; lower training.crop_px or training.model.base_width, or set "
                "training.gradient_checkpointing to true"
            )
        if self.running.on_out_of_memory == "stop":
            raise ModelError(
                f"{where}; set training.micro_batch_size to {at_once // 2} (the batch stays as it is), or "
                "training.on_out_of_memory to halve"
            )
        self.part_size = at_once // 2
        logger.warning(
            "%s; continues with %d at once, the global batch stays the same; set training.micro_batch_size to %d",
            where,
            self.part_size,
            self.part_size,
        )

    def _compile(self) -> nn.Module:
        crop, channels = self.training.learning.crop_px, self.training.config.channels
        count = min(self.part_size, -(-self.training.learning.global_batch_size // self.processes.world))
        example = torch.zeros(count, channels, crop, crop, device=self.processes.device)
        set_keys(self._keyed, range(count))
        return compile_network(self.model, example, self.training.learning)


@contextmanager
def naming_memory_errors() -> Iterator[None]:
    """Raise ModelError with the keys to lower where memory runs out outside the parts of a batch."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = str(error).split("\n")[0][:200]
        raise ModelError(
            f"out of memory ({reason}), not in a batch but elsewhere: whole frames of the validation, the"
            " optimizer, sums over processes; lower training.model.base_width, or give the job more memory"
        ) from None


def _is_out_of_memory(error: Exception) -> bool:
    """Recognize CUDA's error class, and the messages of libraries and of torch's CPU allocator."""
    words = ("allocate memory", "out of memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)
