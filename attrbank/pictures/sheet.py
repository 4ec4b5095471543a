"""Small pictures in rows and columns, with captions."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from attrbank.pictures.write import INK, PAPER, to_image
from attrbank.text import printable

TILE, GAP, WIDE_GAP, LINE = 96, 2, 10, 20


def draw_grid(
    columns: Sequence[str], stacks: Sequence[Tensor], *, gaps: set[int], labels: Sequence[str] = ()
) -> Image.Image:
    """Pictures as a grid, a column for each way to make them.

    Args:
        columns: captions.
        stacks: one stack of pictures (rows, 3, h, w) in [0, 1] a column.
        gaps: columns with a wider gap before them.
        labels: captions of the rows, on the left.
    """
    font = ImageFont.load_default(12)
    margin = max((int(font.getlength(printable(label))) + 8 for label in labels), default=0)
    width = margin + len(columns) * (TILE + GAP) + WIDE_GAP * len(gaps) + GAP
    sheet = Image.new("RGB", (width, LINE + len(stacks[0]) * (TILE + GAP)), PAPER)
    draw, left = ImageDraw.Draw(sheet), margin + GAP
    for row, label in enumerate(labels):
        draw.text((4, LINE + row * (TILE + GAP) + TILE / 2), printable(label), INK, font, anchor="lm")
    for number, (caption, pictures) in enumerate(zip(columns, stacks, strict=True)):
        left += WIDE_GAP * (number in gaps)
        draw.text((left + TILE / 2, LINE / 2), printable(caption), INK, font, anchor="mm")
        for row, picture in enumerate(pictures):
            tile = to_image(picture).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left, LINE + row * (TILE + GAP)))
        left += TILE + GAP
    return sheet
