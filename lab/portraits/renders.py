"""Renders and captions to learn from, made once by processes: a GPU would wait for one that draws as it goes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from attrbank.backbones.portraits.parameters import KINDS, Portraits, draw
from attrbank.backbones.portraits.render import SIZE, render
from lab.pool import spread
from lab.portraits.captions import describe
from lab.portraits.loop import metadata_of
from lab.portraits.openness import WIDTH, left_open
from lab.portraits.phrases import seen
from lab.portraits.tokens import MAX_TOKENS, build_tokenizer

FIRST_SEED = 1 << 32
"""Of the portraits that are learned from; held-out ones have small seeds."""
CHUNK, CAPTIONS = 250, 6
"""Portraits of one job, and how many captions each of them has."""


@dataclass(frozen=True)
class Renders:
    """N portraits, drawn and described.

    Shapes:
        values: (N, 33), columns as in ``NAMES``.
        images: (N, 3, 128, 128), uint8.
        others: (N, 3, 128, 128), uint8: the same without glasses, or with round ones where there were none.
        tokens: (N, CAPTIONS, MAX_TOKENS), int16.
        open: (N, CAPTIONS, WIDTH), uint8: what each caption leaves open.
    """

    values: Tensor
    images: Tensor
    others: Tensor
    tokens: Tensor
    open: Tensor

    def __len__(self) -> int:
        return len(self.values)

    @property
    def portraits(self) -> Portraits:
        """Their parameters."""
        return Portraits(self.values)

    def to(self, device: torch.device) -> Renders:
        """All of it on a device."""
        return Renders(**{name: tensor.to(device) for name, tensor in vars(self).items()})

    def some(self, rows: slice) -> Renders:
        """Some of the portraits."""
        return Renders(**{name: tensor[rows] for name, tensor in vars(self).items()})


def other_glasses(portraits: Portraits) -> Portraits:
    """The same people without glasses, or with round ones where there were none."""
    return portraits.having("glasses", (portraits.column("glasses") == 0).float() * KINDS["glasses"].index("round"))


def _chunk(number: int) -> dict[str, Tensor]:
    portraits = draw(CHUNK, FIRST_SEED + number)
    return {**described(number), **drawn(portraits)}


def drawn(portraits: Portraits) -> dict[str, Tensor]:
    """The pictures of portraits."""
    return {"images": as_bytes(render(portraits)), "others": as_bytes(render(other_glasses(portraits)))}


def described(number: int) -> dict[str, Tensor]:
    """The numbers and the captions of a chunk."""
    portraits = draw(CHUNK, FIRST_SEED + number)
    rng = random.Random(FIRST_SEED + number)  # noqa: S311 — captions, not secrets
    descriptions = [describe(values, rng) for values in seen(portraits) for _ in range(CAPTIONS)]
    texts = [description.text for description in descriptions]
    limits = {"padding": "max_length", "truncation": True, "max_length": MAX_TOKENS, "return_tensors": "pt"}
    return {
        "values": portraits.values,
        "tokens": build_tokenizer()(texts, **limits).input_ids.short().view(CHUNK, CAPTIONS, MAX_TOKENS),
        "open": left_open([description.phrases for description in descriptions]).byte().view(CHUNK, CAPTIONS, WIDTH),
    }


def as_bytes(images: Tensor) -> Tensor:
    """Images in [0, 1] as uint8."""
    return (images * 255).round().byte()


def make(count: int, workers: int | None = None, first: int = 0) -> Iterator[dict[str, Tensor]]:
    """At least ``count`` portraits, in parts of ``CHUNK`` as they become ready, from the ``first``-th part on."""
    return spread(_chunk, range(first, first - (-count // CHUNK)), workers)


def source_of(count: int, first: int = 0) -> str:
    """What a file of so many says of itself."""
    return f"{count} portraits from seed {FIRST_SEED + first}, {CAPTIONS} captions each, {SIZE} pixels"


def stored(path: Path, count: int, workers: int | None = None, first: int = 0) -> Renders:
    """At least ``count`` portraits, from a file if they were made before; a file of others is replaced."""
    source = source_of(count, first)
    if not path.exists() or metadata_of(path).get("source") != source:
        parts = list(make(count, workers, first))
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(whole, path.with_suffix(".new"), metadata={"source": source})
        path.with_suffix(".new").replace(path)
    return Renders(**load_file(path))
