"""Concept sliders (arXiv 2311.12092): low-rank changes of a network's weights, trained at both signs."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """The one method."""
    summary = "Concept sliders: low-rank changes of the network's weights, trained at four strengths of both signs."
    target, parameters = "attrbank_lora_sliders.method:LoraSliders", "attrbank_lora_sliders.parameters:Parameters"
    register(Spec("lora-sliders", summary, target=target, parameters=parameters))
