"""Draw the workflow in dag/ as mermaid and, with graphviz, as SVG: `.venv/bin/python docs/draw_graphs.py`.

Three graphs: rulegraph (which rule needs which), filegraph (the same with the files), dag (every job). A DAG
of more than 250 arrows can hardly be read, and mermaid draws at most 500: it is shortened then.
"""

from __future__ import annotations

import argparse
import colorsys
import html
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

MAX_EDGES = 250
SHOWN = 2  # of the jobs of one rule that one job needs, where the DAG is shortened
QUESTIONS = {"rulegraph": ["--rulegraph", "dot"], "filegraph": ["--filegraph"], "dag": ["--dag", "dot"]}
SHORTENED = """\
The DAG has {jobs:,} jobs, too many to be read: of the jobs of one rule that a job needs, {shown} are drawn
and the rest counted. That of less: make dag TARGET=NAME, a rule or a file that a job makes."""
NO_DOT = """\
No SVG: graphviz's `dot` is not there (apt-get, brew or conda install graphviz).
A .mmd file is shown by GitHub and by editors with a mermaid extension."""


@dataclass(frozen=True)
class Node:
    """A box: its lines, the first of them the rule's name, and whether the job is done already."""

    lines: tuple[str, ...]
    done: bool = False

    @property
    def rule(self) -> str:
        return self.lines[0]


@dataclass(frozen=True)
class Graph:
    """Boxes by name, and arrows from what is needed to what needs it."""

    nodes: dict[str, Node]
    edges: frozenset[tuple[str, str]]


def read_graph(dot: str) -> Graph:
    """The graph that snakemake printed, its nodes named by their order, so that equal graphs are drawn equally."""
    nodes = {}
    for name, label, style in re.findall(r'^\s*(\d+)\[label = "(.*?)".*?style="(.*?)"', dot, re.MULTILINE):
        nodes[name] = Node(tuple(label.split(r"\n")), "dashed" in style)
    radars = re.search(r"\{radar,(.*?)\}", dot)
    tables = re.findall(r"^\s*(\d+) \[ shape=none.*?<(<table.*?</table>)>\]", dot, re.MULTILINE | re.DOTALL)
    for name, table in tables:
        nodes[name] = Node(read_files(table, radars[1] if radars else ""))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE)
    order = sorted(nodes, key=lambda name: (nodes[name].lines, int(name)))
    names = {name: f"n{index}" for index, name in enumerate(order)}
    return Graph(
        {names[name]: nodes[name] for name in order},
        frozenset((names[source], names[target]) for source, target in edges),
    )


def read_files(table: str, radars: str) -> tuple[str, ...]:
    """Rule, input and, after an arrow, output; files that differ by radar or time in one line."""

    def pattern(name: str) -> str:
        name = re.sub(r"\{(\w+),[^/]*?\}(?=[./]|$)", r"{\1}", html.unescape(name))
        name = re.sub(rf"(?<=[/_])({radars})(?=[/_.])", "{radar}", name) if radars else name
        name = re.sub(r"(?<=/)\d{6,}(T\d{2,4})?(?=\.)", "{shard}", name)
        name = re.sub(r"\d{8,}(T\d{2,4})?", "{time}", name)
        return name.removesuffix("/zarr.json").replace("<input function>", "what a function finds")

    head, *parts = table.split("<hr/>")
    lines = [re.findall(r'point-size="18">(.*?)<', head)[0]]
    for part, mark in zip(parts, ("", "→\N{NO-BREAK SPACE}"), strict=False):
        files = re.findall(r'face="monospace">(.*?)</font>', part)
        modules = [name for name in files if name.endswith(".py")]
        lines += [mark + kind for kind in sorted({pattern(name) for name in files if name not in modules})]
        lines += [f"{len(modules)} modules of {Path(modules[0]).parts[0]}"] if modules else []
    return tuple(lines)


