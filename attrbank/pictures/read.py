"""Reads a picture that did not come from us: any common format, any mode, upright, and within limits.

Only formats that Pillow decodes itself are opened; PostScript, for one, would start another program. Of a file with
several frames the first is read. Colours stay in the picture's own RGB profile; CMYK is converted without one.
"""

from __future__ import annotations

import hashlib
import io
import os
import shlex
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from attrbank import files
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.pictures.png_text import is_sheet, recipe_text_in
from attrbank.schema.carried import Recipe
from attrbank.text import printable

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
MAX_BYTES = 2**29
MAX_PIXELS = 2**26
_SIXTEEN_BIT = {"I", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True, eq=False)
class InputImage:
    """A picture that was read.

    Attributes:
        pixels: (3, h, w) in [0, 1], as stored even where transparent.
        alpha: (1, h, w) in [0, 1]; None if the picture has no transparency.
        sha256: of the file's bytes.
        name: of the file, without its folder; printable, at most 200 characters.
        icc_profile: of the RGB values; None means sRGB.
    """

    pixels: Tensor
    alpha: Tensor | None
    sha256: str
    name: str
    icc_profile: bytes | None = None

    def opaque(self) -> Tensor:
        """The picture on white, (3, h, w): what a model sees of it."""
        return on_white(self.pixels, self.alpha)


def on_white(pixels: Tensor, alpha: Tensor | None) -> Tensor:
    """Pixels (3, h, w) with their alpha (1, h, w), if any, on white."""
    return pixels if alpha is None else (alpha * pixels).add_(1 - alpha)


@dataclass(frozen=True, eq=False)
class PictureData:
    """A picture's file: read, and not yet decoded.

    Attributes:
        path: where it is.
        data: its bytes.
        sha256: of the bytes.
        name: of the file, without its folder; printable, at most 200 characters.
    """

    path: Path
    data: bytes = field(repr=False)
    sha256: str
    name: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a picture.

        Raises:
            NotFoundError: there is no such file.
            StorageError: it cannot be read.
            InvalidValueError: it is too large.
        """
        data = bytes_of(path)
        # As a recipe can hold it: short, printable, and without bytes that are no text.
        name = printable(path.name.encode(errors="replace").decode())[:200] or "unnamed"
        return cls(path, data, hashlib.sha256(data).hexdigest(), name)

    def decoded(self) -> InputImage:
        """Check and decode it.

        Raises:
            InvalidValueError: it is no picture of a known format, damaged, truncated or too large; or two, one beside
                the other, that attrbank wrote.
        """
        shown = printable(str(self.path))
        self._refuse_sheet(shown)
        try:
            with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(self.data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large(shown)
                ImageOps.exif_transpose(image, in_place=True)  # a large picture is not there twice
                return InputImage(*_pixels(image), self.sha256, self.name, _rgb_profile(image))
        except AttrbankError:
            raise
        except Image.DecompressionBombError as error:
            raise _too_large(shown) from error
        except UnidentifiedImageError as error:
            raise InvalidValueError(
                f"{shown} is not a picture of a format known here.", hint=f"Known: {', '.join(FORMATS)}."
            ) from error
        except Exception as error:  # OSError, SyntaxError, struct.error, zlib.error ... by format and damage
            reason = printable(str(error)).rstrip(".") or type(error).__name__
            raise InvalidValueError(f"The picture {shown} cannot be decoded: {reason}.") from error

    def _refuse_sheet(self, shown: str) -> None:
        """Before and after with their captions are no picture, nor are strips and grids, and would be edited as one."""
        if is_sheet(io.BytesIO(self.data)):
            raise InvalidValueError(f"{shown} is a sheet of attrbank's, of many pictures.", hint="Take one of them.")
        try:
            made_by = Recipe.model_validate_json(recipe_text_in(io.BytesIO(self.data), shown))
        except (AttrbankError, ValueError):
            return
        if not made_by.only_after:
            raise InvalidValueError(
                f"{shown} is a sheet of attrbank's, with a picture before and after.",
                hint=f"attrbank show {shlex.quote(str(self.path))} prints how it was made: add --only-after to that.",
            )


def read_image(path: Path) -> InputImage:
    """Read, check and decode a picture.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it cannot be read.
        InvalidValueError: it is no picture of a known format, damaged, truncated or too large.
    """
    return PictureData.read(path).decoded()


def bytes_of(path: Path) -> bytes:
    """What a file holds, if it is one and not too large; raises as ``read_image``."""
    shown = printable(str(path))
    if not os.path.isfile(path):
        raise NotFoundError(f"There is no picture {shown}.")
    with files.reading(path):
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(shown)
        return path.read_bytes()


def _too_large(shown: str) -> InvalidValueError:
    return InvalidValueError(
        f"{shown} is too large.",
        hint=f"The limits are {MAX_PIXELS // 2**20} megapixels and {MAX_BYTES // 2**20} MiB.",
    )


def _pixels(image: Image.Image) -> tuple[Tensor, Tensor | None]:
    """RGB (3, h, w) and, if there is any transparency, alpha (1, h, w), both in [0, 1]."""
    if image.mode in _SIXTEEN_BIT:
        grey = torch.from_numpy(np.asarray(image).astype(np.float32) / 65535)
        return grey.clamp(0, 1).expand(3, -1, -1), None
    if image.mode == "F":
        raise InvalidValueError("A picture in floating-point numbers does not say what is white.")
    if not image.has_transparency_data:
        return _levels(image, "RGB"), None
    levels = _levels(image, "RGBA")
    return levels[:3], levels[3:]


def _levels(image: Image.Image, mode: str) -> Tensor:
    """The bands of an image in an 8-bit mode, (bands, h, w) in [0, 1]."""
    image = image if image.mode == mode else image.convert(mode)
    pixels = torch.empty(len(mode), image.height, image.width)
    for band, values in zip(mode, pixels, strict=True):  # one by one, so that there is no copy of the whole
        values.copy_(torch.from_numpy(np.array(image.getchannel(band)))).div_(255)
    return pixels


def _rgb_profile(image: Image.Image) -> bytes | None:
    """The embedded profile, if it is one for RGB: its header says so in bytes 16 to 19 (ICC.1:2022, 7.2.8)."""
    profile = image.info.get("icc_profile")
    return profile if image.mode != "CMYK" and isinstance(profile, bytes) and profile[16:20] == b"RGB " else None
