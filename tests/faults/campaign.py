"""Faults that befall an operation at each of its calls to the system: a kill, kills one after another, errors.

::

    python -m tests.faults.campaign kills add 10 0

tries ten kills of an addition, chosen by seed 0, in a process that has no threads and forks quickly. ``any`` is every
workload, ten kills of each.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import sqlite_utils  # noqa: F401 — so that no child has to import it

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.schema import annotated, measured  # noqa: F401
from attrbank.store import backup, record, repair  # noqa: F401
from attrbank.store.bank import Bank
from tests.faults.workloads import OUTSIDE, WORKLOADS, View, Workload
from tests.helpers import stepping
from tests.helpers.stepping import KILL, TRACEBACK, Call, Ended, Verdict

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
MEMORY = Path("/dev/shm")


class Tally(NamedTuple):
    """How many faults were tried, and a sentence for each that lost or spoilt something."""

    tried: int
    lost: list[str]


class Scene:
    """A workload in a folder of its own, with the views before and after it.

    Attributes:
        calls: how many calls it makes undisturbed.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.workload: Workload = WORKLOADS[name]
        self.folder, self._made = folder / "run", folder / "made"
        (self._made / OUTSIDE).mkdir(parents=True)
        self.workload.begin(Bank(self._made / "bank"))
        self.before: View = self.workload.view(self.fresh())
        ended = self.act(self.fresh(), lambda call: 0)
        assert ended.code == 0, ended
        self.calls = ended.calls
        self.after: View = self.workload.view(self.bank)
        assert self.after != self.before

    @property
    def bank(self) -> Bank:
        """As it is now."""
        return Bank(self.folder / "bank")

    def fresh(self) -> Bank:
        """The bank as it was made."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._made, self.folder)
        return self.bank

    def act(self, bank: Bank, verdict: Verdict, after: Callable[[Call, int], None] | None = None) -> Ended:
        """The operation, in a process of its own."""
        return stepping.run(lambda: self.workload.act(bank), self.folder, verdict, after)

    def again(self, bank: Bank) -> None:
        """What the user does next: what was advised, or the same once more; that it is done already is no error."""
        if self.workload.mend and self.workload.view(bank) == "damaged":
            self.workload.mend(bank)
        with contextlib.suppress(NotFoundError, InvalidValueError):
            self.workload.act(bank)

    def complaint(self, ended: Ended) -> str | None:
        """What is wrong with the bank as it is now, if anything."""
        if ended.code == TRACEBACK:
            return f"traceback: {ended.said}"
        try:
            return self._complaint(ended)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _complaint(self, ended: Ended) -> str | None:
        view = self.workload.view(self.bank)
        if ended.code == 0 and view != self.after:
            return "acknowledged, and not there"
        if view not in (self.before, self.after) and not self.workload.between(view, self.before, self.after):
            return f"neither as before nor as after: {view}"
        checked = self.workload.whole and view != "damaged"
        if checked and (wrong := [finding for finding in self.bank.verify() if not finding.harmless]):
            return f"verify finds {wrong[0]}"
        self.again(self.bank)
        if self.workload.view(self.bank) != self.after:
            return "done again, and not there"
        return None


def kills(scene: Scene, budget: int, chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """SIGKILL before a call, which so does not happen."""
    for number in _some(range(scene.calls), budget, chooser):
        ended = scene.act(scene.fresh(), _killing(number))
        yield f"killed at {number}", scene.complaint(ended)


def compound_kills(scene: Scene, budget: int, chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """Killed, and killed again while the user does it again; once more, if that is still not the end."""
    for _ in range(budget):
        numbers = [chooser.randrange(scene.calls) for _ in range(chooser.choice((2, 2, 3)))]
        ended = scene.act(scene.fresh(), _killing(numbers[0]))
        for number in numbers[1:]:
            ended = stepping.run(lambda: scene.again(scene.bank), scene.folder, _killing(number))
        yield f"killed at {numbers}", scene.complaint(ended)


def _killing(number: int) -> Verdict:
    return lambda call: KILL if call.number == number else 0


def errors(scene: Scene, budget: int, chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """A call fails, as on a full or failing disk: once, or it and all that come after it."""
    every = [(number, code, ever) for number in range(scene.calls) for code in ERRORS for ever in (False, True)]
    for number, code, ever in _some(every, budget, chooser):

        def verdict(call: Call, number: int = number, code: int = code, ever: bool = ever) -> int:
            return code if call.number == number or (ever and call.number > number) else 0

        ended = scene.act(scene.fresh(), verdict)
        yield f"{errno.errorcode[code]} {'from' if ever else 'at'} {number}", scene.complaint(ended)


KINDS = {"kills": kills, "compound": compound_kills, "errors": errors}


def tried(kind: str, name: str, budget: int, seed: int) -> Tally:
    """Faults of one kind on one workload, at most ``budget`` of them."""
    with workplace() as folder:
        scene = Scene(name, folder)
        found = list(KINDS[kind](scene, budget, random.Random(f"{seed} {kind} {name}")))
        return Tally(len(found), [f"{name}, {fault}: {wrong}" for fault, wrong in found if wrong])


def on(name: str, attempt: Callable[[str], Tally]) -> Tally:
    """An attempt on one workload, or on each if the name is ``any``."""
    tallies = [attempt(each) for each in (WORKLOADS if name == "any" else [name])]
    return Tally(sum(tally.tried for tally in tallies), [wrong for tally in tallies for wrong in tally.lost])


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder in memory, if there is any: what is tried here does not need a disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


def _some(of: range | list[tuple[int, int, bool]], budget: int, chooser: random.Random) -> list:
    return sorted(chooser.sample(of, min(budget, len(of))))


if __name__ == "__main__":
    kind, name, budget, seed = sys.argv[1:]
    print(json.dumps(on(name, lambda each: tried(kind, each, int(budget), int(seed)))))
