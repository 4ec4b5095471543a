"""Does the detector see what people see? ``python -m lab.portraits.labelled`` holds it against 120 labels by eye.

``labelled/pictures.webp`` holds 60 unedited pictures and, from the sixth row on, 60 edited ones (default ``learn``,
strength 1), twelve in a row, as the model drew them before its last training; ``labels.json`` says which look damaged.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor

from attrbank.evaluation.judges.oracle import load_damage

FOLDER = Path(__file__).parent / "labelled"
SIZE, ROW = 128, 12


def pictures() -> Tensor:
    """The labelled pictures, (120, 3, 128, 128) in [0, 1]."""
    with Image.open(FOLDER / "pictures.webp") as sheet:
        pixels = torch.from_numpy(np.asarray(sheet.convert("RGB")).copy())
    tiles = pixels.unflatten(0, (-1, SIZE)).unflatten(2, (ROW, SIZE)).permute(0, 2, 4, 1, 3)  # type: ignore[no-untyped-call]
    shown: Tensor = tiles.flatten(0, 1).float() / 255
    return shown


def labels() -> Tensor:
    """Which of them look damaged, (120,) bool."""
    return torch.tensor([row["damaged"] for row in json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))])


def main() -> None:
    """Print how often they agree, and in which direction they do not."""
    seen, said = load_damage().sees(pictures()), labels()
    typer.echo(f"agreement: {(seen == said).float().mean():.2f} of {len(said)}")
    typer.echo(f"of {int(said.sum())} that look damaged, the detector sees {int((seen & said).sum())}")
    typer.echo(f"of {int((~said).sum())} that do not, it calls {int((seen & ~said).sum())} damaged")
    for title, half in (("unedited", slice(0, 60)), ("edited", slice(60, None))):
        typer.echo(f"{title}: {said[half].float().mean():.2f} by eye, {seen[half].float().mean():.2f} by the detector")


if __name__ == "__main__":
    typer.run(main)
