"""Directions of a latent that change one region of the picture, after LOCO Edit (arXiv 2409.02374)."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """The one method; it learns from a region alone, or from a region and a pair of prompts."""
    summary = "LOCO Edit and T-LOCO: directions of the latent that change the region of --mask alone."
    register(Spec("loco", summary, target="attrbank_loco.method:Loco"))
