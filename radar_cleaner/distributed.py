"""The processes of a training run, as torchrun starts them, or a single plain one.

torchrun --standalone --nproc-per-node 2 -m radar_cleaner train-model ...
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TypeVar

import torch
from torch import distributed as dist
from torch import nn

T = TypeVar("T")
_PATIENCE = timedelta(hours=6)  # while the first process of a machine fills a large bank


@dataclass(frozen=True)
class Processes:
    """This process among its fellows: `rank` of `world`, `local_rank` on machine `node`."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    node: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    parent: int = 0

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
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def broadcast_weights(self, model: nn.Module) -> None:
        """Give all processes the first one's weights."""
        if self.world > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes.

        All gradients travel as one vector whose layout never changes. DistributedDataParallel regroups its
        buckets after the first step, so that a run that goes on would round otherwise than one that never
        stopped; it also has no place for a process that has no sample of a last, small batch.
        """
        if self.world == 1:
            return
        parameters = list(parameters)
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        vector = torch.cat([part.reshape(-1) for part in parts])
        dist.all_reduce(vector)
        for part, summed in zip(parts, torch.split(vector, [p.numel() for p in parameters]), strict=True):
            part.copy_(summed.view_as(part))
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part

    def sum_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sum numbers over the processes, in double precision."""
        total = torch.tensor(list(values.values()), dtype=torch.float64, device=self.device)
        if self.world > 1:
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
            with _ending_on_sigterm():
                filled = fill(Path(name))
            yield self._exchange((Path(name), filled))
            self._wait()

    def _exchange(self, made: tuple[Path, T] | None) -> tuple[Path, T]:
        """What the first process of this machine has made."""
        everyone: list[tuple[int, tuple[Path, T] | None]] = [(self.node, made)]
        if self.world > 1:
            everyone = [(0, None)] * self.world
            dist.all_gather_object(everyone, (self.node, made))
        return next(made for node, made in everyone if node == self.node and made is not None)

    def _wait(self) -> None:
        if self.world > 1:
            dist.barrier()


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the process as an error does, so that what it has made is cleared away."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def join_processes(threads: int) -> Iterator[Processes]:
    """Set this process up by torchrun's environment, if there is one; leave the group at the end.

    `threads` are shared by the processes of this machine. Computes deterministically: on CUDA that needs the
    variable that is set here.
    """
    torch.set_num_threads(max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # No operation here reads what it did not write, so memory need not be filled first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    cuda = torch.cuda.is_available()
    if "RANK" not in os.environ:
        yield Processes(device=torch.device("cuda" if cuda else "cpu"))
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    device = torch.device("cuda", local_rank) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo", device_id=device if cuda else None, timeout=_PATIENCE)
    try:
        yield Processes(
            dist.get_rank(),
            dist.get_world_size(),
            local_rank,
            int(os.environ.get("GROUP_RANK", 0)),
            device,
            os.getppid(),
        )
    finally:
        dist.destroy_process_group()
