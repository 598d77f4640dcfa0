"""Print the networks that can be trained."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from radar_cleaner.models.registry import load_code, registered_models

_WIDTH = 100


def list_models(*, code: Path | None = None) -> None:
    """Print the networks by name, with the default and the meaning of each option.

    Parameters
    ----------
    code
        Python file that registers networks of your own by `@register_model`.
    """
    load_code(code)
    for model in registered_models():
        print(f"{model.name}: {model.summary}")
        for name, field in model.options.model_fields.items():
            default = "required" if field.is_required() else field.get_default(call_default_factory=True)
            print(f"    {name}: {default}")
            print("\n".join(f"        {line}" for line in wrap(field.description or "", _WIDTH - 8)))
        print()
    print("In a config: training: {model: {name: rate_net, base_width: 24}}")
