"""Which schedulers of diffusers let an edited latent go on: those whose memory we know."""

from __future__ import annotations

from types import MappingProxyType

from attrbank.errors import IncompatibleError

MEMORY = MappingProxyType(
    {
        "DDIMScheduler": (),
        "DDPMScheduler": (),
        "EulerDiscreteScheduler": (),
        "EulerAncestralDiscreteScheduler": (),
        "HeunDiscreteScheduler": ("prev_derivative", "dt", "sample"),
        "DPMSolverMultistepScheduler": ("model_outputs", "lower_order_nums"),
    }
)
"""Scheduler -> the attributes in which it carries something from one step to the next."""

STOCHASTIC = frozenset({"DDPMScheduler", "EulerAncestralDiscreteScheduler"})

_REASONS = MappingProxyType(
    {
        "UniPCMultistepScheduler": "its corrector rebuilds the latent from the one before, and so discards an edit",
        "PNDMScheduler": "it mixes each prediction with three before it, and cannot be made to forget them",
        "FlowMatchEulerDiscreteScheduler": "its latents do not preserve variance, as those of attributes do",
    }
)


def refuse_unsupported(scheduler: str) -> None:
    """Do nothing if an edit survives the next step of a scheduler of that class name.

    Raises:
        IncompatibleError: it does not, or we cannot know; the reason is in the message.
    """
    if scheduler in MEMORY:
        return
    reason = _REASONS.get(scheduler, "attrbank does not know what it remembers from one step to the next")
    known = ", ".join(sorted(name.removesuffix("Scheduler") for name in MEMORY))
    raise IncompatibleError(
        f"The scheduler {scheduler} cannot be used: {reason}.", hint=f"Take one of these schedulers: {known}."
    )
