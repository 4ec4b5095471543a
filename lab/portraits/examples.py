"""Portraits as latents with captions: rendered by processes, encoded by the device as they come, kept there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from lab.pool import spread
from lab.portraits import renders
from lab.portraits.codec import signed
from lab.portraits.loop import on
from lab.portraits.renders import FIRST_SEED, as_bytes, described

AT_ONCE = 125
"""Pictures that are encoded together."""


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


def made(number: int) -> dict[str, Tensor]:
    """The pictures and captions of one part, of ``renders.CHUNK`` portraits."""
    about, images = described(number), as_bytes(render(draw(renders.CHUNK, FIRST_SEED + number)))
    return {"images": images, "tokens": about["tokens"], "open": about["open"]}


@torch.no_grad()
def encoded(
    vae: AutoencoderKL, device: torch.device, count: int, first: int = 0, workers: int | None = None
) -> Examples:
    """At least ``count`` examples on a device, from the ``first``-th part on."""
    network, found = on(device, vae), []
    for part in spread(made, range(first, first - (-count // renders.CHUNK)), workers):
        latents = [
            network.encode(signed(some.to(device))).latent_dist.mean.half() * network.config.scaling_factor
            for some in torch.split(part["images"], AT_ONCE)
        ]
        found.append((torch.cat(latents), part["tokens"].to(device), part["open"].to(device)))
    return Examples(*(torch.cat(column) for column in zip(*found, strict=True)))
