"""Whether a tokenizer fits its text encoder: a token that the encoder has never heard of would end a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.errors import IncompatibleError


def check_vocabulary(reference: str, path: Path, suffix: str) -> None:
    """Refuse a tokenizer with tokens beyond its encoder's; what cannot be read is left to loading.

    Args:
        reference: how the user named the model.
        path: its folder.
        suffix: of the encoder and its tokenizer.

    Raises:
        IncompatibleError: there are such tokens, as textual inversion adds them.
    """
    try:
        size = int(_read(path / f"text_encoder{suffix}" / "config.json")["vocab_size"])
        most = max(_ids(path / f"tokenizer{suffix}"), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if most >= size:
        raise IncompatibleError(
            f"The tokenizer{suffix} of {reference} has tokens up to {most}, but its text_encoder{suffix} knows {size}.",
            hint="Tokens were added to it: take the tokenizer of the model's base, or resize the encoder's embeddings.",
        )


def _ids(tokenizer: Path) -> Iterator[int]:
    for name in ("vocab.json", "added_tokens.json"):
        if (tokenizer / name).is_file():
            yield from _read(tokenizer / name).values()
    if (tokenizer / "tokenizer_config.json").is_file():
        yield from map(int, _read(tokenizer / "tokenizer_config.json").get("added_tokens_decoder", {}))
    if (tokenizer / "tokenizer.json").is_file():
        whole = _read(tokenizer / "tokenizer.json")
        yield from (token["id"] for token in whole.get("added_tokens", ()))
        vocabulary = whole["model"]["vocab"]  # a list of pieces for T5
        yield from vocabulary.values() if isinstance(vocabulary, dict) else (len(vocabulary) - 1,)


def _read(path: Path) -> Any:
    return json.loads(files.read_text(path))
