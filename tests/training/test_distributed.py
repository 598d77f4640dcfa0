"""Several processes give what one gives."""

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from learning_cases import augmentation, environment, holes, running, small_cache, training
from torch.nn.parallel import DistributedDataParallel

from radar_cleaner.errors import ConfigError, Interrupted
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.distributed import Processes, join_processes
from radar_cleaner.training.loop import train
from radar_cleaner.training.losses import TERMS
from radar_cleaner.training.precision import set_determinism
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.step import CropDataset, Steps, compute_losses
from radar_cleaner.training.validation import SUMS, Validation

HOW = augmentation(flips=True, drop_others=0.3, prefer_echo=0.8)
HOLES = holes(hole_fraction=0.7, hole_shapes=("blocks", "pixels", "sectors"))
BATCHES = (
    [0, 1, 2, 3],
    [2, 0, 1],
    [3],
)  # the last two do not divide by two: one process has less, or nothing


def make_steps(processes):
    cache, samples = small_cache()
    how = training(HOW, holes=HOLES)
    model = build_model(how.config)
    draw_weights(model, 3)
    return Steps(how, running(micro_batch_size=1), CropDataset(how, cache, samples), model, processes)


def gradients(processes):
    """Gradients (as one vector) and summed terms of each of BATCHES on these processes."""
    steps, results = make_steps(processes), []
    for items in BATCHES:
        sums = steps.gradients(items, 0, torch.amp.GradScaler("cpu", enabled=False)).read()
        results.append((torch.cat([p.grad.reshape(-1) for p in steps.model.parameters()]), sums))
    return results


def torch_gradients(processes):
    """The gradients of the first of BATCHES, whose shares are even, by torch's DistributedDataParallel."""
    steps = make_steps(processes)
    wrapped = DistributedDataParallel(steps.model)
    wrapped.multiple = steps.model.multiple
    raw = steps.dataset.batch(processes.share(BATCHES[0]), 0)
    terms, _, _ = compute_losses(steps.training, wrapped, raw, processes.device)
    terms["loss"].mean().backward()
    return torch.cat([p.grad.reshape(-1) for p in steps.model.parameters()])


def fp16_with_an_empty_share(processes, folder):
    """A training in fp16 whose last batch leaves a process without a sample."""
    cache, samples = small_cache(3)
    how = training(HOW, precision="fp16", global_batch_size=2)
    where = environment(folder / f"fp16-{processes.world}.pt", processes)
    return train(how, running(), cache, samples, samples, where).history[-1]["val_loss"]


def scores_of_five(processes):
    """Validation sums over five samples, a number that two does not divide."""
    cache, samples = small_cache(5)
    how = training(HOW, holes=HOLES)
    model = build_model(how.config)
    draw_weights(model, 3)
    return Validation(how, cache, samples, processes, Interruption()).sums(model)


class FirstSteps:
    """A log that keeps the losses of the first steps."""

    def __init__(self):
        self.losses = []

    def record(self, kind, step, values):
        if kind == "step":
            self.losses.append(values["loss"])


def losses_of_20_steps(processes, folder):
    """Losses of 20 steps, without dropout."""
    cache, samples = small_cache(5)
    how = training(HOW, holes=HOLES, epochs=4, global_batch_size=5, crops_per_sample=5, learning_rate=5e-4)
    where = environment(folder / f"{processes.world}.pt", processes)
    log = FirstSteps()
    train(how, running(), cache, samples, samples[:3], dataclasses.replace(where, log=log))
    return log.losses


def work(folder):
    """Run one of two processes of the test below; torchrun starts it."""
    set_determinism(True)
    with join_processes(1) as processes:
        found = gradients(processes)
        assert processes.broadcast(processes.rank) == 0
        with processes.shared_folder(lambda made: (made / "data").write_text("once")) as (shared, written):
            text = (shared / "data").read_text()
        results = {
            "gradients": found,
            "torch": torch_gradients(processes),
            "scores": scores_of_five(processes),
            "losses": losses_of_20_steps(processes, folder),
            "fp16": fp16_with_an_empty_share(processes, folder),
            "shared": [text, written, shared.name],
        }
        torch.save(results, folder / f"rank{processes.rank}.pt")


