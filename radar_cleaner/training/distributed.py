"""The processes of a training run, as torchrun starts them, or a single plain one.

torchrun --standalone --nproc-per-node 2 -m radar_cleaner train-model ...
torchrun --nnodes 2 --nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint HOST:29400 -m radar_cleaner ...
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as dist

from radar_cleaner.errors import ConfigError, ModelError

T = TypeVar("T")
_PATIENCE = timedelta(hours=6)  # while the first process of a machine fills a large frame cache


@dataclass(frozen=True)
class Processes:
    """This process of a training: `rank` of `world`, `local_rank` on machine `node`.

    `hosts` is the process group that communicates without GPUs, None where the default group does so. `parent` is
    the process id of torchrun, 0 without it.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    node: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    parent: int = 0
    hosts: Any = None

    @property
    def first(self) -> bool:
        """Return whether this is the process that writes files and logs."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Return this process's share of the items of a global batch."""
        return items[self.rank :: self.world]

    def broadcast(self, value: T) -> T:
        """Return the first process's value on all processes."""
        if self.world == 1:
            return value
        box = [value]
        with _naming_lost_process():
            dist.broadcast_object_list(box, src=0)
        return box[0]

    def broadcast_weights(self, model: nn.Module) -> None:
        """Copy the first process's weights to all processes."""
        if self.world > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def sum_step(self, parameters: Iterable[nn.Parameter], counts: Tensor) -> Tensor:
        """Replace each gradient by its sum over the processes; return the sum of `counts` (N,) as well.

        One vector with a fixed layout contains everything. DistributedDataParallel is not used: it sends
        gradients during the backward pass, in buckets that it regroups after the first step. A resumed run would
        then round differently, a process could not repeat its share in smaller parts when memory is short, and a
        process without a sample of the last, small batch would not be supported.
        """
        if self.world == 1:
            return counts
        parameters = [parameter for parameter in parameters if parameter.requires_grad]
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        vector = torch.cat([part.reshape(-1) for part in [*parts, counts]])
        with _naming_lost_process():
            dist.all_reduce(vector)
        *sums, total = torch.split(vector, [part.numel() for part in [*parts, counts]])
        for parameter, part, summed in zip(parameters, parts, sums, strict=True):
            parameter.grad = part.copy_(summed.view_as(part))
        return total

    def anyone(self, true: bool) -> bool:
        """Return whether the value is true in any process, without waiting for a GPU."""
        if self.world == 1:
            return true
        count = torch.tensor(int(true))
        with _naming_lost_process():
            dist.all_reduce(count, group=self.hosts)
        return bool(count)

    def sum_array(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum an array over the processes, in double precision."""
        if self.world == 1:
            return values
        total = torch.from_numpy(values).to(self.device)
        with _naming_lost_process():
            dist.all_reduce(total)
        return total.cpu().numpy()

    def sum_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sum numbers over the processes, in double precision."""
        total = self.sum_array(np.array(list(values.values()), np.float64))
        return dict(zip(values, total.tolist(), strict=True))

    def check_parent(self) -> None:
        """End this process if torchrun was killed: the run may already have been started again."""
        if self.parent and os.getppid() != self.parent:
            raise SystemExit("torchrun has ended; this process ends, too")

    @contextmanager
    def shared_folder(self, fill: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
        """Yield a temporary folder of this machine and what its first process returned when it filled the folder.

        The folder is removed when the block ends, also after an error.
        """
        if self.local_rank:
            yield self._exchange(None)
            self._wait()
            return
        with tempfile.TemporaryDirectory(prefix="radar-cleaner-", ignore_cleanup_errors=True) as name:
            filled = fill(Path(name))
            yield self._exchange((Path(name), filled))
            self._wait()

    def _exchange(self, made: tuple[Path, T] | None) -> tuple[Path, T]:
        """Return the folder and the value of the first process of this machine."""
        everyone: list[tuple[int, tuple[Path, T] | None]] = [(self.node, made)]
        if self.world > 1:
            everyone = [(0, None)] * self.world
            with _naming_lost_process():
                dist.all_gather_object(everyone, (self.node, made))
        return next(made for node, made in everyone if node == self.node and made is not None)

    def _wait(self) -> None:
        if self.world > 1:
            with _naming_lost_process():
                dist.barrier()


@contextmanager
def _naming_lost_process() -> Iterator[None]:
    """Raise ModelError in one line where a collective operation fails because another process has ended."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0][:160]
        raise ModelError(
            f"another process of this training has ended or cannot be reached ({reason}); its log has the reason. "
            "Start the training again: it resumes from its last checkpoint"
        ) from None


def _of_this_start(store: Any) -> Any:
    """Return a part of the rendezvous store that no earlier start has written to.

    torchrun 2.13 keeps its store when it restarts the processes. The addresses of ended processes would then be
    used, and all would wait. Several launchers count restarts differently: for them torchrun makes a new store
    each time (TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1).
    """
    if os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
        return store
    return dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)  # type: ignore[attr-defined]


@contextmanager
def join_processes(threads: int) -> Iterator[Processes]:
    """Join the process group of torchrun, if there is one, and leave it at the end.

    The processes of a machine share `threads`. Raises ConfigError if a machine has GPUs, but fewer GPUs than
    processes.
    """
    local_world = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    torch.set_num_threads(max(1, threads // local_world))
    cuda = torch.cuda.is_available()
    if cuda and torch.cuda.device_count() < local_world:
        raise ConfigError(
            f"{local_world} processes share {torch.cuda.device_count()} GPU(s) of this machine; start one process "
            "per GPU (--set-resources train_model:processes=N), or hide the GPUs by CUDA_VISIBLE_DEVICES=''"
        )
    if "RANK" not in os.environ:
        yield Processes(device=torch.device("cuda" if cuda else "cpu"))
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    device = torch.device("cuda", local_rank) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    store, rank, world = next(dist.rendezvous("env://", timeout=_PATIENCE))  # type: ignore[attr-defined]
    dist.init_process_group(
        "nccl" if cuda else "gloo",
        store=_of_this_start(store),
        rank=rank,
        world_size=world,
        device_id=device if cuda else None,
        timeout=_PATIENCE,
    )
    try:
        yield Processes(
            dist.get_rank(),
            dist.get_world_size(),
            local_rank,
            int(os.environ.get("GROUP_RANK", 0)),
            device,
            os.getppid(),
            dist.new_group(backend="gloo", timeout=_PATIENCE) if cuda else None,  # type: ignore[no-untyped-call]
        )
    finally:
        dist.destroy_process_group()
