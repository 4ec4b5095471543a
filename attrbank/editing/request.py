"""What users ask for, checked and complete before anything is loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError
from attrbank.names import parse_reference, validate_name
from attrbank.pictures.output_names import check_png
from attrbank.schema import Core, Inversion, LearnSpec, PaperOptions, PictureFiles, PromptPair
from attrbank.text import printable

Preset: TypeAlias = Literal["paper"]

_DEFAULT_TIMES = {"difference": (0.4, -0.2), "paper": (0.8, -0.3)}
_DEFAULT_SEEDS = tuple(range(64))
_ONLY_WITH_PROMPTS = {"seeds", "delta_tau", "branch"}
MAX_ATTRIBUTES, MAX_PROMPT, MAX_LABEL = 64, 2000, 200  # as in schema.Recipe
_ALLOWED = {
    "t_x": "Times are fractions of the whole: above 0 and up to 1, such as 0.4.",
    "delta_tau": "T_z = T_x + Δτ lies between 0 and T_x, so Δτ is usually about -0.2.",
    "branch": "Times are fractions of the whole: from T_x to 1.",
    "seeds": "Seeds are whole numbers from 0 to 2^63 - 1, such as 0-63.",
    "steps": "Between 1 and 1000 steps; 25 to 50 are usual.",
    "guidance_scale": "Between 0 and 100; 1 is no guidance.",
    "rank": "Between 1 and the latent's smaller side; 4 is usual.",
    "k": "From 1 to one less than the latent's smaller side; leave it out for half.",
}
_FITS = "attrbank learn --help says what there is, and what is usual."
_STRENGTH = "1 is the full effect, 0 none, a negative strength the opposite."
_SHOULD = re.compile(r"^\w+ should")
_OPTIONS_OF = {"difference": {"branch", "core", "rank"}, "paper": set(PaperOptions.model_fields)}


def learn_spec(
    name: str,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    pictures: Sequence[PictureFiles] = (),
    preset: Preset | None = None,
    **options: object,
) -> LearnSpec:
    """The ``LearnSpec`` for what was given; None among the options means not given.

    Fields that nobody gave are absent from the spec's ``model_fields_set``, so that the backbone's
    own steps and guidance can take their place. ``preset="paper"`` is docs/method.md 2.5 without the
    width of Φ, which follows the backbone's latent shape.

    Args:
        name: the attribute's name.
        sources: the source prompts.
        targets: the target prompts; the i-th belongs to the i-th source.
        pictures: pairs of pictures, instead of prompts.
        preset: all settings as published.
        options: fields of ``LearnSpec`` and, for the paper's vectors, of ``PaperOptions``.

    Raises:
        InvalidValueError: a value is out of range, or an option belongs to the other kind of vectors, or to prompts.
    """
    if len(sources) != len(targets):
        raise InvalidValueError(
            f"{len(sources)} source and {len(targets)} target prompts do not make pairs.",
            hint="Give as many --target as --source; the i-th belong together.",
        )
    given = {option: value for option, value in options.items() if value is not None}
    vectors = str(given.setdefault("vectors", preset or "difference"))
    _refuse_options_of_the_other(vectors, preset, given)
    t_x, delta_tau = _DEFAULT_TIMES.get(vectors, _DEFAULT_TIMES["difference"])
    fields: dict[str, Any] = {"t_x": t_x, "delta_tau": delta_tau, "seeds": _DEFAULT_SEEDS}
    if preset:
        fields |= {"seeds": tuple(range(len(sources))), "solver": "mlp", "samples": 500 if len(sources) > 5 else 5000}
    fields |= given
    if pictures:
        _refuse_options_of_prompts(vectors, given)
        fields |= {"pictures": tuple(pictures), "seeds": (0,), "delta_tau": -fields["t_x"]}
    paper = {option: fields.pop(option) for option in _OPTIONS_OF["paper"] & fields.keys()}
    try:
        pairs = tuple(PromptPair(source=s, target=t) for s, t in zip(sources, targets, strict=True))
        return LearnSpec.model_validate(
            {"name": validate_name(name), "pairs": pairs, "paper": PaperOptions(**paper), **fields}
        )
    except ValidationError as error:
        raise invalid_value(error) from error


def _refuse_options_of_the_other(vectors: str, preset: Preset | None, given: dict[str, object]) -> None:
    if preset and vectors != preset:
        hint = f"Leave out --preset, or --vectors {vectors}."
        raise InvalidValueError(f"The preset {preset!r} and {vectors} vectors exclude each other.", hint)
    for kind, options in _OPTIONS_OF.items():
        misplaced = sorted(options & given.keys())
        if kind != vectors and misplaced:
            raise InvalidValueError(
                f"{', '.join(misplaced)}: only for {kind} vectors, not for {vectors} ones.",
                hint=f"Add --vectors {kind}, or leave the option out.",
            )


def _refuse_options_of_prompts(vectors: str, given: dict[str, object]) -> None:
    if vectors != "difference":
        hint = "Give --source and --target, or leave --vectors out."
        raise InvalidValueError(f"{vectors.capitalize()} vectors are learned from prompts, not from pictures.", hint)
    if misplaced := sorted(_ONLY_WITH_PROMPTS & given.keys()):
        hint = "Leave it out, or give --source and --target."
        raise InvalidValueError(f"{', '.join(misplaced)}: only with prompts, not with pictures.", hint)
    if given.get("core") == "own":
        complaint = "The core 'own' takes prompts, which an attribute learned from pictures does not have."
        raise InvalidValueError(complaint, hint="Leave --core out.")


def invalid_value(error: ValidationError) -> InvalidValueError:
    """The first complaint of pydantic as one sentence, and what would be right."""
    first = error.errors(include_url=False)[0]
    complaint = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return InvalidValueError(f"{complaint[0].upper()}{complaint[1:]}.", hint=_FITS)
    field, given = str(first["loc"][0]), first["input"]
    value = f", not {given}" if isinstance(given, int | float) else ""
    return InvalidValueError(f"{field} {_SHOULD.sub('must', complaint)}{value}.", _ALLOWED.get(field, _FITS))


@dataclass(frozen=True, kw_only=True)
class ApplyRequest:
    """One ``apply``, as asked for; None means the attribute's or the backbone's own.

    Attributes:
        references: (reference, strength) in the order given; strength None is filled by ``rho``.
        rho: strength of the references that have none of their own.
        output: where to write the PNG; None is the next free name.
        only_after: write the edited picture alone, without frame and caption.
        image: the picture to edit; None generates one.
        inversion: how the picture becomes a latent.
        mask: a picture, white where the edit may act.
        placement: where the backbone is to run.
        force: let attributes act on a relative of the model that they were learned on.
        core: which core of the difference vectors to take.
        raw: take strengths as they are, whatever an attribute's calibration says.
        bank: the bank's folder.

    Raises:
        InvalidValueError: a value is out of range, a reference is given twice, or the output is no PNG.
    """

    references: tuple[tuple[str, float | None], ...]
    rho: float | None = None
    prompt: str | None = None
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
    bank: Path | None = None

    def __post_init__(self) -> None:
        names = [reference for reference, _ in self.references]
        if not 1 <= len(names) <= MAX_ATTRIBUTES:
            raise InvalidValueError(f"Apply takes 1 to {MAX_ATTRIBUTES} attributes, not {len(names)}.")
        for twice in sorted({name for name in names if names.count(name) > 1}):
            raise InvalidValueError(f"{printable(twice)!r} is given twice.", hint="Give it once, with a strength.")
        for reference, strength in self.references:
            parse_reference(reference)
            _check(strength, f"the strength of {printable(reference)!r}", -math.inf, math.inf, _STRENGTH)
        if self.inversion and not self.image:
            raise InvalidValueError("An inversion needs a picture to invert.", hint="Give one with -i.")
        check_png(self.output)
        check_text(self.prompt, "The prompt", MAX_PROMPT)
        check_text(self.backbone, "The backbone", MAX_LABEL)
        _check(self.rho, "rho", -math.inf, math.inf, _STRENGTH)
        _check(self.seed, "the seed", 0, 2**63 - 1, _ALLOWED["seeds"])
        _check(self.steps, "the number of steps", 1, 1000, _ALLOWED["steps"])
        _check(self.guidance_scale, "the guidance scale", 0, 100, _ALLOWED["guidance_scale"])


def check_text(text: str | None, what: str, longest: int) -> None:
    """Refuse what a record could not hold.

    Raises:
        InvalidValueError: the text is too long, or no valid Unicode.
    """
    if text is None:
        return
    lone_surrogate = any("\ud800" <= character <= "\udfff" for character in text)
    if len(text) > longest or lone_surrogate:
        raise InvalidValueError(f"{what} must be valid text of at most {longest} characters.", hint="Shorten it.")


def _check(value: float | None, what: str, low: float, high: float, hint: str) -> None:
    if value is None or (math.isfinite(value) and low <= value <= high):
        return
    bounds = "be a finite number" if math.isinf(high) else f"lie in {low} … {high}"
    raise InvalidValueError(f"{what[0].upper()}{what[1:]} must {bounds}, not {value}.", hint)
