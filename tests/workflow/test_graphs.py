"""The graphs of the workflow: each is drawn, a large one can be read, the README's is the workflow's."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from workflow_cases import REPOSITORY, SMOKE, Workspace

from docs.draw_graphs import MAX_EDGES, Graph, read_graph, shorten, to_dot, to_mermaid, write_graph

SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


def archive(shards: int) -> str:
    """The DAG of so many shards as snakemake prints it: each is decoded and cleaned, one model is of all."""
    rows = ['0[label = "all", color = "0 0 0", style="rounded"];']
    rows += ['1[label = "train_model", color = "0 0 0", style="rounded"];', "1 -> 0"]
    for shard in range(shards):
        decode, clean = 2 + 2 * shard, 3 + 2 * shard
        rows.append(
            f'{decode}[label = "build_rgb_store\\nshard: {shard:06}", color = "0", style="rounded,dashed"];'
        )
        rows.append(f'{clean}[label = "clean_frames", color = "0", style="rounded"];')
        rows += [f"{decode} -> {clean}", f"{decode} -> 1", f"1 -> {clean}", f"{clean} -> 0"]
    return "digraph snakemake_dag {\n" + "\n".join(rows) + "\n}"


def rules_of(graph: Graph) -> set[tuple[str, str]]:
    return {(graph.nodes[source].rule, graph.nodes[target].rule) for source, target in graph.edges}


def test_the_committed_rule_graph_is_the_workflows(scratch: Workspace) -> None:
    """Nodes and arrows, of the demo's config; `make rulegraph` remakes it."""
    config = copy.deepcopy(SMOKE)
    config["samples"]["atlas"], config["evaluation"]["compare_model"] = "channel", "trained"
    config["cleaning"] = {"model": "pretrained", "geotiff": True}
    drawn = read_graph(scratch.snakemake("--rulegraph", "dot", config=config).stdout)
    root = ElementTree.parse(REPOSITORY / "docs/rulegraph.svg").getroot()
    groups = [(group.get("class"), group) for group in root.iter(f"{SVG}g")]
    names = {
        group.findtext(f"{SVG}title"): group.findtext(f"{SVG}text") for kind, group in groups if kind == "node"
    }
    arrows = [group.findtext(f"{SVG}title", "").split("->") for kind, group in groups if kind == "edge"]
    remake = "the README's graph is not the workflow's: make rulegraph"
    assert set(names.values()) == {node.rule for node in drawn.nodes.values()}, remake
    assert {(names[source], names[target]) for source, target in arrows} == rules_of(drawn), remake


def test_the_graphs_are_drawn_of_a_target(scratch: Workspace) -> None:
    scratch.write_config()
    command = [sys.executable, "docs/draw_graphs.py", "train", "--config", "config.yaml"]
    done = subprocess.run(command, cwd=scratch.root, env=scratch.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("rulegraph", "filegraph", "dag"):
        drawn = (scratch.root / "dag" / f"{name}.mmd").read_text()
        assert "train_model" in drawn and "clean_frames" not in drawn
        assert (scratch.root / "dag" / f"{name}.svg").exists() == (shutil.which("dot") is not None)
    files = (scratch.root / "dag/filegraph.mmd").read_text()
    assert "results/labels/{radar}/{shard}.zarr" in files
    assert not re.search("CASGO|20240711|d{6|function>", files)


def test_what_snakemake_refuses_is_told(scratch: Workspace) -> None:
    scratch.write_config()
    command = [sys.executable, "docs/draw_graphs.py", "nonsense", "--config", "config.yaml"]
    done = subprocess.run(command, cwd=scratch.root, env=scratch.environment(), capture_output=True, text=True)
    assert done.returncode != 0 and "nonsense" in done.stderr and "Traceback" not in done.stderr


def test_the_dag_of_an_archive_is_shortened_to_what_can_be_read() -> None:
    whole = read_graph(archive(3000))
    short = shorten(whole)
    assert len(whole.nodes) == 6002 and len(short.nodes) == 8 and len(short.edges) < MAX_EDGES
    assert rules_of(short) == rules_of(whole)
    assert {node.lines[1] for node in short.nodes.values() if node.rule == "clean_frames" and node.lines[1:]} == {
        "2,998 more"
    }
    assert {node.done for node in short.nodes.values() if node.rule == "build_rgb_store"} == {True}
    assert not any(node.done for node in short.nodes.values() if node.rule != "build_rgb_store")


def test_nothing_is_left_out_of_what_is_small() -> None:
    whole = read_graph(archive(2))
    assert shorten(whole).edges == whole.edges and shorten(whole).nodes == whole.nodes


def test_equal_graphs_are_drawn_equally_in_whatever_order_they_come() -> None:
    head, *rows, tail = archive(2).splitlines()
    one, other = (read_graph("\n".join([head, *lines, tail])) for lines in (rows, rows[::-1]))
    assert to_dot(one) == to_dot(other) and to_mermaid(one) == to_mermaid(other)


@needs_dot
def test_an_older_drawing_does_not_stay_where_dot_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = read_graph(archive(1))
    svg = tmp_path / "dag.svg"
    assert svg in write_graph(svg, graph)
    assert "build_rgb_store" in svg.read_text()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert write_graph(svg, graph) == [tmp_path / "dag.mmd"]
    assert not svg.exists()
