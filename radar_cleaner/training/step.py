"""One step of training: the gradients of a global batch, of which each process computes its share in parts."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from radar_cleaner.datasets.augmentation import draw_crop
from radar_cleaner.datasets.batches import Batch, make_batch
from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.datasets.crops import RawBatch, cut
from radar_cleaner.datasets.frame_cache import Bank, Sample
from radar_cleaner.errors import ModelError
from radar_cleaner.models.dropout import keyed_modules, set_keys
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.losses import sample_losses
from radar_cleaner.training.precision import compile_network
from radar_cleaner.training.prefetch import CutAhead
from radar_cleaner.training.settings import Running, Training

logger = logging.getLogger(__name__)

ERRORS = ("dbz_error", "dbz_pixels", "hole_error", "hole_pixels")  # see `count_errors`
_DROPOUT_KEY = 2  # beside a sample's key, which noise takes; holes take the next, plants those from 3 on


class NotFiniteError(ModelError):
    """A loss or a gradient is not finite."""


@dataclass(frozen=True)
class Crops:
    """The items of an epoch: item i is a crop of sample i // crops_per_sample."""

    training: Training
    bank: Bank
    samples: Sequence[Sample]

    def __len__(self) -> int:
        return len(self.samples) * self.training.schedule.crops_per_sample

    def name(self, items: Sequence[int]) -> list[str]:
        """The samples of some items, as a message names them."""
        every = self.training.schedule.crops_per_sample
        return list(dict.fromkeys(str(self.samples[item // every]) for item in items))

    def cut(self, items: Sequence[int], epoch: int) -> RawBatch:
        """The crops of some items."""
        training = self.training
        chosen = [self.samples[item // training.schedule.crops_per_sample] for item in items]
        seed = training.schedule.seed
        draws = [
            draw_crop(
                self.bank,
                sample,
                training.augmentation,
                training.holes,
                training.inputs,
                seed,
                epoch,
                item,
                training.planting,
            )
            for sample, item in zip(chosen, items, strict=True)
        ]
        return cut(self.bank, chosen, draws, training.inputs)


def compute_losses(
    training: Training, network: nn.Module, raw: RawBatch, device: torch.device, noise_dbz: float = 0.0
) -> tuple[dict[str, Tensor], Tensor, Batch]:
    """Losses by sample, the logit and scaled reflectivity stacked (2, B, leads, H, W) float32, and the batch."""
    numerics = training.numerics
    batch = make_batch(raw, training.inputs, device, noise_dbz)
    with numerics.autocast(device):
        heads = apply_padded(network, batch.channels, training.config.pad_mode, numerics.memory_format)
    logit_BLHW, scaled_BLHW = (head.float() for head in heads)
    ahead = (logit_BLHW[:, 1:], scaled_BLHW[:, 1:]) if training.inputs.ahead else None
    terms = sample_losses(logit_BLHW[:, 0], scaled_BLHW[:, 0], batch, training.weights, ahead)
    return terms, torch.stack([logit_BLHW, scaled_BLHW]), batch


def expect_finite(losses: Sequence[tuple[str, float]]) -> None:
    """Raise NotFiniteError where the loss of a sample is not finite, naming it; pairs of name and loss."""
    samples = dict.fromkeys(name for name, loss in losses if not math.isfinite(loss))
    if samples:
        raise NotFiniteError(
            f"the loss is not finite for {', '.join(samples)}; lower training.learning_rate, "
            "or leave these times out of training.period"
        )


def count_errors(scaled_BHW: Tensor, batch: Batch) -> Tensor:
    """(4,) float32, as ERRORS: sums of absolute dBZ errors and their pixels, where seen and in holes."""
    counted = batch.reflectivity_weight > 0
    error = (unscale_dbz(scaled_BHW) - unscale_dbz(batch.reflectivity)).abs()
    seen, hidden = counted & ~batch.hole, counted & batch.hole
    return torch.stack([(error * seen).sum(), seen.sum(), (error * hidden).sum(), hidden.sum()])


class StepSums:
    """What a step has summed up, on its way from the device, and whether any process was `asked` to stop.

    `counts` are those of `kinds`, `losses` those of this process's share by its samples' `names`.
    """

    def __init__(
        self, kinds: Sequence[str], counts: Tensor, losses: Tensor, names: Sequence[str], asked: bool
    ) -> None:
        self.asked = asked
        self._kinds, self._names = kinds, names
        self._counts, self._losses = HostCopy(counts), HostCopy(losses)

    def read(self) -> dict[str, float]:
        """The sums over the global batch by their kinds. Raises NotFiniteError where a loss was not finite."""
        sums = dict(zip(self._kinds, self._counts.read().tolist(), strict=True))
        if not math.isfinite(sums["loss"]):
            expect_finite(list(zip(self._names, self._losses.read().tolist(), strict=True)))
            raise NotFiniteError("the loss is not finite in another process; what it said names the samples")
        return sums


class Steps:
    """Computes the gradients of batches by a network, in parts that fit into memory."""

    def __init__(
        self, training: Training, running: Running, crops: Crops, model: nn.Module, processes: Processes
    ) -> None:
        self.training, self.running, self.crops = training, running, crops
        self.model, self.processes = model, processes
        self.part_size = running.micro_batch_size or training.schedule.global_batch_size
        self._kinds = (*training.terms, *ERRORS)
        self._keyed = keyed_modules(model)
        self.network = self._compile()
        self.waited_s = 0.0  # in the last step, for data
        self._ahead = CutAhead(crops.cut)

    @property
    def compiled(self) -> bool:
        """Whether the network runs compiled."""
        return self.network is not self.model

    def gradients(
        self,
        items: Sequence[int],
        epoch: int,
        scaler: torch.amp.GradScaler,  # type: ignore[name-defined]
        asked: Callable[[], bool] = lambda: False,
        following: tuple[Sequence[int], int] | None = None,
    ) -> StepSums:
        """Leave the gradients of the mean loss over a global batch in the model; gives its sums.

        `items` are those of all processes, each takes its share of them; `following` are items and epoch of the
        next step. Where any process was `asked` to stop the step is not whole and must not be taken.
        """
        share = self.processes.share(items)
        scaler.scale(torch.zeros((), device=self.processes.device))  # it begins also where the share is empty
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
            # Outside the except block, whose error holds on to the memory.
            self._shrink(len(share), problem)
        stops = self.processes.anyone(asked())
        counts = self.processes.sum_step(self.model.parameters(), counts)
        names = [self.crops.name([item])[0] for item in share[: len(losses)]]
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
        """Sums of the terms and of ERRORS over a share, and the loss of each of its samples."""
        device = self.processes.device
        counts = torch.zeros(len(self._kinds), device=device)
        losses = [torch.zeros(0, device=device)]
        parts = [share[start : start + self.part_size] for start in range(0, len(share), self.part_size)]
        for number, items in enumerate(parts):
            if asked():
                break
            began = time.perf_counter()
            raw = self._ahead.take(items, epoch)
            self.waited_s += time.perf_counter() - began
            if number + 1 < len(parts):
                self._ahead.begin(parts[number + 1], epoch)
            elif following is not None:
                self._ahead.begin(self.processes.share(following[0])[: self.part_size], following[1])
            if self._keyed:
                set_keys(self._keyed, [(draw.key + _DROPOUT_KEY) % 2**63 for draw in raw.draws])
            noise_dbz = self.training.augmentation.input_noise_dbz
            terms, heads, batch = compute_losses(self.training, self.network, raw, device, noise_dbz)
            scaler.scale(terms["loss"].sum() / whole).backward()  # type: ignore[no-untyped-call]
            sums = torch.stack([terms[name].detach().sum() for name in self.training.terms])
            counts += torch.cat([sums, count_errors(heads[1, :, 0].detach(), batch)])
            losses.append(terms["loss"].detach())
        return counts, torch.cat(losses)

    def _shrink(self, share: int, problem: str) -> None:
        """Take half as many crops at once. Raises ModelError where that cannot be or is not wanted."""
        self.model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        at_once = min(self.part_size, share)
        crop = self.training.augmentation.crop
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
            "%s; goes on with %d at once, the batch stays; training.micro_batch_size: %d says so from the start",
            where,
            self.part_size,
            self.part_size,
        )

    def _compile(self) -> nn.Module:
        crop, channels = self.training.augmentation.crop, self.training.config.channels
        count = min(self.part_size, -(-self.training.schedule.global_batch_size // self.processes.world))
        example = torch.zeros(count, channels, crop, crop, device=self.processes.device)
        set_keys(self._keyed, range(count))
        return compile_network(self.model, example, self.training.numerics)


@contextmanager
def naming_memory_errors() -> Iterator[None]:
    """Say which keys to lower where memory ends outside the parts that can be made smaller."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = str(error).split("\n")[0][:200]
        raise ModelError(
            f"out of memory ({reason}), not in a batch but in what is beside it: whole frames to validate on, the "
            "optimizer, sums over processes; lower training.model.base_width, or give the job more memory"
        ) from None


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA has an error class for most of it, libraries and torch's CPU allocator only words."""
    words = ("allocate memory", "out of memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)
