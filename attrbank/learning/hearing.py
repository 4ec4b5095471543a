"""What a model hears of the prompts of a pair: two that sound alike to it teach nothing, whatever it then draws."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrbank.diffusion.protocols import Backbone, unread_of
from attrbank.errors import InvalidValueError
from attrbank.schema.asked import PromptPair
from attrbank.text import printable

_WORDS = re.compile(r"\w+")


def refuse_unheard(pair: PromptPair, model: Backbone, *, force: bool, on_warning: Callable[[str], None]) -> None:
    """Refuse a pair whose prompts differ only in words that the model does not read, or has never seen.

    What it has never seen may change its pictures, but by no rule, so that this is no lesson either; but force has it.

    Raises:
        InvalidValueError: they do.
    """
    prompts = (pair.source, pair.target)
    cut = [unread_of(model, prompt) for prompt in prompts]
    read = [prompt.removesuffix(end) for prompt, end in zip(prompts, cut, strict=True)]
    if any(cut) and read[0].split() == read[1].split():
        raise InvalidValueError(
            f"Two prompts of a pair differ only in words that {model.name} does not read, because they are too long: "
            f"{printable(cut[0])!r} and {printable(cut[1])!r}.",
            hint="Shorten the prompts, or say earlier in them what is to be learned.",
        )
    unknown = dict.fromkeys(word for prompt in read for word in model.unknown_words(prompt))
    known = [[word for word in _WORDS.findall(prompt.lower()) if word not in unknown] for prompt in read]
    if not unknown or known[0] != known[1]:
        return
    found = f"two prompts of a pair differ only in words that {model.name} has never seen: {', '.join(unknown)}"
    if not force:
        hint = f"It knows: {', '.join(sorted(model.words or ()))}. --force learns from them all the same."
        raise InvalidValueError(f"{found[0].upper()}{found[1:]}.", hint)
    on_warning(found)
