"""Local blend: outside of where a word is looked at, the edited picture is taken back to the unedited one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from attrbank.plugin import Layer
from attrbank_prompt.parameters import Parameters
from attrbank_prompt.steps import Steps

Looks: TypeAlias = dict[Layer, list[Tensor]]
"""How strongly each place looks at the word in one step, (B, H', W') for each call of the model."""


class Blend:
    """Remembers where both pictures have looked at the word since T_x, each at its own.

    Args:
        asked: the settings.
        tensors: as ``places.blended`` makes them.
        steps: of the run.
    """

    def __init__(self, asked: Parameters, tensors: Mapping[str, Tensor], steps: Steps) -> None:
        self._asked, self._steps = asked, steps
        self._at = [tensors["blend.source"], tensors["blend.target"]]
        self._looks: list[Looks] = [defaultdict(list), defaultdict(list)]
        self._sums: list[Tensor | float] = [0.0, 0.0]
        self._timestep = 0

    def look_at_unedited(self, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        """Keep where the unedited picture looks; all stays as it is."""
        return self._look(0, probabilities, layer, timestep)

    def look_at_edited(self, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        """Keep where the edited picture looks; all stays as it is."""
        return self._look(1, probabilities, layer, timestep)

    def settle(self, unedited: Tensor, edited: Tensor) -> Tensor:
        """The edited latents (B, C, H, W) where either picture looks at the word, the unedited ones elsewhere."""
        for who, looks in enumerate(self._looks):
            self._sums[who] = self._sums[who] + _mean(looks, (edited.shape[-2], edited.shape[-1]))
            looks.clear()
        if self._steps.within(self._timestep, self._asked.start):
            return edited
        regions = [self._region(total) for total, at in zip(self._sums, self._at, strict=True) if at.any()]
        return torch.where(torch.stack(regions).any(0), edited, unedited)

    def _look(self, who: int, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        self._timestep = timestep
        seen = (probabilities @ self._at[who]).mean(1)  # (B, H'·W')
        self._looks[who][layer].append(seen.reshape(-1, *layer.size))
        return probabilities

    def _region(self, total: Tensor | float) -> Tensor:
        """Where it is looked at enough, or next to that, (B, 1, H, W) bool."""
        near = max_pool2d(torch.as_tensor(total), 3, stride=1, padding=1)
        return near >= self._asked.threshold * near.amax(dim=(2, 3), keepdim=True)


def _mean(looks: Looks, size: tuple[int, int]) -> Tensor:
    """Over the layers, at the size of the latents, (B, 1, H, W)."""
    maps = [torch.cat(calls)[:, None] for calls in looks.values()]
    return torch.stack([interpolate(one, size=size, mode="bilinear") for one in maps]).mean(0)
