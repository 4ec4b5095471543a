"""A fleet: orders that are checked whole, put beside those that share their runs, and learned one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.remembering import Memory
from attrbank.errors import AttrbankError, BankBusyError, InvalidValueError, StorageError
from attrbank.learning.fleet.orders import Order, Orders, twice
from attrbank.learning.fleet.sheet import place, rows_of
from attrbank.learning.run import OnStored, Prepare, Stored, learn
from attrbank.methods.protocol import OnProgress, OnWarning, quiet, silent
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from attrbank.text import printable

ROOM = 2**31
"""Bytes of predictions that are kept for those who share them: two attributes' of 64 pictures of Stable Diffusion."""

Status: TypeAlias = Literal["learned", "failed"]
Load: TypeAlias = Callable[[Order], Backbone]

PrepareFor: TypeAlias = Callable[[Order], Prepare | None]
"""What is done to an order's attribute before it is stored; nothing where it is None."""


@dataclass(frozen=True)
class Fleet:
    """What is to be done for a file.

    Attributes:
        orders: to be learned; those that share their sources' runs stand beside each other.
        there: references of what the bank has already, exactly as the file asks for it.
    """

    orders: tuple[Order, ...]
    there: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one order.

    Attributes:
        name: of the attribute.
        status: what became of it.
        reference: of what was learned.
        line: of the file.
        error: why it failed.
        warnings: told meanwhile.
    """

    name: str
    status: Status
    line: int
    reference: str | None = None
    error: str | None = None
    warnings: list[str] = field(default_factory=list)


class SheetError(InvalidValueError):
    """A file asks for what cannot be learned as it is written.

    Args:
        errors: each with its line.
        file: its name.
        total: how many attributes it names.
    """

    def __init__(self, errors: Sequence[AttrbankError], file: Path, total: int) -> None:
        self.errors = tuple(errors)
        wrong = f"{len(errors)} of {total} attributes in {printable(file.name)} cannot be learned as they are written"
        super().__init__(f"{wrong}; none was begun.")


def read_fleet(
    file: Path, bank: Path | str | None = None, *, backbone: str | None = None, replace: bool = False
) -> Fleet:
    """Read a file, and check it whole: nothing is loaded, and nothing is run.

    Args:
        file: TOML or CSV.
        bank: where attributes are to be stored; what it has already is not learned again.
        backbone: of attributes for which the file names none.
        replace: let names mean the new attributes if they are in use.

    Raises:
        AttrbankError: one attribute cannot be learned as it is written, or the file is none.
        SheetError: several cannot.
    """
    rows, errors, orders = rows_of(file), list[AttrbankError](), list[Order]()
    for name, again in twice(rows).items():
        errors.append(InvalidValueError(f"{place(file, again.line)}: {printable(name)} is named a second time."))
    making, there = Orders(bank, backbone, replace=replace), list[str]()
    for row in rows:
        try:
            order = making.of(row)
            known = making.known(order)
        except AttrbankError as error:
            errors.append(error)
            continue
        if known is None:
            orders.append(order)
        else:
            there.append(known)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SheetError(errors, file, len(rows))
    return Fleet(tuple(_side_by_side(orders)), tuple(there))


def _side_by_side(orders: Sequence[Order]) -> Iterator[Order]:
    """In the file's order, but for those who share something with an earlier one: they follow it."""
    groups: dict[tuple[object, ...], list[Order]] = {}
    for order in orders:
        groups.setdefault(order.shared, []).append(order)
    for group in groups.values():
        yield from group


def by_name(order: Order, placement: Placement | None = None) -> Backbone:
    """The model that an order names, where it is to run."""
    model: Backbone = load_plugins().backbone(order.backbone, placement)
    return model


@dataclass(kw_only=True)
class Run:
    """How a fleet is learned; models are loaded once each.

    Attributes:
        bank, replace: as ``learn`` has them.
        load: gives an order's model.
        prepare_for: gives what is done to each attribute before it is stored.
        on_stored: as ``learn`` has it.
        on_progress: told of each attribute's stages, which say whose they are.
        on_warning: told what the user should know, and of which attribute.
    """

    bank: Path | str | None = None
    replace: bool = False
    load: Load = by_name
    prepare_for: PrepareFor = lambda order: None
    on_stored: OnStored = lambda stored: None
    on_progress: OnProgress = quiet
    on_warning: OnWarning = silent
    _reference: str = field(default="", init=False)
    _model: Backbone | None = field(default=None, init=False)
    _memory: Memory = field(default_factory=partial(Memory, ROOM), init=False)

    def __call__(self, fleet: Fleet) -> Iterator[Outcome]:
        """Learn all of it, and tell of each as soon as it is stored or has failed; one failure stops no other.

        Raises:
            StorageError, BankBusyError: the bank cannot be written, so that no other could be stored either.
        """
        for number, order in enumerate(fleet.orders, 1):
            yield self._outcome(order, f"{number} of {len(fleet.orders)}, {order.spec.name}")

    def _outcome(self, order: Order, title: str) -> Outcome:
        warnings: list[str] = []
        told = partial(Outcome, name=order.spec.name, line=order.row.line, warnings=warnings)

        def warn(warning: str) -> None:
            warnings.append(warning)
            self.on_warning(f"{order.spec.name}: {warning}")

        def report(stage: str, done: int, total: int) -> None:
            self.on_progress(f"{title}: {stage}", done, total)

        try:
            return told(status="learned", reference=self._learned(order, report, warn))
        except AttrbankError as error:
            if isinstance(error, StorageError | BankBusyError) and not order.spec.pictures:
                raise
            return told(status="failed", error=order.row.wrong(error).message)

    def _learned(self, order: Order, report: OnProgress, warn: OnWarning) -> str:
        def stored(what: Stored) -> None:
            bank = Bank.open(self.bank)
            if order.asked.tags:
                bank.annotations.tag(what.entry, order.asked.tags)
            if order.asked.note:
                bank.annotations.note(what.entry, order.asked.note)
            self.on_stored(what)

        return learn(
            order.spec,
            backbone=self._loaded(order, report),
            bank=self.bank,
            replace=self.replace,
            force=order.asked.force,
            prepare=self.prepare_for(order),
            memory=self._memory,
            on_stored=stored,
            on_progress=report,
            on_warning=warn,
        ).reference

    def _loaded(self, order: Order, report: OnProgress) -> Backbone:
        """The order's model; the one before it goes first, for want of room."""
        if self._model is None or self._reference != order.backbone:
            self._model, self._memory = None, Memory(ROOM)
            report("loading", 0, 1)
            self._model = self.load(order)
            self._reference = order.backbone
        return self._model
