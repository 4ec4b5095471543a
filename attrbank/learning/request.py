"""What a ``learn`` is asked to do, complete before anything is loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import ValidationError

from attrbank.errors import InvalidValueError
from attrbank.learning.keeping import multiplied
from attrbank.methods.protocol import Method
from attrbank.names import check_word, validate_name
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import ALONE, DEFAULT_METHOD, METHOD_OPTIONS, LearnSpec, PictureFiles, PromptPair
from attrbank.schema.choices import Preset
from attrbank.schema.complaints import invalid_value

_DEFAULT_SEEDS = tuple(range(64))
_ONLY_WITH_PROMPTS = {"seeds", "delta_tau", "branch", "keep"}
_FITS = "attrbank learn --help says what there is, and what is usual."


def learn_spec(
    name: str,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    pictures: Sequence[PictureFiles] = (),
    keep: Sequence[str] = (),
    preset: Preset | None = None,
    **options: object,
) -> LearnSpec:
    """The ``LearnSpec`` for what was given; None among the options means not given.

    Fields that nobody gave are absent from the spec's ``model_fields_set``, so that the backbone's
    own steps and guidance can take their place.

    Args:
        name: the attribute's name.
        sources: the source prompts.
        targets: the target prompts; the i-th belongs to the i-th source. With a mask, or where components are asked
            for, there need be none.
        pictures: pairs of pictures, instead of prompts.
        keep: groups of words, as in "man,woman", that further pairs name on both sides; see ``keeping.multiplied``.
        preset: all settings as published, but for what follows the backbone's latent shape.
        options: fields of ``LearnSpec`` and of ``PaperOptions``.

    Raises:
        InvalidValueError: a value is out of range, the method does not understand an option, or an option excludes
            another, or pictures.
        NotFoundError: there is no such method.
    """
    if not targets and any(options.get(name) is not None for name in ALONE):
        targets = sources
    if len(sources) != len(targets):
        raise InvalidValueError(
            f"{len(sources)} source and {len(targets)} target prompts do not make pairs.",
            hint="Give as many --target as --source; the i-th belong together.",
        )
    given = {option: value for option, value in options.items() if value is not None}
    method: Method = load_plugins().method(str(given.get("method", DEFAULT_METHOD)))
    refuse_unknown(method, {*given, "pictures"} if pictures else given.keys())
    check_word(None if options.get("on") is None else str(options["on"]))
    if pictures:
        _refuse_options_of_prompts({*given, "keep"} if keep else given.keys())
    try:
        pairs = multiplied([PromptPair(source=s, target=t) for s, t in zip(sources, targets, strict=True)], keep)
        asked = method.settings(given, pairs=len(pairs), pictures=len(pictures), preset=preset)
        fields = {"seeds": _DEFAULT_SEEDS, **asked}
        if pictures:
            fields |= {"pictures": tuple(pictures), "seeds": (0,), "delta_tau": -fields["t_x"]}
        spec = LearnSpec.model_validate({"name": validate_name(name), "pairs": pairs, **fields})
    except ValidationError as error:
        raise invalid_value(error, _FITS) from error
    for each in spec.names:
        validate_name(each)
    return spec


def refuse_unknown(method: Method, given: Collection[str]) -> None:
    """Refuse options that would change nothing.

    Raises:
        InvalidValueError: the method does not understand some of them; the message names them.
    """
    unknown = sorted(METHOD_OPTIONS.intersection(given) - method.options)
    if "pictures" in unknown:
        raise InvalidValueError(f"The method {method.name!r} learns from prompts, not from pictures.")
    if unknown:
        raise InvalidValueError(
            f"{', '.join(unknown)}: nothing that the method {method.name!r} understands.",
            hint="Leave it out, or choose another --method.",
        )


def _refuse_options_of_prompts(given: Collection[str]) -> None:
    if misplaced := sorted(_ONLY_WITH_PROMPTS.intersection(given)):
        hint = "Leave it out, or give --source and --target."
        raise InvalidValueError(f"{', '.join(misplaced)}: only with prompts, not with pictures.", hint)
