"""The paper's findings about singular vectors of latents, as a command: ``attrbank inspect``."""

from __future__ import annotations

from collections.abc import Callable

from attrbank.plugin import Spec, hookimpl


@hookimpl
def register_commands(register: Callable[[Spec], None]) -> None:
    """Offer ``inspect``; its module is not imported before somebody asks for it."""
    summary = "Look at singular vectors of latents as the paper does."
    register(Spec("inspect", summary, target="attrbank_findings.command:inspect"))
