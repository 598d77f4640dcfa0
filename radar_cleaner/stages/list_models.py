"""Print the networks that a model can be trained as."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from textwrap import wrap

from docstring_parser import parse

from radar_cleaner.config.networks import BACKBONES, describe_options
from radar_cleaner.models import load_code, registered_models

_WIDTH = 100


def list_models(*, code: Path | None = None) -> None:
    """Print the networks by name, with their options, what these are by default and what they do.

    Parameters
    ----------
    code
        Python file of networks of your own, which it registers by `@register_model`.
    """
    load_code(code)
    for model in registered_models():
        told = {
            part.arg_name: part.description or "" for part in parse(inspect.getdoc(model.options) or "").params
        }
        print(f"{model.name}: {model.summary}")
        for name, default in describe_options(model.options).items():
            shown = "needed" if default is dataclasses.MISSING else default
            lines = wrap(told.get(name, ""), _WIDTH - 8) or [""]
            print(f"    {name}: {shown}")
            print("\n".join(f"        {line}" for line in lines if line))
        print()
    print(f"Backbones of encoder_unet by name: {', '.join(BACKBONES)}.")
    print("In a config: training: {model: {name: rate_net, base_width: 24}}")
