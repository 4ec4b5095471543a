"""What may be set of prompt-to-prompt; nothing here imports torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from attrbank.plugin import InvalidValueError

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=40)]

NO_WORD = "none"
"""Recipes write every value out, and an empty one could not be read."""


class Parameters(BaseModel):
    """The settings of arXiv 2208.01626, by shares of the steps from T_x on.

    Attributes:
        edit: what becomes of attention to the prompt: of each word that of the word in its place (``replace``); that of
            the words that both prompts have, while new ones have their own (``refine``); the same, and strength scales
            the attention to words (``reweight``).
        cross: in the first steps, how long attention to the prompt is the unedited picture's.
        own: the same of attention to the picture itself.
        largest: of such, only maps of so many places aside, or fewer.
        word: of the target prompt, whose attention ``reweight`` scales; by default those that the source lacks.
        blend: of either prompt; where it is looked at, and nowhere else, the picture is edited.
        threshold: how strongly it must be looked at there, as a share of the most in this picture.
        start: the share of the steps after which the rest is taken back to the unedited picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edit: Literal["replace", "refine", "reweight"] = "refine"
    cross: Share = 0.8
    own: Share = 0.4
    largest: Annotated[int, Field(ge=1, le=128)] = 16
    word: Word = NO_WORD
    blend: Word = NO_WORD
    threshold: Share = 0.3
    start: Share = 0.2


def require_effect(asked: Parameters) -> None:
    """Do nothing if no setting is without effect; as artifacts write all of them out, one at its default says nothing.

    Raises:
        InvalidValueError: one is.
    """
    if asked.word != NO_WORD and asked.edit != "reweight":
        raise InvalidValueError(
            f"Of edit={asked.edit} no word has a weight, so that word={asked.word} has no effect.",
            hint="Take edit=reweight, or leave word= out.",
        )
    for name in ("threshold", "start"):
        if asked.blend == NO_WORD and getattr(asked, name) != Parameters.model_fields[name].default:
            raise InvalidValueError(
                f"Nothing is blended, so that {name}= has no effect.", hint=f"Add blend=WORD, or leave {name}= out."
            )
