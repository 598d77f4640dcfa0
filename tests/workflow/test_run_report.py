"""`snakemake --report` of a finished run: offline, with captions, categories, run times and all figures."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from workflow_cases import REPOSITORY, Workspace

SHOWN = {
    "Report": {"report/report.html", "report/coverage.csv"},
    "Scores": {
        f"evaluation/{name}"
        for name in (
            "metrics.json",
            "scores.csv",
            "curve.csv",
            "calibration.csv",
            "frames.csv",
            "scores.png",
            "curve.png",
            "calibration.png",
            "reflectivity.png",
            "worst_frames.png",
        )
    },
    "Training": {f"model/{name}" for name in ("history.csv", "history.png", "card.md")},
}
CAPTIONS = REPOSITORY / "workflow/report"
NOWHERE = "http://127.0.0.1:9"  # no proxy listens here: every request to the network fails


@pytest.fixture(scope="module")
def page(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "run_report.html"
    finished.write_config()  # another test may have left its own
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    done = subprocess.run(
        finished.command("--report", str(path), "--report-stylesheet", "workflow/report/narrow.css"),
        cwd=finished.root,
        env={**finished.environment(), **dict.fromkeys(names, NOWHERE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text(encoding="utf-8")


def value_of(page: str, name: str) -> Any:
    """The objects of this name in the script of the page."""
    found = re.search(rf'<script id="[\w-]+">\s*var {name} = ', page)
    assert found, name
    return json.JSONDecoder().raw_decode(page, found.end())[0]


def test_every_figure_and_table_is_in_its_category(page: str) -> None:
    found = {
        category: {name.removeprefix("results/") for names in parts.values() for name in names}
        for category, parts in value_of(page, "categories").items()
    }
    assert found == SHOWN


def test_every_output_has_a_caption_and_one_label_of_its_own(page: str) -> None:
    """Of two labels the page makes switches, and is blank where an output has not both kinds."""
    results = value_of(page, "results")
    labels = [tuple(result["labels"].items()) for result in results.values()]
    assert all(len(label) == 1 for label in labels) and len(set(labels)) == len(labels)
    for name, result in results.items():
        words = re.sub("<.*?>", "", result["caption"]).split()
        assert len(words) > 5 and "{{" not in words, name
    caption = " ".join(results["results/evaluation/scores.png"]["caption"].split())
    assert "the threshold of its strength &quot;normal&quot;" in caption.replace('"', "&quot;")


def test_the_files_are_in_the_page(page: str, finished: Workspace) -> None:
    for name, result in value_of(page, "results").items():
        head, _, data = result["data_uri"].partition("base64,")
        assert head.startswith("data:") and base64.b64decode(data) == (finished.root / name).read_bytes(), name


def test_the_overview_names_what_is_there_and_the_run_times_are_all_jobs(page: str) -> None:
    words = re.sub("<.*?>", "", value_of(page, "workflow_desc"))
    assert all(f"{category}:" in words for category in SHOWN) and "System Message" not in words
    rules = {row["rule"] for row in value_of(page, "runtimes_spec")["data"]["values"]}
    assert {"build_rgb_store", "train_model", "clean_frames", "write_report"} <= rules


def test_the_page_fetches_nothing(page: str) -> None:
    assert not re.search(r"<(script|img|iframe)[^>]* src=|<link |@import", page.split("<body>")[0])
    assert not re.search(r"<script[^>]* src=", page)


def test_each_caption_belongs_to_an_output() -> None:
    rules = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    shown = {Path(name).name for name in re.findall(r'shown\(\s*"(.*?)"', rules)}
    assert {path.name.removesuffix(".rst") for path in CAPTIONS.glob("*.*.rst")} == shown


def test_before_the_end_of_a_run_it_names_what_is_missing(scratch: Workspace) -> None:
    output = scratch.forked("--report", "page.html", refused=True)
    assert re.search(r"results/\w+/[\w.]+ marked for report but does not exist", output)
    assert not os.path.lexists(scratch.root / "page.html")


def test_which_torch_conda_would_take_reruns_nothing_without_conda(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADAR_CLEANER_TORCH", "gpu")
    assert "Nothing to be done" in finished.forked("--dry-run")
