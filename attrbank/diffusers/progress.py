"""Where a pipeline's scheduler is on its grid, seen from a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from attrbank.diffusers.supported import refuse_unsupported
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import IncompatibleError


class Progress:
    """The state of a scheduler right after one of its steps.

    Args:
        scheduler: of diffusers.
        timestep: of the step that has just been taken.

    Attributes:
        index: of the timestep that the latents have now, on the scheduler's whole grid; its length at the clean end.

    Raises:
        IncompatibleError: an edit would not survive this scheduler.
    """

    def __init__(self, scheduler: Any, timestep: Any) -> None:
        refuse_unsupported(type(scheduler).__name__)
        self._scheduler = scheduler
        self._timesteps = [float(t) for t in scheduler.timesteps]
        counted = getattr(scheduler, "step_index", None)  # the only way to tell repeated timesteps apart
        self.index = self._timesteps.index(float(timestep)) + 1 if counted is None else counted

    @property
    def alpha_bar(self) -> float:
        """ᾱ of the latents that the pipeline holds now, in [0, 1]: of those that its last step made."""
        return self._alpha_bars()[self.index]

    @property
    def schedule(self) -> Schedule:
        """The schedule of training, as the scheduler has it."""
        return Schedule(tuple(map(float, self._scheduler.alphas_cumprod)))

    @property
    def scale(self) -> float:
        """What makes the scheduler's latents variance-preserving: 1, or √ᾱ where it carries x/√ᾱ."""
        return float(self._scheduler.scale_model_input(torch.ones(()), self.timestep))

    @property
    def timestep(self) -> Any:
        """Of the latents that the pipeline holds now, as it will tell its model."""
        return self._scheduler.timesteps[self.index]

    def index_of(self, time: float) -> int:
        """Where on the grid an attribute acts whose time is this ᾱ: nearest to it, ties to the noisier.

        Where a timestep is repeated, as by Heun's method, the last is meant: before it the latents are uncorrected.
        """
        alpha_bars, after = self._alpha_bars(), [*self._timesteps[1:], None]
        moving = [index for index, t in enumerate(self._timesteps) if t != after[index]]
        return min(moving, key=lambda index: abs(alpha_bars[index] - time))

    def refuse_missed(self, name: str, times: Sequence[float]) -> None:
        """Do nothing if an attribute's turn is now or later.

        Args:
            name: the attribute's.
            times: ᾱ at its times, in their order.

        Raises:
            IncompatibleError: it is over, or the first of them is.
        """
        index = self.index_of(times[0])
        if index < self.index:
            raise IncompatibleError(
                f"{name} acts at t = {self._timesteps[index]:g}, before the first step of this run has ended, "
                "and so before a callback is called.",
                hint="Take more steps, or use attrbank apply.",
            )

    def refuse_unreached(self, name: str, times: Sequence[float], steps: int | None) -> None:
        """Do nothing if an attribute's turn comes before a run ends of which the first step has just been taken.

        Args:
            name: the attribute's.
            times: ᾱ at its times, in their order.
            steps: that the run takes, which may end before the scheduler's grid does, as ``denoising_end`` has it;
                None is to its end.

        Raises:
            IncompatibleError: it does not, or the last of them does not.
        """
        index = self.index_of(times[-1])
        if steps is not None and index >= self.index + steps:
            raise IncompatibleError(
                f"{name} acts at t = {self._timesteps[index]:g}, after the last step of this run.",
                hint="Give the callback to the pipeline that takes the later steps, or let this one go further.",
            )

    def forget(self) -> None:
        """Make a multistep scheduler begin afresh: what it remembers belongs to the unedited latents."""
        if hasattr(self._scheduler, "model_outputs"):
            self._scheduler.model_outputs = [None] * self._scheduler.config.solver_order
            self._scheduler.lower_order_nums = 0

    def _alpha_bars(self) -> list[float]:
        """ᾱ at every timestep; from σ where the scheduler has it, because its timesteps may be fractions."""
        if hasattr(self._scheduler, "sigmas"):
            return [1 / (1 + float(sigma) ** 2) for sigma in self._scheduler.sigmas[: len(self._timesteps)]]
        return [float(self._scheduler.alphas_cumprod[int(t)]) for t in self._timesteps]
