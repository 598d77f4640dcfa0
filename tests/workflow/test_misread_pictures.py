"""Pictures in the manner of public services come out right, or the user is told why they do not.

The frames in tests/pictures were drawn by a script. Each folder is one kind of picture that is easily misread:
echo outside the inscribed circle, lines over rain, a legend of rain rates, and so on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from workflow_cases import Workspace

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURES = REPOSITORY / "tests" / "pictures"
SHARD = "20240101"
PALETTE = {"method": "palette", "palette": "pal.csv"}
NWS = {
    "#02fd02": 22.5,
    "#01c501": 27.5,
    "#008e00": 32.5,
    "#fdf802": 37.5,
    "#e5bc00": 42.5,
    "#fd9500": 47.5,
    "#fd0000": 52.5,
    "#d40000": 57.5,
    "#bc0000": 62.5,
}
FILLED, KEPT, UNDETECT = 3, 1, 0


@dataclass(frozen=True)
class Case:
    """A folder of pictures with its finished product; times are in the order of the pictures."""

    root: Path
    said: str
    product: xr.Dataset

    def frames(self) -> list[NDArray[np.uint8]]:
        """Return the pictures (y, x, 3) of the frames."""
        return [iio.imread(path)[..., :3] for path in sorted((self.root / "frames").iterdir())]

    def decoded(self) -> NDArray[np.float32]:
        """Return the decoded reflectivity (time, y, x) in dBZ, NaN where it is nodata."""
        store = xr.open_zarr(self.root / f"results/reflectivity/A/{SHARD}.zarr", consolidated=False)
        return np.asarray(store.reflectivity.values, np.float32)


def config_of(labels: dict[str, Any], frames: dict[str, Any] | None = None, **radar: Any) -> dict[str, Any]:
    entry = {"id": "A", "frames": "frames", "latitude": 36, "longitude": -84} | radar
    return {
        "results": "results",
        "radars": [entry],
        "frames": frames or {},
        "labels": labels,
        "samples": {"atlas": "channel"},
        "cleaning": {"model": "pretrained"},
    }


def workspace(name: str, root: Path, config: dict[str, Any]) -> Workspace:
    """Make a folder with the pictures of a case beside its config, as a user has it."""
    shutil.copytree(PICTURES / name, root / "frames")
    if (root / "frames/pal.csv").exists():
        shutil.move(root / "frames/pal.csv", root / "pal.csv")
    made = Workspace(root, config)
    made.environment = lambda: Workspace.environment(made) | {"PYTHONPATH": str(REPOSITORY)}  # type: ignore[method-assign]
    return made


def finish(name: str, root: Path, config: dict[str, Any]) -> Case:
    said = workspace(name, root, config).run("products", "--snakefile", str(REPOSITORY / "Snakefile"))
    product = xr.open_zarr(root / f"results/cleaned/A/{SHARD}.zarr")
    return Case(root, said, product)


def of_colour(picture: NDArray[np.uint8], colour: str) -> NDArray[np.bool_]:
    return (picture == tuple(bytes.fromhex(colour[1:]))).all(axis=2)


def assert_classes(case: Case, box: tuple[slice, slice] = np.s_[:, :]) -> None:
    """Check that each pixel of a class's colour has the middle of the class."""
    for picture, dbz in zip(case.frames(), case.decoded(), strict=True):
        for colour, middle in NWS.items():
            of_class = of_colour(picture, colour)[box]
            np.testing.assert_allclose(dbz[of_class], middle, atol=0.25, err_msg=colour)


def test_echo_in_the_corners_is_kept_where_the_scale_is_given_without_a_range(tmp_path: Path) -> None:
    case = finish("echo_in_corners", tmp_path, config_of(PALETTE, grid={"km_per_px": 2}))
    assert_classes(case)
    far = np.hypot(case.product.x, case.product.y).transpose("y", "x").values > 128_000
    for picture, flag in zip(case.frames(), case.product.quality_flag.values, strict=True):
        corner = far & of_colour(picture, "#01c501")
        assert corner.any() and (flag[corner] == KEPT).mean() > 0.9


def test_lines_over_rain_are_filled_and_never_dry(tmp_path: Path) -> None:
    frames = {"cadence_minutes": 3}
    case = finish("lines_over_rain", tmp_path, config_of(PALETTE, frames, range_km=60))
    assert_classes(case)
    crossed = 0
    for picture, dbz, flag in zip(case.frames(), case.decoded(), case.product.quality_flag.values, strict=True):
        line = of_colour(picture, "#ccccff") | of_colour(picture, "#ffcccc")
        inside = line & surrounded(~of_colour(picture, "#7f7f7f") & ~line)
        assert not (dbz[inside] == -32).any()
        assert not (flag[inside] == UNDETECT).any()
        crossed += int(((flag == FILLED) & inside).sum())
    assert crossed > 100


