"""The PNG that ``apply`` writes: before and after, a caption strip, and the recipe inside."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from attrbank import files
from attrbank.errors import InvalidValueError, StorageError
from attrbank.pictures import parameters
from attrbank.pictures.png_text import RECIPE_KEY
from attrbank.pictures.read import InputImage, on_white
from attrbank.pictures.sheet import draw_images, to_image
from attrbank.schema.carried import Recipe
from attrbank.text import printable


def require_writable(asked: Path | None, sources: Iterable[Path | None] = (), *, makes_folder: bool = False) -> None:
    """Does nothing if the picture can be written as asked, or into this folder; to be asked before long work.

    Args:
        asked: where to.
        sources: what it is made of, and what it must not replace.
        makes_folder: whether its folder is made if it is not there, as that of many pictures is.

    Raises:
        StorageError: its folder is not there or cannot be written to, or made, or a folder has the picture's name.
        InvalidValueError: it would replace one of its sources.
    """
    if asked is not None and os.path.realpath(asked) in {os.path.realpath(source) for source in sources if source}:
        raise InvalidValueError(
            f"{printable(str(asked))} would replace the picture that it is made of.", hint="Give it another name."
        )
    folder = Path() if asked is None else asked.parent
    folder = _nearest_folder(folder) if makes_folder else folder
    if os.path.isdir(asked or "") or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise StorageError(
            f"The picture cannot be written to {printable(str(asked or os.path.realpath(folder)))}.",
            hint="Name a file in a folder you can write to.",
        )


def _nearest_folder(folder: Path) -> Path:
    """The folder, or that of those above it in which it would be made."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def write(
    asked: Path | None,
    before: Tensor | None,
    after: Tensor,
    captions: tuple[str, str],
    recipe: Recipe,
    original: InputImage | None = None,
    *,
    numbered: bool = False,
) -> Path:
    """Write the PNG as asked, else as ``default_name`` or under the next free number, and return its path.

    Args:
        asked: where to.
        before: (3, h, w) in [0, 1]; None writes the edited picture alone, without frame and caption.
        after: likewise.
        captions: of either.
        recipe: what it carries.
        original: whose transparency and colour profile it takes.
        numbered: leave alone what is there already, and take the next free number.

    Raises:
        StorageError: it cannot be written.
    """
    data = encoded(before, after, captions, recipe, original)
    if asked is None or numbered:
        return create_numbered(asked or default_name(recipe), data)
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
    chunks.add_text(parameters.KEY, parameters.parameters_of(recipe, (after.shape[-1], after.shape[-2])))
    data = io.BytesIO()
    if before is None:
        image = like(original, after)
    else:
        alpha = None if original is None else original.alpha
        image = draw_images((to_image(on_white(pixels, alpha)) for pixels in (before, after)), captions)
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


def default_name(recipe: Recipe) -> Path:
    """``young+smile_seed0.png``; of a picture that was edited ``photo_young+smile.png``."""
    attributes = "+".join(turn.name for turn in recipe.steps_applied)[:100]
    if recipe.image is None:
        return Path(f"{attributes}_seed{recipe.seed}.png")
    stem = Path(recipe.image.name).stem.replace("/", "-").replace("\\", "-").lstrip(".")[:100]
    return Path(f"{stem or 'picture'}_{attributes}.png")


def numbers(first: Path) -> Iterator[Path]:
    """A name, and those to take one after the other if it is taken: ``a.png``, ``a-2.png`` ..."""
    yield first
    for number in itertools.count(2):
        yield first.with_name(f"{first.stem}-{number}{first.suffix}")


def create_numbered(first: Path, data: bytes) -> Path:
    """Write a PNG under a name or the next free number, and return its path."""
    return next(path for path in numbers(first) if not path.exists() and files.create(path, data))
