"""The autoencoder of ``avatars``: 128×128 pictures to 4×32×32 latents and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lab.avatars.loop import layout

LEARNING_RATE, BATCH = 1e-3, 4
NOISE, SIZE_WEIGHT = 0.1, 1e-3
"""Latents are trained with a little noise of one size, and kept small. A learned size, as in a variational autoencoder,
let one of the four channels drown, and with it the colours of small things."""
SQUARES, TONE_WEIGHT, TONE = 4.0, 12.0, 4
"""Weights of the squared errors of pixels and of tones, which are averages over TONE×TONE pixels, a latent's own
area: a shirt that turns grey is one large error, which absolute errors alone forgive."""


def build() -> AutoencoderKL:
    """An untrained autoencoder in Stable Diffusion's own class, with one factor-2 step less."""
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=[16, 32, 64],
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=128,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def _edges(images: Tensor) -> tuple[Tensor, Tensor]:
    return images[..., 1:, :] - images[..., :-1, :], images[..., :, 1:] - images[..., :, :-1]


def loss(codec: AutoencoderKL, images: Tensor, noise: Tensor, decoder_only: bool) -> Tensor:
    """Error of colours, of edges, so that thin lines survive, and of tones.

    Args:
        codec: what is trained.
        images: (B, 3, 128, 128) in [−1, 1].
        noise: (B, 4, 32, 32), standard normal.
        decoder_only: leave the encoder as it is, so that latents keep their meaning.
    """
    with torch.set_grad_enabled(not decoder_only):
        latents = codec.encode(images).latent_dist.mean
    decoded = codec.decode(latents + NOISE * noise).sample.float()
    colours = functional.l1_loss(decoded, images) + SQUARES * functional.mse_loss(decoded, images)
    edges = sum(functional.l1_loss(a, b) for a, b in zip(_edges(decoded), _edges(images), strict=True))
    tones = functional.mse_loss(functional.avg_pool2d(decoded, TONE), functional.avg_pool2d(images, TONE))
    total: Tensor = colours + edges + TONE_WEIGHT * tones
    return total if decoder_only else total + SIZE_WEIGHT * latents.float().square().mean()


def train_step(
    codec: AutoencoderKL, images: Tensor, seed: int, device: torch.device, decoder_only: bool = False
) -> Callable[[int], Tensor]:
    """The loss at step n on a batch drawn from ``images`` (N, 3, 128, 128), uint8."""

    def at(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(images), (BATCH,), generator=generator)
        noise = torch.randn(BATCH, 4, *(side // 4 for side in images.shape[2:]), generator=generator)
        batch = (images[rows].to(device).float() / 127.5 - 1).contiguous(memory_format=layout(device))
        with torch.autocast(device.type, torch.bfloat16):
            return loss(codec, batch, noise.to(device), decoder_only)

    return at


@torch.no_grad()
def set_scale(codec: AutoencoderKL, images: Tensor) -> None:
    """Record the factor that brings latents to unit variance, as Stable Diffusion does."""
    latents = codec.encode(images.float() / 127.5 - 1).latent_dist.mean
    codec.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))


@torch.no_grad()
def psnr(codec: AutoencoderKL, images: Tensor) -> float:
    """Peak signal-to-noise ratio of a round trip, in dB; images (N, 3, 128, 128), uint8."""
    wanted = images.float() / 127.5 - 1
    decoded = codec.decode(codec.encode(wanted).latent_dist.mean).sample.clamp(-1, 1)
    return float(10 * torch.log10(4 / functional.mse_loss(decoded, wanted)))
