"""Does the detector see what people see? ``python -m lab.portraits.labelled`` holds it against labels by eye.

``labelled/pictures.webp`` holds 60 unedited pictures and, from the sixth row on, 60 edited ones (default ``learn``,
strength 1), twelve in a row, as an early denoiser of the second edition drew them; ``later.webp`` what the one before
today's drew, unedited, with the prompt switched on the way, and by weights with noise. The JSON beside each says which
look damaged, and in ``later.json`` there is nothing of which that was hard to say. The detector learns from a part of
either; who measures it takes the rest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor

from attrbank.evaluation.judges.oracle import Damage, load_damage, restore

FOLDER = Path(__file__).parent / "labelled"
SIZE, ROW = 128, 12


class Labelled(NamedTuple):
    """Pictures that somebody has looked at.

    Shapes:
        pictures: (N, 3, 128, 128) in [0, 1].
        damaged: whether they look damaged, (N,) bool.
        held_out: whether no detector has learned from them, (N,) bool.
    """

    pictures: Tensor
    damaged: Tensor
    held_out: Tensor

    def some(self, rows: Tensor) -> Labelled:
        """Some of them."""
        return Labelled(*(tensor[rows] for tensor in self))


class Sheet(NamedTuple):
    """Labelled pictures on disk.

    Attributes:
        name: of both files.
        title: what they are.
    """

    name: str
    title: str

    def read(self) -> Labelled:
        """All of them; where nothing is said of what is held out, every other one is."""
        with Image.open(FOLDER / f"{self.name}.webp") as sheet:
            pixels = torch.from_numpy(np.asarray(sheet.convert("RGB")).copy())
        tiles = pixels.unflatten(0, (-1, SIZE)).unflatten(2, (ROW, SIZE)).permute(0, 2, 4, 1, 3)  # type: ignore[no-untyped-call]
        rows = json.loads((FOLDER / f"{self.name}.json").read_text(encoding="utf-8"))
        damaged = torch.tensor([row["damaged"] for row in rows])
        held_out = torch.tensor([row.get("held_out", bool(number % 2)) for number, row in enumerate(rows)])
        return Labelled(tiles.flatten(0, 1).float() / 255, damaged, held_out)

    def to_learn(self) -> Labelled:
        """Those to learn from."""
        read = self.read()
        return read.some(~read.held_out)


SHEETS = (Sheet("pictures", "by an early denoiser"), Sheet("later", "by the one before today's"))


class Agreement(NamedTuple):
    """How often detector and eye agree: of all, of the damaged, of the others, and the mean of the last two."""

    plain: float
    damaged: float
    whole: float
    balanced: float


def agreement(seen: Tensor, said: Tensor) -> Agreement:
    """Compare what a detector sees with what somebody said, both (N,) bool."""
    right = (seen == said).float()
    damaged, whole = float(right[said].mean()), float(right[~said].mean())
    return Agreement(float(right.mean()), damaged, whole, (damaged + whole) / 2)


def ranked(read: Tensor, said: Tensor) -> float:
    """How often a damaged picture has the larger logit than one that is not (AUC)."""
    return float((read[said][:, None] > read[~said][None]).float().mean())


def main(
    weights: Annotated[Path | None, typer.Option(help="A detector; the shipped one if not given.")] = None,
) -> None:
    """Print how often they agree, on pictures from which it has not learned and on the others."""
    detector = restore(Damage(), weights) if weights else load_damage()
    for sheet in SHEETS:
        found = sheet.read()
        for title, rows in (("held out", found.held_out), ("learned", ~found.held_out)):
            part = found.some(rows)
            read = detector.read(part.pictures)
            plain, damaged, whole, balanced = agreement(read > detector.threshold, part.damaged)
            typer.echo(
                f"{len(read)} {sheet.title}, {title}: agreement {plain:.2f}, balanced {balanced:.2f}; of"
                f" {int(part.damaged.sum())} damaged {damaged:.2f}, of the others {whole:.2f}; AUC"
                f" {ranked(read, part.damaged):.2f}"
            )


if __name__ == "__main__":
    typer.run(main)
