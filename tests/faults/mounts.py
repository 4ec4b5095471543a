"""Banks on real file systems that are full or read-only; to be run where mounting is allowed, as by ``unshare -rm``.

::

    unshare -rm python -m tests.faults.mounts full 40 0
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from attrbank.errors import StorageError
from attrbank.store.bank import Bank
from tests.faults.campaign import Tally
from tests.faults.workloads import fill, seen
from tests.helpers.artifacts import artifact, numbered

ACTS: dict[str, Callable[[Bank], object]] = {
    "add": lambda bank: bank.add(artifact("smile")),
    "replace": lambda bank: bank.add(numbered("young", 9), replace=True),
    "remove": lambda bank: bank.remove("old"),
    "restore": lambda bank: bank.restore("gone"),
    "tag": lambda bank: bank.annotations.tag(bank.resolve("young"), ["tag"]),
    "prune": lambda bank: bank.prune(),
    "reindex": lambda bank: bank.reindex(),
}


def _mount(folder: Path, *options: str) -> None:
    subprocess.run(["mount", *options, str(folder)], check=True)


def full(folder: Path, budget: int, chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """A file leaves less and less room; when it is gone, everything can be done."""
    _mount(folder, "-t", "tmpfs", "-o", "size=1m", "none")
    bank, filler = Bank(folder / "bank"), folder / "filler"
    fill(bank)
    for _ in range(budget):
        room, what = 4096 * chooser.randrange(24), chooser.choice(list(ACTS))
        before = seen(bank)
        _leave(filler, room)
        error = _done(bank, what)
        filler.unlink()
        yield f"{what} with {room} bytes left", error or _consequence(bank, before, what)


def _leave(filler: Path, room: int) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - room))


def _done(bank: Bank, what: str) -> str | None:
    """A full disk may say no, as a sentence."""
    try:
        ACTS[what](bank)
    except StorageError:
        return None
    except Exception as error:
        return None if getattr(error, "exit_code", 99) in {3, 4} else f"{type(error).__name__}: {error}"
    return None


def _consequence(bank: Bank, before: object, what: str) -> str | None:
    wrong = [finding for finding in bank.verify() if not finding.harmless]
    if wrong:
        return f"verify finds {wrong[0]}"
    return _done(bank, what) or (f"{what} cannot be done with room" if not seen(bank) else None)


def read_only(folder: Path, _budget: int, _chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """All can be read, and nothing can be written."""
    _mount(folder, "-t", "tmpfs", "none")
    bank = Bank(folder / "bank")
    fill(bank)
    before = seen(bank)
    _mount(folder, "-o", "remount,ro")
    for what, act in ACTS.items():
        try:
            act(bank)
            idle = what == "reindex" and seen(bank) == before  # it writes what differs, and nothing does
            yield what, None if idle else "was done on a read-only disk"
        except StorageError:
            yield what, None if seen(bank) == before else "is seen all the same"
    yield "verify", None if all(finding.harmless for finding in bank.verify()) else "finds harm"


KINDS = {"full": full, "read-only": read_only}


def tried(kind: str, budget: int, seed: int) -> Tally:
    """Operations on such a file system."""
    found = list(KINDS[kind](Path(tempfile.mkdtemp()), budget, random.Random(f"{seed} {kind}")))
    return Tally(len(found), [f"{what}: {wrong}" for what, wrong in found if wrong])


if __name__ == "__main__":
    kind, budget, seed = sys.argv[1:]
    print(json.dumps(tried(kind, int(budget), int(seed))))
