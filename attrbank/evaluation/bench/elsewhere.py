"""Measuring by workers: each sets up what the client has set up, and tells the cells that the client lacks.

What comes back goes into the client's store, and then the client measures as if there had been no workers: it finds
what they have measured, and does itself what they could not. So the figures are the same, whoever made them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from attrbank.attribute.along import Carried, carried, unpacked
from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.evaluation.bench.cells import Cell, CellStore
from attrbank.evaluation.bench.setting import Setting, SettingRequest
from attrbank.executors.carrying import TRIES, Carrier
from attrbank.executors.protocol import Executor, Job, Task, Tell
from attrbank.methods.protocol import OnProgress, OnWarning
from attrbank.schema.fields import Record
from attrbank.schema.measured import Protocol
from attrbank.schema.told import Told, framed, unframed
from attrbank.store.bank import Bank

Asked = TypeVar("Asked", bound=SettingRequest)


class Common(Record):
    """What all workers are given.

    Attributes:
        request: as JSON, in which attributes go by their ids.
        along: those attributes.
        protocol: what the client has set up, which the worker's must be the same as.
    """

    request: str
    along: tuple[Carried, ...]
    protocol: str


class TellingStore(CellStore):
    """A store that tells of each cell, and keeps what is told."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(None, protocol)
        self.tell: Tell = lambda message: None

    def add(self, cell: Cell) -> None:
        """Keep a cell, and tell of it."""
        super().add(cell)
        self.tell(framed(Told(said="made"), cell.model_dump_json().encode()))


class Bag(Generic[Asked]):
    """What a worker unpacks: the request, with a bank of the attributes that came along.

    Args:
        common: as the client has packed it.
        kind: of the request.
    """

    def __init__(self, common: bytes, kind: type[Asked]) -> None:
        found = Common.model_validate_json(common)
        bank = unpacked(found.along, self)
        self.request = replace(TypeAdapter(kind).validate_json(found.request), bank=bank.path)
        self._protocol = found.protocol

    def require_same(self, setting: Setting) -> Setting:
        """What was set up here, if it is what the client has set up.

        Raises:
            IncompatibleError: it is not.
        """
        if setting.protocol.hash != self._protocol:
            raise IncompatibleError(
                "A worker would measure otherwise than the client.", hint="Give workers the same model and plugins."
            )
        return setting


def packed(request: SettingRequest, setting: Setting) -> bytes:
    """What workers are given to set up the same."""
    bank = Bank.open(request.bank)
    entries = bank.resolve_all(request.references)
    asked = replace(request, references=tuple(entry.id for entry in entries), out=None, bank=None)
    text = TypeAdapter(type(request)).dump_json(asked).decode()
    along = carried(bank, entries)
    return Common.model_construct(request=text, along=along, protocol=setting.protocol.hash).model_dump_json().encode()


def fill(
    store: CellStore,
    executor: Executor,
    job: Job,
    payloads: Iterable[bytes],
    belongs: Callable[[Cell], bool],
    total: int,
    on_progress: OnProgress,
    on_warning: OnWarning,
) -> None:
    """Put into a store what workers measure.

    Args:
        store: which lacks it.
        executor: whose workers do it.
        job: what they do.
        payloads: one a task.
        belongs: whether a cell is one that was asked for.
        total: of cells that are lacking.
        on_progress: told of each cell.
        on_warning: told of tasks that no worker could do, which the client does then.

    Raises:
        CorruptArtifactError: a worker tells what is no such cell.
        AttrbankError: there are no workers, or they cannot measure this.
    """
    done = 0

    def hear(task: Task, message: bytes) -> None:
        nonlocal done
        cell = _cell(message)
        if not belongs(cell):
            raise CorruptArtifactError("A worker has measured what nobody asked for.")
        if cell.key not in store:
            store.add(cell)
            done += 1
            on_progress(f"{carrier.running} at once", done, total)

    carrier = Carrier(executor, job)
    for end in carrier(map(Task._make, enumerate(payloads)), hear):
        if end.lost:
            on_warning(f"a part is measured here, because {end.lost}, {TRIES} times")


def _cell(message: bytes) -> Cell:
    try:
        return Cell.model_validate_json(unframed(message).data)
    except ValidationError as error:
        raise CorruptArtifactError("A worker has told what is no measurement.") from error
