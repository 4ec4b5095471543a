"""The judge that every model brings along: itself. An opinion of the one that drew the pictures, and no truth.

A model that is given a noisy picture predicts its noise better under the prompt that fits the picture (Li et al.,
arXiv:2303.16203, use that as a classifier). It sees worst what it draws worst, and it takes for the attribute what it
always draws with it. How often it is right, ``python -m lab.figures.agreement`` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Backbone, guidance_of
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.judge import Case, Judge

DRAWS, BATCH = 24, 32
PER_MILLE = 1000


@dataclass(frozen=True)
class Explained:
    """Pictures as the model takes them, and how well it explains them so far.

    Attributes:
        latents: the encoded pictures, (B, C, H, W).
        errors: of the noise by prompt, (B,); filled when somebody asks.
    """

    latents: Tensor
    errors: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, rows: Tensor) -> Explained:
        return Explained(self.latents[rows], {prompt: found[rows] for prompt, found in self.errors.items()})


class SelfJudge(Judge):
    """Judges by which of two prompts explains a picture better to the model.

    All errors are of the same draws of timestep and noise, under both prompts and before and after an edit, so that
    their difference is not the draws'.

    Args:
        case: whose model and prompt it is.
        draws: how many; an answer costs as many network evaluations a picture for each prompt.

    Raises:
        InvalidValueError: the model knows no prompts.
    """

    name = "self"

    def __init__(self, case: Case, draws: int = DRAWS) -> None:
        self._backbone: Backbone = case.backbone
        if guidance_of(self._backbone) == "none":
            raise InvalidValueError(f"{self._backbone.name} knows no prompts, so it cannot judge by them.")
        self.weights, self._prompt = self._backbone.fingerprint, case.prompt
        generator, schedule = torch.Generator().manual_seed(0), self._backbone.schedule
        self._noise = torch.randn(draws, 1, *self._backbone.latent_shape, generator=generator)
        span = schedule.train_timesteps - schedule.lowest
        self._timesteps = [schedule.lowest + int((draw + 0.5) / draws * span) for draw in range(draws)]

    @torch.no_grad()
    def look(self, images: Tensor) -> Explained:
        """The latents of images (B, 3, h, w) in [0, 1]."""
        return Explained(torch.cat([self._backbone.encode(part) for part in torch.split(images, BATCH)]))

    def effect(self, subject: Subject, view: Explained) -> Tensor:
        """By how much the target prompt explains a picture better, in thousandths of the noise's variance, (B,)."""
        return PER_MILLE * (self._error(view, self._prompt) - self._error(view, subject.target))

    def _error(self, view: Explained, prompt: str) -> Tensor:
        """The mean squared error of the predicted noise over all draws, (B,)."""
        if prompt not in view.errors:
            parts = torch.split(view.latents, BATCH)
            view.errors[prompt] = torch.cat([self._error_of(part, prompt) for part in parts])
        return view.errors[prompt]

    @torch.no_grad()
    def _error_of(self, latents: Tensor, prompt: str) -> Tensor:
        one = self._backbone.encode_prompts([prompt])
        conditioning = {name: tensor.expand(len(latents), *tensor.shape[1:]) for name, tensor in one.items()}
        total = torch.zeros(len(latents))
        for timestep, noise in zip(self._timesteps, self._noise, strict=True):
            alpha_bar = self._backbone.schedule.alpha_bar(timestep)
            noisy = alpha_bar**0.5 * latents + (1 - alpha_bar) ** 0.5 * noise
            total += (self._backbone.predict(noisy, timestep, conditioning).eps - noise).square().mean((1, 2, 3))
        return total / len(self._timesteps)
