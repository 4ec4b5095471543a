"""Curves as SVG that stands in a page without any file beside it."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from attrbank.evaluation.numbers.results import AttributeFigures, Curve

if TYPE_CHECKING:  # an evaluation without a report does without matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "attribute": "#c0392b",
    "target-prompt": "#2c3e50",
    "prompt-switch": "#2980b9",
    "interpolation": "#16a085",
    "latent-blend": "#8e44ad",
    "random-z": "#95a5a6",
    "s_z": "#d35400",
    "paper": "#b8860b",
}
SPARE = ("#27ae60", "#e84393", "#6c5ce7", "#00838f", "#795548", "#9e9d24", "#5d4037", "#ff7043")
"""Of competitors that have no colour of their own."""
PALE = "#d5d2cc"
TOGETHER = 8
"""The most curves in one plot; more get a plot each, with the others behind them."""
COLUMNS = 6


class Panel(NamedTuple):
    """One plot: what lies along the bottom, what along the side, and which limit is drawn across."""

    title: str
    x_label: str
    y_label: str
    x: Callable[[Curve], list[float]]
    y: str
    limit: str | None = None


def _success(curve: Curve) -> list[float]:
    return [point.figures["success"].value for point in curve.points]


def _strength(curve: Curve) -> list[float]:
    return [point.strength for point in curve.points]


PANELS = (
    Panel("flips of other attributes", "success", "share", _success, "flips", "flips"),
    Panel("identity error", "success", "standard deviations", _success, "identity", "identity"),
    Panel("perceptual distance", "success", "distance", _success, "perceptual", "perceptual"),
    Panel("effect", "strength", "as the judge measures it", _strength, "effect"),
)
DAMAGE = Panel("damaged pictures", "success", "share", _success, "damage", "damage")
"""Where the judge can tell."""


def curves_svg(attribute: AttributeFigures) -> str:
    """Collateral change against success, and the effect against strength; the limit is dashed.

    Of more than ``TOGETHER`` competitors each has a small plot instead: perceptual distance against success.
    """
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": attribute.id, "font.size": 8}):
        draw = _side_by_side if len(attribute.curves) <= TOGETHER else _small_multiples
        drawn = io.StringIO()
        draw(attribute).savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    return svg[svg.index("<svg") :]  # without the XML declaration, which has no place inside a page


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each competitor, no two the same unless there are more than colours."""
    spare = [name for name in names if name not in COLOURS]
    return COLOURS | {name: SPARE[number % len(SPARE)] for number, name in enumerate(spare)}


def _side_by_side(attribute: AttributeFigures) -> Figure:
    from matplotlib.figure import Figure

    told = any(DAMAGE.y in curve.points[0].figures for curve in attribute.curves)
    panels = (*PANELS, DAMAGE) if told else PANELS
    figure = Figure(figsize=(1 + 3 * len(panels), 3.1), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _draw(axes, panel, attribute)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=7)
    return figure


def _small_multiples(attribute: AttributeFigures) -> Figure:
    from matplotlib.figure import Figure

    panel = next(panel for panel in PANELS if panel.y == "perceptual")
    curves = [curve for curve in attribute.curves if panel.y in curve.points[0].figures]
    count = math.ceil(len(curves) / COLUMNS)
    figure = Figure(figsize=(2.2 * COLUMNS, 0.4 + 1.6 * count), layout="constrained")
    grid = figure.subplots(count, COLUMNS, sharex=True, sharey=True, squeeze=False).flatten()
    colours = colours_of([curve.competitor for curve in curves])
    for axes, curve in zip(grid, curves, strict=False):
        _draw_alone(axes, panel, curve, curves, colours[curve.competitor])
        _draw_limit(axes, panel, attribute)
    for axes in grid[len(curves) :]:
        axes.set_axis_off()
    figure.supxlabel(f"{panel.x_label} (more is better)", fontsize=8)
    figure.supylabel("perceptual distance (less is better)", fontsize=8)
    return figure


def _draw_alone(axes: Axes, panel: Panel, curve: Curve, curves: Sequence[Curve], colour: str) -> None:
    """One competitor's curve, before everybody's."""
    for other in curves:
        axes.plot(panel.x(other), [point.figures[panel.y].value for point in other.points], color=PALE, linewidth=0.7)
    _draw_curve(axes, panel, curve, colour)
    axes.set_title(curve.competitor, fontsize=7, fontweight="bold" if curve.competitor == "attribute" else "normal")
    axes.set_xlim(-0.05, 1.05)
    axes.spines[["top", "right"]].set_visible(False)


def _draw(axes: Axes, panel: Panel, attribute: AttributeFigures) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    colours = colours_of([curve.competitor for curve in attribute.curves])
    for curve in attribute.curves:
        if panel.y in curve.points[0].figures:
            _draw_curve(axes, panel, curve, colours[curve.competitor])
    _draw_limit(axes, panel, attribute)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_limit(axes: Axes, panel: Panel, attribute: AttributeFigures) -> None:
    if panel.limit in attribute.limit:
        axes.axhline(attribute.limit[panel.limit], color="black", linewidth=0.8, linestyle="--", label="limit")


def _draw_curve(axes: Axes, panel: Panel, curve: Curve, colour: str) -> None:
    found = [point.figures[panel.y] for point in curve.points]
    values = [estimate.value for estimate in found]
    spread = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
    ours = curve.competitor == "attribute"
    axes.errorbar(
        panel.x(curve),
        values,
        spread,
        label=curve.competitor,
        color=colour,
        linewidth=2 if ours else 1,
        marker="o",
        markersize=4 if ours else 3,
        elinewidth=0.5,
        zorder=3 if ours else 2,
    )
