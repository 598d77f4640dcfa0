"""The rule graph of the README is the workflow's."""

from __future__ import annotations

import copy
import re
from xml.etree import ElementTree

from workflow_cases import REPOSITORY, SMOKE, Workspace

SVG = "{http://www.w3.org/2000/svg}"


def test_the_committed_rule_graph_is_the_workflows(scratch: Workspace) -> None:
    """Nodes and arrows, of the demo's config; `make rulegraph` remakes it."""
    config = copy.deepcopy(SMOKE)
    config["samples"]["atlas"], config["evaluation"]["compare_model"] = "channel", "trained"
    config["cleaning"] = {"model": "pretrained", "geotiff": True}
    dot = scratch.forked("--rulegraph", "dot", "--snakefile", "workflow/Snakefile", config=config)
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, re.MULTILINE))
    wanted = {(rules[source], rules[target]) for source, target in re.findall(r"(\d+) -> (\d+)", dot)}

    root = ElementTree.parse(REPOSITORY / "docs/rulegraph.svg").getroot()
    groups = [(group.get("class"), group) for group in root.iter(f"{SVG}g")]
    names = {
        group.findtext(f"{SVG}title"): group.findtext(f"{SVG}text") for kind, group in groups if kind == "node"
    }
    arrows = [group.findtext(f"{SVG}title", "").split("->") for kind, group in groups if kind == "edge"]
    assert set(names.values()) == set(rules.values()), "make rulegraph"
    assert {(names[source], names[target]) for source, target in arrows} == wanted, "make rulegraph"
