"""Write the report, one HTML page that needs no other file, and the coverage table."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.cleaning import Report
from radar_cleaner.config.frames import Cadence
from radar_cleaner.report.content import collect_values
from radar_cleaner.report.page import count_of, embed_svg, render_report
from radar_cleaner.report.run import FinishedRun
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores, parse_time

log = logging.getLogger(__name__)


def write_report(
    *,
    results: Path,
    stores: list[str],
    frames: Cadence,
    period: list[str] | None = None,
    layouts: list[str] | None = None,
    labelled: list[str] | None = None,
    trained_on: list[str] | None = None,
    atlases: list[Path] | None = None,
    trained: bool = False,
    evaluated: bool = False,
    report: Report,
    rule_graph: Path | None = None,
    run_started: Path | None = None,
    coverage: Path,
    output: Path,
) -> None:
    """Write the report and the coverage table.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        All shards of the run, RADAR=SHARD,FIRST..LAST,...
    frames
        The time between two frames.
    period
        START/END, ... (ISO 8601) in which frames are expected. By default from a radar's first frame to its last.
    layouts
        Shards of the radars' other layouts, as `stores`.
    labelled
        Shards whose echoes are labelled, as `stores`.
    trained_on
        Shards of the training, as `stores`: the report counts the evidence of the labelers in them.
    atlases
        Atlas stores to show, if the run has them.
    trained
        Whether the run trained its model, and so has a history.
    evaluated
        Whether the run has scores.
    report
        How many frames are shown.
    rule_graph
        Drawing of the rules as SVG.
    run_started
        File written when the run began: older stores count as reused. Without it all count as made.
    coverage
        Coverage table to write.
    output
        HTML page to write.
    """
    run = FinishedRun(
        Layout(results),
        decode_stores(stores),
        decode_stores(labelled or []),
        decode_stores(trained_on or []),
        atlases or [],
        trained,
        evaluated,
        run_started.stat().st_mtime if run_started and run_started.exists() else None,
        decode_stores(layouts or []),
    )
    table, rejects = run.read_coverage(frames.cadence_minutes, [_parse_part(part) for part in period or []])
    write_csv(coverage, table)
    values = collect_values(run, table, rejects, report.frames)
    graph = embed_svg(rule_graph.read_bytes(), str(rule_graph)) if rule_graph else None
    write_text(output, render_report(**values, cadence=f"{frames.cadence_minutes:g}", rule_graph=graph))
    read = count_of(values["totals"]["read"], "frame")
    log.info("report of %s, %d of them shown: %s", read, len(values["frames"]), output)


def _parse_part(text: str) -> tuple[int, int]:
    start, _, end = text.partition("/")
    return parse_time(start), parse_time(end)
