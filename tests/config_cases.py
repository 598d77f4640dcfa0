"""Mistakes in a config, each with the place and the remedy or reason that its one line names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radar_cleaner.targets.label_model import LABELERS

Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        part: Any = config
        for key in path[:-1]:
            part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
        part[path[-1]] = value

    return change


def frames_of(source: str, told: str) -> tuple[Change, str, str]:
    """A first radar whose frames are of a wrong source."""
    return put("radars", 0, "frames", value=source), "radars[0].frames", told


MASK = ("frames.overlay.mask",)
MISTAKES: dict[str, tuple[Change, str, str]] = {
    # name: (change, place, remedy or reason)
    "typo in a key": (put("labels", "min_dbs", value=7), "labels.min_dbs", "did you mean 'min_dbz'?"),
    "typo in a section": (put("traning", value={}), "traning", "did you mean 'training'?"),
    "typo in a radar": (put("radars", 0, "lattitude", value=4), "radars[0].lattitude", "'latitude'"),
    "latitude 145": (put("radars", 0, "latitude", value=145), "radars[0].latitude", "at most 90"),
    "a text for a number": (
        put("training", "epochs", value="ten"),
        "training.epochs",
        '"ten" is not possible; write a whole number',
    ),
    "a text that is a number": (
        put("training", "epochs", value="12"),
        "training.epochs",
        '"12" is not possible; write a whole number, such as 12',
    ),
    "a text that is too large a number": (
        put("training", "epochs", value="1e999999999"),
        "training.epochs",
        '"1e999999999" is not possible; write a whole number',
    ),
    "a missing key": (lambda c: c["radars"][0].pop("range_km"), "radars[0].range_km", "is missing"),
    "no radars": (put("radars", value=[]), "radars", "[] is too short; write at least 1 item"),
    "one id twice": (put("radars", 1, "id", value="CASGO"), "radars[0].id", "two radars"),
    "an id with a slash": (put("radars", 0, "id", value="a/b"), "radars[0].id", "letters"),
    "an id like a flag": (put("radars", 0, "id", value="-x"), "radars[0].id", "not begin with '-'"),
    "an id with a line break": (put("radars", 0, "id", value="A\n"), "radars[0].id", "letters"),
    "one id in two cases": (put("radars", 1, "id", value="casgo"), "radars[0].id", "two radars"),
    "an id that is a target's": (put("radars", 1, "id", value="Composite"), "radars[1].id", "write another"),
    "a size that no picture has": (
        put("frames", "size_px", value=[480, 580]),
        "frames.size_px",
        "most are [580, 480]",
    ),
    "no such folder": frames_of("nowhere", "there is no folder"),
    "a glob from no folder": frames_of(
        "nowhere/**/*.png", "there is no folder nowhere/; name one before the first * of the glob"
    ),
    "a glob of folders": frames_of("resources/*/frames/*", "no pictures found in resources/*/frames/*"),
    "a glob with a wrong range": frames_of(
        "frames/20[9-1]*/*.png", "frames/20[9-1]*/*.png is no glob (bad character range 9-1)"
    ),
    "an address of another store": frames_of(
        "gs://radar/archive", "gs://radar/archive: an address begins with s3://"
    ),
    "an address in capital letters": frames_of(
        "S3://radar/archive", "S3://radar/archive: an address begins with s3://"
    ),
    "an address without a bucket": frames_of(
        "s3://", "s3://: the bucket is missing; write it like s3://bucket/prefix"
    ),
    "an archive that is not there": frames_of(
        "frames.tar.gz", "the archive frames.tar.gz cannot be read: No such file"
    ),
    "an archive of a kind that is not read": frames_of(
        "README.md", "README.md is neither a folder nor an archive (.zip, .tar,"
    ),
    "a pattern of folders that fits no path": (
        put("frames", "pattern", value=r"(\d{4}/\d{2}/\d{2}/\d{4})"),
        "radars[0].frames",
        "nothing matches",
    ),
    "a credential in the config": (
        put("s3", "secret_key", value="x"),
        "s3.secret_key",
        "no such key; known here: endpoint_url, region",
    ),
    "an endpoint without http": (
        put("s3", "endpoint_url", value="localhost:9000"),
        "s3.endpoint_url",
        "write it like http://",
    ),
    "credentials in the endpoint": (
        put("s3", "endpoint_url", value="http://me:secret@localhost:9000"),
        "s3.endpoint_url",
        "AWS_SECRET_ACCESS_KEY in the environment",
    ),
    "no frames found": frames_of("config", "no pictures found"),
    "a pattern that fits no name": (
        put("frames", "pattern", value=r"(\d{14})"),
        "radars[0].frames",
        "see frames.pattern",
    ),
    "a broken pattern": (put("frames", "pattern", value="(12"), "frames.pattern", "no regular expression"),
    "a pattern without group": (put("frames", "pattern", value=r"\d{12}"), "frames.pattern", "no group"),
    "a time format without minutes": (
        put("frames", "time_format", value="%Y%m%d%H"),
        "frames.time_format",
        "minute",
    ),
    "an unknown time zone": (put("frames", "time_zone", value="Mars/Base"), "frames.time_zone", "Asia/Bangkok"),
    "a box outside the picture": (
        put("frames", "plot_box_px", value=[100, 0, 581, 480]),
        "frames.plot_box_px",
        "does not lie inside the picture [0, 0, 580, 480]",
    ),
    "an overlay outside the picture": (
        put("frames", "overlay", "boxes_px", value=[[570, 0, 590, 5]]),
        "frames.overlay.boxes_px[0]",
        "inside the picture",
    ),
    "box and legend both": (put("frames", "legend_width_px", value=80), "frames.legend_width_px", "keep one"),
    "a centre outside the box": (
        put("radars", 0, "center_px", value=[20, 20]),
        "radars[0].center_px",
        "not in the plot box",
    ),
    "no palette": (put("labels", "palette", value=None), "labels.palette", "needs a CSV"),
    "a palette that is not there": (put("labels", "palette", value="x.csv"), "labels.palette", "no file"),
    "a palette that is a picture": (
        put("labels", "palette", value="docs/before_after.png"),
        "labels.palette",
        "no CSV of colours",
    ),
    "a palette that is no palette": (
        put("labels", "palette", value="pyproject.toml"),
        "labels.palette",
        "has the columns colour,dbz_min",
    ),
    "a legend beyond what can be stored": (
        put("labels", "legend", "dbz", value=[5, 200]),
        "labels.legend.dbz[1]",
        "at most 95",
    ),
    "a mask that is not there": (put("frames", "overlay", "mask", value="m.png"), *MASK, "no file m.png"),
    "a mask that is no picture": (put("frames", "overlay", "mask", value="README.md"), *MASK, "is no PNG, GIF"),
    "a mask of another size": (
        put("frames", "overlay", "mask", value="docs/before_after.png"),
        *MASK,
        "name a picture of the frame's size, 580 x 480 px for radar CASGO",
    ),
    "a legend without its box": (put("labels", "method", value="legend"), "labels.legend.box_px", "needs the box"),
    "a period off a shard boundary": (
        put("training", "period", value=["2024-07-10 22:30", "2024-07-11 00:00"]),
        "training.period",
        "not the start of a hour",
    ),
    "a period that ends before it starts": (
        put("training", "period", value=["2024-07-11 00:00", "2024-07-10 22:00"]),
        "training.period",
        "is not after",
    ),
    "the newest frames and a training": (
        put("frames", "newest_minutes", value=60),
        "frames.newest_minutes",
        "name a model file as cleaning.model",
    ),
    "newest frames of the future": (put("frames", "newest_minutes", value=-6), "frames.newest_minutes", "least 0"),
    "overlapping periods": (
        put("evaluation", "period", value=["2024-07-10 23:00", "2024-07-11 14:00"]),
        "evaluation.period",
        "overlaps training.period",
    ),
    "a period without frames": (
        put("evaluation", "period", value=["2025-07-10 23:00", "2025-07-11 14:00"]),
        "evaluation.period",
        "no radar has a frame",
    ),
    "a time that is none": (put("frames", "period", value=["today", "2025-01-01"]), "frames.period", "no time"),
    "no training period": (lambda c: c["training"].pop("period"), "training.period", "cleaning.model"),
    "a model that is not there": (put("cleaning", "model", value="m.pt"), "cleaning.model", "there is no file"),
    "a model that is none": (put("cleaning", "model", value="README.md"), "cleaning.model", "is no model file"),
    "the pretrained model without what it learned with": (
        put("cleaning", "model", value="pretrained"),
        "samples.atlas",
        "write channel",
    ),
    "a model to compare with that is not there": (
        put("evaluation", "compare_model", value="m.pt"),
        "evaluation.compare_model",
        "there is no file m.pt; write trained, pretrained or the path",
    ),
    "an unknown network": (put("training", "model", "name", value="unet"), "training.model.name", "tiny_unet"),
    "no vote at all": (
        put("votes", value=dict.fromkeys(LABELERS[:-1], 0)),
        "votes",
        "persistence, others are all 0; give one of them a weight above 0",
    ),
    "a vote against a labeler": (put("votes", "spoke", value=-1), "votes.spoke", "must be at least 0"),
    "a labeler that there is not": (put("votes", "spokes", value=1), "votes.spokes", "did you mean 'spoke'?"),
    "a confidence that nobody has": (put("votes", "min_confidence", value=1), "votes.min_confidence", "0.99"),
    "a weight for masks that are a folder": (
        put("votes", "reference", value=1),
        "votes.reference",
        "1 is not possible; write a text or null",
    ),
    "voting masks that are not there": (
        put("votes", "reference", value="config"),
        "votes.reference",
        "config has no masks RADAR/*.png of the training period",
    ),
    "a window of half a pixel": (put("atlas", "window_px", value=16.5), "atlas.window_px", "a whole number"),
    "a window of less than nothing": (put("atlas", "window_px", value=-1), "atlas.window_px", "at least 0"),
    "a window that one echo fills": (
        put("atlas", "window_px", value=1),
        "atlas.window_px",
        "a single echo is more than atlas.quiet_fraction 0.5; raise one of them, or write 0",
    ),
    "a share of quiet of nothing": (put("atlas", "quiet_fraction", value=0), "atlas.quiet_fraction", "above 0"),
    "no quiet frame at all": (put("atlas", "min_quiet_frames", value=0), "atlas.min_quiet_frames", "least 1"),
    "a seed too large": (put("training", "seed", value=2**63), "training.seed", f"at most {2**63 - 1}"),
    "no number": (put("votes", "area", value=float("nan")), "votes.area", "NaN is no number to reckon with"),
    "an endless number in a list": (
        put("evaluation", "dbz_bands", value=[10, float("inf")]),
        "evaluation.dbz_bands[1]",
        "write a finite one",
    ),
    "no number in a box": (
        put("frames", "size_px", value=[float("nan"), 480]),
        "frames.size_px[0]",
        "NaN is no number",
    ),
    "half a pixel below the least": (put("training", "crop_px", value=1.5), "training.crop_px", "a whole number"),
    "a number that no float holds": (
        put("radars", 0, "center_px", value=[10**400, 0]),
        "radars[0].center_px[0]",
        "write a finite one",
    ),
    "a whole number with a point": (
        put("frames", "size_px", value=[580.0, 480]),
        "frames.size_px",
        "write null or a list of 2 whole numbers, 1 or more",
    ),
    "a share that no blocks have": (
        put("samples", "validation", value=0.4),
        "samples.validation",
        "write 0.5 or 0.33, or 0 for none",
    ),
    "a share of next to nothing": (
        put("samples", "validation", value=5e-324),
        "samples.validation",
        "write 0",
    ),
    "a block shorter than a sample": (
        put("samples", "block_minutes", value=23),
        "samples.block_minutes",
        "write 24 or more",
    ),
    "a radar on the other side of the Earth": (
        lambda c: (
            put("composite", "grid", value="union")(c),
            put("radars", 1, "latitude", value=-45)(c),
            put("radars", 1, "longitude", value=116)(c),
        ),
        "composite.grid",
        "check its latitude and longitude, or set composite.grid: first",
    ),
    "an atlas of scored times": (
        put("atlas", "period", value=["2024-07-11 13:00", "2024-07-11 14:00"]),
        "atlas.period",
        "overlaps evaluation.period from 2024-07-11T13:00:00Z",
    ),
    "a period before the calendar": (
        put("frames", "period", value=["0001-01-01T00:00+10:00", "2025-01-01"]),
        "frames.period",
        "is not the start of a hour",
    ),
    # Values of a wrong kind.
    "one time for a period": (
        put("training", "period", value="2024-07-10"),
        "training.period",
        '"2024-07-10" is not possible; write a list or null',
    ),
    "numbers for a period": (
        put("training", "period", value=[20240710, 20240711]),
        "training.period[0]",
        "20240710 is not possible; write a text or a list",
    ),
    "a list in a list for a time": (
        put("training", "period", value=[[["2024-07-10"], 3]]),
        "training.period",
        "no time",
    ),
    "a box for a list of boxes": (
        put("frames", "overlay", "boxes_px", value=[1, 2, 3, 4]),
        "frames.overlay.boxes_px[0]",
        "1 is not possible; write a list of 4 whole numbers, 0 or more",
    ),
    "a number for a box": (
        put("frames", "plot_box_px", value=100),
        "frames.plot_box_px",
        "write null or a list of 4 whole numbers",
    ),
    "a number for a section": (put("frames", value=5), "frames", "5 is not possible; write keys below it"),
    "one radar without a list": (put("radars", value={"id": "A"}), "radars", "write a list"),
    "radars written but empty": (put("radars", value=None), "radars", "null is not possible; write a list"),
    "an empty radar": (put("radars", 0, value=None), "radars[0]", "null is not possible; write keys below it"),
    "no folder of results": (put("results", value=None), "results", "null is not possible; write a text"),
    "a short time format": (put("frames", "time_format", value="x"), "frames.time_format", "at least 2 char"),
    "a window off the cadence": (
        put("samples", "input_minutes", value=[-5, 0, 5]),
        "samples.input_minutes",
        "no multiple of frames.cadence_minutes 6",
    ),
    "a window without the frame itself": (
        put("samples", "input_minutes", value=[-12, -6]),
        "samples.input_minutes",
        "hold 0",
    ),
    "leads that do not begin with the frame itself": (
        put("samples", "lead_minutes", value=[6, 12]),
        "samples.lead_minutes",
        "must rise from 0",
    ),
    "leads that fall": (
        put("samples", "lead_minutes", value=[0, 12, 6]),
        "samples.lead_minutes",
        "must rise from 0",
    ),
    "a lead off the cadence": (
        put("samples", "lead_minutes", value=[0, 10]),
        "samples.lead_minutes",
        "10 is no multiple of frames.cadence_minutes 6",
    ),
    "forecasts from frames that are yet to come": (
        put("samples", value={"input_minutes": [-6, 0, 6], "lead_minutes": [0, 6], "block_minutes": 60}),
        "samples.input_minutes",
        "write past frames only, such as [-12, -6, 0]",
    ),
    "a block that a forecast's frames do not fit in": (
        put("samples", "lead_minutes", value=[0, 30]),
        "samples.block_minutes",
        "too short for the 42 minutes",
    ),
    "forecasts of the pretrained model": (
        lambda config: config.update(
            samples={"lead_minutes": [0, 6], "block_minutes": 60, "atlas": "channel"},
            cleaning={"model": "pretrained"},
        ),
        "samples.lead_minutes",
        "the pretrained model does not make",
    ),
    "forecasts of the pretrained model by its path": (
        lambda config: config.update(
            samples={"lead_minutes": [0, 6], "block_minutes": 60, "atlas": "channel"},
            cleaning={"model": ["trained", "resources/pretrained/best.pt"]},
        ),
        "samples.lead_minutes",
        "the pretrained model does not make",
    ),
    "an optical flow of a single frame": (
        lambda config: (
            config.update(samples={"input_minutes": [0], "lead_minutes": [0, 6], "block_minutes": 60}),
            config["evaluation"].update(optical_flow=True),
        ),
        "evaluation.optical_flow",
        "such as [-12, -6, 0]",
    ),
    "an event that no rain is": (
        put("evaluation", "dbz_bands", value=[-32, 20]),
        "evaluation.dbz_bands[0]",
        "above -32",
    ),
    "a purge shorter than the window": (
        put("samples", "purge_minutes", value=6),
        "samples.purge_minutes",
        "write 12 or more",
    ),
    "a crop that cannot be halved": (put("training", "crop_px", value=100), "training.crop_px", "multiple of 8"),
    "a crop that is no whole number of cells": (
        put("training", "model", "input_scale", value=3),
        "training.crop_px",
        "multiple of 24",
    ),
    "bands that fall": (put("evaluation", "dbz_bands", value=[30, 10]), "evaluation.dbz_bands", "must rise"),
    "a band of distance twice": (
        put("evaluation", "range_bands_km", value=[60, 60]),
        "evaluation.range_bands_km",
        "must rise",
    ),
    "a band at the radar itself": (
        put("evaluation", "range_bands_km", value=[0, 60]),
        "evaluation.range_bands_km[0]",
        "must be above 0",
    ),
    "holes that shrink": (
        put("evaluation", "hole_sizes_px", value=[16, 8]),
        "evaluation.hole_sizes_px",
        "[16, 8] must rise",
    ),
    "the one size of holes of earlier configs": (
        put("evaluation", "hole_size_px", value=16),
        "evaluation.hole_size_px",
        "did you mean 'hole_sizes_px'?",
    ),
    "a folder without masks": (
        put("evaluation", "reference", value="config"),
        "evaluation.reference",
        "has no masks",
    ),
    "a learning rate of 0": (
        put("training", "learning_rate", value=0),
        "training.learning_rate",
        "0 is not possible; write a number above 0 or `find`",
    ),
    "a learning rate by another word": (
        put("training", "learning_rate", value="auto"),
        "training.learning_rate",
        '"auto" is not possible; write a number above 0 or `find`',
    ),
    "a number that YAML takes for a text": (
        put("training", "learning_rate", value="1e-3"),
        "training.learning_rate",
        "write a number above 0 or `find`, such as 0.001",
    ),
    "a decay that YAML takes for a text": (
        put("training", "weight_decay", value="1e-5"),
        "training.weight_decay",
        "write a number, such as 0.00001",
    ),
    "all is dropped": (
        put("training", "model", "dropout", value=1),
        "training.model.dropout",
        "allowed is 0 to 0.99",
    ),
    "a member that is the first model": (
        put("training", "ensemble_seeds", value=[1, 2]),
        "training.ensemble_seeds",
        "1 is training.seed",
    ),
    "a network that there is not": (
        put("training", "model", "name", value="big_unet"),
        "training.model.name",
        "none of tiny_unet, rate_net, window_attention, encoder_unet; write one of these, or name the Python file",
    ),
    "a network's file that there is not": (
        put("training", "model", value={"name": "my_net", "code": "my_net.py"}),
        "training.model.code",
        "there is no Python file my_net.py",
    ),
    "an option of another network": (
        put("training", "model", value={"name": "rate_net", "depth": 3}),
        "training.model.depth",
        "rate_net has no such option; it has base_width, input_scale, dropout",
    ),
    "a width in words": (
        put("training", "model", "base_width", value="wide"),
        "training.model.base_width",
        "valid integer, not 'wide'",
    ),
    "heads that do not fit the width": (
        put("training", "model", value={"name": "window_attention", "base_width": 24}),
        "training.model.base_width",
        "no multiple of head_width 16",
    ),
    "windows of half a channel": (
        put("training", "model", value={"name": "window_attention", "base_width": 1, "head_width": 1}),
        "training.model.base_width",
        "is 1, allowed is 2 to 512",
    ),
    "weights to freeze by half a pattern": (
        put("training", "model", "freeze", value=["first", "(downs"]),
        "training.model.freeze",
        "'(downs' is no regular expression (missing ), unterminated subpattern",
    ),
    "a backbone that there is not": (
        put("training", "model", value={"name": "encoder_unet", "backbone": "resnet-19"}),
        "training.model.backbone",
        "list-models",
    ),
    "a crop that the network cannot halve": (
        put("training", "model", value={"name": "window_attention", "window": 12}),
        "training.crop_px",
        "no multiple of 192",
    ),
    "a model to start from that there is not": (
        put("training", "model", "start_from", value="old.pt"),
        "training.model.start_from",
        "there is no file old.pt; write pretrained or the path of a best.pt",
    ),
    "a model to start from whose channels are not standardized": (
        lambda config: config.update(
            samples={"normalize": True, "block_minutes": 30, "validation": 0.25},
            training={**config["training"], "model": {"start_from": "pretrained"}},
        ),
        "training.model.start_from",
        "learned without samples.normalize, which is true here; set it to false",
    ),
    "a model to start from that is not yet there": (
        put("training", "model", "start_from", value="trained"),
        "training.model.start_from",
        "trained is what it makes",
    ),
    "a moving average that never moves": (
        put("training", "averaging", "ema", value=1),
        "training.averaging.ema",
        "at most 0.999999",
    ),
    "a plateau that lowers to nothing": (
        put("training", "schedule", "plateau_factor", value=0),
        "training.schedule.plateau_factor",
        "must be above 0",
    ),
    "a schedule without its key": (
        put("training", "schedule", value="one_cycle"),
        "training.schedule",
        "keys below it, such as {name: one_cycle}",
    ),
    "a schedule that is none": (put("training", "schedule", value="linear"), "training.schedule", "keys below it"),
    "an unknown schedule": (
        put("training", "schedule", "name", value="step"),
        "training.schedule.name",
        '"step" is not possible; choose one of cosine, one_cycle, plateau',
    ),
    "an average under another schedule": (
        lambda c: (
            put("training", "averaging", "swa", value=0.25)(c),
            put("training", "schedule", "name", value="one_cycle")(c),
        ),
        "training.averaging.swa",
        "cosine only, here it is one_cycle; write 0, or choose cosine",
    ),
    "a plateau of no validation": (
        lambda c: (
            put("training", "schedule", "name", value="plateau")(c),
            put("samples", "validation", value=0)(c),
        ),
        "training.schedule.name",
        "samples.validation is 0; raise that, or choose cosine or one_cycle",
    ),
    "stopping early without validation": (
        lambda c: (put("training", "early_stopping", value=3)(c), put("samples", "validation", value=0)(c)),
        "training.early_stopping",
        "samples.validation is 0; raise that, or write 0",
    ),
    "an unknown precision": (put("training", "precision", value="fp8"), "training.precision", "mixed, bf16, fp16"),
    "an unknown shape of holes": (
        put("training", "holes", "shapes", value=["blocks", "stars"]),
        "training.holes.shapes[1]",
        "choose one of blocks, pixels, sectors",
    ),
    "one shape without a list": (
        put("training", "holes", "shapes", value="blocks"),
        "training.holes.shapes",
        "write a list",
    ),
    "no shape of holes": (put("training", "holes", "shapes", value=[]), "training.holes.shapes", "at least 1"),
    "a shape of holes twice": (
        put("training", "holes", "shapes", value=["pixels", "pixels"]),
        "training.holes.shapes",
        "twice",
    ),
    "a sector of more than all": (
        put("training", "holes", "sector_degrees", value=400),
        "training.holes.sector_degrees",
        "at most 360",
    ),
    "an unknown kind of plants": (
        put("training", "plants", "kinds", value=["spokes", "trees"]),
        "training.plants.kinds[1]",
        "choose one of spokes, sectors, specks,",
    ),
    "no kind of plants": (put("training", "plants", "kinds", value=[]), "training.plants.kinds", "at least 1"),
    "more plants than crops": (
        put("training", "plants", "fraction", value=2),
        "training.plants.fraction",
        "most 1",
    ),
    "plants without their ranges": (
        put("training", "plants", "ranges", value="mine.yaml"),
        "training.plants.ranges",
        "there is no file mine.yaml; copy config/plants.yaml and change it",
    ),
    "ranges of plants that are none": (
        put("training", "plants", "ranges", value="config/maritimes.yaml"),
        "training.plants.ranges",
        "config/maritimes.yaml: there is no key 'results'; known here: together, spokes,",
    ),
    "labels smoothed to a coin's": (
        put("training", "loss", "label_smoothing", value=0.6),
        "training.loss.label_smoothing",
        "at most 0.5",
    ),
    "no minute between checkpoints": (
        put("training", "checkpoint_minutes", value=0),
        "training.checkpoint_minutes",
        "above 0",
    ),
    "an unknown tracker": (put("training", "tracker", value="neptune"), "training.tracker", "mlflow"),
    "votes that outweigh all": (put("cleaning", "votes", value=11), "cleaning.votes", "at most 10"),
    "yes for a switch": (put("cleaning", "tta", value="yes please"), "cleaning.tta", "write true or false"),
    "a list for static fields": (
        put("samples", "static", value=["a.tif"]),
        "samples.static",
        "keys below it, such as {terrain: a.tif}",
    ),
    "a file for static fields": (
        put("samples", "static", value="dem.tif"),
        "samples.static",
        '"dem.tif" is not possible; write keys below it, such as {terrain: dem.tif}',
    ),
    "a number for static fields": (put("samples", "static", value=[3]), "samples.static", "keys below it"),
    "a static field without a file": (
        put("samples", "static", value={"terrain": None}),
        "samples.static.terrain",
        "null is not possible; write a text",
    ),
    "a static field that is not there": (
        put("samples", "static", value={"terrain": "dem.tif"}),
        "samples.static.terrain",
        "there is no file dem.tif",
    ),
    "a static field with a blank in its name": (
        put("samples", "static", value={"my terrain": "README.md"}),
        "samples.static",
        "only letters",
    ),
    "a static field called as a channel": (
        put("samples", "static", value={"latitude": "README.md"}),
        "samples.static.latitude",
        "choose another, such as my_latitude",
    ),
}
