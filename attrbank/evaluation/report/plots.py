"""Curves as SVG that stands in a page without any file beside it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from attrbank.evaluation.numbers.results import AttributeFigures, Curve

if TYPE_CHECKING:  # an evaluation without a report does without matplotlib
    from matplotlib.axes import Axes

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
OTHER = "#7f8c8d"


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
    """Collateral change against success, and the effect against strength; the limit is dashed."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    told = any(DAMAGE.y in curve.points[0].figures for curve in attribute.curves)
    panels = (*PANELS, DAMAGE) if told else PANELS
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": attribute.id, "font.size": 8}):
        figure = Figure(figsize=(1 + 3 * len(panels), 3.1), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
            _draw(axes, panel, attribute)
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=7
        )
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    return svg[svg.index("<svg") :]  # without the XML declaration, which has no place inside a page


def _draw(axes: Axes, panel: Panel, attribute: AttributeFigures) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    for curve in attribute.curves:
        if panel.y in curve.points[0].figures:
            _draw_curve(axes, panel, curve)
    if panel.limit in attribute.limit:
        axes.axhline(attribute.limit[panel.limit], color="black", linewidth=0.8, linestyle="--", label="limit")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_curve(axes: Axes, panel: Panel, curve: Curve) -> None:
    found = [point.figures[panel.y] for point in curve.points]
    values = [estimate.value for estimate in found]
    spread = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
    ours = curve.competitor == "attribute"
    axes.errorbar(
        panel.x(curve),
        values,
        spread,
        label=curve.competitor,
        color=COLOURS.get(curve.competitor, OTHER),
        linewidth=2 if ours else 1,
        marker="o",
        markersize=4 if ours else 3,
        elinewidth=0.5,
        zorder=3 if ours else 2,
    )
