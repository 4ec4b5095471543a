"""Scenes as latents with captions: made once, by all cores and the device, and then drawn from on the device alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import torch
from attrbank_avatars.truth import MOST_PEOPLE, PERSON, PICTURE
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor
from transformers import CLIPTokenizer

from lab.avatars.captions import MAX_TOKENS, Description, build_tokenizer, describe
from lab.avatars.faces import cells_of, faces_of
from lab.avatars.painting import Bank, Part, paint_part, parts, workers_for
from lab.avatars.truth import about_people, about_picture
from lab.pool import spread

CAPTIONS, ENCODED_AT_ONCE, EXAMPLES_SEED = 4, 250, 100_000
"""Captions of each scene, and scenes that are encoded together."""

QUESTIONS: list[tuple[str, tuple[str, ...]]] = [
    *PICTURE.items(),
    *((f"{number}.{name}", values) for number in range(MOST_PEOPLE) for name, values in PERSON.items()),
]
"""What the reader is asked of a caption; each may also be left unsaid."""


@dataclass(frozen=True)
class Examples:
    """Encoded scenes, each with a few captions, all on one device.

    Shapes:
        latents: (N, 4, 32, 32), float16, scaled to unit variance.
        tokens: (N, CAPTIONS, MAX_TOKENS), int16.
        said: (N, CAPTIONS, questions), uint8, as ``answers`` gives them.
        faces: (N, 32, 32), uint8: 1 where a mood shows.
    """

    latents: Tensor
    tokens: Tensor
    said: Tensor
    faces: Tensor


class _Made(NamedTuple):
    """What a process makes of a job."""

    images: NDArray[np.uint8]
    tokens: NDArray[np.int16]
    said: NDArray[np.uint8]
    faces: NDArray[np.uint8]


def answers(description: Description) -> list[int]:
    """The right answer to each of ``QUESTIONS``; the number after the last value means "not said"."""
    said = dict(description.picture)
    for number, person in enumerate(description.people):
        said |= {f"{number}.{name}": value for name, value in person.items()}
    return [values.index(said[name]) if name in said else len(values) for name, values in QUESTIONS]


@lru_cache(maxsize=1)
def _tokenizer() -> CLIPTokenizer:
    return build_tokenizer()


def tokens_of(texts: Sequence[str]) -> NDArray[np.int16]:
    """Captions as tokens, (N, MAX_TOKENS)."""
    found = _tokenizer()(list(texts), padding="max_length", truncation=True, max_length=MAX_TOKENS)
    return np.array(found["input_ids"], np.int16)


def make_part(part: Part) -> _Made:
    """One job's pictures, with captions of each."""
    rng, figures = random.Random(part.seed), part.bank.load().figures  # noqa: S311 — captions, not secrets
    scenes = part.scenes()
    described = [
        describe(about_picture(scene, figures), about_people(scene, figures), rng)
        for scene in scenes
        for _ in range(CAPTIONS)
    ]
    tokens = tokens_of([description.text for description in described])
    said = np.array([answers(description) for description in described], np.uint8)
    return _Made(
        paint_part(part),
        tokens.reshape(part.size, CAPTIONS, MAX_TOKENS),
        said.reshape(part.size, CAPTIONS, len(QUESTIONS)),
        cells_of(scenes, faces_of(part.bank)),
    )


def encoder_id(vae: AutoencoderKL) -> str:
    """Sixteen digits that stand for what decides the meaning of latents: the encoder and the scale."""
    deciding = {
        k: t.cpu().contiguous() for k, t in vae.state_dict().items() if k.startswith(("encoder.", "quant_conv."))
    }
    return sha256(save(deciding, {"scaling_factor": str(vae.config.scaling_factor)})).hexdigest()[:16]


@torch.no_grad()
def encode(vae: AutoencoderKL, images: Tensor) -> Tensor:
    """Pictures (N, 3, 128, 128), uint8, as latents of unit variance, float16, on the autoencoder's device."""
    device = next(vae.parameters()).device
    encoded = [
        (vae.encode(some.to(device).float() / 127.5 - 1).latent_dist.mean * vae.config.scaling_factor).half()
        for some in torch.split(images, ENCODED_AT_ONCE)
    ]
    return torch.cat(encoded).contiguous()


def encode_examples(vae: AutoencoderKL, bank: Bank, count: int) -> Examples:
    """``count`` examples on the autoencoder's device."""
    device, made = next(vae.parameters()).device, []
    faces_of(bank)  # drawn once, before processes read it
    for part in spread(make_part, parts(bank, count, EXAMPLES_SEED), workers_for(count)):
        rest = (torch.from_numpy(array).to(device) for array in (part.tokens, part.said, part.faces))
        made.append((encode(vae, torch.from_numpy(part.images)), *rest))
    latents, tokens, said, faces = (torch.cat(column) for column in zip(*made, strict=True))
    return Examples(latents, tokens, said, faces)
