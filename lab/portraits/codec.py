"""The autoencoder of ``portraits``: 128×128 pictures to 4×32×32 latents and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

LEARNING_RATE, BATCH, KL_WEIGHT, TONE_WEIGHT = 2e-3, 8, 1e-6, 4.0


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


def loss(codec: AutoencoderKL, images: Tensor, generator: torch.Generator) -> Tensor:
    """Absolute error of colours, of edges, so that thin lines survive, and of tones, with a faint KL term.

    Tones are 8×8 averages: a cheek that is a shade off disturbs more than the same error in fine grain.

    Shapes:
        images: (B, 3, 128, 128) in [−1, 1].
    """
    posterior = codec.encode(images).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator)
    decoded = codec.decode(posterior.mean + posterior.std * noise).sample
    colours = functional.l1_loss(decoded, images) + 2 * functional.mse_loss(decoded, images)
    edges = sum(functional.l1_loss(a, b) for a, b in zip(_edges(decoded), _edges(images), strict=True))
    tones = functional.l1_loss(functional.avg_pool2d(decoded, 8), functional.avg_pool2d(images, 8))
    total: Tensor = colours + edges + TONE_WEIGHT * tones + KL_WEIGHT * posterior.kl().mean()
    return total


def train_step(codec: AutoencoderKL, images: Tensor, seed: int) -> Callable[[int], Tensor]:
    """The loss at step n on a batch drawn from ``images`` (N, 3, 128, 128), uint8."""
    generator = torch.Generator().manual_seed(seed)

    def at(step: int) -> Tensor:
        del step
        rows = torch.randint(len(images), (BATCH,), generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            return loss(codec, images[rows].float() / 127.5 - 1, generator)

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
