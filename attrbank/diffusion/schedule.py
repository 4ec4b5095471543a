"""The noise schedule of training and the timestep grids of sampling: pure Python, so that a plan needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul
from typing import Any, Literal, TypeAlias, cast, get_args

from attrbank.errors import IncompatibleError, InvalidValueError

Grid: TypeAlias = tuple[tuple[int, int], ...]
"""The (t, t_prev) pairs of one run, noisiest first; the last t_prev is −1, the clean end."""

Spacing = Literal["leading", "trailing", "linspace"]

CLEAN = -1
"""The timestep of the clean end, behind the last step."""

MAX_TRAIN_TIMESTEPS = 100_000


@dataclass(frozen=True)
class Schedule:
    """What training fixed: ᾱ at every timestep, and how the model likes its grid laid out.

    Attributes:
        alphas_cumprod: ᾱ_t for t = 0 … T−1, in [0, 1], never rising.
        final_alpha_bar: ᾱ at the clean end, 1 or ᾱ_0.
        spacing: where a grid puts its timesteps (arXiv:2305.08891, table 2).
        steps_offset: added to every timestep of a leading grid; Stable Diffusion has 1.
        lowest: the cleanest timestep of a linspace grid; above 0 in a shifted flow.
    """

    alphas_cumprod: tuple[float, ...]
    final_alpha_bar: float = 1.0
    spacing: Spacing = "leading"
    steps_offset: int = 0
    lowest: int = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Schedule:
        """Read a diffusers ``scheduler_config.json``; what it leaves out has DDIMScheduler's default.

        Raises:
            IncompatibleError: it describes no discrete noise schedule that we know.
        """
        spacing = config.get("timestep_spacing", "leading")
        if spacing not in get_args(Spacing):
            raise IncompatibleError(f"The scheduler's timestep spacing {spacing!r} is not supported.")
        if config.get("thresholding"):
            raise IncompatibleError(
                "The scheduler thresholds its predictions, which is not supported.",
                hint="It is for pixels and ruins latents: set thresholding to false in scheduler_config.json.",
            )
        try:
            alphas_cumprod = _alphas_cumprod(config)
            steps_offset = int(config.get("steps_offset", 0))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise IncompatibleError(f"The scheduler's configuration is malformed: {error}.") from error
        if not _is_noise_schedule(alphas_cumprod):
            raise IncompatibleError("The scheduler's configuration gives no noise schedule: ᾱ must fall within [0, 1].")
        final = 1.0 if config.get("set_alpha_to_one", True) else alphas_cumprod[0]
        return cls(alphas_cumprod, final, cast(Spacing, spacing), steps_offset)

    @property
    def train_timesteps(self) -> int:
        """T, the number of timesteps in training."""
        return len(self.alphas_cumprod)

    def alpha_bar(self, t: int) -> float:
        """ᾱ_t in [0, 1], the share of the signal in the latent's variance; t = −1 is the clean end.

        Raises:
            InvalidValueError: t is outside −1 … T−1.
        """
        if t == CLEAN:
            return self.final_alpha_bar
        if not 0 <= t < self.train_timesteps:
            raise InvalidValueError(f"Timestep {t} is outside 0 to {self.train_timesteps - 1}.")
        return self.alphas_cumprod[t]

    def timestep_of(self, fraction: float) -> int:
        """The timestep that a time fraction in [0, 1] means, whatever the grid of a run."""
        return min(self.train_timesteps - 1, round(fraction * self.train_timesteps))


def timestep_grid(steps: int, schedule: Schedule, spacing: Spacing | None = None) -> Grid:
    """Lay out ``steps`` (t, t_prev) pairs, noisiest first, ending at t_prev = −1.

    The timesteps are those of diffusers' DDIMScheduler. Each t_prev is the next t of the grid, not t minus a
    fixed stride, which would be wrong wherever T is not a multiple of ``steps``.

    Args:
        steps: 1 ≤ steps ≤ T − lowest.
        schedule: the model's noise schedule.
        spacing: overrides the schedule's own.

    Raises:
        InvalidValueError: that many steps do not fit.
    """
    most = schedule.train_timesteps - schedule.lowest
    if not 1 <= steps <= most:
        raise InvalidValueError(
            f"{steps} steps are not possible: the model has {most} timesteps.", hint=f"Choose 1 to {most} steps."
        )
    timesteps = _spaced(steps, schedule, spacing or schedule.spacing)
    if timesteps[0] >= schedule.train_timesteps:
        raise InvalidValueError(
            f"{steps} steps with an offset of {schedule.steps_offset} run past the last timestep.",
            hint="Choose fewer steps.",
        )
    return tuple(pairwise([*timesteps, CLEAN]))


def nearest_index(grid: Grid, schedule: Schedule, fraction: float) -> int:
    """The step of the grid that a time fraction f means: the one whose t is nearest f·T, ties to the noisier.

    Fraction 0 is the clean end itself, index ``len(grid)``, where every step has been taken.

    Raises:
        InvalidValueError: the fraction is outside [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise InvalidValueError(f"A time fraction lies in [0, 1], not {fraction:g}.")
    if fraction == 0:
        return len(grid)
    # Rounded, because in floats 0.57 × 100 is less than 57, which would give a tie to the cleaner step.
    target = round(fraction * schedule.train_timesteps, 6)
    return min(_moving(grid), key=lambda index: abs(grid[index][0] - target))


def nearest_alpha_bar_index(grid: Grid, schedule: Schedule, alpha_bar: float) -> int:
    """The step of this grid that is most like a step of another: nearest in ᾱ, ties to the noisier.

    Only steps are candidates, never the clean end, because an edit needs a step that follows it.
    """
    return min(_moving(grid), key=lambda index: abs(schedule.alpha_bar(grid[index][0]) - alpha_bar))


def indices_of(times: Sequence[float], grid: Grid, schedule: Schedule) -> tuple[int, ...]:
    """The steps of this grid that are nearest in ᾱ to each of these times; on a coarse grid two may share one."""
    return tuple(nearest_alpha_bar_index(grid, schedule, alpha_bar) for alpha_bar in times)


def timestep_at(grid: Grid, index: int) -> int:
    """The timestep of a latent that has taken ``index`` steps: −1 after the last."""
    return grid[index][0] if index < len(grid) else CLEAN


def _moving(grid: Grid) -> list[int]:
    """The steps that move on; one that stays (t_prev = t) only corrects the latent which the step before it predicted.

    Samplers of two stages, such as Heun's, have both kinds. A latent that is still to be corrected is no place to edit.
    """
    return [index for index, (t, t_prev) in enumerate(grid) if t_prev != t]


def _spaced(steps: int, schedule: Schedule, spacing: Spacing) -> list[int]:
    """Timesteps, noisiest first, as in arXiv:2305.08891, table 2."""
    total = schedule.train_timesteps
    if spacing == "leading":
        stride = total // steps
        return [index * stride + schedule.steps_offset for index in reversed(range(steps))]
    if spacing == "trailing":
        return [round(total - index * (total / steps)) - 1 for index in range(steps)]
    return [round(value) for value in reversed(_linspace(schedule.lowest, total - 1, steps))]


def _alphas_cumprod(config: Mapping[str, Any]) -> tuple[float, ...]:
    alphas_cumprod = list(accumulate((1 - beta for beta in _betas(config)), mul))
    if config.get("rescale_betas_zero_snr", False):
        alphas_cumprod = _rescaled_to_zero_snr(alphas_cumprod)
    return tuple(alphas_cumprod)


def _betas(config: Mapping[str, Any]) -> list[float]:
    if trained := config.get("trained_betas"):
        return [float(beta) for beta in trained]
    count = int(config.get("num_train_timesteps", 1000))
    if not 1 <= count <= MAX_TRAIN_TIMESTEPS:
        raise ValueError(f"{count} training timesteps")
    start, end = float(config.get("beta_start", 0.0001)), float(config.get("beta_end", 0.02))
    match config.get("beta_schedule", "linear"):
        case "linear":
            return _linspace(start, end, count)
        case "scaled_linear":
            return [root**2 for root in _linspace(math.sqrt(start), math.sqrt(end), count)]
        case "squaredcos_cap_v2":
            return [min(1 - _cosine((i + 1) / count) / _cosine(i / count), 0.999) for i in range(count)]
        case other:
            raise ValueError(f"beta schedule {other!r} is not supported")


def _cosine(time: float) -> float:
    """Squared-cosine ᾱ over time in [0, 1] (arXiv:2102.09672, eq. 17)."""
    return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2


def _rescaled_to_zero_snr(alphas_cumprod: list[float]) -> list[float]:
    """Shift and scale √ᾱ so that the last is 0 and the first is kept (arXiv:2305.08891, algorithm 1)."""
    roots = [math.sqrt(alpha_bar) for alpha_bar in alphas_cumprod]
    first, last = roots[0], roots[-1]
    return [((root - last) * first / (first - last)) ** 2 for root in roots]


def _linspace(start: float, end: float, count: int) -> list[float]:
    if count == 1:
        return [start]
    stride = (end - start) / (count - 1)
    return [start + index * stride for index in range(count - 1)] + [end]


def _is_noise_schedule(alphas_cumprod: tuple[float, ...]) -> bool:
    bounded = all(0 <= alpha_bar <= 1 for alpha_bar in alphas_cumprod)
    return bounded and all(earlier >= later for earlier, later in pairwise(alphas_cumprod))
