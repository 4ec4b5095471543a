"""The training of a slider, at all of its strengths in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attrbank.plugin import Backbone, Conditioning, InvalidValueError, LearnContext, Learned, network_of
from attrbank_lora_sliders.lessons import STRENGTHS, Lesson, gather
from attrbank_lora_sliders.parameters import Parameters
from attrbank_lora_sliders.slider import WANTED_BY, Slider, Worn

ROWS = 4
"""Latents of one step, each asked about under every prompt."""

TINY = 1e-12


def learn(context: LearnContext, asked: Parameters) -> Learned:
    """The factors, and the share of the change that they explain at either sign on latents that are held out.

    Raises:
        InvalidValueError: the network says the same under both prompts, and ``context.force`` is off.
    """
    context.on_progress("looking at the pair", 0, 1)
    lessons = gather(context, asked.scale)
    _require_change(context, lessons)
    factors = trained(context, lessons, asked).half()
    slider = Slider(factors, asked.layers, asked.rank, context.spec.t_z)
    measured = {}
    for sign in (1.0, -1.0):
        held = [rows for lesson in lessons if len((rows := lesson.rows(_held(lesson, sign))).latent)]
        if held:
            measured[f"explained_at_{sign:+g}"] = explained(context, slider, held)
    return Learned({"factors": factors}, {"measured": measured}, measured.get("explained_at_+1"))


def _held(lesson: Lesson, strength: float) -> Tensor:
    return lesson.is_held & (lesson.strengths == strength)


def _require_change(context: LearnContext, lessons: Sequence[Lesson]) -> None:
    if not any(bool(lesson.change.any()) for lesson in lessons) and not context.force:
        raise InvalidValueError(
            "The network says the same under both prompts: there is no difference to learn.",
            "Name in the target what the source lacks, in words that the model knows.",
        )


@torch.enable_grad()
def trained(context: LearnContext, lessons: Sequence[Lesson], asked: Parameters) -> Tensor:
    """Factors (N,) after all iterations, each at one time and one strength."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    model, worn = _wearing(context.trajectory.backbone, asked)
    weights = worn.put(worn.beginning(generator))
    optimiser = torch.optim.Adam(weights, lr=asked.rate, betas=(0.9, 0.99))
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, asked.iterations, asked.rate / 20)
    taught = [lesson.rows(~lesson.is_held) for lesson in lessons]
    sizes = [_size(lesson) for lesson in taught]
    for done in range(asked.iterations):
        context.on_progress("training", done, asked.iterations)
        time = int(torch.randint(len(taught), (), generator=generator))
        lesson = drawn(taught[time], STRENGTHS[done % len(STRENGTHS)], generator)
        worn.scale(float(lesson.strengths[0]))
        optimiser.zero_grad()
        (missed(context, model, lesson) / sizes[time]).backward()  # type: ignore[no-untyped-call]  # torch has no type
        optimiser.step()
        rates.step()
    context.on_progress("training", asked.iterations, asked.iterations)
    return torch.cat([weight.detach().flatten().cpu() for weight in weights])


def _wearing(backbone: Backbone, asked: Parameters) -> tuple[Backbone, Worn]:
    """The backbone with new factors, and those."""
    found: list[Worn] = []

    def change(network: nn.Module) -> nn.Module:
        found.append(Worn(network, asked.layers, asked.rank))
        return network

    return network_of(backbone, WANTED_BY).adapting(change), found[0]


def _size(lesson: Lesson) -> float:
    """The mean square of the change at strength 1, so that all times count alike."""
    return max(float(lesson.change.square().mean()), TINY)


def drawn(lesson: Lesson, strength: float, generator: torch.Generator) -> Lesson:
    """A few of its latents that lie on the way of this strength; of another where there are none of this one."""
    found = lesson.strengths == strength
    rows = (found if bool(found.any()) else lesson.strengths == lesson.strengths[0]).nonzero().flatten()
    return lesson.rows(rows[torch.randperm(len(rows), generator=generator)[:ROWS]])


def missed(context: LearnContext, model: Backbone, lesson: Lesson) -> Tensor:
    """The mean square of what a model says too much or too little of latents of one strength, under all prompts."""
    prompts, rows = lesson.said.shape[:2]
    encoded = [context.trajectory.conditioning(prompt) for heard in lesson.heard for prompt in heard]
    conditioning: Conditioning = {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}
    latent = lesson.latent.repeat(prompts, 1, 1, 1)
    found = model.predict(latent, lesson.timestep, conditioning).eps.unflatten(0, (prompts, rows))
    wanted = lesson.said + lesson.strengths.reshape(-1, 1, 1, 1) * lesson.change
    return (found - wanted).square().mean()


@torch.no_grad()
def explained(context: LearnContext, slider: Slider, lessons: Sequence[Lesson]) -> float:
    """1 less the error of a slider at strength 1 or -1, as a share of the change, in the mean over times."""
    model = slider.through(context.trajectory.backbone, float(lessons[0].strengths[0]))
    shares = [float(missed(context, model, lesson)) / _size(lesson) for lesson in lessons]
    return 1 - math.fsum(shares) / len(shares)
