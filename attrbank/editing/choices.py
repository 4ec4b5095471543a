"""What an ``apply`` takes where the user leaves it open."""

from __future__ import annotations

from attrbank.diffusion.prediction import is_guided
from attrbank.diffusion.protocols import Description, Sampler, guidance_of, require_invertible
from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError
from attrbank.schema.choices import Inversion
from attrbank.schema.stored import AttributeRecord

REFINEMENTS: dict[Inversion, int] = {"ddim": 0, "refined": 1}
"""How many predictions each step of an inversion takes beyond the first."""

DEFAULT_INVERSION: Inversion = "refined"
"""It loses less on the way and its edits come more often, for a third more evaluations (``docs/pictures.md``)."""

GUIDANCE_OF_PICTURES = 1.0
"""A picture is there already and needs no prompt to pull at it: on renders, guidance changed nothing but the cost."""


def prompt_of(request: ApplyRequest, first: AttributeRecord, model: Description) -> str:
    """As asked; else what the first attribute was learned from, but a picture need not show that."""
    if request.prompt is not None:
        return request.prompt
    return model.defaults.prompt if first.prompt is None or request.image else first.prompt


def guidance_scale_of(request: ApplyRequest, model: Description) -> float:
    """As asked; else the model's own, or none for pictures where it would take a second prediction."""
    if request.guidance_scale is not None:
        return request.guidance_scale
    costly = guidance_of(model) == "classifier-free"
    return GUIDANCE_OF_PICTURES if request.image and costly else model.defaults.guidance_scale


def negative_prompt_of(request: ApplyRequest, model: Description, guidance_scale: float) -> str:
    """As asked; else empty, which is what attributes are learned with.

    Raises:
        InvalidValueError: there is no guidance that could lead away from it.
    """
    if not request.negative_prompt:
        return ""
    if guidance_of(model) != "classifier-free":
        raise InvalidValueError(
            f"{model.name} is not guided by two predictions, and a negative prompt would do nothing.",
            hint="Leave the negative prompt out.",
        )
    if not is_guided(guidance_scale):
        raise InvalidValueError(
            "Without guidance a negative prompt would do nothing.", hint="Give --guidance-scale a number above 1."
        )
    return request.negative_prompt


def inversion_of(request: ApplyRequest, sampler: Sampler) -> Inversion | None:
    """As asked; None if no picture is edited.

    Raises:
        InvalidValueError: the sampler cannot be inverted.
    """
    if request.image is None:
        return None
    require_invertible(sampler)
    return request.inversion or DEFAULT_INVERSION
