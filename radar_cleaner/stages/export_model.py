"""Write a trained model as ONNX, for other programs."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner import __version__
from radar_cleaner.datasets.channels import DBZ_FLOOR, DBZ_SPAN, WEAKEST_ECHO
from radar_cleaner.inference.onnx_export import export_onnx
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.storage.atomic import write_bytes

logger = logging.getLogger(__name__)

_SCALE = (
    f"{WEAKEST_ECHO:g} + {1 - WEAKEST_ECHO:g} * clip((dBZ - {DBZ_FLOOR:g}) / {DBZ_SPAN:g}, 0, 1);"
    " 0 without echo and where unavailable"
)


def export_model(*, model: Path, output: Path, code: Path | None = None) -> None:
    """Write a model as an ONNX file for any number of frames of any size.

    Its input `channels` is (batch, channel, y, x) float32; the metadata of the file contain the names of the
    channels and their scale. Its outputs are `meteorological_probability`, 0..1, and `reflectivity` in dBZ,
    both (batch, lead, y, x).

    Parameters
    ----------
    model
        Model file.
    output
        ONNX file to write.
    code
        Python file of a network of your own.
    """
    cleaner = load_predictor(model, 1, code)
    content = export_onnx(
        cleaner.model,
        cleaner.config,
        {
            "model": cleaner.config.model,
            "digest": cleaner.digest,
            "radar_cleaner": __version__,
            "atlas": cleaner.config.inputs.atlas,
            "reflectivity_channels": _SCALE,
        },
    )
    write_bytes(output, content)
    logger.info("%s: %.1f MB, of %s", output, len(content) / 1e6, model)
