"""From a picture's clean latent back along the grid, to a latent that the same grid takes to the picture again.

A step of DDIM from x_t to x_prev can be undone exactly if one knows the prediction at x_t, but x_t is what is looked
for. DDIM inversion (arXiv:2010.02502, section 4.3) takes the prediction at x_prev for it. Each refinement predicts
again at the x_t found so (fixed-point iteration: AIDI, arXiv:2309.04907; ReNoise, arXiv:2403.14602).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import torch

from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Conditioning, require_invertible
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError, NumericError

OnStep: TypeAlias = Callable[[Position], None]


@torch.no_grad()
def invert(
    trajectory: Trajectory,
    position: Position,
    conditioning: Conditioning,
    until_index: int,
    *,
    refinements: int = 0,
    on_step: OnStep = lambda position: None,
) -> Position:
    """Take steps back, under the guidance of the trajectory.

    Args:
        trajectory: with a sampler that can ``invert``.
        position: where to leave from, such as a picture's latent at the clean end.
        conditioning: of one prompt for all rows, or one for each.
        until_index: 0 … position.index; edits need no noisier latent than that of the first of them.
        refinements: further predictions for each step.
        on_step: called with every position found, to be refined or not.

    Raises:
        InvalidValueError: the target lies ahead, or the sampler cannot go back.
        NumericError: a latent is no longer finite.
    """
    if not 0 <= until_index <= position.index:
        raise InvalidValueError(f"Cannot go back from step {position.index} to step {until_index}.")
    while position.index > until_index:
        position = _step_back(trajectory, position, conditioning, refinements, on_step)
    return position


def _step_back(
    trajectory: Trajectory, position: Position, conditioning: Conditioning, refinements: int, on_step: OnStep
) -> Position:
    sampler, index = require_invertible(trajectory.sampler), position.index - 1
    t, t_prev = trajectory.grid[index]
    found = replace(position, index=index, state=None)
    for _ in range(1 + refinements):
        prediction = trajectory.predict(found, conditioning)
        latent = sampler.invert(position.latent, prediction, t, t_prev, trajectory.backbone.schedule)
        found = found.edited(latent)
        on_step(found)
    if not bool(found.latent.isfinite().all()):
        raise NumericError(
            f"The latent is not finite after the inversion of step {index + 1} (timestep {t}).",
            hint="Lower the guidance scale.",
        )
    return found
