"""Limits an edit to a region: white is edited, black stays, and the edge between them is feathered.

The feather reaches two latent cells to either side of the edge, because an edit cannot be finer than a latent. Inside
the model a mask weighs what an edit does to the latent; what the rest of the run carries elsewhere is kept out of the
picture by weighing its difference, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from attrbank.errors import InvalidValueError
from attrbank.pictures.frame import Frame
from attrbank.pictures.read import InputImage


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
        brightness = image.pixels.mean(0, keepdim=True)
        if image.alpha is not None:
            brightness = brightness * image.alpha
        (h, w), (height, width) = picture.shape[-2:], brightness.shape[-2:]
        if abs(height * w - width * h) > w + h:  # rounding to whole pixels
            raise InvalidValueError(f"The mask has {width}×{height} pixels, which is not the aspect of {w}×{h}.")
        seen = Frame.of(brightness, model_size).cut(brightness)
        if not seen.any():
            raise InvalidValueError("The mask is black where the model sees the picture, so there is nothing to edit.")
        pixels = _feathered(seen, -(-model_size[0] // latent_size[0]))
        return cls(pixels, functional.adaptive_avg_pool2d(pixels, latent_size))


def _feathered(weight: Tensor, radius: int) -> Tensor:
    """Two box blurs of this radius: a ramp that reaches twice as far to either side of an edge."""
    for _ in range(2):
        padded = functional.pad(weight, (radius,) * 4, mode="replicate")
        weight = functional.avg_pool2d(padded, 2 * radius + 1, stride=1)
    return weight.clamp(0, 1)
