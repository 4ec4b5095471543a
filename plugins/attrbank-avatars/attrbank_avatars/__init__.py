"""``avatars``: figures that designers drew, anywhere in the picture, and the eyes that read them back."""

from __future__ import annotations

from attrbank.plugin import PLACEABLE, Register, Spec, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    """The model, and the judge that knows its truth."""
    register(
        Spec(
            "avatars",
            "Figures drawn by designers in four styles, one or two of them anywhere; unfinished; runs on a CPU.",
            capabilities=("offline", PLACEABLE),
            target="attrbank_avatars.model_folder:load",
            describe="attrbank_avatars.model_folder:describe",
            judge="attrbank_avatars.judge:judge_of",
        )
    )
