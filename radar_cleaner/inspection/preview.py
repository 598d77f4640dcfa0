"""Draw a picture with the plot box that was found, and list its colours, before a config is complete."""

from __future__ import annotations

from radar_cleaner.inspection.findings import SizeFindings
from radar_cleaner.plotting.checked_frame import ClassRow, Place, checked_frame_figure
from radar_cleaner.reflectivity.palette import format_colour

ROWS = 24


def preview(title: str, found: SizeFindings, notes: list[str]) -> bytes:
    """Return a PNG of the last picture that was looked at, with its plot box and its colours."""
    counts = found.counts
    rows = [
        ClassRow(
            f"colour {number}",
            format_colour(counts.colours[index].tolist()),
            "?",
            int(counts.pixels[index] / counts.frames),
            float(counts.shares[index]),
        )
        for number, index in enumerate(counts.echo_candidates(ROWS), start=1)
    ]
    return checked_frame_figure(
        title, found.look.frames[-1], found.plot_box.box, Place(), None, found.legend_boxes, None, rows, notes
    )
