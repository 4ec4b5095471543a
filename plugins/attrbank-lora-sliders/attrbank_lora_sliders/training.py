"""The training of a slider, at all of its strengths in turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from attrbank.plugin import Backbone, Conditioning, InvalidValueError, LearnContext, Learned, network_of
from attrbank_lora_sliders.lessons import STRENGTHS, Lesson, gather
from attrbank_lora_sliders.parameters import Parameters
from attrbank_lora_sliders.slider import WANTED_BY, Slider, Worn

ROWS = 4
"""Latents of one step, each asked about under every prompt."""

LEAST = 0.01
"""A time counts as if at least this share of the largest change on its way were to be said there: where prompts say
the same, an error would count without bounds."""

TINY = 1e-12


def learn(context: LearnContext, asked: Parameters) -> Learned:
    """The factors, and the share of the change that they explain at either sign on latents that are held out.

    Raises:
        InvalidValueError: the network says the same under both prompts, and ``context.force`` is off.
    """
    context.on_progress("looking at the pair", 0, 1)
    lessons = gather(context, asked.scale)
    _require_change(context, lessons)
    factors = trained(context, by_strength(lessons, held=False), asked).half()
    slider = Slider(factors, asked.layers, asked.rank, context.spec.t_z)
    held = by_strength(lessons, held=True)
    measured = {f"explained_at_{s:+g}": explained(context, slider, held[s]) for s in (1.0, -1.0) if s in held}
    return Learned({"factors": factors}, {"measured": measured}, measured.get("explained_at_+1"))


def by_strength(lessons: Sequence[Lesson], *, held: bool) -> dict[float, list[Lesson]]:
    """For each strength the latents on its way, time by time; those that are held out, or the others."""
    found: dict[float, list[Lesson]] = {}
    for strength in STRENGTHS:
        rows = ((lesson.is_held == held) & (lesson.strengths == strength) for lesson in lessons)
        parts = [lesson.rows(chosen) for lesson, chosen in zip(lessons, rows, strict=True) if bool(chosen.any())]
        if parts:
            found[strength] = parts
    return found


def _require_change(context: LearnContext, lessons: Sequence[Lesson]) -> None:
    if not any(bool(lesson.change.any()) for lesson in lessons) and not context.force:
        raise InvalidValueError(
            "The network says the same under both prompts: there is no difference to learn.",
            "Name in the target what the source lacks, in words that the model knows.",
        )


@torch.enable_grad()
def trained(context: LearnContext, ways: Mapping[float, Sequence[Lesson]], asked: Parameters) -> Tensor:
    """Factors (N,) after all iterations, each of one strength, in turn, and one time on its way."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    model, worn = _wearing(context.trajectory.backbone, asked)
    weights = worn.put(worn.beginning(generator))
    optimiser = torch.optim.Adam(weights, lr=asked.rate, betas=(0.9, 0.99))
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, asked.iterations, asked.rate / 20)
    strengths, sizes = [*ways], {strength: counted(way) for strength, way in ways.items()}
    for done in range(asked.iterations):
        context.on_progress("training", done, asked.iterations)
        strength = strengths[done % len(strengths)]
        way = ways[strength]
        time = int(torch.randint(len(way), (), generator=generator))
        lesson, size = way[time], sizes[strength][time]
        some = lesson.rows(torch.randperm(len(lesson.latent), generator=generator)[:ROWS])
        worn.scale(strength)
        optimiser.zero_grad()
        (missed(context, model, some) / size).backward()  # type: ignore[no-untyped-call]  # torch has no type
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


def counted(way: Sequence[Lesson]) -> list[float]:
    """By what the error at each time of a way is divided, so that all count alike: the change there, or ``LEAST``."""
    sizes = [_size(lesson) for lesson in way]
    return [max(size, LEAST * max(sizes), TINY) for size in sizes]


def _size(lesson: Lesson) -> float:
    """The mean square of what its strength is to change."""
    change = lesson.strengths.reshape(-1, 1, 1, 1) * lesson.change
    return float(change.square().mean())


def missed(context: LearnContext, model: Backbone, lesson: Lesson) -> Tensor:
    """The mean square of what a model says too much or too little of latents, under all prompts."""
    prompts = len(lesson.said)
    encoded = [context.trajectory.conditioning(prompt) for heard in lesson.heard for prompt in heard]
    conditioning: Conditioning = {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}
    latent = lesson.latent.repeat(prompts, 1, 1, 1)
    found = model.predict(latent, lesson.timestep, conditioning).eps.reshape(lesson.said.shape)
    wanted = lesson.said + lesson.strengths.reshape(-1, 1, 1, 1) * lesson.change
    error: Tensor = (found - wanted).square().mean()
    return error


@torch.no_grad()
def explained(context: LearnContext, slider: Slider, way: Sequence[Lesson]) -> float:
    """1 less the error of a slider as a share of the change, each time of a strength's way counted as in training."""
    model = slider.through(context.trajectory.backbone, float(way[0].strengths[0]))
    sizes = counted(way)
    shares = [float(missed(context, model, lesson)) / size for lesson, size in zip(way, sizes, strict=True)]
    whole = math.fsum(_size(lesson) / size for lesson, size in zip(way, sizes, strict=True))
    return 1 - math.fsum(shares) / max(whole, TINY)
