"""Limits an edit to a region: white is edited, black stays, and the edge between them is feathered.

The feather reaches two latent cells to either side of the edge, because an edit cannot be finer than a latent. Inside
the model a mask weighs what an edit does to the latent; what the rest of the run carries elsewhere is kept out of the
picture by weighing its difference, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.nn import functional

from attrbank.diffusion.protocols import Backbone
from attrbank.errors import InvalidValueError
from attrbank.pictures.frame import Frame, picture_size
from attrbank.pictures.read import InputImage, read_image


@dataclass(frozen=True, eq=False)
class Mask:
    """Weights of an edit in [0, 1].

    Shapes:
        pixels: (1, 1, h, w), for the model's pictures.
        latent: (1, 1, H, W), for its latents.
    """

    pixels: Tensor
    latent: Tensor

    @classmethod
    def of(cls, image: InputImage, picture: Tensor, model_size: tuple[int, int], latent_size: tuple[int, int]) -> Mask:
        """The mask that an image's brightness makes, transparent being black.

        Args:
            image: of the picture's aspect, at any size.
            picture: (3, h, w), what is to be edited.
            model_size: height and width of the model's pictures.
            latent_size: height and width of its latents.

        Raises:
            InvalidValueError: the aspects differ, or the mask is black where the model sees the picture.
        """
        seen = _seen(image, picture.shape[-2:], model_size)
        pixels = _feathered(seen, -(-model_size[0] // latent_size[0]))
        return cls(pixels, functional.adaptive_avg_pool2d(pixels, latent_size))


def region_of(path: Path, backbone: Backbone) -> Tensor:
    """Where in a latent the mask in a file is white, for the most part of a cell: (1, 1, H, W) of ones and zeros.

    Raises:
        NotFoundError, StorageError: the file is not there, or cannot be read.
        InvalidValueError: it is no picture, has not the aspect of the model's, or is black in every cell.
    """
    size, (_, height, width) = picture_size(backbone), backbone.latent_shape
    cells = functional.adaptive_avg_pool2d(_seen(read_image(path), size, size), (height, width))
    region = (cells >= 0.5).float()
    if not region.any():
        raise InvalidValueError("The mask is white in no cell of the latent, which is coarser than its pixels.")
    return region


def _seen(image: InputImage, aspect: Sequence[int], model_size: tuple[int, int]) -> Tensor:
    """The brightness of what the model sees of a mask, transparent being black, (1, 1, h, w).

    Args:
        image: the mask.
        aspect: height and width of what it is for, at any scale.
        model_size: height and width of the model's pictures.

    Raises:
        InvalidValueError: the aspects differ, or all of it is black.
    """
    brightness = image.pixels.mean(0, keepdim=True)
    if image.alpha is not None:
        brightness = brightness * image.alpha
    (h, w), (height, width) = aspect, brightness.shape[-2:]
    if abs(height * w - width * h) > w + h:  # rounding to whole pixels
        raise InvalidValueError(f"The mask has {width}×{height} pixels, which is not the aspect of {w}×{h}.")
    seen = Frame.of(brightness, model_size).cut(brightness)
    if not seen.any():
        raise InvalidValueError("The mask is black where the model sees the picture, so there is nothing to edit.")
    return seen


def _feathered(weight: Tensor, radius: int) -> Tensor:
    """Two box blurs of this radius: a ramp that reaches twice as far to either side of an edge."""
    for _ in range(2):
        padded = functional.pad(weight, (radius,) * 4, mode="replicate")
        weight = functional.avg_pool2d(padded, 2 * radius + 1, stride=1)
    return weight.clamp(0, 1)
