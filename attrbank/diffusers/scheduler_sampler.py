"""Any scheduler of diffusers whose memory we know, as a sampler.

A scheduler knows its whole grid and counts the steps that it has taken; a sampler is asked for one step from t to
t_prev, of any grid. So each step gets a new scheduler whose grid is the *window* of this step: what it remembers,
t, and t_prev. What it carries on is handed to the engine as the sampler's state, which forgets it after an edit.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from attrbank.diffusers.supported import MEMORY, STOCHASTIC, refuse_unsupported
from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import CLEAN, Schedule, timestep_grid
from attrbank.errors import InvalidValueError

if TYPE_CHECKING:  # grids are laid out for plans, without torch
    from torch import Tensor

SMALLEST_ALPHA_BAR = 2.0**-24
"""Stands for ᾱ = 0, where σ would be infinite; diffusers' own choice for schedules with zero terminal SNR."""

_TWO_STAGE = "HeunDiscreteScheduler"
_UNCLIPPED = {"DDIMScheduler": {"clip_sample": False}, "DDPMScheduler": {"clip_sample": False}}


class Memory(NamedTuple):
    """What a scheduler carries from one step to the next.

    Attributes:
        timesteps: those that it remembers, noisiest first.
        attributes: its own attributes, by name.
    """

    timesteps: tuple[int, ...]
    attributes: dict[str, Any]


