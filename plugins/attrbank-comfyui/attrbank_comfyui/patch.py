"""Attributes in a sampler's own loop, of which only what the model says can be changed.

To move the latent at step k by Δ, either of two things is done:

``AtOnce`` has the last word on one prediction, through the function after guidance. A step from σ to σ' goes to
(σ'/σ) x + (1 − σ'/σ) x̂0: so Δ / (1 − σ'/σ) is added to x̂0 in the step before. That is exact for samplers that step so
(euler, ddim), and no others.

``Carried`` shows the model another latent from step k on, and leaves the sampler's alone. While x̂0 does not change, a
latent's distance from another one shrinks as σ does: a sampler that knows x̂0 alone cannot tell x + Δ σ/σ_k from x, and
at σ = 0 there is no difference. That is exact for every sampler that draws no noise on the way, of whatever order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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

    def __call__(self, apply_model: Callable[..., Tensor], given: Mapping[str, Any]) -> Tensor:
        """What the model says of a batch (N, C, H, W): the latents once for each kind of prompt."""
        sigma, options = _first(given["timestep"]), given["c"]["transformer_options"]
        run = self._runs.of(options)
        if run is not self._run:
            self._begin(run)
        latents: Tensor = given["input"]
        times = len(given["cond_or_uncond"])
        shift = self._shift(run, latents[: len(latents) // times], sigma, options)
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
        self._run, self._pace = run, {}

    def _shift(self, run: Run, latents: Tensor, sigma: float, options: Mapping[str, Any]) -> Tensor | None:
        """What is to be added to latents at this σ; None if nothing has acted yet."""
        for index, turns in run.groups.items():
            own = run.sigmas[index]
            if sigma > own * (1 + NEAR):
                break
            # Samplers that correct themselves come back to a σ with a better latent.
            if index not in self._pace or sigma >= own * (1 - NEAR):
                shown = self._shown(latents, sigma, before=index)
                ask = self._questions.at(sigma, options, latents)
                after = edited(shown, turns, scale_of(sigma), alpha_bar_of(sigma), ask)
                self._pace[index] = (after - shown) / sigma
        acted = [pace for index, pace in self._pace.items() if sigma <= run.sigmas[index] * (1 + NEAR)]
        return sigma * sum(acted[1:], acted[0]) if acted else None

    def _shown(self, latents: Tensor, sigma: float, before: int) -> Tensor:
        """Latents as what acted before this step has left them."""
        earlier = [pace for index, pace in self._pace.items() if index < before]
        if earlier and earlier[0].shape != latents.shape:
            raise _cropped()
        return latents + sigma * sum(earlier[1:], earlier[0]) if earlier else latents


def _cropped() -> IncompatibleError:
    return IncompatibleError(
        "A prompt for a part of the picture shows the model a part of the latent, which an edit cannot follow.",
        hint="Choose 'at once' in the node Patch model.",
    )


def _first(sigmas: Tensor) -> float:
    """σ of a batch, which all of it has."""
    return float(sigmas.flatten()[0])
