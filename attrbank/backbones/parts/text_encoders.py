"""Text encoders of diffusers folders: each a network and its tokenizer, side by side under one suffix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from transformers import CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.devices import Residence
from attrbank.backbones.parts.windows import spans_of_loaded
from attrbank.diffusion.finite import finite
from attrbank.errors import InvalidValueError

LAST, LAST_BUT_ONE, SUMMARY, PROJECTED = "last_hidden_state", "hidden_states[-2]", "pooler_output", "text_embeds"
"""What there is to be had of an encoder."""


class TextEncoder:
    """Prompts in, what the network makes of them out; what exceeds its length is cut off.

    Args:
        part: what the folder calls it.
        tokenizer: with its length set.
        network: takes token ids (B, length).
        residence: where the network runs.
    """

    def __init__(self, part: str, tokenizer: Any, network: Any, residence: Residence) -> None:
        residence.settle(network)
        self._part, self._tokenizer, self._network, self._device = part, tokenizer, network, residence.device

    def spelled(self, prompt: str) -> tuple[str, int, tuple[tuple[int, int], ...]]:
        """Its name, its width D, and the characters of the prompt that each position spells.

        Raises:
            InvalidValueError: the prompt is not valid Unicode.
        """
        spans = spans_of_loaded(prompt, self._tokenizer, self._tokenizer.model_max_length)
        return self._part, self._network.config.hidden_size, spans

    def __call__(self, prompts: Sequence[str], *wanted: str) -> tuple[Tensor, ...]:
        """What the network makes of B prompts, as wanted; nothing else that it says is looked at.

        Args:
            prompts: the B prompts.
            wanted: ``LAST`` or ``LAST_BUT_ONE``, hidden states (B, length, D), or ``SUMMARY`` or ``PROJECTED``, of the
                whole prompt (B, P).

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
            NumericError: the network made NaN or infinity of one.
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
        output = self._network(tokens.input_ids.to(self._device), output_hidden_states=LAST_BUT_ONE in wanted)
        found = (output.hidden_states[-2] if name == LAST_BUT_ONE else output[name] for name in wanted)
        return tuple(finite(tensor, f"What the {self._part} made") for tensor in found)


def clip_encoder(kind: Any, parts: FolderParts, suffix: str, residence: Residence) -> TextEncoder:
    """The CLIP encoder of class ``kind`` in ``text_encoder`` + suffix, with a length of its own.

    Raises:
        IncompatibleError: the network or its tokenizer cannot be loaded.
    """
    part = f"text_encoder{suffix}"
    network = parts.network(kind, part, residence.dtype)
    length = network.config.max_position_embeddings
    return TextEncoder(part, parts.tokenizer(CLIPTokenizer, f"tokenizer{suffix}", length), network, residence)


def t5_encoder(parts: FolderParts, suffix: str, length: int, residence: Residence) -> TextEncoder:
    """The T5 encoder there, which takes prompts of any length and is given ``length`` tokens; raises likewise."""
    part = f"text_encoder{suffix}"
    network = parts.network(T5EncoderModel, part, residence.dtype)
    return TextEncoder(part, parts.tokenizer(T5TokenizerFast, f"tokenizer{suffix}", length), network, residence)
