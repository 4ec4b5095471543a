"""The samplers that users of Stable Diffusion know by name, through the schedulers of diffusers."""

from __future__ import annotations

from attrbank.plugin import SchedulerSampler, Spec, hookimpl


@hookimpl
def register_samplers(register):
    """Offer the four."""
    register(Spec("euler", "Euler's method on σ (Karras et al., 2022).", target=f"{__name__}:euler"))
    register(
        Spec(
            "euler-ancestral",
            "Euler's method, with fresh noise at every step.",
            capabilities=("stochastic",),
            target=f"{__name__}:euler_ancestral",
        )
    )
    register(Spec("heun", "Heun's method: two evaluations a step (Karras et al., 2022).", target=f"{__name__}:heun"))
    register(
        Spec(
            "dpmpp-2m",
            "DPM-Solver++ of second order, multistep (Lu et al., 2022).",
            capabilities=("multistep",),
            target=f"{__name__}:dpmpp_2m",
        )
    )


def euler() -> SchedulerSampler:
    """The sampler ``euler``."""
    return SchedulerSampler("euler", "EulerDiscreteScheduler")


def euler_ancestral() -> SchedulerSampler:
    """The sampler ``euler-ancestral``."""
    return SchedulerSampler("euler-ancestral", "EulerAncestralDiscreteScheduler")


def heun() -> SchedulerSampler:
    """The sampler ``heun``."""
    return SchedulerSampler("heun", "HeunDiscreteScheduler")


def dpmpp_2m() -> SchedulerSampler:
    """The sampler ``dpmpp-2m``."""
    return SchedulerSampler("dpmpp-2m", "DPMSolverMultistepScheduler")