def surrounded(rain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (y, x): most of the other pixels of the 5 x 5 window around a pixel are rain."""
    padded = np.pad(rain, 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    return np.asarray(windows.sum(axis=(2, 3)) >= 15)


def test_names_and_borders_in_a_class_colour_are_no_rain(tmp_path: Path) -> None:
    frames = {"cadence_minutes": 3}
    case = finish("static_overlay_in_class_colour", tmp_path, config_of(PALETTE, frames, range_km=60))
    assert_classes(case)
    drawn = np.all([of_colour(picture, "#ffffff") for picture in case.frames()], axis=0)
    assert drawn.sum() > 1000
    assert not (case.product.quality_flag.values[:, drawn] == KEPT).any()
    assert not (case.decoded()[:, drawn] > 60).any()


def test_no_coverage_is_nodata_in_the_frames_that_show_it(tmp_path: Path) -> None:
    labels = PALETTE | {"nodata_colours": ["#b2b2b2"]}
    case = finish("no_coverage_colour", tmp_path, config_of(labels, {"cadence_minutes": 6}, range_km=60))
    assert_classes(case)
    for picture, dbz, flag in zip(case.frames(), case.decoded(), case.product.quality_flag.values, strict=True):
        unseen = of_colour(picture, "#b2b2b2")
        assert np.isnan(dbz[unseen]).all() and (flag[unseen] == 255).all()
        seen = of_colour(picture, "#fafafa") & in_circle(dbz.shape)
        assert (dbz[seen] == -32).all()


def in_circle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    row, column = np.indices(shape) - (np.array(shape)[:, None, None] - 1) / 2
    return np.asarray(np.hypot(row, column) < min(shape) / 2 - 1)


def test_a_continuous_legend_is_read_by_the_place_along_the_bar(tmp_path: Path) -> None:
    labels = {"method": "legend", "legend": {"box_px": [141, 12, 151, 210], "dbz": [0, 66]}}
    frames = {"plot_box_px": [0, 0, 120, 216]}
    case = finish("legend_continuous_ends", tmp_path, config_of(labels, frames, range_km=108))
    blocks = blocks_of(case)
    np.testing.assert_allclose(blocks, [10, 20, 35, 50, 53, 56, 60], atol=1)


def test_a_legend_of_rain_rates_is_converted(tmp_path: Path) -> None:
    frames = {"plot_box_px": [0, 0, 120, 120]}
    case = finish("rain_rate_legend", tmp_path, config_of(PALETTE, frames, range_km=60))
    lower, upper = np.array([0.15, 1, 5, 15, 50]), np.array([0.5, 2, 7, 30, 75])
    dbz = blocks_of(case)
    assert ((dbz > 10 * np.log10(200 * lower**1.6)) & (dbz < 10 * np.log10(200 * upper**1.6))).all(), dbz


def blocks_of(case: Case) -> NDArray[np.float64]:
    """Return the dBZ of the blocks of echo from top to bottom, each of one value."""
    dbz = np.nan_to_num(case.decoded()[0], nan=-32)
    column = dbz[:, dbz.shape[1] // 2]
    edges = np.flatnonzero(np.diff(column)) + 1
    middles = [float(np.median(part)) for part in np.split(column, edges) if len(part) > 4]
    return np.array([value for value in middles if value > -32])


def test_near_colours_of_a_legend_are_classes_of_their_own(tmp_path: Path) -> None:
    legend = {"box_px": [131, 6, 141, 110], "scale": "bounds", "dbz": list(range(5, 80, 5))}
    frames = {"plot_box_px": [0, 0, 120, 120]}
    case = finish(
        "legend_near_colours", tmp_path, config_of({"method": "legend", "legend": legend}, frames, range_km=60)
    )
    assert_classes(case, np.s_[0:120, 0:120])


def test_an_animation_alone_ends_with_an_error_and_is_read_with_its_step(tmp_path: Path) -> None:
    work = workspace("all_frames_refused", tmp_path, config_of(PALETTE, range_km=60))
    arguments = ("products", "--cores", "2", "--snakefile", str(REPOSITORY / "Snakefile"))
    failed = work.snakemake(*arguments, check=False)
    assert failed.returncode != 0
    assert "an animation of 4 pictures" in failed.stdout and "frames.loop" in failed.stdout
    work.config["frames"] = {"loop": {"step_minutes": 6, "last": "name"}}
    work.snakemake(*arguments)
    times = xr.open_zarr(tmp_path / f"results/cleaned/A/{SHARD}.zarr").time.values
    assert [str(time)[11:16] for time in times] == ["11:42", "11:48", "11:54", "12:00"]


def test_pictures_of_another_size_are_told_at_the_end(tmp_path: Path) -> None:
    work = workspace("layout_changes", tmp_path, config_of(PALETTE, range_km=60))
    said = work.run("products", "--snakefile", str(REPOSITORY / "Snakefile"))
    assert len(xr.open_zarr(tmp_path / f"results/cleaned/A/{SHARD}.zarr").time) == 5
    assert "3 of 8 frames" in said[-1500:]
