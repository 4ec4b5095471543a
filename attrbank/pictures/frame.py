"""The part of a picture that a model sees, and how a change of that part goes back into the picture.

The rule: the largest centred rectangle of the model's aspect is cut out and resized to the model's size. What lies
outside stays as it is. Of the model's answer only the difference, after minus before, is resized and added, so that
detail finer than the model's pixels, and what its autoencoder loses, stays too. Where the picture goes on beyond the
cut, the difference fades out towards it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.diffusion.finite import finite
from attrbank.diffusion.protocols import Backbone
from attrbank.pictures.read import InputImage

FADE = 1 / 16
"""How much of the cut's side the difference takes to fade in, where the picture goes on beyond it."""


def picture_size(backbone: Backbone) -> tuple[int, int]:
    """Height and width of the backbone's pictures; of one that does not say, as its decoder makes them."""
    stated: tuple[int, int] | None = getattr(backbone, "picture_size", None)
    if stated is not None:
        return stated
    with torch.no_grad():
        height, width = backbone.decode(torch.zeros(1, *backbone.latent_shape)).shape[-2:]
    return height, width


def encoded(backbone: Backbone, image: InputImage, size: tuple[int, int]) -> Tensor:
    """The latent (1, C, H, W) of a picture as the backbone, whose pictures have this size, sees it.

    Raises:
        NumericError: it is not finite.
    """
    with torch.no_grad():
        latent = backbone.encode(Frame.of(image.pixels, size).cut(image.opaque()))
    return finite(latent, "What the backbone encoded")


@dataclass(frozen=True)
class Frame:
    """A centred rectangle of a picture, in its pixels, and the size at which the model sees it."""

    top: int
    left: int
    height: int
    width: int
    model_size: tuple[int, int]

    @classmethod
    def of(cls, picture: Tensor, model_size: tuple[int, int]) -> Frame:
        """The largest centred rectangle of a picture (C, h, w) with the aspect of ``model_size``, (H, W)."""
        h, w = picture.shape[-2:]
        scale = min(h / model_size[0], w / model_size[1])
        height, width = (max(1, min(side, round(scale * goal))) for side, goal in zip((h, w), model_size, strict=True))
        return cls((h - height) // 2, (w - width) // 2, height, width, model_size)

    def cut(self, picture: Tensor) -> Tensor:
        """What the model sees of a picture.

        Shapes:
            picture: (C, h, w) in [0, 1]; returns (1, C, H, W), likewise.
        """
        inside = picture[None, :, self.top : self.top + self.height, self.left : self.left + self.width]
        return _resized(inside, self.model_size).clamp(0, 1)

    def paste(self, picture: Tensor, difference: Tensor) -> Tensor:
        """The picture with a difference of what the model saw.

        Shapes:
            picture: (C, h, w) in [0, 1]; difference: (1, C, H, W); returns (C, h, w) in [0, 1].
        """
        (h, w), pasted = picture.shape[-2:], picture.clone()
        # 1, falling to 0 at sides beyond which the picture goes on.
        down = _fade(self.height, self.top > 0, self.top + self.height < h)
        across = _fade(self.width, self.left > 0, self.left + self.width < w)
        for channel, inside in enumerate(pasted):  # one by one, because a picture of 64 megapixels is large
            change = _resized(difference[:, channel : channel + 1], (self.height, self.width))[0, 0]
            window = inside[self.top : self.top + self.height, self.left : self.left + self.width]
            window.addcmul_(change.mul_(across), down[:, None]).clamp_(0, 1)
        return pasted


def _fade(length: int, at_start: bool, at_end: bool) -> Tensor:
    """Weights (length,) that rise smoothly from the start and fall towards the end, where they are to."""
    middle = torch.arange(length) + 0.5
    reach = max(1.0, FADE * length)
    start = (middle / reach).clamp(max=1) if at_start else torch.ones(length)
    end = ((length - middle) / reach).clamp(max=1) if at_end else torch.ones(length)
    weight = torch.minimum(start, end)
    return weight.square() * (3 - 2 * weight)


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (B, C, h, w) at another size, free of aliasing; bit for bit themselves at their own."""
    if images.shape[-2:] == size:
        return images
    return functional.interpolate(images, size, mode="bicubic", antialias=True)
