"""Attributes in a sampler's own loop, of which only what the model says can be changed.

To move the latent at step k by Δ, either of two things is done:

``AtOnce`` has the last word on one prediction, through the function after guidance. A step from σ to σ' goes to
(σ'/σ) x + (1 − σ'/σ) x̂0: so Δ / (1 − σ'/σ) is added to x̂0 in the step before. That is exact for samplers that step so
(euler, ddim), and no others.

``Carried`` shows the model another latent from step k on, and leaves the sampler's alone. While x̂0 does not change, a
latent's distance from another one shrinks as σ does: a sampler that knows x̂0 alone cannot tell x + Δ σ/σ_k from x, and
at σ = 0 there is no difference. That is exact for every sampler that draws no noise on the way, of whatever order; one
that remembers earlier predictions keeps them, where between two samplers they are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from attrbank.plugin import IncompatibleError, edited
from attrbank_comfyui.asking import Questions
from attrbank_comfyui.run import Run, Runs
from attrbank_comfyui.space import NEAR, alpha_bar_of, scale_of


class AtOnce:
    """What ``set_model_sampler_post_cfg_function`` takes.

    Args:
        runs: of the patched model.
        questions: what attributes ask of it.
    """

    def __init__(self, runs: Runs, questions: Questions) -> None:
        self._runs, self._questions = runs, questions

    def __call__(self, given: Mapping[str, Any]) -> Tensor:
        """x̂0 (B, C, H, W), as guidance has left it, or so much beside it that the next latent is an edited one."""
        clean: Tensor = given["denoised"]
        options = given["model_options"]["transformer_options"]
        run = self._runs.of(options)
        index = run.index_at(_first(given["sigma"]))
        turns = [] if index is None else run.groups.get(index + 1, [])
        if not turns or index is None:
            return clean
        following = run.sigmas[index + 1]
        kept = following / run.sigmas[index]
        ahead = kept * given["input"] + (1 - kept) * clean
        ask = self._questions.at(following, options, clean)
        after = edited(ahead, turns, scale_of(following), alpha_bar_of(following), ask)
        change: Tensor = (after - ahead) / (1 - kept)
        return clean + change


class Carried:
    """What ``set_model_unet_function_wrapper`` takes.

    Args:
        runs: of the patched model.
        questions: what attributes ask of it.
        around: another such function that the model has; None if it has none.
    """

    def __init__(self, runs: Runs, questions: Questions, around: Callable[..., Tensor] | None = None) -> None:
        self._runs, self._questions, self._around = runs, questions, around
        self._run: Run | None = None
        self._pace: dict[int, Tensor] = {}
        self._visits: dict[int | None, int] = {}
        self._last: Tensor | None = None

    def __call__(self, apply_model: Callable[..., Tensor], given: Mapping[str, Any]) -> Tensor:
        """What the model says of a batch (N, C, H, W): the latents once for each kind of prompt."""
        sigma, options = _first(given["timestep"]), given["c"]["transformer_options"]
        run = self._runs.of(options)
        if run is not self._run:
            self._begin(run)
        latents: Tensor = given["input"]
        times = len(given["cond_or_uncond"])
        alone = latents[: len(latents) // times]
        self._count(run.index_at(sigma), alone)
        shift = self._shift(run, alone, sigma, options)
        shown = latents if shift is None else latents + shift.repeat(times, 1, 1, 1)
        if self._around is not None:
            return self._around(apply_model, {**given, "input": shown})
        return apply_model(shown, given["timestep"], **given["c"])

    def _begin(self, run: Run) -> None:
        if run.groups and run.leaves_noise:
            raise IncompatibleError(
                "This run leaves noise in its latent, which another would take for an unedited one.",
                hint="Choose 'at once' in the node Patch model, or use Edit latent between the two.",
            )
        self._run, self._pace, self._visits, self._last = run, {}, {}, None

    def _count(self, index: int | None, latents: Tensor) -> None:
        """Note that a step is evaluated; once for all prompts, which may come one after the other."""
        if self._last is None or self._last.shape != latents.shape or not torch.equal(self._last, latents):
            self._visits[index] = self._visits.get(index, 0) + 1
        self._last = latents.clone()

    def _is_reached(self, run: Run, index: int, sigma: float) -> bool:
        """Whether the latent at a step is the one that it begins with.

        Samplers that correct themselves, as Heun's, evaluate a step first to correct the one before.
        """
        own = run.sigmas[index]
        if sigma < own * (1 - NEAR):
            return True
        return sigma <= own * (1 + NEAR) and self._visits.get(index, 0) >= self._visits.get(index - 1, 1)

    def _shift(self, run: Run, latents: Tensor, sigma: float, options: Mapping[str, Any]) -> Tensor | None:
        """What is to be added to latents at this σ; None if nothing has acted yet."""
        for index, turns in run.groups.items():
            if not self._is_reached(run, index, sigma):
                break
            if index not in self._pace:
                shown = self._shown(latents, sigma)
                ask = self._questions.at(sigma, options, latents)
                after = edited(shown, turns, scale_of(sigma), alpha_bar_of(sigma), ask)
                self._pace[index] = (after - shown) / sigma
        paces = [pace for index, pace in self._pace.items() if self._is_reached(run, index, sigma)]
        if paces and paces[0].shape != latents.shape:
            raise _cropped()
        return sigma * sum(paces[1:], paces[0]) if paces else None

    def _shown(self, latents: Tensor, sigma: float) -> Tensor:
        """Latents as what has acted before has left them."""
        paces = list(self._pace.values())
        return latents + sigma * sum(paces[1:], paces[0]) if paces else latents


def _cropped() -> IncompatibleError:
    return IncompatibleError(
        "A prompt for a part of the picture shows the model a part of the latent, which an edit cannot follow.",
        hint="Choose 'at once' in the node Patch model.",
    )


def _first(sigmas: Tensor) -> float:
    """σ of a batch, which all of it has."""
    return float(sigmas.flatten()[0])
