"""The autoencoder of ``portraits``: 128×128 pictures to 4×32×32 latents and back."""

from __future__ import annotations

import functools

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from attrbank.backbones.portraits.render import SIZE

LEARNING_RATE, BATCH = 1e-3, 4
KL_WEIGHT, EDGE_WEIGHT, HUE_WEIGHT, TONE_WEIGHT, SQUARE_WEIGHT, FACE_WEIGHT = 1e-6, 1.0, 1.0, 2.0, 8.0, 2.0
WIDTHS = (32, 64, 96)
HELD_OUT = 10_000
"""The seed of the pictures that it is measured on."""


def build(widths: tuple[int, int, int] = WIDTHS) -> AutoencoderKL:
    """An untrained autoencoder in Stable Diffusion's own class, with one factor-2 step less."""
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=list(widths),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=SIZE,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def _edges(images: Tensor) -> tuple[Tensor, Tensor]:
    return images[..., 1:, :] - images[..., :-1, :], images[..., :, 1:] - images[..., :, :-1]


def _hues(images: Tensor) -> Tensor:
    """Red and blue against green: grey hair and brown skin, red lips and brown skin are as bright as each other."""
    return images[:, ::2] - images[:, 1:2]


@functools.cache
def _weight(device: torch.device) -> Tensor:
    """How much pixels count, (1, 1, SIZE, SIZE), 1 on average: more where eyes, lenses and mouths are."""
    weight = torch.ones(1, 1, SIZE, SIZE)
    weight[..., int(0.30 * SIZE) : int(0.82 * SIZE), int(0.22 * SIZE) : int(0.78 * SIZE)] = FACE_WEIGHT
    return (weight / weight.mean()).to(device)


def loss(codec: AutoencoderKL, images: Tensor, generator: torch.Generator) -> Tensor:
    """Error of colours, of hues, of edges, so that thin lines survive, and of tones, with a faint KL term.

    Tones are 8×8 averages: a cheek that is a shade off disturbs more than the same error in fine grain.

    Shapes:
        images: (B, 3, 128, 128) in [−1, 1].
    """
    posterior = codec.encode(images).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator, device=images.device)
    decoded = codec.decode(posterior.mean + posterior.std * noise).sample.float()
    error = (decoded - images) * _weight(images.device)
    colours = error.abs().mean() + SQUARE_WEIGHT * ((decoded - images) * error).mean()
    edges = sum((a - b).abs().mean() for a, b in zip(_edges(decoded), _edges(images), strict=True))
    tones = functional.l1_loss(functional.avg_pool2d(decoded, 8), functional.avg_pool2d(images, 8))
    hues = (_hues(decoded - images) * _weight(images.device)).abs().mean()
    total: Tensor = (
        colours + HUE_WEIGHT * hues + EDGE_WEIGHT * edges + TONE_WEIGHT * tones + KL_WEIGHT * posterior.kl().mean()
    )
    return total


class Lesson:
    """The loss at step n, a pure function of the step and the network.

    Args:
        codec: what learns.
        images: (N, 3, 128, 128), uint8, on its device.
        batch: pictures of a step.
    """

    def __init__(self, codec: AutoencoderKL, images: Tensor, batch: int = BATCH) -> None:
        self.codec, self.images, self.batch = codec, images, batch

    def __call__(self, step: int) -> Tensor:
        """The loss on a random batch."""
        device = self.images.device
        generator = torch.Generator(device).manual_seed(step)
        rows = torch.randint(len(self.images), (self.batch,), generator=generator, device=device)
        images = signed(self.images[rows]).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            return loss(self.codec, images, generator)


def signed(images: Tensor) -> Tensor:
    """Images from bytes to [−1, 1], as the codec takes them."""
    return images.float() / 127.5 - 1


@torch.no_grad()
def set_scale(codec: AutoencoderKL, images: Tensor) -> None:
    """Record the factor that brings latents of images (N, 3, 128, 128), uint8, to unit variance."""
    latents = torch.cat([codec.encode(signed(part)).latent_dist.mean for part in torch.split(images[:256], 32)])
    codec.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))


@torch.no_grad()
def round_trip(codec: AutoencoderKL, images: Tensor) -> Tensor:
    """Images (N, 3, 128, 128) in [0, 1] through the codec and back."""
    device = next(codec.parameters()).device
    latents = (codec.encode(part.to(device) * 2 - 1).latent_dist.mean for part in torch.split(images, 32))
    parts = [codec.decode(part).sample for part in latents]
    return (torch.cat(parts).float().cpu() / 2 + 0.5).clamp(0, 1)


@torch.no_grad()
def through(codec: AutoencoderKL, images: Tensor, noise: Tensor | float, generator: torch.Generator) -> Tensor:
    """Images (N, 3, 128, 128) in [0, 1], decoded from latents with normal noise of this size, in units of latents."""
    with torch.autocast(images.device.type, torch.bfloat16):
        latents = codec.encode(images * 2 - 1).latent_dist.mean
        grain = torch.randn(latents.shape, generator=generator, device=images.device)
        decoded: Tensor = codec.decode(latents + noise / codec.config.scaling_factor * grain).sample.float()
    return (decoded / 2 + 0.5).clamp(0, 1)


def psnr(codec: AutoencoderKL, images: Tensor) -> float:
    """Peak signal-to-noise ratio of a round trip, in dB, over all pixels of images (N, 3, 128, 128) in [0, 1]."""
    return float(-10 * torch.log10(functional.mse_loss(round_trip(codec, images), images)))
