"""While one process works on a bank, another does all of its work at one of its calls to the system.

What comes of it must be what comes of one order of the two. Where the first holds the lock, the second is told so.

::

    python -m tests.faults.interleaved remove any 100 0

lets any other fall into a removal, at a hundred places.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.errors import AttrbankError, BankBusyError
from attrbank.store import blobs, index
from attrbank.store.bank import Bank
from tests.faults.campaign import Tally, workplace
from tests.faults.workloads import fill, seen
from tests.helpers import stepping
from tests.helpers.artifacts import artifact, numbered
from tests.helpers.measured import a_card
from tests.helpers.stepping import TRACEBACK, Call

OLD = blobs.identify(artifact("old"))

ACTS: dict[str, Callable[[Bank], object]] = {
    "add": lambda bank: bank.add(artifact("old")),
    "take": lambda bank: bank.add(numbered("old", 5)),
    "replace": lambda bank: bank.add(numbered("old", 6), replace=True),
    "remove": lambda bank: bank.remove(OLD),
    "restore": lambda bank: bank.restore("gone"),
    "add what was removed": lambda bank: bank.add(artifact("gone")),
    "restore what is old": lambda bank: bank.restore("lately"),
    "tag": lambda bank: bank.annotations.tag(bank.resolve(OLD), ["tag"]),
    "rename": lambda bank: bank.annotations.rename(bank.resolve(OLD), "elder"),
    "keep a card": lambda bank: bank.measurements.keep_card(a_card(bank.resolve(OLD).id)),
    "prune": lambda bank: bank.prune(),
    "reindex": lambda bank: bank.reindex(),
    "repair": lambda bank: bank.repair(),
}
BUSY = BankBusyError.exit_code


class Came(NamedTuple):
    """What came of two: the exit codes of both, and the bank."""

    first: int
    second: int
    view: Any


class Pair:
    """Two operations on one bank."""

    def __init__(self, first: str, second: str, folder: Path) -> None:
        self.first, self.second = ACTS[first], ACTS[second]
        self._made, self.bank = folder / "made", Bank(folder / "run" / "bank")
        if not self._made.exists():
            fill(Bank(self._made / "bank"))

    def _fresh(self) -> None:
        shutil.rmtree(self.bank.path.parent, ignore_errors=True)
        shutil.copytree(self._made, self.bank.path.parent)

    def in_order(self) -> set[Came]:
        """What may come of the two: one after the other, in both orders."""
        self._fresh()
        first, second = self._now(self.first), self._now(self.second)
        one = Came(first, second, seen(self.bank))
        self._fresh()
        second, first = self._now(self.second), self._now(self.first)
        return {one, Came(first, second, seen(self.bank))}

    def at(self, number: int) -> tuple[Came, int, str]:
        """What comes of the two if the second falls into the first's call of this number, and how many there are."""
        self._fresh()
        codes: list[int] = []

        def interrupt(call: Call) -> int:
            if call.number == number:
                codes.append(self._now(self.second))
            return 0

        ended = stepping.run(lambda: self.first(self.bank), self.bank.path.parent, interrupt)
        if codes in ([], [BUSY]):  # then it comes afterwards, as it was told to
            codes = [self._now(self.second)]
        return Came(ended.code, codes[0], seen(self.bank)), ended.calls, ended.said

    def _now(self, act: Callable[[Bank], object]) -> int:
        try:
            act(self.bank)
        except AttrbankError as error:
            return error.exit_code
        except Exception:
            return TRACEBACK
        return 0

    def complaint(self, number: int, allowed: set[Came]) -> str | None:
        """What is wrong with what comes of the two, if anything."""
        try:
            came, _, said = self.at(number)
        except AttrbankError as error:
            return f"the bank cannot be read: {error}"
        if came not in allowed:
            return f"no order explains {came} ({said})"
        wrong = [finding for finding in self.bank.verify() if not finding.harmless]
        return f"verify finds {wrong[0]}" if wrong else None


def tried(first: str, second: str, budget: int, seed: int) -> Tally:
    """Calls of one operation into which another falls, or any other."""
    index.BUSY_TIMEOUT, lost = 0.0, list[str]()
    chooser = random.Random(f"{seed} interleaved {first}")
    with workplace() as folder:
        pairs = {other: Pair(first, other, folder) for other in (ACTS if second == "any" else (second,))}
        calls = next(iter(pairs.values())).at(-1)[1]
        every = [(other, number) for other in pairs for number in range(calls)]
        chosen = sorted(chooser.sample(every, min(budget, len(every))))
        allowed = {other: pairs[other].in_order() for other in {other for other, _ in chosen}}
        for other, number in chosen:
            if wrong := pairs[other].complaint(number, allowed[other]):
                lost.append(f"{other} at call {number} of {first}: {wrong}")
    return Tally(len(chosen), lost)


if __name__ == "__main__":
    first, second, budget, seed = sys.argv[1:]
    print(json.dumps(tried(first, second, int(budget), int(seed))))
