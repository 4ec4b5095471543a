"""How a slider acts: the network with low-rank factors beside its weights, by peft."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from attrbank.plugin import Backbone, IncompatibleError, network_of
from attrbank_lora_sliders.parameters import Layers

WANTED_BY = "The method 'lora-sliders'"

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
"""How diffusers calls the projections of an attention."""

WITH_PROMPT, TIME = "attn2", "time_embed"
"""What the published choice leaves as it is: attention to the prompt, and the embedding of the time."""


@dataclass(eq=False)
class Slider:
    """A low-rank change of weights until a time (``ModelEdit``).

    Attributes:
        factors: of all layers, one after the other, (N,).
        layers: which.
        rank: of each.
        until: the time fraction at which it stops to act.
    """

    factors: Tensor
    layers: Layers
    rank: int
    until: float

    def through(self, backbone: Backbone, strength: float) -> Backbone:
        """The backbone with s times the change, beside what others have changed before.

        Raises:
            IncompatibleError: its network cannot be exchanged, or is built otherwise.
        """
        if not strength:
            return backbone

        def change(network: nn.Module) -> nn.Module:
            worn = Worn(network, self.layers, self.rank)
            worn.put(self.factors)
            worn.scale(strength)
            return network.requires_grad_(False)

        return network_of(backbone, WANTED_BY).adapting(change)


class Worn:
    """Factors that a network wears beside its weights, and beside those that it wears already.

    Args:
        network: nobody else's; it is changed.
        layers: which of its layers.
        rank: of each.

    Raises:
        IncompatibleError: it has no such layers.
    """

    def __init__(self, network: nn.Module, layers: Layers, rank: int) -> None:
        names = names_of(network, layers)
        if not names:
            raise IncompatibleError(f"{WANTED_BY} finds no layers of the kind {layers!r} in this network.")
        worn = {name for layer in _layers(network) for name in layer.lora_A}
        self.adapter = f"slider{len(worn)}"
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=names)
        inject_adapter_in_model(config, network, self.adapter, low_cpu_mem_usage=True)
        del network.peft_config  # a note of what it wears, of which peft warns when there is more
        self._layers = [layer for layer in _layers(network) if self.adapter in layer.lora_A]
        for layer in _layers(network):
            layer.set_adapter([*layer.lora_A])  # what was worn before stays in force

    @property
    def places(self) -> list[Any]:
        """The two modules of every layer that hold its factors, in order."""
        return [place[self.adapter] for layer in self._layers for place in (layer.lora_A, layer.lora_B)]

    def scale(self, strength: float) -> None:
        """Let them count that often."""
        for layer in self._layers:
            layer.set_scale(self.adapter, strength)

    def put(self, factors: Tensor) -> list[nn.Parameter]:
        """Fill the places with N numbers, in float32 and where their layers are; gives what can be trained.

        Raises:
            IncompatibleError: there are not as many places.
        """
        shapes = [place.weight.shape for place in self.places]
        sizes = [shape.numel() for shape in shapes]
        if sum(sizes) != len(factors):
            raise IncompatibleError(
                f"The slider has {len(factors)} numbers, and this network has places for {sum(sizes)}.",
                "It was learned on another network; learn it on this one.",
            )
        numbers = torch.split(factors.float(), sizes)
        parts = zip(self.places, numbers, shapes, self._devices(), strict=True)
        for place, part, shape, device in parts:
            place.weight = nn.Parameter(part.reshape(shape).to(device, copy=True))
        return [place.weight for place in self.places]

    def beginning(self, generator: torch.Generator) -> Tensor:
        """Factors (N,) whose products are 0: the first of each layer random, as peft begins, the second nothing."""
        numbers = []
        for first, second in zip(self.places[::2], self.places[1::2], strict=True):
            fan_in = first.weight[0].numel()
            numbers.append((2 * torch.rand(first.weight.numel(), generator=generator) - 1) / fan_in**0.5)
            numbers.append(torch.zeros(second.weight.numel()))
        return torch.cat(numbers)

    def _devices(self) -> list[torch.device]:
        return [layer.get_base_layer().weight.device for layer in self._layers for _ in range(2)]


def names_of(network: nn.Module, layers: Layers) -> list[str]:
    """The layers of a kind, in the network's own order, whatever it wears already."""
    return [name for name, module in _plain(network) if isinstance(module, nn.Linear | nn.Conv2d) and _is(name, layers)]


def _is(name: str, layers: Layers) -> bool:
    is_attention = name.endswith(ATTENTION)
    is_rest = not (WITH_PROMPT in name or TIME in name)
    return {"attention": is_attention, "rest": is_rest, "all": is_attention or is_rest}[layers]


def _plain(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Its modules as they are without anything that it wears."""
    worn = [f"{name}." for name, module in network.named_modules() if isinstance(module, LoraLayer)]
    for name, module in network.named_modules():
        if not name.startswith(tuple(worn)):
            yield name, module.get_base_layer() if isinstance(module, LoraLayer) else module


def _layers(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, LoraLayer)]