class SchedulerSampler:
    """A sampler that takes the steps of a diffusers scheduler.

    Latents are variance-preserving outside, whatever the scheduler carries inside: ``scale_model_input`` tells the
    factor. At the clean end σ is 0 whatever the schedule says, as in diffusers; DDIM alone asks the schedule.

    Args:
        name: as the user types it.
        scheduler: class name in ``diffusers``, such as "EulerDiscreteScheduler".

    Raises:
        IncompatibleError: an edit would not survive this scheduler.
    """

    def __init__(self, name: str, scheduler: str) -> None:
        refuse_unsupported(scheduler)
        self.name = name
        self.scheduler = scheduler
        self.stochastic = scheduler in STOCHASTIC

    def grid(self, steps: int, schedule: Schedule) -> Grid:
        """One pair an evaluation, in the schedule's own spacing; ``steps`` in 1 … T, else InvalidValueError.

        Heun's method evaluates twice a step. Its grid repeats timesteps as diffusers does: (t, t_prev) predicts, and
        (t_prev, t_prev) corrects the prediction. Edits act where a pair moves on, after the correction. An even
        number of steps leaves the first prediction uncorrected, which keeps the order.
        """
        grid = timestep_grid(steps, schedule)  # asked in any case: it refuses what is too much
        if self.scheduler != _TWO_STAGE:
            return grid
        timesteps = [t for t, _ in timestep_grid(steps // 2 + 1, schedule)]
        once = 1 if steps % 2 else 2
        twice = [t for t in timesteps[once:] for _ in range(2)]
        return tuple(pairwise([*timesteps[:once], *twice, CLEAN]))

    def step(
        self,
        x: Tensor,
        prediction: Prediction,
        t: int,
        t_prev: int,
        schedule: Schedule,
        noise: Tensor | None,
        state: Memory | None,
    ) -> tuple[Tensor, Memory | None]:
        """One step of the scheduler; its only noise is ``noise``.

        A correction (t_prev = t) without a state, hence of an edited prediction, leaves x as it is.

        Shapes:
            x, noise, prediction's: (B, C, H, W)

        Raises:
            InvalidValueError: the scheduler is stochastic and no noise is given.
        """
        import torch

        from attrbank.diffusers.handed_noise import HandedNoise

        if self.stochastic and noise is None:
            raise InvalidValueError(f"The sampler {self.name} needs noise.")
        if t == t_prev and state is None:
            return x, None
        predicts = self.scheduler == _TWO_STAGE and t != t_prev  # and needs no memory, unlike its correction
        past = Memory((), {}) if state is None or predicts else state
        scheduler = self._window(past, t, t_prev, schedule)
        now = scheduler.timesteps[len(past.timesteps)]
        scale = scheduler.scale_model_input(torch.ones((), dtype=x.dtype), now)
        velocity, latent = _seen_by_scheduler(prediction, _positive(schedule.alpha_bar(t)))
        with HandedNoise(noise):
            moved = scheduler.step(velocity, now, latent / scale).prev_sample
        return scheduler.scale_model_input(moved, now), self._remembered(scheduler, t)

    def _window(self, past: Memory, t: int, t_prev: int, schedule: Schedule) -> Any:
        """A new scheduler, about to step from t to t_prev, that remembers what ``past`` says."""
        import diffusers

        options = _UNCLIPPED.get(self.scheduler, {})
        scheduler = getattr(diffusers, self.scheduler)(num_train_timesteps=1, prediction_type="v_prediction", **options)
        lay_out = _lay_out_sigmas if hasattr(scheduler, "sigmas") else _lay_out_alphas
        lay_out(scheduler, (*past.timesteps, t), t_prev, schedule)
        for attribute, value in past.attributes.items():
            setattr(scheduler, attribute, value)
        return scheduler

    def _remembered(self, scheduler: Any, t: int) -> Memory | None:
        attributes = {name: getattr(scheduler, name) for name in MEMORY[self.scheduler]}
        if not attributes or (self.scheduler == _TWO_STAGE and scheduler.state_in_first_order):
            return None
        return Memory((t,), attributes)


def _lay_out_sigmas(scheduler: Any, timesteps: tuple[int, ...], t_prev: int, schedule: Schedule) -> None:
    """The window in σ = √((1−ᾱ)/ᾱ), with the index of the step set to its last but one entry."""
    import torch

    sigmas = [_sigma(schedule.alpha_bar(t)) for t in timesteps]
    sigmas.append(0.0 if t_prev == CLEAN else _sigma(schedule.alpha_bar(t_prev)))
    following = () if t_prev == CLEAN else (t_prev,)  # by this a multistep scheduler knows its last step
    scheduler.num_inference_steps = len(timesteps)
    scheduler.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    scheduler.timesteps = torch.tensor((*timesteps, *following), dtype=torch.float32)
    scheduler.set_begin_index(len(timesteps) - 1)


def _lay_out_alphas(scheduler: Any, timesteps: tuple[int, ...], t_prev: int, schedule: Schedule) -> None:
    """The window as a training schedule of its own, of two timesteps, or of one before the clean end."""
    import torch

    window = [t for t in (t_prev, *timesteps) if t != CLEAN]
    alpha_bars = [_positive(schedule.alpha_bar(t)) for t in window]
    scheduler.register_to_config(num_train_timesteps=len(window))
    scheduler.num_inference_steps = len(window)
    scheduler.alphas_cumprod = torch.tensor(alpha_bars, dtype=torch.float64)
    scheduler.final_alpha_cumprod = torch.tensor(schedule.final_alpha_bar, dtype=torch.float64)
    scheduler.timesteps = torch.arange(len(window)).flip(0)


def _positive(alpha_bar: float) -> float:
    return max(alpha_bar, SMALLEST_ALPHA_BAR)


def _sigma(alpha_bar: float) -> float:
    return math.sqrt(1 / _positive(alpha_bar) - 1)


def _seen_by_scheduler(prediction: Prediction, alpha_bar: float) -> tuple[Tensor, Tensor]:
    """The velocity √ᾱ ε − √(1−ᾱ) x̂0 and the latent √ᾱ x̂0 + √(1−ᾱ) ε (arXiv:2202.00512, appendix D).

    A scheduler works out ε and x̂0 again from one output and the latent. Velocity tells them at both ends of the
    schedule; and from this latent they come out as predicted even where they do not belong together, as in Asyrp's
    asymmetric step.
    """
    signal, noise = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
    return signal * prediction.eps - noise * prediction.x0, signal * prediction.x0 + noise * prediction.eps
