"""Pipelines of diffusers that run with attributes of a small bank, beside our own loop on the same model."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attrbank.attribute.artifact import decode
from attrbank.diffusion.schedule import nearest_alpha_bar_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.methods.avi import Avi
from attrbank.store.bank import Bank

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS, GUIDANCE, SEED = 8, 3.0, 5


def with_scheduler(pipeline: Any, name: str) -> Any:
    import diffusers

    pipeline.scheduler = getattr(diffusers, name).from_config(pipeline.scheduler.config)
    return pipeline


def their_latent(pipeline: Any, callback: Any = None, **options: Any) -> Tensor:
    options = {"num_inference_steps": STEPS, "output_type": "latent", **options}
    return pipeline(
        SOURCE,
        guidance_scale=GUIDANCE,
        generator=torch.Generator().manual_seed(SEED),
        callback_on_step_end=callback,
        **options,
    ).images


def warnings_of(act: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(each.message) for each in caught if issubclass(each.category, UserWarning)]


def our_latent(backbone, bank: Path, sampler: Any, steps: int = STEPS, **strengths: float) -> Tensor:
    grid = sampler.grid(steps, backbone.schedule)
    acts = []
    for name, strength in strengths.items():
        learned = decode(Bank(bank).read(Bank(bank).resolve(name)))
        index = nearest_alpha_bar_index(grid, backbone.schedule, learned.record.resolved.alpha_bar_x)
        core = "mean" if learned.record.units else None
        acts.append(Act(index, Avi().edit(learned.record, learned.tensors, core), strength))
    trajectory = Trajectory(backbone, sampler, grid=grid, guidance_scale=GUIDANCE)
    return run_edits(trajectory, SOURCE, [SEED], acts).after
