"""Many processes on one bank: whatever they do at once, some order of it explains what comes of it.

::

    python -m tests.faults.writers one-attribute 32 100 0

lets 32 of them add, remove and restore the same attribute, a hundred times.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.store.bank import Bank
from attrbank.store.blobs import identify
from attrbank.store.entry import Entry
from tests.faults.campaign import Tally, workplace
from tests.helpers.artifacts import artifact, numbered

FORK = multiprocessing.get_context("fork")
YOUNG = artifact("young")
MOST = 32
"""Writers, at most."""
LIFE = 100
"""Rounds after which a crowd goes on with a new bank: each round looks at all that earlier ones left."""


class Did(NamedTuple):
    """What one writer did in one round: an ``error`` is none of those that may come of two who want the same."""

    what: str
    done: bool
    error: str = ""


def add(bank: Bank, _number: int) -> None:
    """The same bytes as everybody."""
    bank.add(YOUNG)


def remove(bank: Bank, _number: int) -> None:
    """It may be gone already."""
    bank.remove("young")


def restore(bank: Bank, _number: int) -> None:
    """It may be there already."""
    bank.restore("young")


def take(bank: Bank, number: int) -> None:
    """The name, for other bytes, if nobody has it."""
    bank.add(numbered("young", number))


def replace(bank: Bank, number: int) -> None:
    """The same, whoever has it."""
    bank.add(numbered("young", number), replace=True)


def new(bank: Bank, number: int) -> None:
    """A name that is nobody else's."""
    bank.add(artifact(f"n{number}"))


def tag(bank: Bank, number: int) -> None:
    """A tag that is nobody else's, in the place of those of rounds before."""
    earlier = (f"t{n}" for n in range(max(0, number - 4 * MOST), number - MOST + 1))
    bank.annotations.tag(bank.resolve(f"young@{identify(YOUNG)[:12]}"), [f"t{number}"], earlier)


def reindex(bank: Bank, _number: int) -> None:
    """Nothing is damaged."""
    bank.reindex()


ACTS: dict[str, Callable[[Bank, int], None]] = {
    act.__name__: act for act in (add, remove, restore, take, replace, new, tag, reindex)
}


class Crowd:
    """Processes that wait for what they are to do, and then do it all at once."""

    def __init__(self, size: int, folder: Path) -> None:
        self._folder = folder
        self._start = FORK.Barrier(size)
        self._ends = [self._spawn() for _ in range(size)]
        self.move(0)

    def move(self, number: int) -> None:
        """From now on, all work on another bank."""
        self.bank = Bank(self._folder / f"bank-{number}")

    def _spawn(self) -> Connection:
        here, there = FORK.Pipe()
        FORK.Process(target=self._work, args=(there,), daemon=True).start()
        return here

    def _work(self, orders: Connection) -> None:
        while True:
            path, what, number = orders.recv()
            self._start.wait()
            orders.send(_did(Bank(path), what, number))

    def together(self, orders: list[tuple[str, int]]) -> list[Did]:
        """What came of one order for each."""
        for end, order in zip(self._ends, orders, strict=True):
            end.send((self.bank.path, *order))
        return [end.recv() for end in self._ends]


def _did(bank: Bank, what: str, number: int) -> Did:
    try:
        ACTS[what](bank, number)
    except (NotFoundError, InvalidValueError):
        return Did(what, False)
    except Exception as error:
        return Did(what, False, f"{type(error).__name__}: {error}")
    return Did(what, True)


def one_attribute(crowd: Crowd, chooser: random.Random, size: int, _round: int) -> str | None:
    """All want the same attribute there, gone or back."""
    was = bool(crowd.bank.entries())
    did = crowd.together([(chooser.choice(("add", "remove", "restore")), 0) for _ in range(size)])
    return _disorder(did, was, bool(crowd.bank.entries())) or _trouble(crowd.bank, did)


def _disorder(did: list[Did], was: bool, is_there: bool) -> str | None:
    """Each removal takes it away; each restoration brings it back, and so may an addition, unless it is there."""
    done = {what: sum(each.done for each in did if each.what == what) for what in ("add", "remove", "restore")}
    back = done["remove"] + is_there - was
    if not done["restore"] <= back <= done["restore"] + done["add"]:
        return f"no order explains {done}, from {was} to {is_there}"
    return None


