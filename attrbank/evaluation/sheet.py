"""Draws the README's contact sheets: ``python -m attrbank.evaluation.sheet`` (about a minute on two cores)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.starter_prompts import NEUTRAL
from attrbank.names import parse_seeds
from attrbank.picture import INK, PAPER, to_image
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

NAMES, STRENGTHS, SEEDS = ("young", "smile", "glasses", "hat", "woman"), (0.5, 1.0), "10000-10007"
TILE, GAP = 96, 2


def draw_sheet(columns: Sequence[str], rows: Sequence[Tensor], gaps: set[int]) -> Image.Image:
    """Pictures as a grid, a column for each way to make them and a row for each seed.

    Args:
        columns: captions.
        rows: one stack of pictures (seeds, 3, h, w) a column.
        gaps: columns with a gap before them.
    """
    width = len(columns) * (TILE + GAP) + 8 * len(gaps) + GAP
    sheet = Image.new("RGB", (width, 20 + len(rows[0]) * (TILE + GAP)), PAPER)
    draw, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(12), GAP
    for number, (caption, pictures) in enumerate(zip(columns, rows, strict=True)):
        left += 8 * (number in gaps)
        draw.text((left + TILE / 2, 10), caption, INK, font, anchor="mm")
        for row, picture in enumerate(pictures):
            tile = to_image(picture).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left, 20 + row * (TILE + GAP)))
        left += TILE + GAP
    return sheet


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("docs/contact-sheet.png"),
    seeds: str = SEEDS,
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Eight people, five attributes, two strengths."""
    chosen = Bank.open(bank) if bank else Bank.starter()
    bench = Bench(load_plugins().backbone("portraits"), NEUTRAL, parse_seeds(seeds))
    columns, rows, gaps = ["before"], [bench.images(bench.unedited)], set[int]()
    for name in NAMES:
        gaps.add(len(columns))
        for strength in STRENGTHS:
            columns.append(f"{name} {strength:g}")
            rows.append(bench.images(bench.edited([bench.act(stored(chosen, name), strength)])))
    draw_sheet(columns, rows, gaps).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
