"""The text encoder and the noise predictor of the second edition, and the loss they are trained on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from lab.portraits.denoiser import build_scheduler, build_text_encoder, build_unet, min_snr_weight
from lab.second_edition.captions import Description, describe
from lab.second_edition.openness import WIDTH, left_open
from lab.second_edition.parameters import Portraits
from lab.second_edition.phrases import seen
from lab.second_edition.tokens import MAX_TOKENS

LEARNING_RATE, BATCH = 1e-3, 32
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.15, 0.5, 400


@dataclass(frozen=True)
class Networks:
    """What is trained together; the reader tells from the text encoder's states what a caption leaves open."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    reader: nn.Linear


def build(tokenizer: CLIPTokenizer, device: torch.device) -> Networks:
    """Untrained networks."""
    return Networks(
        text_encoder=build_text_encoder(tokenizer, MAX_TOKENS).to(device),
        unet=build_unet().to(device, memory_format=torch.channels_last),
        reader=nn.Linear(128, WIDTH).to(device),
    )


def start_from(network: nn.Module, path: Path) -> int:
    """Take over the tensors of a safetensors file that have the same name and shape; how many these are."""
    own = network.state_dict()
    fitting = {k: t.float() for k, t in load_file(path).items() if k in own and own[k].shape == t.shape}
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


@dataclass(frozen=True)
class Examples:
    """Encoded portraits with what is true of them.

    Shapes:
        latents: (N, 4, 32, 32), float16, scaled to unit variance.
        values: (N, 33), columns as in ``NAMES``.
    """

    latents: Tensor
    values: Tensor


class DenoisingLoss:
    """The weighted noise error at step n, on a random batch with freshly written captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption leaves open: words that go together in the data, such as "old" and
    "glasses", are otherwise told apart very late.
    """

    def __init__(
        self,
        networks: Networks,
        tokenizer: CLIPTokenizer,
        examples: Examples,
        seed: int,
        device: torch.device,
        batch: int = BATCH,
    ) -> None:
        self.networks, self.tokenizer, self.examples = networks, tokenizer, examples
        self.seed, self.device, self.batch = seed, device, batch
        self.alpha_bars = build_scheduler().alphas_cumprod

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        generator = torch.Generator().manual_seed(self.seed + step)
        rows = torch.randint(len(self.examples.latents), (self.batch,), generator=generator)
        descriptions = self._descriptions(rows, random.Random(self.seed + step))  # noqa: S311 — captions, not secrets
        timesteps, noise = self._timesteps(generator), torch.randn(self.batch, 4, 32, 32, generator=generator)
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = alpha_bar.sqrt() * self.examples.latents[rows].float() + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(self._tokens(descriptions)).last_hidden_state
            latents = noisy.to(self.device).contiguous(memory_format=torch.channels_last)
            predicted = self.networks.unet(latents, timesteps.to(self.device), text).sample
        error = (predicted.float() - noise.to(self.device)).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()).to(self.device) * error
        return weighted.mean() + READING_WEIGHT * self._reading_loss(text.float(), descriptions)

    def _timesteps(self, generator: torch.Generator) -> Tensor:
        anywhere = torch.randint(len(self.alpha_bars), (self.batch,), generator=generator)
        noisy = torch.randint(NOISY_FROM, len(self.alpha_bars), (self.batch,), generator=generator)
        return torch.where(torch.rand(self.batch, generator=generator) < NOISY_SHARE, noisy, anywhere)

    def _descriptions(self, rows: Tensor, rng: random.Random) -> list[Description]:
        return [describe(values, rng) for values in seen(Portraits(self.examples.values[rows]))]

    def _tokens(self, descriptions: list[Description]) -> Tensor:
        texts = [description.text for description in descriptions]
        tokens = self.tokenizer(
            texts, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        numbers: Tensor = tokens.input_ids.to(self.device)
        return numbers

    def _reading_loss(self, text: Tensor, descriptions: list[Description]) -> Tensor:
        """Cross-entropy of each value's being open or not."""
        wanted = left_open([description.phrases for description in descriptions]).to(self.device)
        return functional.binary_cross_entropy_with_logits(self.networks.reader(text.mean(1)), wanted)
