"""Edits by a pair of prompts alone: what people did before anything was learned, and prompt-to-prompt."""

from __future__ import annotations

from attrbank.plugin import Register, Spec, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """The three methods."""
    between = "Interpolation: what the encoder makes of the target prompt less that of the source, added throughout."
    register(Spec("prompt-interpolation", between, target="attrbank_prompt.method:Interpolation"))
    mixing = "Mixing: half-way, the latent moves to that of the target prompt from the same noise, and goes on."
    register(Spec("prompt-mixing", mixing, target="attrbank_prompt.method:Mixing"))
    paired = "Prompt-to-prompt: drawn under the target prompt, and looking where the unedited picture looks."
    register(
        Spec(
            "prompt-to-prompt",
            paired,
            target="attrbank_prompt.method:PromptToPrompt",
            parameters="attrbank_prompt.parameters:Parameters",
        )
    )
