"""The text encoder and the noise predictor of the second edition, and the loss they are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from lab.portraits.denoiser import Networks, build_scheduler, build_text_encoder, build_unet, min_snr_weight
from lab.second_edition.loop import on
from lab.second_edition.openness import WIDTH
from lab.second_edition.tokens import MAX_TOKENS

LEARNING_RATE, BATCH = 1e-3, 32
UNET_WIDTHS = (40, 80, 160)
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.15, 0.5, 400


def build(tokenizer: CLIPTokenizer, device: torch.device) -> Networks:
    """Untrained networks; the reader tells from the text encoder's states what a caption leaves open."""
    return Networks(
        text_encoder=on(device, build_text_encoder(tokenizer, MAX_TOKENS)),
        unet=on(device, build_unet(UNET_WIDTHS, groups=8)),
        reader=on(device, nn.Linear(128, WIDTH)),
    )


@dataclass(frozen=True)
class Examples:
    """Encoded portraits with what is said of them.

    Shapes:
        latents: (N, 4, 32, 32), float16, scaled to unit variance.
        tokens: (N, K, ``MAX_TOKENS``), int16: K captions of each.
        open: (N, K, ``openness.WIDTH``), uint8: what they leave open.
    """

    latents: Tensor
    tokens: Tensor
    open: Tensor


class DenoisingLoss:
    """The weighted noise error at step n, on a random batch, each portrait with one of its captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption leaves open: words that go together in the data, such as "old" and
    "glasses", are otherwise told apart very late.

    Args:
        networks: what learns.
        examples: what from, on the device of the networks.
        seed: of everything that is random.
        batch: portraits of a step.
    """

    def __init__(self, networks: Networks, examples: Examples, seed: int, batch: int = BATCH) -> None:
        self.networks, self.examples, self.seed, self.batch = networks, examples, seed, batch
        self.device = examples.latents.device
        self.alpha_bars = build_scheduler().alphas_cumprod.to(self.device)

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        dice = torch.Generator(self.device).manual_seed(self.seed + step)
        rows, captions = self._integers(dice, 0, len(self.examples.latents)), self._integers(dice, 0, self._captions)
        clean = self.examples.latents[rows].float()
        timesteps, noise = self._timesteps(dice), torch.randn(clean.shape, generator=dice, device=self.device)
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(self.examples.tokens[rows, captions].long()).last_hidden_state
            latents = noisy.contiguous(memory_format=torch.channels_last)
            predicted = self.networks.unet(latents, timesteps, text).sample
        error = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()) * error
        open_ = self.examples.open[rows, captions].float()
        told = functional.binary_cross_entropy_with_logits(self.networks.reader(text.float().mean(1)), open_)
        return weighted.mean() + READING_WEIGHT * told

    @property
    def _captions(self) -> int:
        return self.examples.tokens.shape[1]

    def _integers(self, dice: torch.Generator, low: int, high: int) -> Tensor:
        return torch.randint(low, high, (self.batch,), generator=dice, device=self.device)

    def _timesteps(self, dice: torch.Generator) -> Tensor:
        last = len(self.alpha_bars)
        anywhere, noisy = self._integers(dice, 0, last), self._integers(dice, NOISY_FROM, last)
        return torch.where(torch.rand(self.batch, generator=dice, device=self.device) < NOISY_SHARE, noisy, anywhere)
