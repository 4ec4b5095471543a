"""A pipeline's own model, asked while it runs: what it makes of a latent under prompts of an attribute's own.

So the core ``live`` finds a picture's own difference (docs/method.md 5.8). The UNet is asked as the pipeline asks it,
at the timestep of its next step, and the pipeline encodes the prompts; nothing of either is changed or kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from attrbank.backbones.stable_diffusion.describe import OTHER_INPUTS
from attrbank.diffusers.progress import Progress
from attrbank.diffusion.finite import finite
from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.errors import IncompatibleError

TIME_IDS = "add_time_ids"
"""What pipelines of Stable Diffusion XL call the picture's sizes and crop: rows as in the UNet's own batch."""

Told: TypeAlias = Mapping[str, Tensor]
"""What a UNet is told of a prompt: ``text`` (1, length, D), and of XL also ``pooled`` (1, P)."""


class Questions:
    """What the attributes of one run have asked its model.

    Attributes:
        rows: that the UNet has predicted for them.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._told: dict[str, Told] = {}

    def clean_under(
        self, pipeline: Any, given: Mapping[str, Tensor], progress: Progress, x: Tensor, prompts: Sequence[str]
    ) -> Tensor:
        """x̂0 of x (B, C, H, W) under each of P prompts, (P, B, C, H, W), without guidance, as ``apply`` has it.

        No more rows go through the UNet at once than in the pipeline's own steps.

        Args:
            pipeline: that runs.
            given: what it hands to callbacks now: ``latents``, and of XL the time ids.
            progress: where it is.
            x: variance-preserving, float32, on the CPU.
            prompts: each encoded once a run.

        Raises:
            NumericError: a prediction is not finite.
        """
        count, told = len(x), [self._told_of(pipeline, prompt, given["latents"].device) for prompt in prompts]
        together = {name: torch.cat([_rows(one[name], count) for one in told]) for name in told[0]}
        if TIME_IDS in given:  # those of the rows with a prompt, which come last if there are others
            together["time_ids"] = _rows(given[TIME_IDS][-count:], count).repeat(len(prompts), 1)
        everywhere = x.repeat(len(prompts), 1, 1, 1)
        at_once = count * (2 if pipeline.do_classifier_free_guidance else 1)
        self.rows += len(everywhere)
        parts = [
            _predicted(
                pipeline,
                progress,
                everywhere[first : first + at_once],
                {name: tensor[first : first + at_once] for name, tensor in together.items()},
                given["latents"],
            )
            for first in range(0, len(everywhere), at_once)
        ]
        return torch.cat(parts).reshape(len(prompts), *x.shape)

    def _told_of(self, pipeline: Any, prompt: str, device: torch.device) -> Told:
        if prompt not in self._told:
            self._told[prompt] = _encoded(pipeline, prompt, device)
        return self._told[prompt]


def refuse_deaf(pipeline: Any, latents: Tensor, name: str) -> None:
    """Do nothing if the model of a pipeline can be asked under a prompt, with nothing else to be told.

    Args:
        pipeline: that runs.
        latents: that it denoises, (B, C, H, W).
        name: the attribute's that is to ask.

    Raises:
        IncompatibleError: it cannot.
    """
    for reason, hint in _obstacles(pipeline, latents):
        kind = type(pipeline).__name__
        raise IncompatibleError(f"{name} asks the model under prompts of its own, but {kind} {reason}.", hint)


def _obstacles(pipeline: Any, latents: Tensor) -> Iterator[tuple[str, str]]:
    """Why it cannot, each with a hint."""
    plain = "Use the plain StableDiffusionPipeline or StableDiffusionXLPipeline, or attrbank apply."
    encoders = [getattr(pipeline, name) for name in ("text_encoder", "text_encoder_2") if hasattr(pipeline, name)]
    if not encoders or any(encoder is None for encoder in encoders):
        yield "has no text encoder at hand", "Load the pipeline with its text encoders, and keep them."
    if not hasattr(pipeline, "encode_prompt"):
        yield "does not encode prompts", plain
    config = pipeline.unet.config
    if config.in_channels != latents.shape[1]:
        yield f"has a UNet that takes {config.in_channels} channels beside {latents.shape[1]} of latents", plain
    for key, what in OTHER_INPUTS.items():
        if config.get(key) not in (None, "text_time", "text_proj"):
            yield f"has a UNet that wants to be told {what} ({key}), such as an IP adapter's", plain
    if getattr(pipeline, "do_perturbed_attention_guidance", False):
        yield "perturbs its attention in every batch", plain


def _encoded(pipeline: Any, prompt: str, device: torch.device) -> Told:
    """As the pipeline encodes it in this run; the empty prompt as the one that guidance compares with."""
    kwargs = getattr(pipeline, "cross_attention_kwargs", None) or {}
    found = pipeline.encode_prompt(
        prompt=prompt,
        device=device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=not prompt,
        lora_scale=kwargs.get("scale"),
        clip_skip=getattr(pipeline, "clip_skip", None),
    )
    with_prompt = found[0 if prompt else 1 :: 2]  # the others are those of the empty prompt, or None
    return dict(zip(("text", "pooled"), with_prompt, strict=False))


def _predicted(pipeline: Any, progress: Progress, x: Tensor, told: Told, latents: Tensor) -> Tensor:
    """x̂0 (N, C, H, W) of x, each with a row of what it is told; ``latents`` are the pipeline's, for their kind."""
    added = {"text_embeds": told["pooled"], "time_ids": told["time_ids"]} if "pooled" in told else None
    output = pipeline.unet(
        x.to(latents),
        progress.timestep,
        encoder_hidden_states=told["text"],
        timestep_cond=_timestep_cond(pipeline, len(x), latents),
        cross_attention_kwargs=getattr(pipeline, "cross_attention_kwargs", None),
        added_cond_kwargs=added,
        return_dict=False,
    )[0]
    said = finite(output, "What the unet made").float().cpu()
    is_velocity = pipeline.scheduler.config.get("prediction_type", "epsilon") == "v_prediction"
    return (from_velocity if is_velocity else from_epsilon)(x, said, progress.alpha_bar).x0


def _timestep_cond(pipeline: Any, rows: int, latents: Tensor) -> Tensor | None:
    """The guidance scale, as a network that was distilled with guidance takes it, (N, D)."""
    width = pipeline.unet.config.time_cond_proj_dim
    if width is None:
        return None
    scale = torch.tensor(pipeline.guidance_scale - 1).repeat(rows)
    embedded: Tensor = pipeline.get_guidance_scale_embedding(scale, embedding_dim=width).to(latents)
    return embedded


def _rows(tensor: Tensor, count: int) -> Tensor:
    """As many rows, if there is one."""
    return tensor.expand(count, *tensor.shape[1:])
