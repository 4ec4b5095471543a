"""What a UNet's attention layers make of latents: seen, or changed on its way."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple, Self

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0
from torch import Tensor

from attrbank.backbones.parts.devices import leave
from attrbank.diffusion.attention import Attend, Layer, Wants, every_layer, rows_without_prompt
from attrbank.diffusion.protocols import Conditioning, Prediction


class WithAttention:
    """The part of a backbone that has a UNet which knows of its attention.

    Attributes:
        unet: a network of diffusers.
    """

    unet: Any
    _attending: tuple[tuple[Attend, Wants], ...] = ()

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """As ``Backbone`` has it; runs the UNet within ``_attended``."""
        raise NotImplementedError

    def attention(
        self, latent: Tensor, timestep: int, conditioning: Conditioning, wants: Wants = every_layer
    ) -> Mapping[Layer, Tensor]:
        """The probabilities of its layers, each (B, heads, H'·W', K), float32.

        Raises:
            NumericError: they hold NaN or infinity.
        """
        seen = dict[Layer, Tensor]()

        def look(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
            seen[layer] = probabilities
            return probabilities

        self.attending(look, wants).predict(latent, timestep, conditioning)
        return seen

    def attending(self, change: Attend, wants: Wants = every_layer) -> Self:
        """The same model, which goes on from ``change(p, layer, t)`` instead of a layer's probabilities p."""
        other = copy.copy(self)
        other._attending = (*self._attending, (change, wants))
        return other

    def _watch_attention(self) -> None:
        """Once, when the UNet is loaded: let what ``_attended`` says happen in its layers."""
        for name, module in self.unet.named_modules():
            if isinstance(module, Attention) and isinstance(module.processor, AttnProcessor | AttnProcessor2_0):
                module.register_forward_hook(partial(_attend_in_force, name), with_kwargs=True)

    @contextmanager
    def _attended(self, latent: Tensor, timestep: int) -> Iterator[None]:
        """While it lasts, this thread's calls of the UNet attend as the changes have it."""
        height, width = latent.shape[-2:]
        token = _IN_FORCE.set(_Force(self._attending, timestep, (height, width)))
        try:
            yield
        finally:
            _IN_FORCE.reset(token)


class _Force(NamedTuple):
    """Which changes are made, at which timestep, of latents of which size; models made of one share its UNet."""

    changes: tuple[tuple[Attend, Wants], ...]
    timestep: int
    size: tuple[int, int]


_IN_FORCE: ContextVar[_Force | None] = ContextVar("attention", default=None)


def _attend_in_force(
    name: str, attn: Attention, given: tuple[Any, ...], named: Mapping[str, Any], output: Tensor
) -> Tensor | None:
    """A hook of torch: what it returns takes the output's place, None nothing."""
    force = _IN_FORCE.get()
    if force is None or not force.changes:
        return None
    arguments = dict(zip(("hidden_states", "encoder_hidden_states", "attention_mask"), given, strict=False), **named)
    hidden, prompt = arguments["hidden_states"], arguments.get("encoder_hidden_states")
    layer = Layer(name, prompt is not None, _size_of(hidden, force.size))
    changes = [change for change, wants in force.changes if wants(layer)]
    if not changes:
        return None
    free = rows_without_prompt()
    shown = _Shown(attn, partial(_changed, changes, layer, force))
    rows = {key: value[free:] if isinstance(value, Tensor) else value for key, value in arguments.items()}
    made = AttnProcessor()(shown, **rows)
    return torch.cat([output[:free], made]) if shown.is_changed else None


def _changed(changes: list[Attend], layer: Layer, force: _Force, probabilities: Tensor) -> Tensor:
    """Probabilities (B, heads, H'·W', K) as all changes in turn leave them."""
    new = probabilities
    for change in changes:
        new = change(new, layer, force.timestep)
    return new


def _size_of(hidden: Tensor, latent: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a map (B, D, H', W'), or, as UNets halve latents (H, W), of its places (B, H'·W', D)."""
    if hidden.dim() == 4:
        return hidden.shape[2], hidden.shape[3]
    height, width = latent
    while height * width > hidden.shape[1]:
        height, width = -(-height // 2), -(-width // 2)
    return height, width


class _Shown:
    """An attention of diffusers whose probabilities somebody changes.

    Args:
        attn: that it is in all else.
        change: takes and gives probabilities (B, heads, H'·W', K), float32.

    Attributes:
        is_changed: whether they have come out as others than they were.
    """

    is_changed = False

    def __init__(self, attn: Attention, change: Any) -> None:
        self._attn, self._change = attn, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._attn, name)

    def get_attention_scores(self, query: Tensor, key: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """As diffusers names what gives probabilities (B · heads, H'·W', K)."""
        scores: Tensor = self._attn.get_attention_scores(query, key, attention_mask)
        before = leave(scores.reshape(-1, self._attn.heads, *scores.shape[1:]), "unet")
        after = self._change(before)
        self.is_changed = not (after is before or torch.equal(after, before))
        return after.to(scores).flatten(0, 1) if self.is_changed else scores
