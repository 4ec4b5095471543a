"""Edits batches of portraits as ``apply -i`` edits one, sharing what all edits begin with."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.diffusion.inversion import invert
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.schedule import nearest_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.choices import GUIDANCE_OF_PICTURES, REFINEMENTS
from attrbank.editing.composition import Act, run_edits
from attrbank.pictures.frame import Frame
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Inversion
from attrbank.store.bank import Bank
from lab.stored import stored

BATCH = 32


class Retoucher:
    """Portraits that are to be edited, under the backbone's own prompt, sampler and steps.

    Args:
        backbone: ``portraits``.
        images: (B, 3, h, w) in [0, 1], of the backbone's size.
    """

    def __init__(self, backbone: Backbone, images: Tensor) -> None:
        self.backbone, self.images = backbone, images
        self.latents = torch.cat([backbone.encode(part) for part in torch.split(images, BATCH)])
        self._sampler = load_plugins().sampler(backbone.defaults.sampler)
        self._grid = self._sampler.grid(backbone.defaults.steps, backbone.schedule)
        self._trajectory = self.trajectory(GUIDANCE_OF_PICTURES)
        self._begun = functools.cache(self._begin)

    def trajectory(self, guidance_scale: float) -> Trajectory:
        """A run at this guidance, which counts its evaluations anew."""
        return Trajectory(
            self.backbone, self._sampler, grid=self._grid, guidance_scale=guidance_scale, batch_size=BATCH
        )

    def inverted(self, trajectory: Trajectory, index: int, inversion: Inversion) -> Position:
        """All pictures at an index of the grid."""
        clean = Position(self.latents, trajectory.end, tuple(range(len(self.latents))))
        conditioning = self.backbone.encode_prompts([self.backbone.defaults.prompt])
        return invert(trajectory, clean, conditioning, index, refinements=REFINEMENTS[inversion])

    def onward(self, trajectory: Trajectory, start: Position, acts: Sequence[Act] = ()) -> Tensor:
        """The pictures (B, 3, h, w) that a run from ``start`` ends with, edited or not."""
        prompt = self.backbone.defaults.prompt
        edited = run_edits(trajectory, prompt, start.seeds, acts, with_before=False, start=start)
        return self.decoded(edited.after)

    def edited(self, act: Act, inversion: Inversion, rows: Tensor) -> Tensor:
        """The pictures of some rows (B,) bool, edited as ``apply`` would write them, (N, 3, h, w)."""
        start, before = self._begun(act.index, inversion)
        chosen = Position(start.latent[rows], start.index, tuple(rows.nonzero()[:, 0].tolist()))
        differences = self.onward(self._trajectory, chosen, [act]) - before[rows]
        height, width = self.images.shape[-2:]
        frame = Frame.of(self.images[0], (height, width))
        pairs = zip(self.images[rows], differences[:, None], strict=True)
        return torch.stack([frame.paste(image, difference) for image, difference in pairs])

    def act(self, bank: Bank, name: str) -> Act:
        """A stored attribute at strength 1."""
        return ready(stored(bank, name), 1.0).on(self._grid, self.backbone.schedule)

    def index_of(self, fraction: float) -> int:
        """The grid index that a time fraction means."""
        return nearest_index(self._grid, self.backbone.schedule, fraction)

    def through_autoencoder(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, h, w), encoded and decoded."""
        return self.decoded(torch.cat([self.backbone.encode(part) for part in torch.split(images, BATCH)]))

    def decoded(self, latents: Tensor) -> Tensor:
        """Pictures (B, 3, h, w) of clean latents (B, C, H, W)."""
        return torch.cat([self.backbone.decode(part) for part in torch.split(latents, BATCH)])

    def _begin(self, index: int, inversion: Inversion) -> tuple[Position, Tensor]:
        """Where edits at an index leave from, and the pictures without an edit."""
        start = self.inverted(self._trajectory, index, inversion)
        return start, self.onward(self._trajectory, start)
