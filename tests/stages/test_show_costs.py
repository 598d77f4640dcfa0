"""Costs are summed by rule, also with broken benchmark files."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pandas as pd
import pytest
from workflow_cases import REPOSITORY, TARGETS

from radar_cleaner.errors import StoreError
from radar_cleaner.report.costs import OUTPUTS, add_costs, duration, measure_outputs, read_costs
from radar_cleaner.stages.show_costs import show_costs

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
ROW = "{s}\t0:00:01\t{memory}\t9\t9\t9\t9\t9\t50.0\t{cpu}\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def job(results: Path, name: str, s: object, memory: object = "NA", cpu: object = "NA") -> None:
    write(results / "benchmarks" / f"{name}.tsv", HEAD + ROW.format(s=s, memory=memory, cpu=cpu))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three jobs of one rule, one of them too short to be measured, and a training."""
    job(tmp_path, "decode_reflectivity/A/20240711", 10.0, 100, 5.0)
    job(tmp_path, "decode_reflectivity/A/20240712", 30.0, 300, 25.0)
    job(tmp_path, "decode_reflectivity/B/20240711", 0.4)
    job(tmp_path, "train_model", 7200, 2000.5, 14400)
    write(tmp_path / "reflectivity/A/20240711.zarr/zarr.json", "x" * 1000)
    write(tmp_path / "reflectivity/A/20240711.zarr/reflectivity/c/0", "x" * 500)
    write(tmp_path / "model/best.pt", "x" * 70)
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The printed rows by their rule, blanks made one."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in capsys.readouterr().out.splitlines() if line}


def test_costs_are_summed_by_rule_in_the_order_of_the_pipeline(results: Path) -> None:
    labels, training = read_costs(results / "benchmarks")
    assert (labels.rule, labels.jobs, labels.seconds, labels.longest) == ("decode_reflectivity", 3, 40.4, 30.0)
    assert (labels.memory, labels.cpus, labels.unreadable) == (300, 30 / 40, 0)
    assert (training.rule, training.jobs, training.cpus) == ("train_model", 1, 2)
    total = add_costs("all", [labels, training])
    assert (total.jobs, total.seconds, total.longest, total.memory) == (4, 7240.4, 7200, 2000.5)
    assert total.cpus == 14430 / 7240


def test_the_table_is_printed_and_written(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_costs(results=results, csv=results / "costs.csv")
    found = lines(capsys)
    assert found["decode_reflectivity"] == "3 40.4 s 30.0 s 300 MiB 0.8 0.0 MB"
    assert found["train_model"] == "1 2 h 00 min 2 h 00 min 2,000 MiB 2.0 0.0 MB"
    assert found["all"].startswith("4 2 h 01 min 2 h 00 min 2,000 MiB 2.0")
    table = pd.read_csv(results / "costs.csv", index_col="rule")
    assert table.loc["decode_reflectivity", "bytes"] == 1500 and table.loc["train_model", "bytes"] == 70
    assert (
        table.loc["decode_reflectivity", "peak_memory_mib"] == 300 and table.loc["train_model", "seconds"] == 7200
    )


@pytest.mark.parametrize(
    "text",
    ["", HEAD, HEAD + ROW.format(s="-", memory=5, cpu=1), "s\n-1\n", "s\ninf\n", "\x00"],
)
def test_a_broken_benchmark_is_counted_and_not_in_the_sums(
    results: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(results / "benchmarks/train_model.tsv", text)
    show_costs(results=results, csv=results / "costs.csv")
    printed = capsys.readouterr().out
    assert "1 of the jobs have a benchmark file without a time" in printed
    assert re.search(r"train_model +1 +0.0 s +- ", printed)
    assert pd.isna(pd.read_csv(results / "costs.csv", index_col="rule").loc["train_model", "longest_seconds"])


def test_a_binary_file_is_counted(results: Path) -> None:
    (results / "benchmarks/train_model.tsv").write_bytes(b"\xff\xfe\x00")
    assert read_costs(results / "benchmarks")[-1].unreadable == 1


def test_jobs_of_an_unknown_rule_have_no_bytes(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job(results, "forgotten/A", 1, 10, 1)
    show_costs(results=results, csv=results / "costs.csv")
    assert lines(capsys)["forgotten"].endswith(" -")
    assert pd.isna(pd.read_csv(results / "costs.csv", index_col="rule").loc["forgotten", "bytes"])


@pytest.mark.parametrize("folder", ["", "benchmarks"])
def test_missing_benchmarks_are_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    with pytest.raises(StoreError, match=r"benchmarks: .*run snakemake"):
        show_costs(results=tmp_path)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0, "0.0 s"), (99.94, "99.9 s"), (100, "2 min"), (3599, "1 h 00 min")]
)
def test_times_are_formatted_in_a_readable_unit(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def outputs_of_rules() -> list[tuple[str, str]]:
    """Each rule with each file or store that it makes, of a radar and a shard."""
    text = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    found = []
    head = r"^(?:use rule \w+ as (?=\w+ with:)|rule )(\w+)(?: with)?:\n"
    for rule, body in re.findall(head + r"(.*?)(?=^(?:use )?rule |\Z)", text, re.MULTILINE | re.DOTALL):
        output = re.search(r"^    output:\n(.*?)^    \w+:", body, re.MULTILINE | re.DOTALL)
        found += [(rule, name) for name in re.findall(r'"<results>/(.*?)"', output[1] if output else "")]
    values = {"{radar}": "CASGO", "{target}": "CASGO", "{shard}": "20240711T13", "{seed}": "2"}
    return [(rule, re.sub(r"{\w+}", lambda wildcard: values[wildcard[0]], name)) for rule, name in found]


def test_the_bytes_of_an_output_are_counted_for_its_rule_and_no_other(tmp_path: Path) -> None:
    for number, (rule, output) in enumerate(outputs_of_rules()):
        results = tmp_path / str(number)
        write(results / PurePosixPath(output), "12345")
        assert {name: size for name in OUTPUTS if (size := measure_outputs(results, name))} == {rule: 5}, output


def test_every_rule_is_known() -> None:
    rules = {rule for rule, _ in outputs_of_rules()}
    assert rules == set(OUTPUTS) and not rules & set(TARGETS)
