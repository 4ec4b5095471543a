"""The text encoder and the noise predictor of ``avatars``, and the loss they are trained on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from lab.avatars.captions import MAX_TOKENS, Description, describe
from lab.avatars.loop import layout
from lab.avatars.truth import MOST_PEOPLE, PERSON, PICTURE
from lab.portraits.denoiser import build_scheduler, min_snr_weight

LEARNING_RATE = 1e-3
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.05, 0.5, 400

QUESTIONS: list[tuple[str, tuple[str, ...]]] = [
    *PICTURE.items(),
    *((f"{number}.{name}", values) for number in range(MOST_PEOPLE) for name, values in PERSON.items()),
]
"""What the reader is asked of a caption; each may also be left unsaid."""


def build_reader() -> nn.Linear:
    """Reads off the text encoder's states what a caption says; used in training only."""
    return nn.Linear(128, sum(len(values) + 1 for _, values in QUESTIONS))


@dataclass(frozen=True)
class Examples:
    """Encoded scenes with what is true of them.

    Attributes:
        latents: (N, 4, 32, 32), float16, scaled to unit variance.
        pictures: N times what is true of the whole picture.
        people: N times what is true of each person.
    """

    latents: Tensor
    pictures: Sequence[dict[str, str]]
    people: Sequence[list[dict[str, str]]]


@dataclass(frozen=True)
class Networks:
    """What is trained together."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    reader: nn.Linear


def answers(description: Description) -> list[int]:
    """The right answer to each of ``QUESTIONS``; the number after the last value means "not said"."""
    said = dict(description.picture)
    for number, person in enumerate(description.people):
        said |= {f"{number}.{name}": value for name, value in person.items()}
    return [values.index(said[name]) if name in said else len(values) for name, values in QUESTIONS]


class DenoisingLoss:
    """The weighted noise error at step n, on a random batch with freshly written captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption says of whom, which the noise error alone teaches late.
    """

    def __init__(
        self,
        networks: Networks,
        tokenizer: CLIPTokenizer,
        examples: Examples,
        *,
        seed: int,
        device: torch.device,
        batch: int,
    ) -> None:
        self.networks, self.tokenizer, self.examples, self.seed = networks, tokenizer, examples, seed
        self.device, self.batch = device, batch
        self.alpha_bars = build_scheduler().alphas_cumprod

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        rows = torch.randint(len(self.examples.latents), (self.batch,), generator=generator)
        clean = self.examples.latents[rows].float()
        timesteps = self._timesteps(generator)
        noise = torch.randn(clean.shape, generator=generator)
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = (alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise).to(self.device)
        descriptions = self._descriptions(rows, random.Random(self.seed * 1_000_003 + step))  # noqa: S311
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(self._tokens(descriptions)).last_hidden_state
            latents = noisy.contiguous(memory_format=layout(self.device))
            predicted = self.networks.unet(latents, timesteps.to(self.device), text).sample
        error = (predicted.float() - noise.to(self.device)).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()).to(self.device) * error
        return weighted.mean() + READING_WEIGHT * self._reading_loss(text.float(), descriptions)

    def _timesteps(self, generator: torch.Generator) -> Tensor:
        anywhere = torch.randint(len(self.alpha_bars), (self.batch,), generator=generator)
        noisy = torch.randint(NOISY_FROM, len(self.alpha_bars), (self.batch,), generator=generator)
        return torch.where(torch.rand(self.batch, generator=generator) < NOISY_SHARE, noisy, anywhere)

    def _descriptions(self, rows: Tensor, rng: random.Random) -> list[Description]:
        return [describe(self.examples.pictures[row], self.examples.people[row], rng) for row in rows.tolist()]

    def _tokens(self, descriptions: list[Description]) -> Tensor:
        tokens = self.tokenizer(
            [description.text for description in descriptions],
            padding="max_length",
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        numbers: Tensor = tokens.input_ids.to(self.device)
        return numbers

    def _reading_loss(self, text: Tensor, descriptions: list[Description]) -> Tensor:
        """Mean cross-entropy over ``QUESTIONS``."""
        right = torch.tensor([answers(description) for description in descriptions], device=text.device)
        logits = self.networks.reader(text.mean(1)).split([len(values) + 1 for _, values in QUESTIONS], dim=1)
        losses = [functional.cross_entropy(one, right[:, number]) for number, one in enumerate(logits)]
        return torch.stack(losses).mean()
