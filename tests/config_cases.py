"""Mistakes in a config, each with the place and the remedy or reason that its one line names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radar_cleaner.config.labelers import declared_labelers

LABELERS = tuple(labeler.name for labeler in declared_labelers())

Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        part: Any = config
        for key in path[:-1]:
            part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
        part[path[-1]] = value

    return change


def frames_of(source: str, message: str) -> tuple[Change, str, str]:
    """A first radar whose frames are of a wrong source."""
    return put("radars", 0, "frames", value=source), "radars[0].frames", message


ROTATED = "+proj=ob_tran +o_proj=longlat +o_lat_p=40 +lon_0=10"


def bounded(config: dict[str, Any], **grid: Any) -> dict[str, Any]:
    """The first radar, placed by bounds."""
    radar = {key: value for key, value in config["radars"][0].items() if key not in ("range_km", "center_px")}
    return radar | {"grid": {"bounds": [-67, 43, -60, 47]} | grid}


MISTAKES: dict[str, tuple[Change, str, str]] = {
    # name: (change, place, remedy or reason); one for each kind of message
    # A value by itself.
    "a typo in a key": (put("labels", "min_dbs", value=7), "labels.min_dbs", "did you mean 'min_dbz'?"),
    "a typo in a section": (put("traning", value={}), "traning", "did you mean 'training'?"),
    "a typo in a radar": (put("radars", 0, "lattitude", value=4), "radars[0].lattitude", "'latitude'"),
    "an unknown key": (put("s3", "secret_key", value="x"), "s3.secret_key", "known here: endpoint_url, region"),
    "a missing key": (lambda c: c["radars"][0].pop("range_km"), "radars[0].range_km", "is missing"),
    "a text for a number": (put("training", "epochs", value="ten"), "training.epochs", '"ten" is not possible'),
    "a text that is a number": (
        put("training", "epochs", value="12"),
        "training.epochs",
        "write a whole number, such as 12",
    ),
    "a text that is too large a number": (
        put("training", "epochs", value="1e999999999"),
        "training.epochs",
        "write a whole number",
    ),
    "a small number that YAML reads as text": (
        put("training", "weight_decay", value="1e-5"),
        "training.weight_decay",
        "write a number, such as 0.00001",
    ),
    "a whole number with a point": (
        put("frames", "size_px", value=[580.0, 480]),
        "frames.size_px[0]",
        "580.0 is not possible; write a whole number",
    ),
    "true for a number": (put("training", "epochs", value=True), "training.epochs", "write a whole number"),
    "a text for a switch": (put("cleaning", "tta", value="yes"), "cleaning.tta", "write true or false"),
    "an unknown choice": (
        put("training", "precision", value="fp8"),
        "training.precision",
        '"fp8" is not possible; choose one of fp32, mixed, bf16, fp16',
    ),
    "an unknown choice in a list": (
        put("training", "holes", "shapes", value=["blocks", "stars"]),
        "training.holes.shapes[1]",
        "choose one of blocks, pixels, sectors",
    ),
    "too much": (put("radars", 0, "latitude", value=145), "radars[0].latitude", "145 must be at most 90"),
    "too little": (put("votes", "spoke", value=-1), "votes.spoke", "-1 must be at least 0"),
    "exactly a bound that is excluded": (
        put("training", "checkpoint_minutes", value=0),
        "training.checkpoint_minutes",
        "must be above 0",
    ),
    "not a number": (put("votes", "area", value=float("nan")), "votes.area", "NaN must be a finite number"),
    "a number beyond the range of a float": (
        put("radars", 0, "center_px", value=[10**400, 0]),
        "radars[0].center_px[0]",
        "must be a finite number",
    ),
    "an empty list": (put("radars", value=[]), "radars", "[] is too short; write at least 1 item"),
    "an item twice": (
        put("training", "holes", "shapes", value=["pixels", "pixels"]),
        "training.holes.shapes",
        "has an item twice",
    ),
    "a cleaner that does not exist": (
        put("evaluation", "cleaners", value=["model", "local_densty"]),
        "evaluation.cleaners",
        "no cleaner is named local_densty; did you mean local_density?",
    ),
    "no model to compare with": (
        put("evaluation", "cleaners", value=["weak_label"]),
        "evaluation.cleaners",
        "add 'model'",
    ),
    "numbers that fall": (
        put("evaluation", "dbz_bands", value=[30, 10]),
        "evaluation.dbz_bands",
        "[30, 10] must rise",
    ),
    "a short text": (put("frames", "time_format", value="x"), "frames.time_format", "at least 2 characters"),
    "an id like a flag": (put("radars", 0, "id", value="-x"), "radars[0].id", "not begin with '-'"),
    "an id with a line break": (put("radars", 0, "id", value="A\n"), "radars[0].id", "letters"),
    "a number for a section": (put("frames", value=5), "frames", "5 is not possible; write keys below it"),
    "nothing for a radar": (put("radars", 0, value=None), "radars[0]", "null is not possible; write keys below"),
    "a text for a section with that choice": (
        put("training", "schedule", value="one_cycle"),
        "training.schedule",
        "write keys below it, such as {name: one_cycle}",
    ),
    "a text where the user names the keys": (
        put("samples", "static", value=["dem.tif"]),
        "samples.static",
        "write keys below it, such as {terrain: dem.tif}",
    ),
    "a name with a blank": (
        put("samples", "static", value={"my terrain": "README.md"}),
        "samples.static",
        '"my terrain" must contain only letters',
    ),
    "a number for a list or null": (
        put("frames", "plot_box_px", value=100),
        "frames.plot_box_px",
        "100 is not possible; write a list of 4 whole numbers, 0 or more or null",
    ),
    "a box for a list of boxes": (
        put("frames", "overlay", "boxes_px", value=[1, 2, 3, 4]),
        "frames.overlay.boxes_px[0]",
        "1 is not possible; write a list of 4 whole numbers, 0 or more",
    ),
    "neither of two types": (
        put("training", "learning_rate", value="auto"),
        "training.learning_rate",
        '"auto" is not possible; write a number above 0 or `find`',
    ),
    "one member of an ensemble": (put("cleaning", "model", value=["m.pt"]), "cleaning.model", "at least 2 items"),
    "a broken expression": (put("frames", "pattern", value="(12"), "frames.pattern", "not a regular expression"),
    "an expression without group": (put("frames", "pattern", value=r"\d{12}"), "frames.pattern", "put the time"),
    "a time format without minutes": (
        put("frames", "time_format", value="%Y%m%d%H"),
        "frames.time_format",
        "write it like %Y%m%d%H%M",
    ),
    "seconds since 1970 beside other text": (
        put("frames", "time_format", value="T%s"),
        "frames.time_format",
        "write %s alone",
    ),
    "an animation without its step": (put("frames", "loop", value={}), "frames.loop.step_minutes", "is missing"),
    "a slot that reaches into the next": (
        put("radars", 1, "snap_minutes", value=4),
        "radars[1].snap_minutes",
        "write at most 3",
    ),
    "a table of times that is missing": (
        put("frames", "time_from", value="times.csv"),
        "radars[0].frames",
        "time_from: times.csv cannot be read",
    ),
    "a layout of no pictures": (
        put("radars", 0, "layouts", value=[{"plot_box_px": [0, 0, 9, 9]}]),
        "radars[0].layouts[0].period",
        "which pictures does the layout describe?",
    ),
    "a layout with two grids": (
        put("radars", 0, "layouts", value=[{"size_px": [9, 9], "grid": {"km_per_px": 1, "range_km": 9}}]),
        "radars[0].layouts[0].grid",
        "keep one of them",
    ),
    "two layouts of the same pictures": (
        put(
            "radars",
            0,
            "layouts",
            value=[{"period": ["2024-07-10", "2024-07-12"]}, {"period": ["2024-07-11", "2024-07-13"]}],
        ),
        "radars[0].layouts[1].period",
        "describe the same pictures from 2024-07-11T00:00:00Z",
    ),
    "a layout without frames": (
        put("radars", 0, "layouts", value=[{"period": ["2025-07-10", "2025-07-12"]}]),
        "radars[0].layouts[0].period",
        "has no frame in it",
    ),
    "a layout with a palette that is missing": (
        put("radars", 0, "layouts", value=[{"size_px": [9, 9], "labels": {"method": "legend"}}]),
        "labels.legend.box_px",
        "needs the box",
    ),
    "an unknown time zone": (put("frames", "time_zone", value="Mars/Base"), "frames.time_zone", "Asia/Bangkok"),
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
    # Values that do not go together.
    "one id in two cases": (put("radars", 1, "id", value="casgo"), "radars[0].id", "two radars"),
    "an id that is a target's": (put("radars", 1, "id", value="Composite"), "radars[1].id", "write another"),
    "a box and a legend": (put("frames", "legend_width_px", value=80), "frames.legend_width_px", "keep one"),
    "no palette": (put("labels", "palette", value=None), "labels.palette", "needs a CSV"),
    "a legend without its box": (put("labels", "method", value="legend"), "labels.legend.box_px", "needs the box"),
    "a legend whose numbers turn": (
        put("labels", value={"method": "legend", "legend": {"box_px": [0, 0, 9, 9], "dbz": [5, 20, 10]}}),
        "labels.legend.dbz",
        "must rise or fall",
    ),
    "an accumulation": (put("labels", "unit", value="mm/24h"), "labels.unit", "rain rate (mm/h)"),
    "a velocity": (put("labels", "legend", value={"unit": "m/s"}), "labels.legend.unit", "reflectivity (dBZ)"),
    "a word for a unit": (put("labels", "unit", value="heavy"), "labels.unit", "write dBZ, mm/h or mm/10min"),
    "hues with a gap": (
        put("labels", "hues", value=[[0.2, 0.4], [0, 0.1]]),
        "labels.hues",
        "does not begin where [0.2, 0.4] ends",
    ),
    "an impossible exponent": (put("labels", "zr", value={"b": 0}), "labels.zr.b", "above 0"),
    "a window off the cadence": (
        put("samples", "input_minutes", value=[-5, 0, 5]),
        "samples.input_minutes",
        "-5 is not a multiple of frames.cadence_minutes 6",
    ),
    "leads that fall": (put("samples", "lead_minutes", value=[0, 12, 6]), "samples.lead_minutes", "must rise"),
    "forecasts from future frames": (
        put("samples", value={"input_minutes": [-6, 0, 6], "lead_minutes": [0, 6], "block_minutes": 60}),
        "samples.input_minutes",
        "write past frames only, for example [-12, -6, 0]",
    ),
    "a short purge": (put("samples", "purge_minutes", value=6), "samples.purge_minutes", "write 12 or more"),
    "a share that no blocks have": (
        put("samples", "validation", value=0.4),
        "samples.validation",
        "write 0.5 or 0.33, or 0 for none",
    ),
    "a short block": (put("samples", "block_minutes", value=23), "samples.block_minutes", "write 24 or more"),
    "a static field with a channel's name": (
        put("samples", "static", value={"latitude": "README.md"}),
        "samples.static.latitude",
        "choose another, for example my_latitude",
    ),
    "a seed twice": (put("training", "ensemble_seeds", value=[1, 2]), "training.ensemble_seeds", "training.seed"),
    "an average under another schedule": (
        lambda c: (
            put("training", "averaging", "swa", value=0.25)(c),
            put("training", "schedule", "name", value="one_cycle")(c),
        ),
        "training.averaging.swa",
        "here it is one_cycle; write 0, or choose cosine",
    ),
    "an early end without validation": (
        lambda c: (put("training", "early_stopping", value=3)(c), put("samples", "validation", value=0)(c)),
        "training.early_stopping",
        "samples.validation is 0; raise that, or write 0",
    ),
    "a window that one echo fills": (
        put("atlas", "window_px", value=1),
        "atlas.window_px",
        "raise one of them, or write 0",
    ),
    "no labeler": (
        put("votes", value=dict.fromkeys(LABELERS[:-1], 0)),
        "votes",
        "are all 0; give one of them a weight above 0, or set votes.reference",
    ),
    "no training period": (lambda c: c["training"].pop("period"), "training.period", "cleaning.model"),
    "the newest frames and a training": (
        put("frames", "newest_minutes", value=60),
        "frames.newest_minutes",
        "name a model file as cleaning.model",
    ),
    "the pretrained model without the atlas": (
        put("cleaning", "model", value="pretrained"),
        "samples.atlas",
        "write channel",
    ),
    "forecasts of the pretrained model": (
        lambda config: config.update(
            samples={"lead_minutes": [0, 6], "block_minutes": 60, "atlas": "channel"},
            cleaning={"model": ["trained", "resources/pretrained/best.pt"]},
        ),
        "samples.lead_minutes",
        "the pretrained model does not make",
    ),
    "an optical flow of one frame": (
        lambda config: (
            config.update(samples={"input_minutes": [0], "lead_minutes": [0, 6], "block_minutes": 60}),
            config["evaluation"].update(optical_flow=True),
        ),
        "evaluation.optical_flow",
        "for example [-12, -6, 0]",
    ),
    # The network and its options.
    "an unknown network": (
        put("training", "model", "name", value="unet"),
        "training.model.name",
        "write one of these, or name the Python file",
    ),
    "an option of another network": (
        put("training", "model", value={"name": "rate_net", "depth": 3}),
        "training.model.depth",
        "rate_net does not have this option",
    ),
    "an option out of bounds": (put("training", "model", "dropout", value=1), "training.model.dropout", "0.99"),
    "an option of another type": (
        put("training", "model", "base_width", value="wide"),
        "training.model.base_width",
        "valid integer, not 'wide'",
    ),
    "a crop that the network cannot divide": (
        put("training", "model", value={"name": "window_attention", "window": 12}),
        "training.crop_px",
        "write 192",
    ),
    "a broken expression in a list": (
        put("training", "model", "freeze", value=["first", "(downs"]),
        "training.model.freeze[1]",
        "'(downs' is not a regular expression",
    ),
    # Frames, boxes and times.
    "no folder": frames_of("nowhere", "there is no folder"),
    "a glob of no folder": frames_of("nowhere/**/*.png", "name one before the first * of the glob"),
    "an address of another store": frames_of("gs://radar/archive", "an address begins with s3://"),
    "no frames": frames_of("config", "no pictures found"),
    "an expression that fits no name": (
        put("frames", "pattern", value=r"(\d{14})"),
        "radars[0].frames",
        "frames.pattern",
    ),
    "a size that no frame has": (put("frames", "size_px", value=[480, 580]), "frames.size_px", "[580, 480]"),
    "a box outside the frame": (
        put("frames", "plot_box_px", value=[100, 0, 581, 480]),
        "frames.plot_box_px",
        "[0, 0, 580, 480]",
    ),
    "a centre outside the box": (
        put("radars", 0, "center_px", value=[20, 20]),
        "radars[0].center_px",
        "not in the plot box",
    ),
    "a radar without a grid": (
        lambda c: c["radars"][0].pop("range_km"),
        "radars[0].range_km",
        "or grid with one of range_km, km_per_px, circle, bounds, world_file, control_points, tiles",
    ),
    "two kinds of grid": (
        put("radars", 0, "grid", value={"bounds": [-67, 43, -60, 47]}),
        "radars[0].range_km",
        "grid.bounds is given too; keep one of the two",
    ),
    "two kinds in the grid": (
        lambda c: (
            c["radars"][0].pop("range_km"),
            put("radars", 0, "grid", value={"bounds": [-67, 43, -60, 47], "km_per_px": 1})(c),
        ),
        "radars[0].grid",
        "has km_per_px and bounds; keep one of them",
    ),
    "half a place": (
        lambda c: c["radars"][0].pop("longitude"),
        "radars[0].longitude",
        "write both, or neither for a mosaic",
    ),
    "no place where the grid needs one": (
        lambda c: (c["radars"][0].pop("longitude"), c["radars"][0].pop("latitude")),
        "radars[0].latitude",
        "range_km is about the radar: add latitude and longitude, or place the picture by grid.bounds",
    ),
    "a range without a place": (
        put("radars", 0, value={"id": "A", "frames": "x", "max_range_km": 9, "grid": {"bounds": [0, 0, 9, 9]}}),
        "radars[0].max_range_km",
        "needs the radar's place",
    ),
    "a centre beside bounds": (
        lambda c: (
            c["radars"][0].pop("range_km"),
            put("radars", 0, "grid", value={"bounds": [-67, 43, -60, 47]})(c),
        ),
        "radars[0].center_px",
        "follows from grid.bounds and the radar's place; leave it out",
    ),
    "tiles in another crs": (
        put(
            "radars",
            0,
            value={
                "id": "A",
                "frames": "x",
                "grid": {"crs": "EPSG:4326", "tiles": {"zoom": 1, "x": [0, 1], "y": [0, 1]}},
            },
        ),
        "radars[0].grid.crs",
        "tiles are in EPSG:3857; leave it out",
    ),
    "two control points": (
        put("radars", 0, "grid", value={"control_points": [[0, 0, 5, 50], [9, 9, 6, 51]]}),
        "radars[0].grid.control_points",
        "is too short; write at least 3 items",
    ),
    "control points of an enlarged picture": (
        lambda c: c["radars"].__setitem__(
            0, bounded(c) | {"grid": {"control_points": [[0, 0, -67, 47], [1500, 0, -60, 47], [0, 1500, -67, 43]]}}
        ),
        "radars[0].grid.control_points[1]",
        "is not in a picture of 580 x 480 px",
    ),
    "an unknown crs": (
        lambda c: c["radars"].__setitem__(0, bounded(c, crs="EPSG:99999")),
        "radars[0].grid.crs",
        "is not a coordinate reference system",
    ),
    "bounds the wrong way round": (
        lambda c: c["radars"].__setitem__(0, bounded(c, bounds=[-60, 43, -67, 47])),
        "radars[0].grid.bounds",
        "wrong way round",
    ),
    "a crs that no GeoTIFF contains": (
        lambda c: (
            put("cleaning", "geotiff", value=True)(c),
            c["radars"].__setitem__(
                0, bounded(c, crs=ROTATED, bounds=[-3, -3, 3, 3]) | {"latitude": 50, "longitude": 10}
            ),
        ),
        "cleaning.geotiff",
        "a GeoTIFF cannot contain radars[0].grid.crs +proj=ob_tran",
    ),
    "a radar outside its bounds": (
        lambda c: c["radars"].__setitem__(0, bounded(c, bounds=[5, 43, 12, 47])),
        "radars[0].latitude",
        "is not in the plot box, whose middle grid.bounds places at latitude 45, longitude 8.5",
    ),
    "a mask of another size": (
        put("frames", "overlay", "mask", value="docs/before_after.png"),
        "frames.overlay.mask",
        "name a picture of the frame's size, 580 x 480 px for radar CASGO",
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
    "a period off a shard boundary": (
        put("training", "period", value=["2024-07-10 22:30", "2024-07-11 00:00"]),
        "training.period",
        "not the start of a hour",
    ),
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
    # Files that a key names.
    "no palette file": (put("labels", "palette", value="x.csv"), "labels.palette", "no file"),
    "another file for a palette": (
        put("labels", "palette", value="docs/before_after.png"),
        "labels.palette",
        "not a CSV of colours",
    ),
    "no legend file": (
        put("labels", value={"method": "legend", "legend": {"file": "x.png", "dbz": [0, 60]}}),
        "labels.legend.file",
        "name a PNG",
    ),
    "no model file": (put("cleaning", "model", value="m.pt"), "cleaning.model", "there is no file"),
    "another file for a model": (put("cleaning", "model", value="README.md"), "cleaning.model", "best.pt"),
    "no code file": (
        put("training", "model", value={"name": "my_net", "code": "my_net.py"}),
        "training.model.code",
        "there is no Python file my_net.py",
    ),
    "no backbone": (
        put("training", "model", value={"name": "encoder_unet", "backbone": "resnet-19"}),
        "training.model.backbone",
        "list-models",
    ),
    "no raster": (put("samples", "static", value={"terrain": "dem.tif"}), "samples.static.terrain", "no file"),
    "no masks": (put("evaluation", "reference", value="config"), "evaluation.reference", "has no masks"),
    "another file for the ranges": (
        put("training", "plants", "ranges", value="config/maritimes.yaml"),
        "training.plants.ranges",
        "there is no key 'results'",
    ),
}
