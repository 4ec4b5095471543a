"""Promises broken on purpose, one at a time, each with the campaign that has to notice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from tests.faults.process import ROOT

NEEDED = ("attrbank", "tests/faults", "tests/helpers")


class Mutant(NamedTuple):
    """A line of the package and what stands there instead, and the command that tells the two apart."""

    file: str
    line: str
    instead: str
    campaign: tuple[str, ...]


_LOCKED = """        with index.writing(self._layout.index) as connection:
            if entry.origin == "user" and ledger.state(connection, entry.id) != "present":
                raise NotFoundError(f"{entry.reference} has just been removed by somebody else.")
            for name in names:
                ledger.require_free(connection, name, entry.id, replaceable=False)
"""
_SAID = "            old = _or_empty(notes.get(self._layout, entry.id), entry.id)\n"

MUTANTS = {
    "no fsync of a file": Mutant(
        "files/__init__.py",
        "            rest = rest[os.write(descriptor, rest) :]\n        os.fsync(descriptor)",
        "            rest = rest[os.write(descriptor, rest) :]",
        ("power", "add", "40", "0"),
    ),
    "no fsync of a file's folder": Mutant(
        "store/_fs.py",
        "            os.replace(temporary, path)\n        files.sync_folder(path.parent)",
        "            os.replace(temporary, path)",
        ("power", "add", "40", "0"),
    ),
    "no fsync of a new folder's folder": Mutant(
        "store/_fs.py",
        "                raise\n        files.sync_folder(path.parent)",
        "                raise",
        ("power", "the first add", "40", "0"),
    ),
    "no fsync of the index": Mutant(
        "store/index.py", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = OFF", ("power", "remove", "40", "0")
    ),
    "no fsync of the index's folder": Mutant(
        "store/index.py", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = FULL", ("power", "tag", "40", "0")
    ),
    "no rename": Mutant(
        "store/_fs.py",
        "        with files.complete(path, data, mode=0o444) as temporary:\n            os.replace(temporary, path)",
        "        remove(path)\n        files._write(path, data, 0o444)",
        ("kills", "add", "1000", "0"),
    ),
    "the row before the file": Mutant(
        "store/adding.py",
        "            blobs.put(layout, each.identity, incoming.data)\n"
        "            ledger.admit(connection, each.facts, replace=replace)",
        "            ledger.admit(connection, each.facts, replace=replace)\n"
        '            connection.execute("COMMIT"); connection.execute("BEGIN")\n'
        "            blobs.put(layout, each.identity, incoming.data)",
        ("kills", "add", "1000", "0"),
    ),
    "no IMMEDIATE": Mutant("store/index.py", '"BEGIN IMMEDIATE"', '"BEGIN"', ("writers", "one-name", "8", "20", "0")),
    "the row not read again before a file is moved": Mutant(
        "store/bank.py",
        'if ledger.state(connection, entry.id) == "removed":',
        "if True:",
        ("interleaved", "remove", "add", "100", "0"),
    ),
    "the row not read again before a removal": Mutant(
        "store/bank.py",
        'if ledger.state(connection, entry.id) != "present":',
        "if False:",
        ("interleaved", "remove", "remove", "100", "0"),
    ),
    "the row not read again before a restoration": Mutant(
        "store/bank.py",
        'if ledger.state(connection, entry.id) != "removed":',
        "if False:",
        ("interleaved", "restore", "restore", "100", "0"),
    ),
    "what is said not read again before it is changed": Mutant(
        "store/annotating.py",
        _LOCKED + _SAID,
        _SAID.removeprefix("    ") + _LOCKED,
        ("interleaved", "tag", "rename", "100", "0"),
    ),
    "no check of the hash": Mutant(
        "store/blobs.py", "if identify(data) != identity_of(path):", "if False:", ("damage", "flipped", "0", "0")
    ),
    "no check of the digest": Mutant(
        "store/header.py",
        "hashlib.sha256(canonical(data, metadata)).hexdigest() != sealed",
        "not sealed",
        ("damage", "flipped", "0", "0"),
    ),
}


def grown(mutant: Mutant, folder: Path) -> Path:
    """A copy of the package with the mutant in it, and of the campaigns."""
    for part in NEEDED:
        shutil.copytree(ROOT / part, folder / part, ignore=_all_but_modules)
    (folder / "tests" / "__init__.py").touch()
    path = folder / "attrbank" / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.line) == 1, f"{mutant.file} does not say so once any more: {mutant.line}"
    path.write_text(text.replace(mutant.line, mutant.instead), encoding="utf-8")
    return folder


def _all_but_modules(above: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not Path(above, name).is_dir()]
