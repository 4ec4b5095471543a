"""Editing by guidance: what the network says under pairs of prompts is added to what it says, while it draws."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl

METHODS = {
    "free-slider": ("FreeSlider", "Guidance along a pair of prompts, by as much as the strength says."),
    "sega": ("Sega", "Semantic guidance: the strongest of a pair's difference, after a warm-up, with momentum."),
    "ledits": ("Ledits", "Guidance along a pair where its difference is largest: the implicit mask of LEDITS++."),
}
"""The class and the summary by name; each has a module of its own."""


@hookimpl
def register_methods(register: Register) -> None:
    """Three ways to do it, each with parameters of its own."""
    for name, (target, summary) in METHODS.items():
        module = f"attrbank_guidance.{name.replace('-', '_')}"
        register(Spec(name, summary, target=f"{module}:{target}", parameters=f"{module}:Parameters"))
