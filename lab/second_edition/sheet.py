"""Draws the sheet of graded people: ``python -m lab.second_edition.sheet --out FILE`` (a few seconds)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from attrbank_portraits_2.parameters import Portraits, draw
from attrbank_portraits_2.render import render
from torch import Tensor

from attrbank.pictures.sheet import draw_grid
from lab.second_edition.codec import HELD_OUT

PEOPLE, STEPS, POOL = 8, 4, 400

_SWEEPS = {"age": (0.05, 1.0), "expression": (-1.0, 1.0), "beard": (0.0, 1.0), "hair_length": (0.0, 1.0)}


def people(count: int = PEOPLE) -> Portraits:
    """Held-out people, half of them masculine, without hats and sunglasses so that grades are seen."""
    drawn = draw(POOL, HELD_OUT)
    bare = (drawn.column("hat") == 0) & (drawn.column("glasses") != 3) & (drawn.column("beard") < 0.5)
    women, men = (bare & chosen for chosen in (drawn.column("build") < 0.4, drawn.column("build") > 0.6))
    rows = torch.stack([men.nonzero().flatten()[: count // 2], women.nonzero().flatten()[: count // 2]], dim=1)
    return drawn[rows.flatten()]


def sweeps(portraits: Portraits, steps: int = STEPS) -> dict[str, Tensor]:
    """Each person in ``steps`` grades of each attribute with nothing else changed.

    Shapes:
        returned: the columns' names to (N, 3, 128, 128) in [0, 1].
    """
    found = {}
    for name, (low, high) in _SWEEPS.items():
        for value in torch.linspace(low, high, steps).tolist():
            found[f"{name.replace('_', ' ')} {value:.2g}"] = render(portraits.having(name, value))
    return found


def main(out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("graded.png")) -> None:
    """Eight people × graded age, expression, beard and hair length."""
    columns = sweeps(people())
    draw_grid(list(columns), list(columns.values()), gaps=set(range(STEPS, len(columns), STEPS))).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