def run_two(code, folder, **environment):
    (folder / "work.py").write_text(code)
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(folder / "work.py"),
    ]
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1]), *sys.path])
    return subprocess.run(
        [sys.executable, *command],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": path,
            "TMPDIR": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """Return the result of `work` in each of two processes."""
    folder = tmp_path_factory.mktemp("two")
    code = f"import test_distributed, pathlib\ntest_distributed.work(pathlib.Path({str(folder)!r}))\n"
    done = run_two(code, folder)
    assert done.returncode == 0, done.stderr
    assert not [path for path in folder.iterdir() if path.name.startswith("radar-cleaner-")]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one_also_for_uneven_batches(of_two):
    found = zip(gradients(Processes()), *(results["gradients"] for results in of_two), strict=True)
    for (vector, sums), (ours, our_sums), (theirs, their_sums) in found:
        assert vector.abs().max() > 1e-3
        assert torch.equal(ours, theirs) and our_sums == their_sums
        assert torch.allclose(ours, vector, rtol=1e-4, atol=1e-6)
        assert all(our_sums[name] == pytest.approx(sums[name], rel=1e-5) for name in TERMS)


def test_gradients_are_those_of_distributed_data_parallel_where_shares_are_even(of_two):
    ours, _ = of_two[0]["gradients"][0]
    assert torch.allclose(ours, of_two[0]["torch"], rtol=1e-4, atol=1e-6)


def test_two_processes_have_the_scores_of_one_on_a_set_that_two_does_not_divide(of_two):
    alone = scores_of_five(Processes())
    assert of_two[0]["scores"] == of_two[1]["scores"]
    assert set(alone) == {*SUMS, "asked"} and alone["kept"] > 0
    assert of_two[0]["scores"] == pytest.approx(alone, rel=1e-6)


def test_two_processes_have_the_losses_of_one_over_20_steps(of_two, tmp_path):
    set_determinism(True)
    alone = losses_of_20_steps(Processes(), tmp_path)
    torch.use_deterministic_algorithms(False)
    assert len(alone) == 20 and alone[-1] < 0.9 * alone[0]
    assert of_two[0]["losses"] == pytest.approx(alone, rel=1e-5)


def test_fp16_trains_where_a_process_has_no_sample_of_the_last_batch(of_two, tmp_path):
    alone = fp16_with_an_empty_share(Processes(), tmp_path)
    assert of_two[0]["fp16"] == of_two[1]["fp16"] == pytest.approx(alone, rel=0.05)


def test_a_folder_is_filled_once_and_shared(of_two):
    assert of_two[0]["shared"] == of_two[1]["shared"] and of_two[0]["shared"][:2] == ["once", 4]


@pytest.mark.slow
def test_a_failure_in_one_process_ends_all_and_leaves_no_folder(tmp_path):
    code = (
        "from radar_cleaner.training.distributed import join_processes\n"
        "def fill(folder):\n"
        "    (folder / 'half').write_text('half')\n"
        "    raise SystemExit('the store is broken')\n"
        "with join_processes(1) as processes:\n"
        "    with processes.shared_folder(fill):\n"
        "        pass\n"
    )
    done = run_two(code, tmp_path)
    assert done.returncode != 0 and "the store is broken" in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("radar-cleaner-")]


def test_sigterm_while_the_folder_is_filled_clears_it_away(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fill(folder):
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted), Interruption(), Processes().shared_folder(fill):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.slow  # two processes that wait for each other
def test_a_process_whose_fellow_dies_reports_it_in_a_line(tmp_path):
    code = (
        "import os, signal, time\n"
        "from radar_cleaner.training.distributed import join_processes\n"
        "from radar_cleaner.errors import ModelError\n"
        "with join_processes(1) as processes:\n"
        "    processes.sum_values({'a': 1.0})\n"
        "    if processes.rank:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    try:\n"
        "        processes.sum_values({'a': 1.0})\n"
        "    except ModelError as error:\n"
        "        print('ERROR:', error, flush=True)\n"
        "        raise SystemExit(1)\n"
    )
    done = run_two(code, tmp_path)
    assert done.returncode != 0
    assert "ERROR: another process of this training has ended or cannot be reached" in done.stdout


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match=r"2 processes share 1 GPU\(s\)"), join_processes(2):
        pass


def test_an_error_clears_the_folder_away(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError), Processes().shared_folder(lambda folder: None):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_process_whose_torchrun_is_gone_ends():
    Processes(parent=os.getppid()).check_parent()
    Processes().check_parent()
    with pytest.raises(SystemExit, match="torchrun has ended"):
        Processes(parent=os.getppid() + 1).check_parent()


def test_shares_make_up_the_batch():
    shares = [Processes(rank=rank, world=3).share(range(8)) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == list(range(8))
