"""A picture of one sample: every input channel of the network and every target, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch
from numpy.typing import NDArray

from radar_cleaner.plotting.style import BLUE, GREY, INK, VERMILION, YELLOW, new_figure, to_png

Plane = NDArray[Any]

_COLUMNS = 4
_PANEL_INCHES = 2.6
# The names and colours of the values of `mask`.
MASK_COLOURS = {1: ("meteorological", BLUE), 2: ("other echo", VERMILION), 3: ("injected artefact", YELLOW)}
_EMPTY, _NOT_KNOWN = "#f4f6f8", "#c3c8cd"
_LEAST_SPAN_DBZ = 5.0  # of a colour bar: a smaller one would exaggerate differences


def sample_figure(title: str, channels: Mapping[str, Plane], targets: Mapping[str, Plane]) -> bytes:
    """Draw panels of (y, x) arrays: the input channels and, from a new row on, the targets.

    Of the targets, `mask` has the values of MASK_COLOURS, 0 elsewhere. `rain in ...` is 1 or 0, NaN where it is
    unknown. `reflectivity ...` is in dBZ, NaN where it does not count, all on one scale. `hidden` is bool, the
    others are numbers.
    """
    first = -(-len(channels) // _COLUMNS) * _COLUMNS  # the panel of the first target
    rows = -(-(first + len(targets)) // _COLUMNS)
    figure = new_figure(_PANEL_INCHES * _COLUMNS, (_PANEL_INCHES + 0.25) * rows + 0.5)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    panels: Sequence[Axes] = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, plane) in zip(panels, channels.items(), strict=False):
        axes.set_title(name, fontsize=8.5, color=INK)
        _draw_numbers(axes, name, np.where(plane > 0, plane, np.nan) if "_reflectivity_" in name else plane)
    span = _span_dbz([plane for name, plane in targets.items() if name.startswith("reflectivity")])
    for axes, (name, plane) in zip(panels[first:], targets.items(), strict=False):
        axes.set_title(f"target: {name}", fontsize=8.5, color=INK)
        _draw_target(axes, name, plane, span)
    colours = dict(MASK_COLOURS.values())
    if any(name.startswith("rain in") for name in targets):
        colours |= {"not known": _NOT_KNOWN}
    handles = [Patch(facecolor=colour, edgecolor=GREY, label=label) for label, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, fontsize=8.5, frameon=False)
    return to_png(figure, colours=None)  # a palette would replace rare colours, such as that of injected artefacts


def _draw_target(axes: Axes, name: str, plane: Plane, span_dbz: tuple[float, float]) -> None:
    """Draw one target, see `sample_figure`."""
    if name == "mask":
        colours = [_EMPTY, *(colour for _, colour in MASK_COLOURS.values())]
        axes.imshow(plane, cmap=ListedColormap(colours), norm=BoundaryNorm(range(5), 4), interpolation="nearest")
    elif name.startswith("rain in"):
        cmap = ListedColormap([_EMPTY, BLUE]).with_extremes(bad=_NOT_KNOWN)
        axes.imshow(plane, cmap=cmap, vmin=0, vmax=1, interpolation="nearest")
    elif plane.dtype == bool:
        axes.imshow(plane, cmap=ListedColormap([_EMPTY, INK]), vmin=0, vmax=1, interpolation="nearest")
    else:
        _draw_numbers(axes, name, plane, span_dbz if name.startswith("reflectivity") else None)


def _span_dbz(planes: Sequence[Plane]) -> tuple[float, float]:
    """Return the lowest and the highest reflectivity of all panels in dBZ, a minimum apart."""
    known = np.concatenate([np.zeros(0), *(plane[np.isfinite(plane)] for plane in planes)])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return low, max(high, low + _LEAST_SPAN_DBZ)


def _draw_numbers(axes: Axes, name: str, plane: Plane, span: tuple[float, float] | None = None) -> None:
    """Draw numbers with a colour bar from the lowest to the highest, or over `span`; reflectivity has colours."""
    finite = plane[np.isfinite(plane)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = span or ((0.0, 1.0) if low >= 0 and high <= 1 else (low, high))
    cmap = colormaps["magma_r" if "reflectivity" in name else "Greys"].with_extremes(bad=_EMPTY)
    image = axes.imshow(plane, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02).ax.tick_params(labelsize=7)
