"""``portraits``, second edition: drawn people whose every attribute is a number, and the eyes that read it back."""

from __future__ import annotations

from attrbank.plugin import PLACEABLE, Register, Spec, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    """The model, and the judge that knows its truth."""
    register(
        Spec(
            "portraits-2",
            "Drawn portraits with graded attributes and colours that can be asked for; runs on a CPU.",
            capabilities=("offline", PLACEABLE),
            target="attrbank_portraits_2.model_folder:load",
            describe="attrbank_portraits_2.model_folder:describe",
            judge="attrbank_portraits_2.judge:judge_of",
        )
    )
