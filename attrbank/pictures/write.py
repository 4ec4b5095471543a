"""The PNG that ``apply`` writes: before and after, a caption strip, and the recipe inside."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin
from torch import Tensor

from attrbank import files
from attrbank.errors import InvalidValueError, StorageError
from attrbank.pictures.png_text import RECIPE_KEY
from attrbank.pictures.read import InputImage, on_white
from attrbank.schema import Recipe
from attrbank.text import printable

SMALLEST, MARGIN, STRIP, FONT_SIZE = 256, 8, 26, 13
PAPER, INK = (250, 249, 246), (52, 50, 54)


def require_writable(asked: Path | None, sources: Iterable[Path | None] = ()) -> None:
    """Does nothing if the picture can be written as asked, or into this folder; to be asked before long work.

    Args:
        asked: where to.
        sources: what it is made of, and what it must not replace.

    Raises:
        StorageError: the folder is not there or cannot be written to, or a folder has the picture's name.
        InvalidValueError: it would replace one of its sources.
    """
    if asked is not None and any(source and source.resolve() == asked.resolve() for source in sources):
        raise InvalidValueError(
            f"{printable(str(asked))} would replace the picture that it is made of.", hint="Give it another name."
        )
    folder = Path() if asked is None else asked.parent
    if os.path.isdir(asked or "") or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise StorageError(
            f"The picture cannot be written to {printable(str(asked or folder.resolve()))}.",
            hint="Name a file in a folder you can write to.",
        )


def to_image(pixels: Tensor) -> Image.Image:
    """A picture (3, h, w) in [0, 1] as 8-bit RGB, or (4, h, w) as RGBA."""
    levels = (pixels.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def compose(before: Tensor, after: Tensor, captions: tuple[str, str]) -> Image.Image:
    """Before and after side by side, each above its caption; small pictures are enlarged.

    Shapes:
        before, after: (3, h, w) in [0, 1].
    """
    images = [_enlarged(to_image(pixels)) for pixels in (before, after)]
    width, height = images[0].size
    sheet = Image.new("RGB", (len(images) * (width + MARGIN) + MARGIN, height + MARGIN + STRIP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left = MARGIN + number * (width + MARGIN)
        sheet.paste(image, (left, MARGIN))
        text = _fitted(draw, printable(caption), font, width)
        draw.text((left + width / 2, height + MARGIN + STRIP / 2), text, INK, font, anchor="mm")
    return sheet


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-SMALLEST // min(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> str:
    while len(text) > 1 and draw.textlength(text, font) > width:
        text = text[:-2].rstrip() + "…"
    return text


def write(
    asked: Path | None,
    before: Tensor | None,
    after: Tensor,
    captions: tuple[str, str],
    recipe: Recipe,
    original: InputImage | None = None,
) -> Path:
    """Write the PNG as asked, else as ``young+smile_seed0.png`` or under the next free number, and return its path.

    Args:
        asked: where to.
        before: (3, h, w) in [0, 1]; None writes the edited picture alone, without frame and caption.
        after: likewise.
        captions: of either.
        recipe: what it carries.
        original: whose transparency and colour profile it takes.

    Raises:
        StorageError: it cannot be written.
    """
    data = encoded(before, after, captions, recipe, original)
    if asked is None:
        return create_numbered(recipe, data)
    files.replace(asked, data)
    return asked


def encoded(
    before: Tensor | None,
    after: Tensor,
    captions: tuple[str, str],
    recipe: Recipe,
    original: InputImage | None = None,
) -> bytes:
    """The PNG as ``write`` writes it."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(RECIPE_KEY, recipe.model_dump_json())
    data = io.BytesIO()
    if before is None:
        image = like(original, after)
    else:
        alpha = None if original is None else original.alpha
        image = compose(on_white(before, alpha), on_white(after, alpha), captions)
    image.save(data, format="PNG", pnginfo=chunks, icc_profile=original.icc_profile if original else None)
    return data.getvalue()


def like(original: InputImage | None, pixels: Tensor) -> Image.Image:
    """A picture (3, h, w) in [0, 1] with the transparency and the colour profile of the one it is made of."""
    if original is None:
        return to_image(pixels)
    image = to_image(pixels if original.alpha is None else torch.cat([pixels, original.alpha]))
    if original.icc_profile is not None:
        image.info["icc_profile"] = original.icc_profile
    return image


def create_numbered(recipe: Recipe, data: bytes) -> Path:
    """Write a PNG as ``young+smile_seed0.png``, or under the next free number, and return its path."""
    stem = f"{'+'.join(step.name for step in recipe.steps_applied)[:100]}_seed{recipe.seed}"
    numbered = (Path(f"{stem}-{number}.png") for number in itertools.count(2))
    paths = itertools.chain([Path(f"{stem}.png")], numbered)
    return next(path for path in paths if not path.exists() and files.create(path, data))
