"""Text encoders of diffusers folders: each a network and its tokenizer, side by side under one suffix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.devices import Residence
from attrbank.errors import InvalidValueError


class TextEncoder:
    """Prompts in, what the network makes of them out; what exceeds its length is cut off.

    Args:
        tokenizer: with its length set.
        network: takes token ids (B, length).
        residence: where the network runs.
    """

    def __init__(self, tokenizer: Any, network: Any, residence: Residence) -> None:
        residence.settle(network)
        self._tokenizer, self._network, self._device = tokenizer, network, residence.device

    def __call__(self, prompts: Sequence[str], **options: Any) -> Any:
        """The network's output for B prompts.

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        try:
            tokens = self._tokenizer(
                list(prompts),
                padding="max_length",
                max_length=self._tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            )
        except (TypeError, UnicodeError) as error:
            raise InvalidValueError("A prompt is not valid Unicode text.") from error
        return self._network(tokens.input_ids.to(self._device), **options)


def clip_encoder(kind: Any, parts: FolderParts, suffix: str, residence: Residence) -> TextEncoder:
    """The CLIP encoder of class ``kind`` in ``text_encoder`` + suffix, with a length of its own.

    Raises:
        IncompatibleError: the network or its tokenizer cannot be loaded.
    """
    network = parts.network(kind, f"text_encoder{suffix}", residence.dtype)
    length = network.config.max_position_embeddings
    return TextEncoder(parts.tokenizer(CLIPTokenizer, f"tokenizer{suffix}", length), network, residence)


def t5_encoder(parts: FolderParts, suffix: str, length: int, residence: Residence) -> TextEncoder:
    """The T5 encoder there, which takes prompts of any length and is given ``length`` tokens; raises likewise."""
    network = parts.network(T5EncoderModel, f"text_encoder{suffix}", residence.dtype)
    return TextEncoder(parts.tokenizer(T5TokenizerFast, f"tokenizer{suffix}", length), network, residence)
