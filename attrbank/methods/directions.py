"""Directions of text encoders, at the words of a prompt: how they act, and their mean over pairs (docs/method.md 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Backbone, Conditioning
from attrbank.diffusion.spelling import Place, places_of, token_spans_of
from attrbank.errors import CorruptArtifactError, IncompatibleError, InvalidValueError
from attrbank.methods.subject import subject_of
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord

SILENT = 1e-4
"""A mean direction this much shorter than what it is a difference of is rounding."""
TINY = 1e-12

Directions = Mapping[str, Tensor]
"""A vector (D,) for each text encoder, by its name."""


@dataclass(frozen=True, eq=False)
class DirectionEdit:
    """Adds a direction to what the text encoders make of some words.

    Attributes:
        directions: by encoder; one that the model lacks is left out, as long as the model has another.
        until: it acts to the end.
    """

    directions: Directions
    until: float = 0.0

    def heard(self, conditioning: Conditioning, places: Sequence[Place], strength: float) -> Conditioning:
        """E + s · δ at the words' tokens; raises as ``added``."""
        return added(conditioning, places, self.directions, strength)


def added(
    conditioning: Conditioning, places: Sequence[Place], directions: Directions, strength: float | Tensor
) -> Conditioning:
    """The conditioning with multiples of directions at some places.

    Args:
        conditioning: as the backbone made it; stays as it is.
        places: where, for each encoder.
        directions: (D,) for each encoder.
        strength: a number, or one for each row, (B, 1, 1).

    Raises:
        IncompatibleError: no encoder has a direction, or a direction is of another width.
    """
    shifted = dict(conditioning)
    known = [place for place in places if place.encoder in directions]
    if not known:
        raise IncompatibleError(f"A direction of {', '.join(directions)} fits none of this model's text encoders.")
    for place in known:
        tensor, (first, end) = shifted[place.tensor], place.columns
        direction = directions[place.encoder]
        if direction.shape != (end - first,):
            raise IncompatibleError(
                f"A direction of {len(direction)} numbers does not fit the {place.encoder}, which has {end - first}."
            )
        whole = torch.zeros(tensor.shape[1:], dtype=torch.float32, device=tensor.device)
        whole[list(place.positions), first:end] = 1.0
        vector = torch.nn.functional.pad(direction.float().to(tensor.device), (first, tensor.shape[2] - end))
        shifted[place.tensor] = (tensor.float() + strength * whole * vector).to(tensor.dtype)
    return shifted


def checked(record: AttributeRecord, tensors: Mapping[str, Tensor]) -> Directions:
    """The directions of an artifact.

    Raises:
        CorruptArtifactError: there are none, one is no vector, or the record names no words.
    """
    if not tensors or not record.words or any(tensor.dim() != 1 or not len(tensor) for tensor in tensors.values()):
        raise CorruptArtifactError(
            f"{record.name} is no text direction: it takes words, and a vector for each encoder."
        )
    return dict(tensors)


class Spoken(NamedTuple):
    """A pair of prompts as the model hears it.

    Attributes:
        word: whom it is about.
        source, target: conditionings of one row.
        places, target_places: where the word stands in either.
    """

    word: str
    source: Conditioning
    target: Conditioning
    places: tuple[Place, ...]
    target_places: tuple[Place, ...]


def spoken_by(model: Backbone, pair: PromptPair, on: str | None) -> Spoken:
    """A pair as a model hears it.

    Args:
        model: with ``token_spans``.
        pair: of prompts.
        on: whom it is about; None finds the noun.

    Raises:
        InvalidValueError: there is no such word in both prompts, or no noun to be found.
    """
    word = on or subject_of(pair)
    if word is None:
        raise InvalidValueError(
            "No word that the two prompts of a pair share could be found for the attribute to act at.",
            hint="Name one of both prompts with --on.",
        )
    places = []
    for prompt in (pair.source, pair.target):
        spans = token_spans_of(model, prompt, "A text direction")
        places.append(places_of(spans, prompt, (word,), "a text direction"))
    source, target = (model.encode_prompts([prompt]) for prompt in (pair.source, pair.target))
    return Spoken(word, source, target, *places)


def mean_directions(spoken: Sequence[Spoken]) -> dict[str, Tensor]:
    """The mean difference of the encoders' outputs at the subject's tokens, target less source, (D,) for each."""
    differences = [
        {
            there.encoder: _at(one.target, there) - _at(one.source, here)
            for here, there in zip(one.places, one.target_places, strict=True)
        }
        for one in spoken
    ]
    return {name: torch.stack([one[name] for one in differences]).mean(0) for name in differences[0]}


def _at(conditioning: Conditioning, place: Place) -> Tensor:
    """What an encoder makes of the tokens at a place, their mean, (D,)."""
    first, end = place.columns
    return conditioning[place.tensor][0, list(place.positions), first:end].float().mean(0).cpu()


def sizes_of(spoken: Sequence[Spoken]) -> dict[str, float]:
    """How large the encoders' outputs at the subject's tokens are, root mean square of their numbers."""
    return {
        place.encoder: float(_at(spoken[0].source, place).square().mean().sqrt().clamp(min=TINY))
        for place in spoken[0].places
    }


def _is_heard(mean: Directions, spoken: Sequence[Spoken]) -> bool:
    sizes = sizes_of(spoken)
    return any(float(mean[name].square().mean().sqrt()) > SILENT * size for name, size in sizes.items())


def require_heard(mean: Directions, spoken: Sequence[Spoken], words: Sequence[str]) -> None:
    """Does nothing if the mean direction of some words says anything.

    Raises:
        InvalidValueError: it is rounding.
    """
    if not _is_heard(mean, spoken):
        raise InvalidValueError(
            f"The text encoder says the same of {', '.join(words)} in source and target: it reads from left to right, "
            "and the targets name the attribute behind the word.",
            hint=f"Name it before, as in 'a smiling {words[0]}', or take --core distil.",
        )
