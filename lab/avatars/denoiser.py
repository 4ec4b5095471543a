"""The text encoder and the noise predictor of ``avatars``, and the loss they are trained on."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from lab.avatars.examples import QUESTIONS, Examples
from lab.avatars.loop import layout
from lab.portraits.denoiser import Networks, build_scheduler, min_snr_weight

LEARNING_RATE = 1e-3
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.05, 0.5, 400


def build_unet() -> UNet2DConditionModel:
    """A small UNet; cross-attention also at 16×16, since prompts say who stands on the left and who on the right."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(48, 96, 112),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=(3, 3, 7),  # numbers of heads, in spite of the name: 32 and 16 channels each
        norm_num_groups=16,
    )


def build_reader() -> nn.Linear:
    """Reads off the text encoder's states what a caption says; used in training only."""
    return nn.Linear(128, sum(len(values) + 1 for _, values in QUESTIONS))


class DenoisingLoss:
    """The weighted noise error at step n, on random examples, each with one of its captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption says of whom, which the noise error alone teaches late. Everything is
    drawn on the device of the examples, so that a GPU never waits for the CPU.
    """

    def __init__(self, networks: Networks, examples: Examples, *, seed: int, batch: int) -> None:
        self.networks, self.examples, self.seed, self.batch = networks, examples, seed, batch
        self.device = examples.latents.device
        self.alpha_bars = build_scheduler().alphas_cumprod.to(self.device)

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        generator = torch.Generator(device=self.device).manual_seed(self.seed * 1_000_003 + step)
        rows = self._integers(len(self.examples.latents), generator)
        caption = self._integers(self.examples.tokens.shape[1], generator)
        clean = self.examples.latents[rows].float()
        timesteps = self._timesteps(generator)
        noise = torch.randn(clean.shape, generator=generator, device=self.device)
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(self.examples.tokens[rows, caption].long()).last_hidden_state
            latents = noisy.contiguous(memory_format=layout(self.device))
            predicted = self.networks.unet(latents, timesteps, text).sample
        error = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()) * error
        return weighted.mean() + READING_WEIGHT * self._reading_loss(text.float(), self.examples.said[rows, caption])

    def _integers(self, end: int, generator: torch.Generator, start: int = 0) -> Tensor:
        return torch.randint(start, end, (self.batch,), generator=generator, device=self.device)

    def _timesteps(self, generator: torch.Generator) -> Tensor:
        anywhere = self._integers(len(self.alpha_bars), generator)
        noisy = self._integers(len(self.alpha_bars), generator, start=NOISY_FROM)
        return torch.where(
            torch.rand(self.batch, generator=generator, device=self.device) < NOISY_SHARE, noisy, anywhere
        )

    def _reading_loss(self, text: Tensor, said: Tensor) -> Tensor:
        """Mean cross-entropy over ``QUESTIONS``."""
        right = said.long()
        logits = self.networks.reader(text.mean(1)).split([len(values) + 1 for _, values in QUESTIONS], dim=1)
        losses = [functional.cross_entropy(one, right[:, number]) for number, one in enumerate(logits)]
        return torch.stack(losses).mean()
