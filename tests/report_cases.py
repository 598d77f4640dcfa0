"""A small finished run for the tests of the report: one to three radars, with gaps, rejects and scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from evaluation_cases import ONE_MODEL, Case, score
from store_cases import START, make_atlas, make_labels, make_reflectivity, pattern_codes, times_from

from radar_cleaner.conventions import NODATA, decode_dbz, is_echo
from radar_cleaner.evaluation.accumulation import with_all_radars
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.inpainting_lattice import hole_lattice
from radar_cleaner.evaluation.tables import reflectivity_rows, score_rows
from radar_cleaner.evaluation.tallies import Frame, RadarScores
from radar_cleaner.georeference.grid import Grid, RadarGeometry, distance_km
from radar_cleaner.georeference.polar import range_of_pixels
from radar_cleaner.georeference.regrid import warp_attrs, warp_grid
from radar_cleaner.plotting.style import new_figure, to_png
from radar_cleaner.products.cf import ProductWriter
from radar_cleaner.reflectivity.colour_space import ColourSpace
from radar_cleaner.reflectivity.picture import SLOTS, Picture, picture_attrs, picture_variables
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import Static, StoreWriter

SHAPE = (48, 48)
LEGEND_PX = 10
VARIABLES = ("reflectivity", "quality_flag", "meteorological_probability")
SHARDS = ("20240711T00", "20240711T01")
LABELERS = """\
labeler,for,against,silent,mean_log_odds,agrees
colour,100,0,0,0.5000,80
density,60,20,20,1.2500,60
"""
PLACES = {"CASGO": (45.0985, -63.70433), "CASCM": (46.22232, -65.69924), "CASXX": (45.5, -64.5)}


def geometry(radar: str) -> RadarGeometry:
    latitude, longitude = PLACES[radar]
    return RadarGeometry.about(radar, latitude, longitude, 240.0, SHAPE[1], SHAPE[0], (24.0, 23.0))


def shard_times(shard: str) -> list[int]:
    """Ten frames in the first shard, less one that is missing; five in the second."""
    if shard == SHARDS[0]:
        return [time for index, time in enumerate(times_from(count=10)) if index != 4]
    return times_from(START + 3600, 5)


def make_radar(layout: Layout, radar: str) -> None:
    """All stores of one radar that the report reads, and one reject of a hostile name in its first shard."""
    place = geometry(radar)
    grid = place.grid
    for shard in SHARDS:
        times = shard_times(shard)
        make_reflectivity(layout.reflectivity(radar, shard), radar, times, geometry=place, attrs=_label_attrs())
        make_labels(layout.labels(radar, shard), radar, times)
        with StoreWriter(
            layout.rgb(radar, shard),
            variables=RGB.frame_variables((SHAPE[0], SHAPE[1] + LEGEND_PX, 3)),
            attrs={"radar": radar},
        ) as rgb:
            for time in times:
                rgb.append(time, rgb=_picture(radar, time))
        rejects = [("<script>alert(1)</script>.png", "cut & <b>short</b>")] if shard == SHARDS[0] else []
        pd.DataFrame(rejects, columns=["file", "reason"]).to_csv(layout.rejects(radar, shard), index=False)
        with ProductWriter(layout.cleaned(radar, shard), grid, [radar], names=VARIABLES) as product:
            for time in times:
                product.append(time, **_cleaned(radar, time))
    make_atlas(layout.atlas(radar), radar, np.eye(48))
    make_place(layout, radar)
    make_picture(layout.picture(radar), radar)


def make_picture(path: Path, radar: str, **warnings: str) -> None:
    """Write a picture of a gray map with a line over it, and with warnings by their names."""
    overlay = np.zeros(SHAPE, bool)
    overlay[20] = True
    picture = Picture(
        ground=np.full((SLOTS, *SHAPE, 3), 90, np.uint8),
        ground_share=np.ones((SLOTS, *SHAPE), np.float32),
        overlay=overlay,
        nodata=np.zeros(SHAPE, bool),
        ground_colours=((90, 90, 90),),
        colours=(),
        tolerance=20,
        opacity=1,
        softness=0,
        space=ColourSpace(),
        frames=4,
        enough=False,
    )
    variables, attrs = picture_variables(picture), picture_attrs(picture)
    with StoreWriter(path, static=variables, attrs={"radar": radar, **warnings, **attrs}):
        pass


def make_place(layout: Layout, radar: str, off: bool = False) -> None:
    """Write the check of the place of a radar's pictures; a picture that is off is a warning."""
    sentence = "the picture is 3.0 px too far east" if off else "the place is right"
    _write(layout.place(radar), json.dumps({"radar": radar, "warns": off, "sentence": sentence}))
    layout.place_figure(radar).write_bytes(to_png(new_figure(2, 2)))


