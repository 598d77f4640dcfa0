"""The names that `import radar_cleaner` gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from learning_cases import config
from store_cases import make_product, pattern_codes, times_from

import radar_cleaner
from radar_cleaner.conventions import NODATA, decode_dbz
from radar_cleaner.errors import ModelError, StoreError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model


def test_a_product_opens_with_values_in_dbz(tmp_path: Path) -> None:
    times = times_from(count=2)
    product = radar_cleaner.open_product(make_product(tmp_path / "a.zarr", "CASGO", times))
    expected = np.stack([decode_dbz(pattern_codes("CASGO", time)) for time in times])
    np.testing.assert_array_equal(product["reflectivity"].to_numpy(), expected)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        radar_cleaner.open_product(tmp_path / "b.zarr")


def test_a_model_predicts_from_arrays(tmp_path: Path) -> None:
    model = build_model(config())
    draw_weights(model, 0)
    save_model(tmp_path / "best.pt", config(), model.state_dict(), {})
    predictor = radar_cleaner.load_model(str(tmp_path / "best.pt"))
    assert isinstance(predictor, radar_cleaner.Predictor)
    this_radar = np.random.default_rng(0).integers(0, 200, (3, 20, 30), dtype=np.uint8)
    inputs = radar_cleaner.FrameInputs(
        this_radar, np.full_like(this_radar, NODATA), center_px=(15.0, 10.0), range_px=20.0, time=1720699200
    )
    prediction = predictor.predict(inputs)
    assert prediction.probability.shape == prediction.dbz.shape == (20, 30)
    with pytest.raises(ModelError, match=r"no\.pt"):
        radar_cleaner.load_model(tmp_path / "no.pt")


def test_all_names_are_there_and_others_are_named_in_the_error() -> None:
    assert set(radar_cleaner.__all__) <= set(dir(radar_cleaner))
    assert all(getattr(radar_cleaner, name).__doc__ for name in radar_cleaner.__all__)
    with pytest.raises(AttributeError, match="open_product"):
        _ = radar_cleaner.open_store  # type: ignore[attr-defined]


def test_importing_the_package_and_its_command_line_loads_nothing_heavy() -> None:
    code = "import sys, radar_cleaner.cli; print({'torch', 'xarray', 'pandas', 'zarr'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
