"""The command line: one subcommand a stage, its flags the stage function's keyword arguments.

Stages are imported only when called, so that a stage that needs no torch never waits for it.
"""

from __future__ import annotations

import logging
import os
import sys

from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from radar_cleaner import __version__
from radar_cleaner.config.messages import describe_errors
from radar_cleaner.config.section import Section
from radar_cleaner.errors import Interrupted, RadarCleanerError

STAGES = {
    "list_unplaced_frames": "List the pictures of a radar without a readable time in their name.",
    "build_rgb_store": "Decode and check the frames of a shard; refuse bad ones.",
    "check_frames": "Count the frames of a radar that were read and refused; fail if none was read.",
    "learn_picture": "Learn the map and the overlay of a radar's pictures.",
    "decode_reflectivity": "Decode the colours of frames to reflectivity.",
    "check_place": "Compare the ground of a radar's pictures with the coast at its coordinates.",
    "build_clutter_atlas": "Count how often each pixel has echo in quiet weather.",
    "build_warp_grid": "Map the pixels of a target grid to the pixels of a radar.",
    "place_static_fields": "Sample terrain and other rasters at the pixels of a radar.",
    "align_radars": "Pool the other radars on a radar's own grid.",
    "label_echoes": "Label the echoes: run the labelers and combine them into the training target.",
    "split_samples": "Write the tables of training and validation samples.",
    "list_test_samples": "Write the table of test samples.",
    "train_model": "Train the cleaner (run it by torchrun).",
    "evaluate_model": "Score the model and other cleaners on the test samples.",
    "sweep_thresholds": "Find what each cleaner removes at fixed shares of meteorological echo kept.",
    "evaluate_forecasts": "Score forecasts beside persistence and optical flow.",
    "clean_frames": "Write the cleaned product of a radar's shard.",
    "compose_radars": "Write the product of all radars on one grid.",
    "export_geotiff": "Write a GeoTIFF for each time of a product.",
    "write_report": "Write the report and the coverage table.",
    "list_models": "Print the networks and their options.",
    "export_model": "Write a trained model as ONNX, for other programs.",
    "show_summary": "Print the numbers of a finished run: frames, samples, scores.",
    "compare": "Compare the evaluations of several runs.",
    "show_sample": "Print and draw one sample as the network receives it.",
    "show_costs": "Print time, memory and bytes of the jobs of a run, rule by rule.",
    "locate_workflow": "Print where the workflow that comes with the package is.",
    "show_frame": "Show how a config reads a frame: its place, its classes, and the pixels that fit none.",
    "init": "Look at a folder of pictures and write a config for them, with comments.",
    "simulate": "Write a small simulated world: pictures, truth and a config.",
}


def describe(error: CycloptsError) -> str:
    """Return the message for a wrong command line; one line for each wrong key of a section."""
    cause, argument = error.__cause__, error.argument
    kind = argument.hint if argument is not None else None
    if isinstance(cause, ValidationError) and isinstance(kind, type) and issubclass(kind, Section):
        name = argument.name if argument is not None else ""
        return "\n".join(f"radar-cleaner: {name}.{line}" for line in describe_errors(cause, kind))
    return f"radar-cleaner: {error}"


app = App(
    error_formatter=describe,
    name="radar-cleaner",
    version=__version__,
    help="Turn raw weather-radar pictures into clean, georeferenced, physical data.",
    default_parameter=Parameter(consume_multiple=True, negative_iterable=()),
)
for _stage, _help in STAGES.items():
    app.command(f"radar_cleaner.stages.{_stage}:{_stage}", name=_stage.replace("_", "-"), help=_help)


def main() -> None:
    """Run a subcommand; an error that is the input's fault is one line, not a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        app()
    except RadarCleanerError as error:
        if not isinstance(error, Interrupted) or os.environ.get("RANK", "0") == "0":  # once for all processes
            print(f"radar-cleaner: {error}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL if isinstance(error, Interrupted) else 1)
