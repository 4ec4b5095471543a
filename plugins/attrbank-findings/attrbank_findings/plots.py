"""Curves and heat maps over the way from noise to picture, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrbank.plugin import Estimate
from attrbank_findings.paths import Way

if TYPE_CHECKING:  # an inspection without pictures does without matplotlib
    from matplotlib.figure import Figure

COLOURS: dict[Way, str] = {"sampled": "#c0392b", "straight": "#2980b9", "noise": "#95a5a6"}
DPI = 110


def curves(panels: Mapping[str, Mapping[Way, Sequence[Estimate]]], timesteps: Sequence[int], label: str) -> bytes:
    """One panel beside the other, a curve with its interval for each way.

    Args:
        panels: by title, what each way has at each timestep.
        timesteps: noisiest first, which is left.
        label: of the vertical axis.
    """
    figure = _figure(4.2 * len(panels), 3.0)
    for axes, (title, found) in zip(figure.subplots(1, len(panels), sharey=True), panels.items(), strict=True):
        for way, estimates in found.items():
            axes.plot(timesteps, [e.value for e in estimates], color=COLOURS[way], label=way)
            bounds = [e.low for e in estimates], [e.high for e in estimates]
            axes.fill_between(timesteps, *bounds, color=COLOURS[way], alpha=0.25, linewidth=0)
        axes.set(title=title, xlabel="timestep")
        axes.invert_xaxis()
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set(ylabel=label, ylim=(0, None))
    figure.axes[-1].legend(frameon=False)
    return _png(figure)


def heat_maps(
    rows: Mapping[str, Sequence[Sequence[Sequence[float]]]], columns: Sequence[str], timesteps: Sequence[int]
) -> bytes:
    """A grid of heat maps, rank downwards and time to the right; the maps of a row share its scale.

    Args:
        rows: by what the colours say, one map (T, r) a column.
        columns: titles.
        timesteps: noisiest first, which is left.
    """
    from matplotlib.colors import PowerNorm

    figure = _figure(3.2 * len(columns), 2.6 * len(rows))
    grid = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for line, (label, maps) in zip(grid, rows.items(), strict=True):
        # Small values are the rule and large ones the point, so a square root lets both be seen.
        scale = PowerNorm(0.5, vmin=0, vmax=max(value for found in maps for row in found for value in row))
        for axes, found in zip(line, maps, strict=True):
            ranks = len(found[0])
            image = axes.imshow(
                list(zip(*found, strict=True)),
                norm=scale,
                aspect="auto",
                extent=(-0.5, len(timesteps) - 0.5, ranks + 0.5, 0.5),
            )
        figure.colorbar(image, ax=list(line), label=label)
        line[0].set_ylabel("rank")
    for axes, title in zip(grid[0], columns, strict=True):
        axes.set_title(title)
    ticks = range(0, len(timesteps), max(1, len(timesteps) // 5))
    for axes in grid[-1]:
        axes.set_xticks(ticks, [str(timesteps[tick]) for tick in ticks])
        axes.set_xlabel("timestep")
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=DPI)


def _png(figure: Figure) -> bytes:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()
