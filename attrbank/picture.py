"""The PNG that ``apply`` writes: before and after, a caption strip, and the recipe inside."""

from __future__ import annotations

import io
import itertools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin
from torch import Tensor

from attrbank.errors import StorageError
from attrbank.png_text import RECIPE_KEY
from attrbank.schema import Recipe
from attrbank.text import printable

SMALLEST, MARGIN, STRIP, FONT_SIZE = 256, 8, 26, 13
PAPER, INK = (250, 249, 246), (52, 50, 54)


def output_path(asked: Path | None, names: Sequence[str], seed: int) -> Path:
    """Where the picture goes: as asked, else ``young+smile_seed0.png`` or the next free number.

    Raises:
        StorageError: the folder is not there or cannot be written to.
    """
    path = asked if asked is not None else _free_name("+".join(names)[:100], seed)
    folder = path.parent
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise StorageError(
            f"The picture cannot be written to {printable(str(path))}.",
            hint="Name a file in a folder you can write to.",
        )
    return path


def _free_name(stem: str, seed: int) -> Path:
    numbered = (Path(f"{stem}_seed{seed}{suffix}.png") for suffix in itertools.chain([""], _numbers()))
    return next(path for path in numbered if not path.exists())


def _numbers() -> itertools.chain[str]:
    return itertools.chain.from_iterable([f"-{number}"] for number in itertools.count(2))


def to_image(pixels: Tensor) -> Image.Image:
    """A picture (3, h, w) in [0, 1] as 8-bit RGB."""
    levels = (pixels.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def compose(before: Tensor | None, after: Tensor, captions: tuple[str, str]) -> Image.Image:
    """Before (if any) and after side by side, each above its caption; small pictures are enlarged.

    Shapes:
        before, after: (3, h, w) in [0, 1].
    """
    panels = [(after, captions[1])] if before is None else [(before, captions[0]), (after, captions[1])]
    images = [_enlarged(to_image(pixels)) for pixels, _ in panels]
    width, height = images[0].size
    sheet = Image.new("RGB", (len(images) * (width + MARGIN) + MARGIN, height + MARGIN + STRIP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for number, (image, (_, caption)) in enumerate(zip(images, panels, strict=True)):
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


def write(path: Path, before: Tensor | None, after: Tensor, captions: tuple[str, str], recipe: Recipe) -> None:
    """Write the PNG beside its name first, then swap, so that an old picture is replaced whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(RECIPE_KEY, recipe.model_dump_json())
    encoded = io.BytesIO()
    compose(before, after, captions).save(encoded, format="PNG", pnginfo=chunks)
    try:
        _replace(path, encoded.getvalue())
    except OSError as error:
        raise StorageError(f"The picture cannot be written to {printable(str(path))}: {error.strerror}.") from error


def _replace(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".attrbank-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
