"""What an edit starts from beside a prompt and a seed: a picture, a mask, both or neither.

A picture is framed, encoded and inverted, as far back as the first edit and no further, under the prompt and the
guidance of the edit itself. Of what the model then makes of it, without and with the edits, the difference is pasted
into the picture. So what the autoencoder and the inversion lose is lost on both sides, and cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Self

import torch
from torch import Tensor

from attrbank.diffusion.finite import DECODED, finite
from attrbank.diffusion.inversion import invert
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, OnStep, run_edits
from attrbank.editing.masking import MaskedEdit
from attrbank.editing.plan import Plan
from attrbank.methods.protocol import LASTING
from attrbank.pictures.frame import Frame, encoded, picture_size
from attrbank.pictures.mask import Mask
from attrbank.pictures.read import InputImage, PictureData


@dataclass(frozen=True, eq=False)
class GivenPictures:
    """The pictures that an edit was given, decoded and checked.

    Attributes:
        image: to be edited.
        mask: white where the edit may act.
    """

    image: InputImage | None
    mask: InputImage | None


@dataclass(frozen=True, eq=False)
class GivenFiles:
    """The same as files: what a recipe remembers of them is known before they are decoded."""

    image: PictureData | None
    mask: PictureData | None

    @classmethod
    def read(cls, planned: Plan) -> Self:
        """Raises as ``PictureData.read``."""
        image, mask = (None if path is None else PictureData.read(path) for path in (planned.image, planned.mask))
        return cls(image, mask)

    def decoded(self) -> GivenPictures:
        """Raises as ``PictureData.decoded``."""
        image, mask = (None if file is None else file.decoded() for file in (self.image, self.mask))
        return GivenPictures(image, mask)


class Drawn(NamedTuple):
    """The pictures (3, h, w) in [0, 1] without and with the edits; ``before`` is None if nobody wanted it."""

    before: Tensor | None
    after: Tensor


@torch.no_grad()
def draw(planned: Plan, trajectory: Trajectory, acts: Sequence[Act], given: GivenPictures, on_step: OnStep) -> Drawn:
    """One picture, without the edits and with them.

    Raises:
        InvalidValueError: the mask does not fit the picture, or an edit refuses its strength.
        NumericError: a latent is not finite, or a decoded picture.
    """
    canvas = _Canvas(given, trajectory.backbone)
    beginning = canvas.beginning(planned, trajectory, on_step)
    edited = run_edits(
        trajectory,
        planned.prompt,
        [planned.seed],
        canvas.masked(acts),
        with_before=planned.needs_before,
        start=beginning.start,
        noise=beginning.noise,
        on_step=on_step,
    )
    after = _decoded(trajectory, edited.after)
    if edited.before is None:
        return Drawn(None, after)
    return canvas.pasted(_decoded(trajectory, edited.before), after)


def _decoded(trajectory: Trajectory, latent: Tensor) -> Tensor:
    """The picture (3, h, w) of a latent (1, C, H, W); a plugin's backbone need not have looked at it."""
    return finite(trajectory.decode(latent)[0], DECODED)


class _Beginning(NamedTuple):
    """Where the unedited picture leaves from, and what gives its noise; None means its seed."""

    start: Position | None = None
    noise: Callable[[], Position] | None = None


class _Canvas:
    """The pictures at the backbone's size."""

    def __init__(self, given: GivenPictures, backbone: Backbone) -> None:
        self._image, self._mask = given.image, None
        if given.image is None and given.mask is None:
            return
        self._size = picture_size(backbone)
        if given.mask is not None:
            picture = torch.empty(3, *self._size) if given.image is None else given.image.pixels
            self._mask = Mask.of(given.mask, picture, self._size, backbone.latent_shape[1:])

    def beginning(self, planned: Plan, trajectory: Trajectory, on_step: OnStep) -> _Beginning:
        """The picture's latent at the first edit."""
        if self._image is None:
            return _Beginning()
        back = partial(
            invert,
            trajectory,
            conditioning=trajectory.backbone.encode_prompts([planned.prompt]),
            refinements=planned.refinements or 0,
            on_step=on_step,
        )
        latent = encoded(trajectory.backbone, self._image, self._size)
        start = back(Position(latent, trajectory.end, (planned.seed,)), until_index=planned.first)
        return _Beginning(start, partial(back, start, until_index=0))

    def masked(self, acts: Sequence[Act]) -> list[Act]:
        """Edits of the latent, masked; one that acts over an interval is so in the picture alone."""
        if self._mask is None:
            return list(acts)
        weight = self._mask.latent
        return [
            act if isinstance(act.edit, LASTING) else replace(act, edit=MaskedEdit(act.edit, weight)) for act in acts
        ]

    def pasted(self, before: Tensor, after: Tensor) -> Drawn:
        """The whole pictures, from those that the model drew."""
        if self._image is None and self._mask is None:
            return Drawn(before, after)
        difference = (after - before)[None]
        if self._mask is not None:
            difference = difference * self._mask.pixels
        original = before if self._image is None else self._image.pixels
        return Drawn(original, Frame.of(original, self._size).paste(original, difference))
