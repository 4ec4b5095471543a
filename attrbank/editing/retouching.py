"""What an edit starts from beside a prompt and a seed: a picture, a mask, both or neither.

A picture is framed, encoded and inverted, as far back as the first edit and no further, under the prompt and the
guidance of the edit itself. Of what the model then makes of it, without and with the edits, the difference is pasted
into the picture. So what the autoencoder and the inversion lose is lost on both sides, and cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.inversion import invert
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Position, Trajectory
from attrbank.editing.composition import Act, OnStep, run_edits
from attrbank.editing.plan import Plan
from attrbank.methods.protocol import ModelEdit
from attrbank.pictures.frame import Frame, encoded, picture_size
from attrbank.pictures.mask import Mask, MaskedEdit
from attrbank.pictures.read import InputImage, read_image


@dataclass(frozen=True, eq=False)
class Inputs:
    """The pictures that an edit was given, read and checked.

    Attributes:
        image: to be edited.
        mask: white where the edit may act.
    """

    image: InputImage | None
    mask: InputImage | None

    @classmethod
    def read(cls, planned: Plan) -> Inputs:
        """Raises as ``read_image``."""
        image, mask = (None if path is None else read_image(path) for path in (planned.image, planned.mask))
        return cls(image, mask)


class Drawn(NamedTuple):
    """The pictures (3, h, w) in [0, 1] without and with the edits; ``before`` is None if nobody wanted it."""

    before: Tensor | None
    after: Tensor


@torch.no_grad()
def draw(planned: Plan, trajectory: Trajectory, acts: Sequence[Act], inputs: Inputs, on_step: OnStep) -> Drawn:
    """One picture, without the edits and with them.

    Raises:
        InvalidValueError: the mask does not fit the picture, or an edit refuses its strength.
        NumericError: a latent is not finite.
    """
    decode = trajectory.backbone.decode
    canvas = _Canvas(inputs, trajectory.backbone)
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
    after = decode(edited.after)[0]
    return Drawn(None, after) if edited.before is None else canvas.pasted(decode(edited.before)[0], after)


class _Beginning(NamedTuple):
    """Where the unedited picture leaves from, and what gives its noise; None means its seed."""

    start: Position | None = None
    noise: Callable[[], Position] | None = None


class _Canvas:
    """The inputs at the backbone's size."""

    def __init__(self, inputs: Inputs, backbone: Backbone) -> None:
        self._image, self._mask = inputs.image, None
        if inputs.image is None and inputs.mask is None:
            return
        self._size = picture_size(backbone)
        if inputs.mask is not None:
            picture = torch.empty(3, *self._size) if inputs.image is None else inputs.image.pixels
            self._mask = Mask.of(inputs.mask, picture, self._size, backbone.latent_shape[1:])

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
        """Edits of the latent, masked; one that changes the model itself is so in the picture alone."""
        if self._mask is None:
            return list(acts)
        weight = self._mask.latent
        return [
            act if isinstance(act.edit, ModelEdit) else replace(act, edit=MaskedEdit(act.edit, weight)) for act in acts
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
