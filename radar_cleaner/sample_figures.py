"""A picture of one sample: every channel that the network sees, and what it should say, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch
from numpy.typing import NDArray

from radar_cleaner.figures import BLUE, GREY, INK, VERMILION, YELLOW, new_figure, to_png

Plane = NDArray[Any]

_COLUMNS = 4
_PANEL_INCHES = 2.6
# Of the planes of classes: what their values stand for.
MASK_COLOURS = {1: ("meteorological", BLUE), 2: ("other echo", VERMILION), 3: ("planted", YELLOW)}
_EMPTY = "#f4f6f8"


def sample_figure(title: str, channels: Mapping[str, Plane], targets: Mapping[str, Plane]) -> bytes:
    """Panels of (y, x) planes: channels as the network sees them, then targets.

    Of the targets `mask` has the values of MASK_COLOURS, 0 elsewhere; `reflectivity` is in dBZ, NaN where it does
    not count; `hole` is bool; others are numbers.
    """
    planes = {**channels, **targets}
    rows = -(-len(planes) // _COLUMNS)
    figure = new_figure(_PANEL_INCHES * _COLUMNS, (_PANEL_INCHES + 0.25) * rows + 0.5)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    panels: Sequence[Axes] = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, plane) in zip(panels, planes.items(), strict=False):
        axes.set_title(name if name in channels else f"target: {name}", fontsize=8.5, color=INK)
        if name == "mask" and name in targets:
            colours = [_EMPTY, *(colour for _, colour in MASK_COLOURS.values())]
            axes.imshow(
                plane, cmap=ListedColormap(colours), norm=BoundaryNorm(range(5), 4), interpolation="nearest"
            )
        elif plane.dtype == bool:
            axes.imshow(plane, cmap=ListedColormap([_EMPTY, INK]), vmin=0, vmax=1, interpolation="nearest")
        else:
            _draw_numbers(axes, name, plane)
    handles = [Patch(facecolor=colour, edgecolor=GREY, label=label) for label, colour in MASK_COLOURS.values()]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8.5, frameon=False)
    return to_png(figure)


def _draw_numbers(axes: Axes, name: str, plane: Plane) -> None:
    """Numbers in greys from the least to the most, which the bar tells; reflectivity in colour."""
    if name.endswith("reflectivity") or "_reflectivity_" in name:
        plane = np.where(plane > 0, plane, np.nan)  # 0 is no echo
    finite = plane[np.isfinite(plane)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    cmap = colormaps["magma_r" if "reflectivity" in name else "Greys"].with_extremes(bad=_EMPTY)
    image = axes.imshow(plane, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02).ax.tick_params(labelsize=7)
