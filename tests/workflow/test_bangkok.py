"""The example of docs/how-to/own_radars.md becomes products and a composite: imitated layers of two radars."""

from __future__ import annotations

import colorsys
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray
from PIL import Image
from workflow_cases import Workspace

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/how-to/own_radars.md"
FIRST = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
FRAMES, SHARD = 8, "20260701"
SIZES = {"NKM": (320, 312), "NJK": (256, 250)}  # width and height: pixels need not be square
BOUNDS = (5, 65, 5)  # dBZ of the classes, as in the example
LEGEND = (12, 30)  # left and top of the legend over the map
Array = NDArray[np.float64]


def examples() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the config of the page, and the keys that clean without a training."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    config, pretrained = (yaml.safe_load(block) for block in blocks)
    return config, pretrained


def rain(longitude: Array, latitude: Array, time: int) -> Array:
    """Return the true reflectivity in dBZ: cells of 8 to 20 km that move to the east."""
    dbz = np.full(np.broadcast_shapes(longitude.shape, latitude.shape), -30.0)
    for number in range(40):
        rng = np.random.default_rng((11, number))
        (x, y), size = rng.uniform((99.2, 12.6), (101.8, 15.0)), rng.uniform(0.08, 0.2)
        away = np.hypot(longitude - x - 0.02 * time, latitude - y) / size
        dbz = np.maximum(dbz, rng.uniform(25, 62) - 18 * away**2)
    return dbz


def colour(dbz: float) -> tuple[int, ...]:
    """Return the colour of a reflectivity on a scale from green (5 dBZ) to red (65 dBZ)."""
    hue = (0.38 - 0.41 * (dbz - 5) / 60) % 1
    return (*(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 1, 0.9)), 255)


def layer(radar: dict[str, Any], time: int) -> Image.Image:
    """Draw a transparent layer: rain in classes of 5 dBZ within the range, and a legend over the map."""
    (width, height), (west, south, east, north) = SIZES[radar["id"]], radar["grid"]["bounds"]
    longitude = west + (np.arange(width) + 0.5) * (east - west) / width
    latitude = north - (np.arange(height)[:, None] + 0.5) * (north - south) / height
    across = (longitude - radar["longitude"]) * 111.3 * np.cos(np.radians(radar["latitude"]))
    inside = np.hypot(across, (latitude - radar["latitude"]) * 110.6) < radar["max_range_km"]
    number = np.digitize(rain(longitude, latitude, time), np.arange(*BOUNDS)) - 1
    table = np.array([colour(low + 2.5) for low in np.arange(*BOUNDS)], np.uint8)
    pixels = np.where((inside & (number >= 0))[..., None], table[number], 0).astype(np.uint8)
    x, y = LEGEND
    for step, one in enumerate(table[::-1]):
        pixels[y + 8 * step : y + 8 * step + 8, x : x + 14] = one
    return Image.fromarray(pixels)


def draw_frames(root: Path, config: dict[str, Any]) -> None:
    for radar in config["radars"]:
        folder = root / radar["frames"]
        folder.mkdir(parents=True)
        for time in range(FRAMES):
            local = FIRST + timedelta(minutes=15 * time, hours=7)
            layer(radar, time).save(folder / f"{folder.name}_{local:%Y%m%d%H%M}.png")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the example without a training, as the page describes it."""
    root = tmp_path_factory.mktemp("bangkok")
    config, pretrained = examples()
    del config["training"]
    draw_frames(root, config)
    made = Workspace(root, config | pretrained)
    made.environment = lambda: Workspace.environment(made) | {"PYTHONPATH": str(REPOSITORY)}  # type: ignore[method-assign]
    made.run("products", "--snakefile", str(REPOSITORY / "Snakefile"))
    return root / str(config["results"])


def agreement(product: xr.Dataset) -> tuple[float, dict[tuple[int, int], float]]:
    """Return the share of echo within a class of the rain, and the mean error at shifts of a pixel."""
    x, y = product.x.values, product.y.values
    steps = [(across, down) for across in (-1, 0, 1) for down in (-1, 0, 1)]
    errors: dict[tuple[int, int], list[float]] = {step: [] for step in steps}
    within = []
    for time in range(product.sizes["time"]):
        dbz = product.reflectivity.values[time]
        echo = (product.quality_flag.values[time] == 1) & (dbz > 10)
        for across, down in steps:
            there = rain(x + across * (x[1] - x[0]), y[:, None] + down * (y[1] - y[0]), time)
            errors[across, down].append(float(np.abs(dbz - there)[echo].mean()))
        within.append(float((np.abs(dbz - rain(x, y[:, None], time))[echo] <= 5).mean()))
    return float(np.mean(within)), {step: float(np.mean(values)) for step, values in errors.items()}


@pytest.mark.parametrize("name", ["cleaned/NKM", "cleaned/NJK", "composite"])
def test_products_have_the_rain_within_a_class_and_within_a_pixel(finished: Path, name: str) -> None:
    product = xr.open_zarr(finished / name / f"{SHARD}.zarr")
    assert product.time.values[0] == np.datetime64("2026-07-01T09:00") and product.sizes["time"] == FRAMES
    assert ((product.quality_flag.values == 1).sum(axis=(1, 2)) > 1000).all()
    within, errors = agreement(product)
    assert within > 0.97
    assert min(errors, key=lambda step: errors[step]) == (0, 0)


@pytest.mark.parametrize("radar", ["NKM", "NJK"])
def test_the_legend_over_the_map_is_no_echo(finished: Path, radar: str) -> None:
    x, y = LEGEND
    store = xr.open_zarr(finished / f"reflectivity/{radar}/{SHARD}.zarr", consolidated=False)
    assert not (store.reflectivity.values[:, y : y + 96, x : x + 14] > -32).any()