def shorten(graph: Graph) -> Graph:
    """From the jobs that nobody needs backwards: of like jobs that one job needs a few, and how many more."""
    needs: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for source, target in sorted(graph.edges, key=lambda edge: int(edge[0][1:])):
        needs[target][graph.nodes[source].rule].append(source)
    needed = {source for source, _ in graph.edges}
    reached = {name: graph.nodes[name] for name in graph.nodes if name not in needed}
    pending, edges = list(reached), set()
    while pending:
        name = pending.pop()
        for rule, sources in needs[name].items():
            known_first = sorted(sources, key=lambda source: source not in reached)
            shown, rest = known_first[:SHOWN], known_first[SHOWN:]
            pending += [source for source in shown if source not in reached]
            reached |= {source: graph.nodes[source] for source in shown}
            edges |= {(source, name) for source in shown}
            if rest:
                box = f"{name}_{rule}"
                reached[box] = Node((rule, f"{len(rest):,} more"), all(graph.nodes[one].done for one in rest))
                edges.add((box, name))
    return Graph(reached, frozenset(edges))


def colours(graph: Graph) -> dict[str, str]:
    """A colour a rule, by its place in the alphabet."""
    rules = sorted({node.rule for node in graph.nodes.values()})
    shades = [colorsys.hsv_to_rgb(2 * index / (3 * len(rules)), 0.6, 0.85) for index in range(len(rules))]
    return {
        rule: "#" + bytes(round(255 * x) for x in shade).hex() for rule, shade in zip(rules, shades, strict=True)
    }


def to_dot(graph: Graph) -> str:
    """The graph in graphviz's language."""
    paint = colours(graph)
    lines = ["digraph workflow {", "graph[bgcolor=white, margin=0];"]
    lines += [
        "node[shape=box, fontname=sans, fontsize=10, penwidth=2, margin=0.15];",
        "edge[penwidth=2, color=grey];",
    ]
    for name, node in graph.nodes.items():
        text = [line.replace("\\", r"\\").replace('"', r"\"") for line in node.lines]
        label = r"\l".join([*text, ""]) if any("/" in line for line in text) else r"\n".join(text)
        style = "rounded,dashed" if node.done else "rounded"
        lines.append(f'{name}[label="{label}", color="{paint[node.rule]}", style="{style}"];')
    lines += [f"{source} -> {target};" for source, target in sorted(graph.edges)]
    return "\n".join([*lines, "}", ""])


def to_mermaid(graph: Graph) -> str:
    """The graph in mermaid's language."""
    paint = colours(graph)
    lines = ["flowchart TB"]
    for name, node in graph.nodes.items():
        text = [html.escape(line).replace("&", "#") for line in node.lines]  # mermaid's entities begin so
        lines.append(f'    {name}["{"<br/>".join(text)}"]')
        dashes = ",stroke-dasharray:5 5" if node.done else ""
        lines.append(f"    style {name} fill:#fff,color:#333,stroke-width:2px,stroke:{paint[node.rule]}{dashes}")
    lines += [f"    {source} --> {target}" for source, target in sorted(graph.edges)]
    return "\n".join([*lines, ""])


def ask_snakemake(question: list[str], config: str, targets: list[str]) -> str:
    """Return Snakemake's description of a graph, or its message where it refuses."""
    command = [sys.executable, "-m", "snakemake", *targets, *question, "--configfile", config]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def write_graph(path: Path, graph: Graph) -> list[Path]:
    """Write the graph as mermaid, and as SVG where there is graphviz; the files."""
    mermaid, svg = path.with_suffix(".mmd"), path.with_suffix(".svg")
    mermaid.write_text(to_mermaid(graph), encoding="utf-8")
    svg.unlink(missing_ok=True)
    if shutil.which("dot") is None:
        return [mermaid]
    subprocess.run(["dot", "-Tsvg", "-o", str(svg)], input=to_dot(graph), text=True, check=True)
    return [svg, mermaid]


def main() -> None:
    """Ask snakemake for each graph and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="files or rules whose graphs are wanted; default: everything")
    parser.add_argument("--config", default="config/config.yaml")
    parser.add_argument("--folder", default="dag", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, question in QUESTIONS.items():
        graph = read_graph(ask_snakemake(question, options.config, options.targets))
        if len(graph.edges) > MAX_EDGES:
            print(SHORTENED.format(jobs=len(graph.nodes), shown=SHOWN))
            graph = shorten(graph)
        print(*write_graph(options.folder / name, graph))
    if shutil.which("dot") is None:
        print(NO_DOT)


if __name__ == "__main__":
    main()
