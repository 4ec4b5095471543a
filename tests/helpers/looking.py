"""Pipelines of diffusers with an attribute that looks at the picture, beside our own loop on the same model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import diffusers
import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.diffusion.protocols import Sampler
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import run_edits
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.moving import times_between
from attrbank.names import parse_asked
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PromptPair
from attrbank.store.bank import Bank
from tests.helpers.pipelines import with_scheduler

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
PAIRS = (PromptPair(source=SOURCE, target=TARGET), PromptPair(source="a man", target="an old man"))
STEPS, GUIDANCE, SEED = 10, 3.0, 5
SIZE = 8.0
"""So much that a tiny, random model shows it."""
CLOSE = 1e-4

FOLDERS = {
    "tiny_pipeline": "StableDiffusionPipeline",
    "tiny_pipeline_velocity": "StableDiffusionPipeline",
    "tiny_pipeline_xl": "StableDiffusionXLPipeline",
}


class Made(NamedTuple):
    """A model as a pipeline of diffusers and as ours, and its bank with *onward* and *once*."""

    pipeline: Any
    backbone: Any
    attributes: dict[str, LearnedAttribute]
    bank: Path


def made_of(folder: Path, kind: str, bank: Path) -> Made:
    backbone = load_plugins().backbone(str(folder))
    asked = {"seeds": (0, 1), "steps": 4, "guidance_scale": GUIDANCE}
    once = learn_attribute(complete(learn_spec("once", [SOURCE], [TARGET], **asked), backbone), Avi(), backbone, DDIM())
    times = times_between(backbone.schedule, 0.8, 0.25, 4)
    units = {**once.record.units, "live": SIZE}  # the mean is there, and is none to fall back on
    onward = {"name": "onward", "core": "live", "times": times, "units": units, "pairs": PAIRS}
    record = once.record.model_copy(update=onward)
    attributes = {"once": once, "onward": LearnedAttribute(record, once.tensors)}
    for attribute in attributes.values():
        Bank(bank).add(encode(attribute))
    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return Made(with_scheduler(pipeline, "DDIMScheduler"), backbone, attributes, bank)


def theirs(pipeline: Any, callback: Any = None, prompt: Any = SOURCE, *, seeds: Any = SEED, **options: Any) -> Tensor:
    generators = [torch.Generator().manual_seed(seed) for seed in ([seeds] if isinstance(seeds, int) else seeds)]
    options = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "output_type": "latent", **options}
    latents: Tensor = pipeline(
        prompt,
        generator=generators if len(generators) > 1 else generators[0],
        callback_on_step_end=callback,
        **options,
    ).images
    return latents


def ours(
    made: Made,
    *texts: str,
    prompt: str = SOURCE,
    seed: int = SEED,
    sampler: Sampler | None = None,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> Tensor:
    """As ``editing.plan`` orders the attributes and ``editing.run`` runs them."""
    sampler, schedule, acts = sampler or DDIM(), made.backbone.schedule, []
    grid = sampler.grid(steps, schedule)
    for asked in map(parse_asked, texts):
        attribute = made.attributes[asked.reference]
        record = attribute.record
        if asked.when is not None:
            record = Avi().moved(record, record.core, asked.when, schedule)
        core = "live" if record.core == "live" else "mean"
        strength = 1.0 if asked.strength is None else asked.strength
        acts.append(ready(LearnedAttribute(record, attribute.tensors), strength, core).on(grid, schedule))
    acts.sort(key=lambda act: act.index)
    run = Trajectory(made.backbone, sampler, grid=grid, guidance_scale=guidance)
    edited = run_edits(run, prompt, [seed], acts)
    assert edited.before is not None
    assert float((edited.after - edited.before).abs().max()) > 0.05, "there is something to see"
    return edited.after


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


@contextmanager
def asked_of(unet: Any) -> Iterator[list[dict[str, Any]]]:
    """What a UNet is told, call by call."""
    calls: list[dict[str, Any]] = []

    def note(_: Any, args: Any, kwargs: Any) -> None:
        calls.append({"x": args[0], "t": args[1], **kwargs})

    handle = unet.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield calls
    finally:
        handle.remove()
