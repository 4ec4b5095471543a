"""A fleet is learned: its groups go to whoever does the work, and what comes back goes to the bank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from attrbank.executors.carrying import Carrier
from attrbank.executors.here import Here
from attrbank.executors.protocol import Executor, Task
from attrbank.learning.fleet.orders import Order
from attrbank.learning.fleet.read import Fleet
from attrbank.learning.fleet.work import Common, Wanted
from attrbank.learning.fleet.writer import Bounds, Outcome, Writer, task_of
from attrbank.plugins.jobs import job_of
from attrbank.store.bank import Bank

MOST = 8
"""Orders of one task. One more worker that runs the source costs each of them an eighth of what it shares at most."""

PLAIN = "attrbank.learning.fleet.work:plain"
"""The work of a fleet that is neither tuned nor drawn."""


@dataclass(kw_only=True)
class Run(Bounds):
    """How a fleet is learned. Whoever does the work, this process alone writes to the bank.

    Attributes:
        executor: who does the work; one group of orders that share a source is a task.
        target: the work, see ``executors.protocol.Job``.
        common: what all of it has in common.
    """

    executor: Executor = field(default_factory=Here)
    target: str = PLAIN
    common: Common = field(default_factory=Common)
    _carrier: Carrier | None = field(default=None, init=False)

    @property
    def running(self) -> int:
        """How many groups are being learned."""
        return self._carrier.running if self._carrier else 0

    @property
    def again(self) -> int:
        """How many groups were done once more, because their worker was lost."""
        return self._carrier.again if self._carrier else 0

    def __call__(self, fleet: Fleet) -> list[Outcome]:
        """Learn all of it; each attribute is in the bank as soon as it is made, and one failure stops no other.

        Raises:
            StorageError, BankBusyError: the bank cannot be written, so that no other could be stored either.
            AttrbankError: there is nobody who does the work.
        """
        self._say(fleet)
        if fleet.orders:
            Bank.open(self.bank).require_writable()
        writer = Writer(self, fleet.orders, lambda: self.running)
        job = job_of(self.target, self.common.model_dump_json().encode())
        self._carrier = Carrier(self.executor, job, writer.left)
        for end in self._carrier(_groups(fleet.orders), writer):
            writer.ended(end)
        return writer.outcomes

    def _say(self, fleet: Fleet) -> None:
        """Let what the file says of attributes that are there reach them."""
        bank = Bank.open(self.bank)
        for order in fleet.unsaid:
            entry = bank.resolve(order.spec.name)
            bank.annotations.tag(entry, order.asked.tags)
            note = bank.annotations.of(entry).note
            if order.asked.note and not note:
                bank.annotations.note(entry, order.asked.note)
            elif order.asked.note and note != order.asked.note:
                self.on_warning(f"{order.spec.name}: the bank has another note of it than the file, and keeps it.")


def _groups(orders: Sequence[Order]) -> Iterator[Task]:
    """Tasks of orders that share a source."""
    shared = (list(group) for _, group in groupby(enumerate(orders), key=lambda numbered: numbered[1].shared))
    groups = (group[first : first + MOST] for group in shared for first in range(0, len(group), MOST))
    for number, group in enumerate(groups):
        yield task_of(number, [_wanted(*one) for one in group])


def _wanted(number: int, order: Order) -> Wanted:
    asked = order.asked
    how: dict[str, Any] = {"force": asked.force, "tune": asked.tune, "judge": asked.judge, "goal": asked.goal}
    return Wanted(number=number, spec=order.spec, backbone=order.backbone, fingerprint=order.fingerprint, **how)
