"""Steps and guidance that a model of Stable Diffusion's kind was made for, by the scheduler that it comes with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONSISTENT = frozenset({"LCMScheduler", "TCDScheduler"})
"""Schedulers of models that were distilled to a few steps, of which the first is at the noisiest timestep."""

FEW = 4


def recommended(scheduler: Mapping[str, Any], *, embeds_guidance: bool) -> Mapping[str, Any]:
    """What ``attrbank.json`` may override, as ``Settings`` has it; nothing for models that were not distilled.

    Args:
        scheduler: the contents of ``scheduler_config.json``.
        embeds_guidance: whether the network takes the guidance scale as an input.
    """
    if not _is_distilled(scheduler) and not embeds_guidance:
        return {}
    # 8.5 as in diffusers' own pipeline for these; the others were distilled with their guidance.
    return {"steps": FEW, "guidance_scale": 8.5 if embeds_guidance else 1.0}


def as_sampled(scheduler: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration with the spacing of timesteps that such a scheduler has whatever it says."""
    is_consistent = scheduler.get("_class_name") in CONSISTENT
    return {**scheduler, "timestep_spacing": "trailing"} if is_consistent else scheduler


def _is_distilled(scheduler: Mapping[str, Any]) -> bool:
    """Turbo and lightning models have no scheduler of their own: they come with Euler's, from the very noise on.

    So do models of v with zero terminal signal, which were not distilled.
    """
    kind = str(scheduler.get("_class_name", ""))
    from_noise = scheduler.get("timestep_spacing") == "trailing" and scheduler.get("prediction_type") != "v_prediction"
    whole = not scheduler.get("rescale_betas_zero_snr", False)
    return kind in CONSISTENT or (kind.startswith("Euler") and from_noise and whole)
