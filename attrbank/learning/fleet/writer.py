"""The one writer of a fleet: it hears what workers tell, stores what they have made, and sums up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from attrbank.attribute.artifact import LearnedAttribute, decode
from attrbank.errors import AttrbankError, BankBusyError, CorruptArtifactError, StorageError
from attrbank.executors.carrying import TRIES
from attrbank.executors.protocol import Ended, Task
from attrbank.learning.fleet.orders import Order
from attrbank.learning.fleet.work import Group, Wanted
from attrbank.methods.protocol import OnWarning, silent
from attrbank.schema.stored import AttributeRecord
from attrbank.schema.told import Told, unframed
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.header import check_seal
from attrbank.text import printable

Status: TypeAlias = Literal["learned", "failed"]


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


@dataclass(frozen=True)
class Standing:
    """How far a fleet is.

    Attributes:
        ended, running, waiting: how many orders have ended, are being learned, and are not begun.
        doing: what was told last, as ``hat: sampling, 34 %``.
    """

    ended: int
    running: int
    waiting: int
    doing: str

    def __str__(self) -> str:
        """In words."""
        total = self.ended + self.running + self.waiting
        return f"{self.ended} of {total} done, {self.running} running, {self.waiting} waiting ({self.doing})"


def task_of(number: int, wanted: Sequence[Wanted]) -> Task:
    """The task of a group."""
    return Task(number, Group(wanted=tuple(wanted)).model_dump_json(exclude_unset=True).encode())


@dataclass(kw_only=True)
class Bounds:
    """What the writer of a fleet does with what it hears.

    Attributes:
        bank, replace: as ``learn`` has them.
        require_usable: raises what an artifact is to be refused for, such as that its method cannot use it.
        on_stored: called with each attribute that was stored.
        on_ended: called with what became of each order.
        on_progress: told how far all of it is.
        on_warning: told what the user should know, and of which attribute.
    """

    bank: Path | str | None = None
    replace: bool = False
    require_usable: Callable[[LearnedAttribute], None] = lambda attribute: None
    on_stored: Callable[[Entry], None] = lambda entry: None
    on_ended: Callable[[Outcome], None] = lambda outcome: None
    on_progress: Callable[[Standing], None] = lambda standing: None
    on_warning: OnWarning = silent


class Writer:
    """Hears what workers tell, and does what only the client does.

    Args:
        bounds: what it is to do.
        orders: of the fleet; workers know them by their places.
        running: tells how many groups are being learned.

    Attributes:
        outcomes: what became of each order, as they ended.
    """

    def __init__(self, bounds: Bounds, orders: Sequence[Order], running: Callable[[], int]) -> None:
        self._bounds, self._orders, self._running, self.outcomes = bounds, orders, running, list[Outcome]()
        self._warnings: dict[int, list[str]] = {}
        self._over = set[int]()
        self._stored: dict[int, Entry] = {}

    def __call__(self, task: Task, message: bytes) -> None:
        """Do what a message is for."""
        told, data = unframed(message)
        if told.of >= len(self._orders):
            raise CorruptArtifactError("A worker has told of what nobody asked for.")
        if told.said == "drawn":
            self._drawn(told.of, data)
        elif told.said == "warning":
            self._warn(told.of, told.text)
        elif told.said == "progress":
            self._report(told)
        elif told.of not in self._over:
            self._end(told.of, told.text if told.said == "failed" else self._store(told.of, data))

    def left(self, task: Task) -> Task | None:
        """What of a group is neither stored nor failed."""
        wanted = [one for one in Group.model_validate_json(task.payload).wanted if one.number not in self._over]
        return task_of(task.number, wanted) if wanted else None

    def ended(self, end: Ended) -> None:
        """Take down what is missing of a group that was lost for good, or of which nothing was told."""
        left, why = self.left(end.task), f"{end.lost}, {TRIES} times." if end.lost else "its worker told nothing of it."
        for wanted in Group.model_validate_json(left.payload).wanted if left else ():
            self._end(wanted.number, why)

    def _end(self, number: int, failed: str | None) -> None:
        order, entry = self._orders[number], self._stored.get(number)
        warnings = self._warnings.pop(number, [])
        told = partial(Outcome, name=order.spec.name, line=order.row.line, warnings=warnings)
        if failed is None and entry:
            outcome = told(status="learned", reference=entry.reference)
        else:
            outcome = told(status="failed", error=order.row.wrong(AttrbankError(failed or "")).message)
        self._over.add(number)
        self.outcomes.append(outcome)
        self._bounds.on_ended(outcome)

    def _store(self, number: int, data: bytes) -> str | None:
        """Store an artifact, which is trusted as little as one from a file; why it is not, if it is not."""
        order, bank = self._orders[number], Bank.open(self._bounds.bank)
        try:
            check_seal(data)
            learned = decode(data)
            _require_asked(learned.record, order)
            self._bounds.require_usable(learned)
            entry = bank.add(data, replace=self._bounds.replace)
        except (StorageError, BankBusyError) as error:  # no other could be stored either
            raise order.row.wrong(error) from error
        except AttrbankError as error:
            return error.message
        if order.asked.tags:
            bank.annotations.tag(entry, order.asked.tags)
        if order.asked.note:
            bank.annotations.note(entry, order.asked.note)
        self._stored[number] = entry
        self._bounds.on_stored(entry)
        return None

    def _drawn(self, number: int, picture: bytes) -> None:
        """Keep a preview; whatever goes wrong is a warning, because the attribute is stored."""
        if entry := self._stored.get(number):
            try:
                Bank.open(self._bounds.bank).previews.keep(entry, picture)
            except AttrbankError as error:
                self._warn(number, f"no preview could be kept: {error.message}")

    def _warn(self, number: int, warning: str) -> None:
        self._warnings.setdefault(number, []).append(printable(warning))
        self._bounds.on_warning(f"{self._orders[number].spec.name}: {printable(warning)}")

    def _report(self, told: Told) -> None:
        ended, running = len(self._over), self._running()
        share = f", {100 * told.done // told.total} %" if told.total > 1 else ""
        doing = f"{self._orders[told.of].spec.name}: {printable(told.text)}{share}"
        self._bounds.on_progress(Standing(ended, running, max(0, len(self._orders) - ended - running), doing))


def _require_asked(record: AttributeRecord, order: Order) -> None:
    spec = order.spec
    same = (record.name, record.backbone.fingerprint) == (spec.name, order.fingerprint)
    if not same or (record.seeds, record.steps) != (spec.seeds, spec.steps):
        raise CorruptArtifactError("A worker has made something else than it was asked for.")
