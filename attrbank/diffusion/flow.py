"""Rectified flow (arXiv:2209.03003) in the variance-preserving coordinates of the engine.

A flow model sees x_σ = (1−σ) x0 + σ ε and says the velocity ε − x0. Divided by √((1−σ)² + σ²), its latent is
√ᾱ x0 + √(1−ᾱ) ε with √ᾱ : √(1−ᾱ) = (1−σ) : σ. In these coordinates DDIM is Euler's step of the flow: both go to
the same mixture of the same two predictions. So samplers, edits and inversion need not know that it is a flow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.schedule import MAX_TRAIN_TIMESTEPS, Schedule, Spacing
from attrbank.errors import IncompatibleError

if TYPE_CHECKING:  # a plan reads the schedule without torch
    from torch import Tensor


def flow_schedule(config: Mapping[str, Any], tokens: int, spacing: Spacing) -> Schedule:
    """The schedule of a ``FlowMatchEulerDiscreteScheduler``: ᾱ at t = 0 … T−1, where σ is that of (t+1)/T, shifted.

    Time before the shift is what t counts: 40 % of the steps come after the fraction 0.4, whatever the shift.

    Args:
        config: its ``scheduler_config.json``; what it leaves out has diffusers' default.
        tokens: patches in a latent, on which a dynamic shift depends.
        spacing: "linspace" as in SD 3's pipeline, "trailing" as in Flux's.

    Raises:
        IncompatibleError: it describes no flow that we know.
    """
    kind = str(config.get("_class_name", ""))
    if not kind.startswith("FlowMatch") or config.get("invert_sigmas"):
        raise IncompatibleError(f"The scheduler {kind or 'without a class name'} describes no flow that we know.")
    try:
        count, shift = int(config.get("num_train_timesteps", 1000)), _shift(config, tokens)
        if not 1 <= count <= MAX_TRAIN_TIMESTEPS or not 0 < shift < math.inf:
            raise ValueError(f"{count} timesteps with shift {shift:g}")
    except (TypeError, ValueError, ArithmeticError) as error:
        raise IncompatibleError(f"The scheduler's configuration is malformed: {error}.") from error
    times = ((t + 1) / count for t in range(count))
    sigmas = [shift * time / (1 + (shift - 1) * time) for time in times]
    alpha_bars = tuple((1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2) for sigma in sigmas)
    # Theirs lays out its grid down to the least σ, which a fixed shift has raised, and shifts that once more.
    shifted_twice = spacing == "linspace" and not config.get("use_dynamic_shifting", False)
    lowest = max(0, round(sigmas[0] * count) - 1) if shifted_twice else 0
    return Schedule(alpha_bars, spacing=spacing, lowest=lowest)


def sigma_of(alpha_bar: float) -> float:
    """σ in [0, 1], the share of the noise in x_σ, where the signal's share of the variance is ᾱ."""
    return math.sqrt(1 - alpha_bar) / _scale(alpha_bar)


def to_flow(x: Tensor, alpha_bar: float) -> Tensor:
    """The latent x_σ that a flow model sees.

    Shapes:
        x: (B, C, H, W)
    """
    return x / _scale(alpha_bar)


def from_flow(x: Tensor, velocity: Tensor, alpha_bar: float) -> Prediction:
    """Split the velocity ε − x̂0 at the latent x into its parts; nothing is divided by what may be zero.

    Shapes:
        x, velocity: (B, C, H, W), x in variance-preserving coordinates.
    """
    scale = _scale(alpha_bar)
    x0 = (x - math.sqrt(1 - alpha_bar) * velocity) / scale
    return Prediction(x0 + velocity, x0)


def _scale(alpha_bar: float) -> float:
    """√ᾱ + √(1−ᾱ) = 1 / √((1−σ)² + σ²), in [1, √2]."""
    return math.sqrt(alpha_bar) + math.sqrt(1 - alpha_bar)


def _shift(config: Mapping[str, Any], tokens: int) -> float:
    """What moves time towards noise, the more the larger the picture (arXiv:2403.03206, section 5.3.2)."""
    if not config.get("use_dynamic_shifting", False):
        return float(config.get("shift", 1.0))
    fewest, most = float(config.get("base_image_seq_len", 256)), float(config.get("max_image_seq_len", 4096))
    low, high = float(config.get("base_shift", 0.5)), float(config.get("max_shift", 1.15))
    mu = low + (high - low) * (tokens - fewest) / (most - fewest)
    return mu if config.get("time_shift_type", "exponential") == "linear" else math.exp(mu)
