"""The autoencoder of ``avatars``: 128×128 pictures to 4×32×32 latents and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lab.avatars.loop import layout

LEARNING_RATE, BATCH = 1e-3, 64
NOISE, SIZE_WEIGHT = 0.1, 1e-3
"""Latents are trained with a little noise of one size, and kept small. A learned size, as in a variational autoencoder,
let one of the four channels drown, and with it the colours of small things."""
SQUARES, EDGES, TONE_WEIGHT, TONE = 4.0, 2.0, 12.0, 4
"""Weights of the squared errors of pixels, of the errors of edges, and of tones, which are averages over TONE×TONE
pixels, a latent's own area: a shirt that turns grey is one large error, which absolute errors alone forgive."""
DETAIL, REACH = 6.0, 5
"""How much more a pixel counts where there are edges within REACH pixels: eyes, mouths and glasses are few pixels."""
MEASURED_AT_ONCE = 32


def build() -> AutoencoderKL:
    """An untrained autoencoder in Stable Diffusion's own class, with one factor-2 step less."""
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=[24, 48, 64],
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=128,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def _edges(images: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours, down and across, of the size of the images."""
    return (
        functional.pad(images[..., 1:, :] - images[..., :-1, :], (0, 0, 0, 1)),
        functional.pad(images[..., :, 1:] - images[..., :, :-1], (0, 1, 0, 0)),
    )


def weights(images: Tensor) -> Tensor:
    """How much each pixel counts, (B, 1, h, w), 1 on average: more near edges, by their contrast."""
    down, across = _edges(images)
    contrast = torch.maximum(down.abs(), across.abs()).amax(1, keepdim=True).clamp(max=1)
    weight = 1 + DETAIL * functional.max_pool2d(contrast, REACH, stride=1, padding=REACH // 2)
    return weight / weight.mean()


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
    weight = weights(images)
    off = (decoded - images).abs()
    colours = (weight * off).mean() + SQUARES * (weight * off.square()).mean()
    edges = sum((weight * (a - b).abs()).mean() for a, b in zip(_edges(decoded), _edges(images), strict=True))
    tones = functional.mse_loss(functional.avg_pool2d(decoded, TONE), functional.avg_pool2d(images, TONE))
    total: Tensor = colours + EDGES * edges + TONE_WEIGHT * tones
    return total if decoder_only else total + SIZE_WEIGHT * latents.float().square().mean()


def train_step(
    codec: AutoencoderKL, images: Tensor, seed: int, batch: int = BATCH, decoder_only: bool = False
) -> Callable[[int], Tensor]:
    """The loss at step n on a batch drawn from ``images`` (N, 3, 128, 128), uint8, on the autoencoder's device."""
    device = images.device

    def at(step: int) -> Tensor:
        generator = torch.Generator(device=device).manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(images), (batch,), generator=generator, device=device)
        noise = torch.randn(batch, 4, *(side // 4 for side in images.shape[2:]), generator=generator, device=device)
        wanted = (images[rows].float() / 127.5 - 1).contiguous(memory_format=layout(device))
        with torch.autocast(device.type, torch.bfloat16):
            return loss(codec, wanted, noise, decoder_only)

    return at


@torch.no_grad()
def set_scale(codec: AutoencoderKL, images: Tensor) -> None:
    """Record the factor that brings latents to unit variance, as Stable Diffusion does."""
    latents = codec.encode(images.float() / 127.5 - 1).latent_dist.mean
    codec.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))


@torch.no_grad()
def through(codec: AutoencoderKL, images: Tensor) -> Tensor:
    """Pictures in [0, 1], (N, 3, 128, 128), as the autoencoder gives them back, on their device."""
    device = next(codec.parameters()).device
    decoded = [
        codec.decode(codec.encode(2 * some.to(device) - 1).latent_dist.mean).sample.to(images.device)
        for some in torch.split(images, MEASURED_AT_ONCE)
    ]
    return (torch.cat(decoded) / 2 + 0.5).clamp(0, 1)


def psnr(codec: AutoencoderKL, images: Tensor) -> float:
    """Peak signal-to-noise ratio of a round trip, in dB; images (N, 3, 128, 128), uint8."""
    wanted = images.float() / 255
    return float(-10 * torch.log10(functional.mse_loss(through(codec, wanted), wanted)))
