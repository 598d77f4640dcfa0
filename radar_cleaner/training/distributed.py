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

import torch
from torch import Tensor, nn
from torch import distributed as dist

from radar_cleaner.errors import ConfigError, ModelError

T = TypeVar("T")
_PATIENCE = timedelta(hours=6)  # while the first process of a machine fills a large bank


@dataclass(frozen=True)
class Processes:
    """This process among its fellows: `rank` of `world`, `local_rank` on machine `node`.

    `hosts` is the group in which they agree without their GPUs, None for the one that they have anyway.
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
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's part of the items of a global batch."""
        return items[self.rank :: self.world]

    def broadcast(self, value: T) -> T:
        """The first process's value, on all."""
        if self.world == 1:
            return value
        box = [value]
        with _fellows():
            dist.broadcast_object_list(box, src=0)
        return box[0]

    def broadcast_weights(self, model: nn.Module) -> None:
        """Give all processes the first one's weights."""
        if self.world > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def sum_step(self, parameters: Iterable[nn.Parameter], counts: Tensor) -> Tensor:
        """Replace each gradient by its sum over the processes; gives the sum of `counts` (N,) as well.

        All of it travels as one vector whose layout never changes. DistributedDataParallel sends gradients
        while the backward pass runs, in buckets that it regroups after the first step: a run that goes on
        would round otherwise than one that never stopped, a process that ran out of memory could not compute
        its share again in smaller parts, and one without a sample of a last, small batch has no place.
        """
        if self.world == 1:
            return counts
        parameters = [parameter for parameter in parameters if parameter.requires_grad]
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        vector = torch.cat([part.reshape(-1) for part in [*parts, counts]])
        with _fellows():
            dist.all_reduce(vector)
        *sums, total = torch.split(vector, [part.numel() for part in [*parts, counts]])
        for parameter, part, summed in zip(parameters, parts, sums, strict=True):
            parameter.grad = part.copy_(summed.view_as(part))
        return total

    def anyone(self, true: bool) -> bool:
        """Whether it is true in any process; no GPU is waited for."""
        if self.world == 1:
            return true
        count = torch.tensor(int(true))
        with _fellows():
            dist.all_reduce(count, group=self.hosts)
        return bool(count)

    def sum_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sum numbers over the processes, in double precision."""
        total = torch.tensor(list(values.values()), dtype=torch.float64, device=self.device)
        if self.world > 1:
            with _fellows():
                dist.all_reduce(total)
        return dict(zip(values, total.tolist(), strict=True))

    def check_parent(self) -> None:
        """End this process if torchrun was killed: its run may already have been started again."""
        if self.parent and os.getppid() != self.parent:
            raise SystemExit("torchrun is gone; so is this process")

    @contextmanager
    def shared_folder(self, fill: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
        """A temporary folder a machine, filled by its first process; gone when the block ends, also on errors."""
        if self.local_rank:
            yield self._exchange(None)
            self._wait()
            return
        with tempfile.TemporaryDirectory(prefix="radar-cleaner-", ignore_cleanup_errors=True) as name:
            filled = fill(Path(name))
            yield self._exchange((Path(name), filled))
            self._wait()

    def _exchange(self, made: tuple[Path, T] | None) -> tuple[Path, T]:
        """What the first process of this machine has made."""
        everyone: list[tuple[int, tuple[Path, T] | None]] = [(self.node, made)]
        if self.world > 1:
            everyone = [(0, None)] * self.world
            with _fellows():
                dist.all_gather_object(everyone, (self.node, made))
        return next(made for node, made in everyone if node == self.node and made is not None)

    def _wait(self) -> None:
        if self.world > 1:
            with _fellows():
                dist.barrier()


@contextmanager
def _fellows() -> Iterator[None]:
    """Tell in a line when a collective operation fails because another process is gone."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0][:160]
        raise ModelError(
            f"another process of this training has ended or cannot be reached ({reason}); what it said says why. "
            "Call the training again: it goes on from its last checkpoint"
        ) from None


def _of_this_start(store: Any) -> Any:
    """A part of the store in which the processes meet that no earlier start of them has written to.

    torchrun 2.13 keeps its store over its restarts; the addresses of the dead would be taken for those of the
    living, and all wait. The restarts of several launchers are not counted alike: for them torchrun is told to
    make a new store each time (TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1).
    """
    if os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
        return store
    return dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)  # type: ignore[attr-defined]


@contextmanager
def join_processes(threads: int) -> Iterator[Processes]:
    """Set this process up by torchrun's environment, if there is one; leave the group at the end.

    `threads` are shared by the processes of this machine. Raises ConfigError where it has GPUs, but fewer than
    processes.
    """
    local_world = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    torch.set_num_threads(max(1, threads // local_world))
    cuda = torch.cuda.is_available()
    if cuda and torch.cuda.device_count() < local_world:
        raise ConfigError(
            f"{local_world} processes share {torch.cuda.device_count()} GPU(s) of this machine; start one process "
            "a GPU (--set-resources train_model:processes=N), or hide the GPUs by CUDA_VISIBLE_DEVICES=''"
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