def make_run(
    results: Path,
    radars: tuple[str, ...] = ("CASGO", "CASCM"),
    trained: bool = True,
    evaluated: bool = True,
) -> Layout:
    """A results folder."""
    layout = Layout(results)
    for radar in radars:
        make_radar(layout, radar)
        for target in radars:
            make_warp(layout, target, radar)
    for shard in SHARDS:
        grid = geometry(radars[0]).grid
        with ProductWriter(layout.composite(shard), grid, radars, names=VARIABLES) as product:
            for time in shard_times(shard):
                product.append(time, **_cleaned(radars[0], time))
    if trained:
        for radar in radars:
            for shard in SHARDS:
                _write(layout.labelers(radar, shard), LABELERS)
        _write(results / "model" / "history.csv", "epoch,train_loss,val_loss\n0,1.0,1.1\n1,0.5,0.7\n")
        _write(results / "model" / "best.pt", "")
        for name, count in (("train", 3), ("val", 1), ("test", 2)):
            _write(results / "samples" / f"{name}.csv", "time,radar\n" + "t,CASGO\n" * count)
    if evaluated:
        make_evaluation(results, radars)
    return layout


def make_evaluation(results: Path, radars: tuple[str, ...], keeps: bool = True, **changes: object) -> None:
    """metrics.json of a model that is perfect, or keeps nothing, with these changes, and its pictures."""
    scores, bands = {}, Bands((30.0,), (120.0,), (4, 8))
    for radar in radars:
        scores[radar] = RadarScores(bands, ONE_MODEL)
        codes = pattern_codes(radar, START)
        reference = np.where(decode_dbz(codes) > 30, 1, 2).astype(np.uint8)
        distance = range_of_pixels(geometry(radar))
        case = Case(Frame(codes, reference, distance), np.ones_like(codes), np.eye(48, dtype=bool))
        right = (reference == 1).astype(np.float32) * keeps
        dbz, holes = decode_dbz(codes), hole_lattice(codes, START, bands.holes_px)
        scores[radar].add(START, score(case, right, dbz, bands, holes, dbz - np.float32(3)))
    found = with_all_radars(scores)
    metrics = {
        "reference": "masks",
        "models": {"model": "results/model/best.pt"},
        "threshold": 0.5,
        "votes": 1.0,
        "tta": False,
        "fast_dev_run": False,
        "samples": {
            "listed": 2,
            "scored": dict.fromkeys(radars, 1),
            "without_reference": dict.fromkeys(radars, 0),
        },
        "scores": score_rows(found),
        "reflectivity": reflectivity_rows(found),
        "worst_frames": [] if keeps else [_worst_row(radar) for radar in radars],
        **changes,
    }
    _write(results / "evaluation" / "metrics.json", json.dumps(metrics))
    for name in ("scores.png", "curve.png", "calibration.png", "reflectivity.png", "worst_frames.png"):
        (results / "evaluation" / name).write_bytes(to_png(new_figure(1, 1)))


def _worst_row(radar: str) -> dict[str, object]:
    counts = {"meteorological": 90, "non_meteorological": 10, "misses": 90, "false_alarms": 0}
    words = {"lost": "90 px of weather lost", "left": "no other echo kept"}
    return {"radar": radar, "time": format_time(START), **counts, "wrong_share": 0.9, "harm": 1.0, **words}


def _label_attrs() -> dict[str, object]:
    return {"plot_box_px": [LEGEND_PX, 0, LEGEND_PX + SHAPE[1], SHAPE[0]]}


def _picture(radar: str, time: int) -> np.ndarray:
    picture = np.full((SHAPE[0], SHAPE[1] + LEGEND_PX, 3), 90, np.uint8)
    picture[:, LEGEND_PX:][is_echo(pattern_codes(radar, time))] = (0, 200, 0)
    return picture


def _cleaned(radar: str, time: int) -> dict[str, np.ndarray]:
    codes = pattern_codes(radar, time)
    kept, removed = is_echo(codes) & (codes > 120), is_echo(codes) & (codes <= 120)
    flags = np.select([codes == NODATA, kept, removed], [255, 1, 2], 0).astype(np.uint8)
    return {
        "reflectivity": np.where(removed, 0, codes).astype(np.uint8),
        "quality_flag": flags,
        "meteorological_probability": np.full(SHAPE, 200, np.uint8),
    }


def make_warp(layout: Layout, target: str, radar: str) -> None:
    """The "warp" store of one radar's small box onto another's."""
    grid: Grid = geometry(target).grid
    places, coverage = warp_grid(grid, geometry(radar))
    with StoreWriter(
        layout.warp(target, radar),
        static={
            "grid": Static(places, ("y", "x", "coordinate")),
            "coverage": Static(coverage, ("y", "x")),
        },
        attrs=warp_attrs(target, grid, geometry(radar), distance_km(geometry(target), geometry(radar))),
    ):
        pass


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


SVG = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg width="80pt" height="44pt" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<script>alert(1)</script><a xlink:href="http://evil.example/"><text x="1" onclick="alert(2)">a &lt;b&gt;</text></a>
<image href="http://evil.example/x.png"/><rect fill="url(http://evil.example/)" stroke="#123456"/></svg>"""
