"""Turn raw weather-radar pictures into clean, georeferenced, physical data.

Snakemake runs the subcommands of `radar_cleaner.cli`. In Python:

    import radar_cleaner

    product = radar_cleaner.open_product("results/cleaned/CASGO/20240711.zarr")  # an xarray.Dataset
    predictor = radar_cleaner.load_model("results/model/best.pt")
    prediction = predictor.predict(radar_cleaner.FrameInputs(...))

Each name is imported when it is first used: to import the package alone loads neither torch nor xarray.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radar_cleaner.inference.frame_reader import FrameInputs, FrameReader
    from radar_cleaner.inference.predictor import Prediction, Predictor
    from radar_cleaner.inference.predictor import load_predictor as load_model
    from radar_cleaner.products.cf import open_product

__version__ = "0.1.0"
__all__ = ["FrameInputs", "FrameReader", "Prediction", "Predictor", "load_model", "open_product"]

_PLACES = {
    "FrameInputs": ("inference.frame_reader", "FrameInputs"),
    "FrameReader": ("inference.frame_reader", "FrameReader"),
    "Prediction": ("inference.predictor", "Prediction"),
    "Predictor": ("inference.predictor", "Predictor"),
    "load_model": ("inference.predictor", "load_predictor"),
    "open_product": ("products.cf", "open_product"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'radar_cleaner' has no attribute '{name}'; it has {', '.join(__all__)}")
    module, attribute = _PLACES[name]
    return getattr(import_module(f"radar_cleaner.{module}"), attribute)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
