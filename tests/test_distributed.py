"""Several processes give what one gives."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from learning_cases import augmentation, config, small_bank, training

from radar_cleaner.distributed import Processes, join_processes
from radar_cleaner.losses import TERMS
from radar_cleaner.models import draw_weights
from radar_cleaner.training import backward_share, cut_items

HOW = augmentation(flips=True, hole_fraction=0.7, drop_others=0.3, prefer_echo=0.8)
BATCHES = (
    [0, 1, 2, 3],
    [2, 0, 1],
    [3],
)  # the last two do not divide by two: one process has less, or nothing


def gradients(processes):
    """Gradients (as one vector) and summed terms of each of BATCHES on these processes."""
    bank, samples = small_bank()
    model = config().build()
    draw_weights(model, 3)
    results = []
    for items in BATCHES:
        model.zero_grad(set_to_none=True)
        share = processes.share(items)
        raw = cut_items(training(HOW), bank, samples, share, 0) if share else None
        sums = processes.sum_values(backward_share(training(HOW), model, raw, len(items), processes))
        results.append((torch.cat([p.grad.reshape(-1) for p in model.parameters()]), sums))
    return results


def work(folder):
    """What each of two processes does in the test below; started by torchrun."""
    with join_processes(1) as processes:
        found = gradients(processes)
        assert processes.broadcast(processes.rank) == 0
        with processes.shared_folder(lambda made: (made / "data").write_text("once")) as (shared, written):
            text = (shared / "data").read_text()
        torch.save([found, text, written, shared.name], folder / f"{processes.rank}.pt")


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
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
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


def test_two_processes_have_the_gradients_of_one_also_for_uneven_batches(tmp_path):
    code = f"import test_distributed, pathlib\ntest_distributed.work(pathlib.Path({str(tmp_path)!r}))\n"
    done = run_two(code, tmp_path)
    assert done.returncode == 0, done.stderr
    alone = gradients(Processes())
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    for (vector, sums), (ours, our_sums), (theirs, their_sums) in zip(alone, first[0], second[0], strict=True):
        assert vector.abs().max() > 1e-3
        assert torch.equal(ours, theirs) and our_sums == their_sums
        assert torch.allclose(ours, vector, rtol=1e-4, atol=1e-6)
        assert all(our_sums[name] == pytest.approx(sums[name], rel=1e-5) for name in TERMS)
    assert first[1:] == second[1:] and first[1:3] == ["once", 4]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("radar-cleaner-")]


def test_a_failure_in_one_process_ends_all_and_leaves_no_folder(tmp_path):
    code = (
        "from radar_cleaner.distributed import join_processes\n"
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

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit), Processes().shared_folder(fill):
        pass
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_clears_the_folder_away(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError), Processes().shared_folder(lambda folder: None):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_process_whose_torchrun_is_gone_ends():
    Processes(parent=os.getppid()).check_parent()
    Processes().check_parent()
    with pytest.raises(SystemExit, match="torchrun is gone"):
        Processes(parent=os.getppid() + 1).check_parent()


def test_shares_make_up_the_batch():
    shares = [Processes(rank=rank, world=3).share(range(8)) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == list(range(8))
