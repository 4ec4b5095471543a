"""The power fails during an operation, or just after it was acknowledged.

::

    python -m tests.faults.power add 100 0

tries a hundred different states of the disk in which that may leave the bank; ``any`` is every workload.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import Scene, Tally, on, workplace
from tests.faults.disk import Change, Disk, Tree, read
from tests.helpers.stepping import KILL, Call, Ended


def recorded(scene: Scene) -> list[Change]:
    """All that the operation changes, in its order; what failed changed nothing."""
    changes: list[Change] = []
    coming: list[Change] = []

    def look(call: Call) -> int:
        coming[:] = [read(call)]
        return 0

    def happened(_call: Call, gave: int) -> None:
        if gave >= 0:
            changes.extend(coming)

    assert scene.act(scene.fresh(), look, happened).code == 0
    return changes


def states(scene: Scene, chooser: random.Random) -> Iterator[tuple[int, bool, Tree]]:
    """After how many changes the power fails, whether that is after all of them, and what the disk holds then.

    Without end; most are not the first of their kind.
    """
    changes = recorded(scene)
    before = _tree(scene.fresh().path.parent)
    while True:
        # One in three fails when all is done: nothing that was acknowledged may be lost.
        end = len(changes) if chooser.random() < 1 / 3 else chooser.randrange(len(changes))
        disk = Disk(scene.folder, before)
        for change in changes[:end]:
            disk.happened(change)
        yield end, end == len(changes), disk.after_a_failure(chooser)


def tried(name: str, budget: int, seed: int) -> Tally:
    """So many different states, or as many as can be found in twenty times as many throws."""
    with workplace() as folder:
        scene, chooser = Scene(name, folder), random.Random(f"{seed} power {name}")
        seen, lost = set[int](), list[str]()
        generated = states(scene, chooser)
        for _ in range(20 * budget):
            end, done, tree = next(generated)
            if (known := hash((done, frozenset(tree.items())))) in seen:
                continue
            seen.add(known)
            _lay(scene.folder, tree)
            if wrong := scene.complaint(Ended(0 if done else KILL, end, "")):
                lost.append(f"{name}, the power fails after {end} changes: {wrong}")
            if len(seen) == budget:
                break
        return Tally(len(seen), lost)


def _tree(folder: Path) -> Tree:
    return {str(path): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def _lay(folder: Path, tree: Tree) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    for path, data in sorted(tree.items()):
        if data is None:
            Path(path).mkdir(exist_ok=True)
        else:
            Path(path).write_bytes(data)


if __name__ == "__main__":
    name, budget, seed = sys.argv[1:]
    print(json.dumps(on(name, lambda each: tried(each, int(budget), int(seed)))))
