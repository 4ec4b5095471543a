"""What diffusers makes of a folder, and what we make of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.families import load
from attrbank.diffusion.trajectory import Trajectory

PROMPT = "a photo of a smiling woman, with glasses"


def their_latents(
    folder: Path,
    scheduler: str,
    steps: int,
    scale: float,
    seeds: list[int],
    variant: str | None = None,
    **options: Any,
) -> Tensor:
    """What diffusers' own pipeline makes of the folder, in single precision."""
    import diffusers

    with warnings.catch_warnings(action="ignore"):
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            folder, local_files_only=True, variant=variant, torch_dtype=torch.float32
        )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = getattr(diffusers, scheduler).from_config(pipeline.scheduler.config)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    result = pipeline(
        [PROMPT] * len(seeds),
        num_inference_steps=steps,
        guidance_scale=scale,
        generator=generators,
        output_type="latent",
        **options,
    )
    images: Tensor = result.images
    return images


def our_latents(folder: Path, sampler: Any, steps: int, scale: float, seeds: list[int]) -> Tensor:
    backbone = load(str(folder))
    trajectory = Trajectory(backbone, sampler, grid=sampler.grid(steps, backbone.schedule), guidance_scale=scale)
    return trajectory.run(trajectory.start(seeds), backbone.encode_prompts([PROMPT])).latent
