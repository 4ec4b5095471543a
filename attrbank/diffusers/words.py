"""Attributes that act at words of a prompt, in a pipeline that hands its callbacks what it hears of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from attrbank.backbones.parts.windows import side_by_side, spans_of_loaded, unread_by_loaded
from attrbank.diffusion.spelling import TokenSpans, places_of
from attrbank.editing.acting import Ready
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.methods.protocol import PromptEdit

HEARD = "prompt_embeds"
"""What pipelines of Stable Diffusion call it: the rows of the empty prompt, if they are guided, then the prompt's."""

ALIKE = 1e-2
"""Two encodings of one prompt differ by less than this share of their size, whatever the precision."""


class _Encoder(NamedTuple):
    """One text encoder of a pipeline."""

    name: str
    tokenizer: Any
    config: Any

    @property
    def length(self) -> int:
        """Of its window, in tokens."""
        return int(self.config.max_position_embeddings)


def spans_in(pipeline: Any, prompt: str) -> tuple[TokenSpans, ...]:
    """How the text encoders of a pipeline spell a prompt.

    Raises:
        IncompatibleError: they are not of CLIP.
    """
    encoders = _clip_encoders(pipeline)
    if not encoders:
        raise IncompatibleError(
            f"{type(pipeline).__name__} has other text encoders than CLIP's, whose words are found."
        )
    spelled = ((e.name, e.config.hidden_size, spans_of_loaded(prompt, e.tokenizer, e.length)) for e in encoders)
    return side_by_side(spelled, HEARD)


def unread_in(pipeline: Any, prompt: str) -> str:
    """The words at the end of a prompt that no text encoder of a pipeline reads; empty where nobody can tell."""
    fast = [encoder for encoder in _clip_encoders(pipeline) if encoder.tokenizer.is_fast]
    cut = (unread_by_loaded(prompt, encoder.tokenizer, encoder.length) for encoder in fast)
    return min(cut, key=len, default="")


def _clip_encoders(pipeline: Any) -> list[_Encoder]:
    """Those of a pipeline; none if another is among them, or one of them was left out."""
    suffixes = [suffix for suffix in ("", "_2") if getattr(pipeline, f"tokenizer{suffix}", None) is not None]
    names = [(f"text_encoder{suffix}", getattr(pipeline, f"tokenizer{suffix}")) for suffix in suffixes]
    if not all("CLIP" in type(tokenizer).__name__ and getattr(pipeline, name) for name, tokenizer in names):
        return []
    return [_Encoder(name, tokenizer, getattr(pipeline, name).config) for name, tokenizer in names]


def heard_with(pipeline: Any, embeds: Tensor, prompt: str, turns: Sequence[Ready]) -> Tensor:
    """What the pipeline hears, with edits in the prompt's rows; those of the empty prompt stay as they are.

    Args:
        pipeline: that runs.
        embeds: its ``prompt_embeds``, (B, length, D), or (2B, length, D) if it is guided.
        prompt: that it runs.
        turns: of attributes that act at words.

    Raises:
        IncompatibleError: its text encoders are others than the edits'.
    """
    free, spans = _free(pipeline, embeds), spans_in(pipeline, prompt)
    heard = {HEARD: embeds[free:]}
    for turn in turns:
        places = places_of(spans, prompt, turn.words, turn.record.name)
        heard = dict(cast(PromptEdit, turn.edit).heard(heard, places, turn.strength))
    return torch.cat([embeds[:free], heard[HEARD]])


def refuse_another(pipeline: Any, embeds: Tensor, prompt: str) -> None:
    """Do nothing if the pipeline runs this prompt; as it does not hand that on, it is encoded again and compared.

    Args:
        pipeline: that runs.
        embeds: its ``prompt_embeds``, as ``heard_with`` has them, in which nothing has been edited yet.
        prompt: that it should run.

    Raises:
        InvalidValueError: it runs another.
    """
    rows = embeds[_free(pipeline, embeds) :]
    skipped = getattr(pipeline, "clip_skip", None)
    found, *_ = pipeline.encode_prompt(
        prompt=prompt,
        device=rows.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=False,
        clip_skip=skipped,
    )
    if found.shape[1:] != rows.shape[1:] or any(_far(row, found[0]) for row in rows):
        raise InvalidValueError(
            "The pipeline runs another prompt than the callback was given.", hint="Give both the same."
        )


def _free(pipeline: Any, embeds: Tensor) -> int:
    """How many rows are the empty prompt's."""
    return len(embeds) // 2 if pipeline.do_classifier_free_guidance else 0


def _far(one: Tensor, other: Tensor) -> bool:
    return float((one.float() - other.float()).norm()) > ALIKE * float(other.float().norm())
