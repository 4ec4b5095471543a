"""What Python callers hand over, made into the requests that the engine knows, or refused by name."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypedDict, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from attrbank.diffusion.placement import Placement
from attrbank.editing.axes import NOTHING, SheetRequest, axis_of
from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.names import parse_asked, parse_seeds
from attrbank.pictures.find import matched
from attrbank.schema.asked import ALONE, LearnSpec, PictureFiles
from attrbank.schema.choices import BankedZ, Core, Inversion, Preset, Solver, Tail, Vectors, Weights
from attrbank.schema.complaints import invalid_value
from attrbank.text import MAX_SEEDS, SEED_LIMIT

PathLike: TypeAlias = str | os.PathLike[str]
Texts: TypeAlias = str | Sequence[str]
Paths: TypeAlias = PathLike | Sequence[PathLike]

LONGEST_TEXT = 4096

_FITS = "help(attrbank) says what there is, and what is usual."

Asked = TypeVar("Asked")


class ApplyOptions(TypedDict, total=False):
    """The options of ``apply`` that say what is drawn, beside its attributes; ``attrbank.apply`` explains them."""

    prompt: str | None
    negative_prompt: str | None
    seed: int | None
    image: PathLike | None
    mask: PathLike | None
    rho: float | None
    sampler: str | None
    steps: int | None
    guidance_scale: float | None
    inversion: Inversion | None
    core: Core | None
    raw: bool
    on: str | None
    force: bool


class LearnOptions(TypedDict, total=False):
    """The options of ``learn``, beside a name and prompts; ``attrbank.learn`` explains them."""

    source_image: Paths | None
    target_image: Paths | None
    keep: Texts | None
    replace: bool
    force: bool
    preview: bool
    tune: bool
    judge: str | None
    goal: str | None
    preset: Preset | None
    seeds: str | Iterable[int] | None
    t_x: float | None
    delta_tau: float | None
    branch: float | None
    method: str | None
    vectors: Vectors | None
    core: Core | None
    rank: int | None
    on: str | None
    mask: PathLike | None
    component: int | None
    components: int | None
    tail: Tail | None
    solver: Solver | None
    weights: Weights | None
    z: BankedZ | None
    k: int | None
    width: int | None
    samples: int | None
    sampler: str | None
    steps: int | None
    guidance_scale: float | None


@dataclass(frozen=True, kw_only=True)
class LearnRequest:
    """One ``learn``, as asked for.

    Attributes:
        spec: what to learn.
        preset: all settings as published.
        tune: choose core and T_x and calibrate strengths.
        judge: who looks meanwhile; None is the backbone's own.
        goal: what the attribute promises, where its name does not tell.
        replace: let the name mean the new attribute if it is in use.
        force: store it even if there is next to nothing to learn.
        preview: draw what it looks like.
        bank: where to store it.
    """

    spec: LearnSpec
    preset: Preset | None
    tune: bool
    judge: str | None
    goal: str | None
    replace: bool
    force: bool
    preview: bool
    bank: Path | None


def refuse_unknown(function: str, options: Mapping[str, Any], known: type) -> None:
    """Refuse an option of a name that nobody knows, as Python does for any function.

    Raises:
        TypeError: there is one.
    """
    for unknown in sorted(set(options).difference(known.__annotations__)):
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown!r}")


def apply_request(
    attributes: Sequence[object], options: Mapping[str, Any], *, bank: object, **where: object
) -> ApplyRequest:
    """The request for attributes such as ``young:0.7@0.3`` and the options of ``apply``.

    Raises:
        InvalidValueError: a value is of no use.
    """
    _refuse_monsters(options)
    references = tuple(parse_asked(_text(attribute, "An attribute")) for attribute in attributes)
    files = {name: path(options.get(name), f"The {name}") for name in ("image", "mask")}
    return _made(ApplyRequest, references=references, bank=path(bank, "The bank"), **{**options, **files}, **where)


def sheet_request(
    attributes: Sequence[object], x: object, y: object, options: Mapping[str, Any], *, bank: object, **where: object
) -> SheetRequest:
    """The request for a strip or a grid, with axes such as ``young=0:1:5``; ``y`` may be None.

    Raises:
        InvalidValueError: a value is of no use.
    """
    # What the pictures have in common is checked as if it were of one.
    common = dict(vars(apply_request(["x"], options, bank=bank, **where)))
    for own in ("references", "only_after"):
        del common[own]
    return SheetRequest(
        references=tuple(parse_asked(_text(attribute, "An attribute")) for attribute in attributes),
        common=common,
        across=axis_of(_text(x, "x")),
        down=NOTHING if y is None else axis_of(_text(y, "y")),
    )


def learn_request(
    name: object, source: object, target: object, options: Mapping[str, Any], *, bank: object
) -> LearnRequest:
    """The request for the arguments of ``learn``.

    Raises:
        InvalidValueError: a value is of no use, or there are neither prompts nor pictures, or both.
        NotFoundError, StorageError: pictures are not to be found, or cannot be read.
    """
    _refuse_monsters(options)
    rest = dict(options)
    images = rest.pop("source_image", None), rest.pop("target_image", None)
    how = {name: rest.pop(name, False) for name in ("tune", "replace", "force")} | {"preset": rest.get("preset")}
    how |= {name: rest.pop(name, None) for name in ("judge", "goal")}
    how["preview"] = rest.pop("preview", True)
    if how["preset"] is not None:
        _text(how["preset"], "preset")
    mask = path(rest.pop("mask", None), "The mask")
    alone = mask is not None or any(rest.get(name) is not None for name in ALONE)
    if not alone or target is not None or any(image is not None for image in images):
        _require_one_kind((source, target), images)
    spec = learn_spec(
        _text(name, "The name"),
        () if source is None else _texts(source, "source"),
        () if target is None else _texts(target, "target"),
        pictures=_pictures(*images),
        keep=_kept(rest.pop("keep", None)),
        **{**rest, "mask": mask, "seeds": _seeds(rest.get("seeds"))},
    )
    return _made(LearnRequest, spec=spec, bank=path(bank, "The bank"), **how)


def placement(device: object, dtype: object, offload: object) -> Placement | None:
    """Where networks are to run, from text or from what torch has for it; None if nobody says so.

    Raises:
        InvalidValueError: it is no such wish.
    """
    names = {"device": device, "dtype": dtype}
    texts = {name: None if wish is None else str(wish).removeprefix("torch.") for name, wish in names.items()}
    _refuse_monsters(texts)
    wishes = _made(Placement, **texts, offload=offload)
    return None if wishes == Placement() else wishes


def path(value: object, what: str) -> Path | None:
    """A path, or None.

    Raises:
        InvalidValueError: it is neither.
    """
    return None if value is None else _path(value, what)


def reference(value: object) -> str | None:
    """What names a backbone: text, or the path of a folder; None if nothing does.

    Raises:
        InvalidValueError: it is none of these.
    """
    if isinstance(value, os.PathLike):
        return str(_path(value, "The backbone"))
    return None if value is None else _text(value, "The backbone")


def _refuse_monsters(options: Mapping[str, Any]) -> None:
    """Refuse what is longer than anything here may be, and would not even fit into a message."""
    for name, value in options.items():
        number, text = isinstance(value, int), isinstance(value, str)
        if (number and value.bit_length() > 64) or (text and len(value) > LONGEST_TEXT):
            raise InvalidValueError(f"{name} is far too long.")


def _made(kind: type[Asked], **fields: object) -> Asked:
    """The dataclass with its fields checked, and converted where nothing is lost: ``"out.png"``, ``numpy.int64(7)``."""
    try:
        made: Asked = _adapter(cast(Hashable, kind)).validate_python(fields)
    except ValidationError as error:
        raise invalid_value(error, _FITS) from error
    return made


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    """Built once: that takes longer than what a slider may take for everything beside the network."""
    return TypeAdapter(cast(type[Any], kind))


def _path(value: object, what: str) -> Path:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_TEXT or not _is_name_of_a_file(text):
        raise InvalidValueError(f"{what} must be the path of a file or a folder.", hint="Give it as text or as a Path.")
    return Path(text)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InvalidValueError(f"{what} must be text of at most {LONGEST_TEXT} characters.")
    return value


def _texts(value: object, what: str) -> list[str]:
    """One prompt, or several."""
    return [_text(item, f"A {what} prompt") for item in ([value] if isinstance(value, str) else _listed(value, what))]


def _kept(value: object) -> list[str]:
    return [] if value is None else _texts(value, "keep")


def _listed(value: object, what: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise InvalidValueError(f"{what} must be one, or a list of them, not {type(value).__name__}.")
    return list(value)


def _require_one_kind(prompts: tuple[object, object], images: tuple[object, object]) -> None:
    by_prompts, by_images = ([side is not None for side in pair] for pair in (prompts, images))
    if any(by_prompts) == any(by_images) or not (all(by_prompts) or all(by_images)):
        hint = "Give source and target, or source_image and target_image."
        raise InvalidValueError("An attribute is learned from prompts or from pictures.", hint)


def _pictures(source: object, target: object) -> tuple[PictureFiles, ...]:
    """Two pictures or two folders of them, or two lists whose i-th belong together; none if there are prompts."""
    if source is None:
        return ()
    if not isinstance(source, list | tuple):
        return matched(_path(source, "source_image"), _path(target, "target_image"))
    sources = [_path(item, "source_image") for item in source]
    targets = [_path(item, "target_image") for item in _listed(target, "target_image")]
    if len(sources) != len(targets):
        raise InvalidValueError(f"{len(sources)} source and {len(targets)} target pictures do not make pairs.")
    return tuple(PictureFiles(source=s, target=t) for s, t in zip(sources, targets, strict=True))


def _seeds(value: object) -> tuple[int, ...] | None:
    """A text such as ``0-63``, or whole numbers; never more than a spec may have, however long a range is."""
    if value is None or isinstance(value, str):
        return None if value is None else parse_seeds(value)
    if not isinstance(value, Iterable):
        raise InvalidValueError("seeds must be numbers, as range(64), or text, as '0-63'.")
    seeds = tuple(islice(value, MAX_SEEDS + 1))
    try:
        whole = tuple(seed.__index__() for seed in seeds)
    except (AttributeError, TypeError) as error:
        raise InvalidValueError("seeds must be whole numbers.") from error
    if len(whole) > MAX_SEEDS or not all(0 <= seed < SEED_LIMIT for seed in whole):
        raise InvalidValueError(f"seeds must be at most {MAX_SEEDS:,} whole numbers from 0 to 2^63 - 1.")
    return whole


def _is_name_of_a_file(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
