"""Rows of a file as orders: whole requests to learn, each checked before the first is run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from attrbank import files
from attrbank.diffusion.protocols import Description
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.learning.fleet.row import Row
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, default_backbone
from attrbank.names import parse_seeds
from attrbank.pictures.find import matched
from attrbank.plugins.manager import load_plugins
from attrbank.schema.annotated import MAX_NOTE, Names
from attrbank.schema.asked import METHOD_OPTIONS, LearnSpec, PictureFiles
from attrbank.schema.choices import Preset
from attrbank.schema.complaints import place_and_reason
from attrbank.schema.fields import Label, Prompt, Record
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.text import printable


def _listed(value: object) -> object:
    """One text is a list of one."""
    return [value] if isinstance(value, str) else value


Prompts = Annotated[tuple[Prompt, ...], BeforeValidator(_listed), Field(max_length=64)]
Words = Annotated[tuple[Label, ...], BeforeValidator(_listed), Field(max_length=64)]

HOW = METHOD_OPTIONS.union({"t_x", "delta_tau", "method", "sampler", "steps", "guidance_scale"}).difference(
    {"pictures", "mask", "component", "components"}
)
"""Keys that go to ``LearnSpec`` as they are, which says what is wrong with them."""


class _Asked(Record):
    """The keys of a row that do not."""

    source: Prompts = ()
    target: Prompts = ()
    keep: Words = ()
    source_image: Path | None = None
    target_image: Path | None = None
    seeds: str | int | None = None
    backbone: Label | None = None
    preset: Preset | None = None
    tune: bool = False
    judge: Label | None = None
    goal: Label | None = None
    force: bool = False
    tags: Annotated[Names, BeforeValidator(_listed)] = ()
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""


KEYS = HOW | _Asked.model_fields.keys()
"""All keys that a row may have."""


@dataclass(frozen=True)
class Order:
    """One attribute to be learned.

    Attributes:
        row: where it is asked for.
        spec: what to learn, with the model's own settings where the row leaves them open.
        backbone: the model, as the user names it.
        fingerprint: of the model's weights.
        asked: the rest.
    """

    row: Row
    spec: LearnSpec
    backbone: str
    fingerprint: str
    asked: _Asked

    @property
    def shared(self) -> tuple[object, ...]:
        """What it must have in common with another, so that the same runs of their sources serve both."""
        spec = self.spec
        sources = tuple(pair.source for pair in spec.pairs)
        return self.backbone, spec.sampler, spec.steps, spec.guidance_scale, sources, spec.seeds

    def made(self, record: AttributeRecord) -> bool:
        """Whether an attribute is what this would learn; what tuning settles is not compared."""
        spec, tuned = self.spec, self.asked.tune
        always = {"method", "pairs", "seeds", "branch", "sampler", "steps", "guidance_scale"}
        settled = set() if tuned else {"t_x", "delta_tau", *(spec.model_fields_set & {"core"})}
        given = spec.model_fields_set & {"vectors", "paper"}
        return (
            record.backbone.fingerprint == self.fingerprint
            and bool(record.tuning) == tuned
            and all(getattr(record, name) == getattr(spec, name) for name in always | settled | given)
            and ("rank" not in spec.model_fields_set or record.rank == spec.rank)
            and [(pair.source, pair.target) for pair in record.pictures] == [*map(_digests, spec.pictures)]
        )


def _digests(pair: PictureFiles) -> tuple[str, ...]:
    found = []
    for path in (pair.source, pair.target):
        with files.reading(path), path.open("rb") as stream:
            found.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return tuple(found)


class Orders:
    """Makes orders of rows.

    Args:
        bank: where attributes are to be stored.
        backbone: of rows that name none.
        replace: let names mean the new attributes if they are in use.
    """

    def __init__(self, bank: Path | str | None, backbone: str | None = None, *, replace: bool = False) -> None:
        self._bank, self._backbone, self._replace = Bank(Bank.open(bank).path), backbone, replace
        self._models: dict[str, Description] = {}

    def of(self, row: Row) -> Order:
        """The order of a row.

        Raises:
            AttrbankError: of any kind, with the row's place: it cannot be learned as it is written.
        """
        if unknown := sorted(set(row.values) - KEYS):
            error = InvalidValueError(
                f"{printable(unknown[0])} is no key of an attribute.", hint=f"There are {', '.join(sorted(KEYS))}."
            )
            raise row.wrong(error, unknown[0])
        try:
            asked = _Asked.model_validate({key: value for key, value in row.values.items() if key not in HOW})
        except ValidationError as error:
            key, reason = place_and_reason(error)
            key = key.partition(".")[0]
            raise row.wrong(InvalidValueError(f"{key}: {reason[0].lower()}{reason[1:]}."), key) from error
        try:
            return self._order(row, asked)
        except AttrbankError as error:
            first = error.message.partition(" ")[0].rstrip(":,")
            raise row.wrong(error, first) from error

    def _order(self, row: Row, asked: _Asked) -> Order:
        backbone = asked.backbone or self._backbone or default_backbone()
        model = self._model(backbone)
        if (asked.judge or asked.goal) and not asked.tune:
            raise InvalidValueError("judge and goal belong to tune = true.")
        seeds = asked.seeds if asked.seeds is None else parse_seeds(str(asked.seeds))
        spec = learn_spec(
            row.name,
            asked.source,
            asked.target,
            pictures=_pictures(row, asked),
            keep=asked.keep,
            preset=asked.preset,
            seeds=seeds,
            **{key: value for key, value in row.values.items() if key in HOW},
        )
        return Order(row, complete(spec, model, asked.preset), backbone, model.fingerprint, asked)

    def _model(self, backbone: str) -> Description:
        if backbone not in self._models:
            try:
                self._models[backbone] = load_plugins().describe(backbone)
            except AttrbankError as error:
                raise type(error)(f"backbone: {error.message}", error.hint) from error
        return self._models[backbone]

    def unsaid(self, order: Order, entry: Entry) -> bool:
        """Whether the row says tags or a note of an attribute that the bank does not know of it."""
        said = self._bank.annotations.of(entry)
        return bool(set(order.asked.tags) - set(said.tags)) or order.asked.note not in ("", said.note)

    def known(self, order: Order) -> Entry | None:
        """What the bank has of it already; None if nothing.

        Raises:
            InvalidValueError: something else has its name.
        """
        try:
            entry = self._bank.resolve(order.spec.name)
        except NotFoundError:
            return None
        if entry.name == order.spec.name and order.made(self._bank.record(entry)):
            return entry
        if self._replace:
            return None
        raise order.row.wrong(
            InvalidValueError(
                f"The bank has another {printable(order.spec.name)}, learned otherwise.",
                hint="Give it another name, or learn it with --replace: the old one stays reachable as NAME@ID.",
            )
        )


def _pictures(row: Row, asked: _Asked) -> tuple[PictureFiles, ...]:
    """The pairs of pictures; none if there are prompts. Paths begin where the file lies."""
    prompts, images = (asked.source, asked.target), (asked.source_image, asked.target_image)
    if any(prompts) == any(images) or not (all(prompts) or all(images)):
        raise InvalidValueError("Give source and target, or source_image and target_image.")
    return () if any(prompts) else matched(*(row.file.parent / (image or "") for image in images))


def twice(rows: Sequence[Row]) -> Mapping[str, Row]:
    """Names that several rows have, each with the second of these."""
    seen: set[str] = set()
    found: dict[str, Row] = {}
    for row in rows:
        if row.name in seen:
            found.setdefault(row.name, row)
        seen.add(row.name)
    return found
