"""What an ``apply`` is asked to do, checked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError
from attrbank.names import Asked, check_text, check_word, parse_reference
from attrbank.pictures.output_names import check_png
from attrbank.schema.choices import ALLOWED, MAX_ATTRIBUTES, MAX_LABEL, MAX_PROMPT, Core, Inversion
from attrbank.text import printable

_STRENGTH = "1 is the full effect, 0 none, a negative strength the opposite."


@dataclass(frozen=True, kw_only=True)
class ApplyRequest:
    """One ``apply``, as asked for; None means the attribute's or the backbone's own.

    Attributes:
        references: the attributes in the order given, with their strengths and times; ``rho`` fills in strengths.
        rho: strength of the references that have none of their own.
        negative_prompt: what guidance is to lead away from.
        output: where to write the PNG; None is the next free name.
        only_after: write the edited picture alone, without frame and caption.
        image: the picture to edit; None generates one.
        inversion: how the picture becomes a latent.
        mask: a picture, white where the edit may act.
        placement: where the backbone is to run.
        force: let attributes act on a relative of the model that they were learned on.
        core: which core of the difference vectors to take.
        raw: take strengths as they are, whatever an attribute's calibration says.
        on: the word of the prompt at which attributes act that act at words; None is their own.
        bank: the bank's folder.

    Raises:
        InvalidValueError: a value is out of range, a reference is given twice, or the output is no PNG.
    """

    references: tuple[Asked, ...]
    rho: float | None = None
    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    output: Path | None = None
    only_after: bool = False
    backbone: str | None = None
    placement: Placement | None = None
    force: bool = False
    sampler: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    core: Core | None = None
    image: Path | None = None
    inversion: Inversion | None = None
    mask: Path | None = None
    raw: bool = False
    on: str | None = None
    bank: Path | None = None

    def __post_init__(self) -> None:
        names = [asked.reference for asked in self.references]
        if not 1 <= len(names) <= MAX_ATTRIBUTES:
            raise InvalidValueError(f"Apply takes 1 to {MAX_ATTRIBUTES} attributes, not {len(names)}.")
        for twice in sorted({name for name in names if names.count(name) > 1}):
            raise InvalidValueError(f"{printable(twice)!r} is given twice.", hint="Give it once, with a strength.")
        for asked in self.references:
            parse_reference(asked.reference)
            _check(asked.strength, f"the strength of {printable(asked.reference)!r}", -math.inf, math.inf, _STRENGTH)
        if self.inversion and not self.image:
            raise InvalidValueError("An inversion needs a picture to invert.", hint="Give one with -i.")
        check_png(self.output)
        check_text(self.prompt, "The prompt", MAX_PROMPT)
        check_text(self.negative_prompt, "The negative prompt", MAX_PROMPT)
        check_text(self.backbone, "The backbone", MAX_LABEL)
        check_word(self.on)
        _check(self.rho, "rho", -math.inf, math.inf, _STRENGTH)
        _check(self.seed, "the seed", 0, 2**63 - 1, ALLOWED["seeds"])
        _check(self.steps, "the number of steps", 1, 1000, ALLOWED["steps"])
        _check(self.guidance_scale, "the guidance scale", 0, 100, ALLOWED["guidance_scale"])

    @property
    def strengths(self) -> tuple[float, ...]:
        """The references': their own, else ``rho``, else the full effect."""
        filled = 1.0 if self.rho is None else self.rho
        return tuple(filled if asked.strength is None else asked.strength for asked in self.references)


def _check(value: float | None, what: str, low: float, high: float, hint: str) -> None:
    if value is None or (math.isfinite(value) and low <= value <= high):
        return
    bounds = "be a finite number" if math.isinf(high) else f"lie in {low} … {high}"
    raise InvalidValueError(f"{what[0].upper()}{what[1:]} must {bounds}, not {value}.", hint)
