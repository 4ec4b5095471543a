"""Editing by guidance: what pairs of prompts say, or a classifier, has a word in every prediction."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl

METHODS = {
    "free-slider": ("FreeSlider", "Guidance along a pair of prompts, by as much as the strength says."),
    "sega": ("Sega", "Semantic guidance: the strongest of a pair's difference, after a warm-up, with momentum."),
    "ledits": ("Ledits", "Guidance along a pair where its difference is largest: the implicit mask of LEDITS++."),
    "classifier": (
        "Classifier",
        "Classifier guidance, by a small classifier of noisy latents that is learned from the pair.",
    ),
}
"""The class and the summary by name; each has a module of its own."""


@hookimpl
def register_methods(register: Register) -> None:
    """Four ways to do it, each with parameters of its own."""
    for name, (target, summary) in METHODS.items():
        module = f"attrbank_guidance.{name.replace('-', '_')}"
        register(Spec(name, summary, target=f"{module}:{target}", parameters=f"{module}:Parameters"))