def everything(crowd: Crowd, chooser: random.Random, size: int, number: int) -> str | None:
    """Some want one attribute there, gone or back, some say what it is, some rebuild the index, some bring others."""
    was = bool(_young(crowd.bank))
    what = [chooser.choice(("add", "remove", "restore", "tag", "reindex", "new")) for _ in range(size)]
    orders = [(each, number * size + place) for place, each in enumerate(what)]
    did = crowd.together(orders)
    acknowledged = [(what, n) for (what, n), each in zip(orders, did, strict=True) if each.done]
    names = {entry.name for entry in crowd.bank.entries()}
    if lost := [n for what, n in acknowledged if what == "new" and f"n{n}" not in names]:
        return f"not there: {lost[:5]}"
    if tags := {f"t{n}" for what, n in acknowledged if what == "tag"}:
        known = _young(crowd.bank) or [item.entry for item in crowd.bank.trash()]
        if lost := sorted(tags.difference(crowd.bank.annotations.of(known[0]).tags)):
            return f"not said any more: {lost[:5]}"
    return _disorder(did, was, bool(_young(crowd.bank))) or _trouble(crowd.bank, did)


def _young(bank: Bank) -> list[Entry]:
    return [entry for entry in bank.entries() if entry.name == "young"]


def one_name(crowd: Crowd, chooser: random.Random, size: int, number: int) -> str | None:
    """All want the same name for attributes of their own; some of them whoever has it."""
    orders = [(chooser.choice(("take", "replace")), number * size + place) for place in range(size)]
    did = crowd.together(orders)
    versions = crowd.bank.versions("young")
    there = {crowd.bank.read(version) for version in versions}
    if lost := [n for (_, n), each in zip(orders, did, strict=True) if each.done and numbered("young", n) not in there]:
        return f"acknowledged and gone: {lost}"
    if [version.current for version in versions].count(True) != 1:
        return "the name does not mean one attribute"
    return _trouble(crowd.bank, did) if number % 10 == 0 else _first_error(did)


def many_names(crowd: Crowd, _chooser: random.Random, size: int, number: int) -> str | None:
    """Nobody is in another's way."""
    did = crowd.together([("new", number * size + place) for place in range(size)])
    names = {entry.name for entry in crowd.bank.entries()}
    if lost := [n for n in range((number + 1) * size) if f"n{n}" not in names]:
        return f"not there: {lost[:5]}"
    return _trouble(crowd.bank, did) if number % 10 == 0 else _first_error(did)


def without_locks(crowd: Crowd, _chooser: random.Random, size: int, number: int) -> str | None:
    """On a file system that grants every lock to everybody the index suffers; a rebuild mends it, and no file is lost.

    Whoever is told of damage is told of no loss.
    """
    did = crowd.together([("new", number * size + place) for place in range(size)])
    added = [number * size + place for place, each in enumerate(did) if each.done]
    crowd.bank.reindex()
    names = {entry.name for entry in crowd.bank.entries()}
    if lost := [n for n in added if f"n{n}" not in names]:
        return f"not there: {lost}"
    return _trouble(crowd.bank, [each for each in did if not each.error.startswith(DAMAGED)])


DAMAGED = ("CorruptArtifactError", "StorageError", "BankBusyError", "IncompatibleError")


def _grant_all_locks() -> None:
    connect = sqlite3.connect

    def unlocked(address: str, **options: Any) -> sqlite3.Connection:
        return connect(f"{address}&nolock=1" if options.get("uri") else address, **options)

    sqlite3.connect = unlocked  # type: ignore[assignment]


def _trouble(bank: Bank, did: list[Did]) -> str | None:
    wrong = [finding for finding in bank.verify() if finding.state != "ok"]
    return f"verify finds {wrong[0]}" if wrong else _first_error(did)


def _first_error(did: list[Did]) -> str | None:
    return next((f"{each.what}: {each.error}" for each in did if each.error), None)


KINDS: dict[str, Callable[..., Any]] = {
    "one-attribute": one_attribute,
    "one-name": one_name,
    "many-names": many_names,
    "everything": everything,
    "without-locks": without_locks,
}


def tried(kind: str, size: int, rounds: int, seed: int) -> Tally:
    """So many rounds of so many writers; the first that goes wrong is the last."""
    chooser = random.Random(f"{seed} {kind}")
    if kind == "without-locks":
        _grant_all_locks()
    with workplace() as folder:
        crowd = Crowd(size, folder)
        for number in range(rounds):
            if number % LIFE == 0:
                shutil.rmtree(crowd.bank.path, ignore_errors=True)
                crowd.move(number // LIFE)
            if wrong := KINDS[kind](crowd, chooser, size, number % LIFE):
                return Tally(number + 1, [f"{kind}, round {number} of {size} writers: {wrong}"])
    return Tally(rounds, [])


if __name__ == "__main__":
    kind, size, rounds, seed = sys.argv[1:]
    print(json.dumps(tried(kind, int(size), int(rounds), int(seed))))
