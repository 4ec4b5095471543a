"""The one place where pictures are laid out beside each other: before and after, and small ones in rows and columns."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin
from torch import Tensor

from attrbank.pictures.png_text import SHEET_KEY
from attrbank.text import printable

TILE, SMALLEST = 96, 256
"""Pixels: the width of a small picture, and the longer side of a large one at least."""

STRIP = 2**20
"""Numbers that are converted at a time: of a large picture, the whole would be there three times more."""

PAPER, INK = (250, 249, 246), (52, 50, 54)


class Style(NamedTuple):
    """How a sheet looks, in pixels.

    Attributes:
        gap: around pictures.
        wide_gap: added where columns are set apart.
        strip: height of the captions' line.
        font: size of the captions.
        captions_below: whether they stand under the pictures, not above.
    """

    gap: int
    wide_gap: int
    strip: int
    font: int
    captions_below: bool


PAIR = Style(gap=8, wide_gap=0, strip=26, font=13, captions_below=True)
GRID = Style(gap=2, wide_gap=10, strip=20, font=12, captions_below=False)
BARE = Style(gap=0, wide_gap=0, strip=0, font=12, captions_below=False)


def to_image(pixels: Tensor) -> Image.Image:
    """A picture (3, h, w) in [0, 1] as 8-bit RGB, or (4, h, w) as RGBA."""
    bands, height, width = pixels.shape
    levels, rows = torch.empty(height, width, bands, dtype=torch.uint8), max(1, STRIP // (bands * width))
    for top in range(0, height, rows):
        strip = pixels[:, top : top + rows].detach().clamp(0, 1).mul(255).round()
        levels[top : top + rows] = strip.permute(1, 2, 0)
    return Image.fromarray(levels.numpy())


def draw_pair(before: Tensor, after: Tensor, captions: tuple[str, str]) -> Image.Image:
    """Before and after side by side, each above its caption; small pictures are enlarged.

    Shapes:
        before, after: (3, h, w) in [0, 1].
    """
    return draw_images((to_image(pixels) for pixels in (before, after)), captions)


def draw_images(images: Iterable[Image.Image], captions: Sequence[str]) -> Image.Image:
    """Images side by side, as ``draw_pair`` draws two."""
    return _laid_out([[_enlarged(image)] for image in images], captions, PAIR)


def draw_grid(
    columns: Sequence[str],
    stacks: Sequence[Tensor],
    *,
    gaps: Collection[int],
    labels: Sequence[str] = (),
    largest: int = TILE,
) -> Image.Image:
    """Pictures as a grid, a column for each way to make them.

    Args:
        columns: captions.
        stacks: one stack of pictures (rows, 3, h, w) in [0, 1] a column.
        gaps: columns with a wider gap before them.
        labels: captions of the rows, on the left.
        largest: pixels; a picture that is wider is made smaller, and one that is narrower than ``TILE`` larger.
    """
    width = max(TILE, min(largest, stacks[0].shape[-1]))
    tiles = [[_tile(picture, width) for picture in stack] for stack in stacks]
    return _laid_out(tiles, columns, GRID, gaps, labels)


def draw_column(pictures: Tensor) -> Image.Image:
    """Small pictures (rows, 3, h, w) in [0, 1] one above the other, with nothing between them."""
    return _laid_out([[_tile(picture) for picture in pictures]], [""], BARE)


def png_of(sheet: Image.Image, pictures: int) -> bytes:
    """A sheet of so many pictures as a PNG file, which says that it is one."""
    chunks, data = PngImagePlugin.PngInfo(), io.BytesIO()
    chunks.add_itxt(SHEET_KEY, str(pictures))
    sheet.save(data, format="PNG", pnginfo=chunks)
    return data.getvalue()


def _laid_out(
    columns: Sequence[Sequence[Image.Image]],
    captions: Sequence[str],
    style: Style,
    gaps: Collection[int] = (),
    labels: Sequence[str] = (),
) -> Image.Image:
    """Images of one size, a list of them for each column."""
    font, (width, height) = ImageFont.load_default(style.font), columns[0][0].size
    margin = max((int(font.getlength(printable(label))) + 8 for label in labels), default=0)
    across, down = width + style.gap, height + style.gap
    pictures_end = len(columns[0]) * down
    size = (margin + style.gap + len(columns) * across + style.wide_gap * len(gaps), pictures_end + style.strip)
    top, line = (style.gap, pictures_end) if style.captions_below else (style.strip, 0)
    sheet = Image.new("RGB", size, PAPER)
    draw, left = ImageDraw.Draw(sheet), margin + style.gap
    for row, label in enumerate(labels):
        draw.text((4, top + row * down + height / 2), printable(label), INK, font, anchor="lm")
    for number, (caption, images) in enumerate(zip(captions, columns, strict=True)):
        left += style.wide_gap * (number in gaps)
        text = _fitted(draw, printable(caption), font, width)
        draw.text((left + width / 2, line + style.strip / 2), text, INK, font, anchor="mm")
        for row, image in enumerate(images):
            sheet.paste(image, (left, top + row * down))
        left += across
    return sheet


def _tile(picture: Tensor, width: int = TILE) -> Image.Image:
    image = to_image(picture)
    return image.resize((width, round(width * image.height / image.width)), Image.Resampling.LANCZOS)


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-SMALLEST // max(image.size))  # by its longer side: a line of one pixel's height stays one
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> str:
    while len(text) > 1 and draw.textlength(text, font) > width:
        text = text[:-2].rstrip() + "…"
    return text
