"""Directions that a UNet's bottleneck has by itself, pulled back to latents, after Park et al. (arXiv 2307.12868)."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """The one method."""
    summary = "Pullback: what moves the UNet's bottleneck most, through each picture's own Jacobian."
    register(
        Spec(
            "pullback",
            summary,
            target="attrbank_pullback.method:Pullback",
            parameters="attrbank_pullback.parameters:Parameters",
        )
    )


@hookimpl
def register_commands(register: Register) -> None:
    """A name for what was found without one."""
    summary = "Say what an attribute changes most, by a judge's eyes: for directions that have no name yet."
    register(Spec("meaning", summary, target="attrbank_pullback.command:meaning"))
