"""Editing at the bottleneck of a UNet, after Asyrp (arXiv 2210.10960)."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """The one method."""
    summary = "Asyrp: the mean change at the UNet's bottleneck, or a learned one, in asymmetric steps."
    register(Spec("asyrp", summary, target="attrbank_asyrp.method:Asyrp"))
