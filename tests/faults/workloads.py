"""What is done to a bank while faults befall it, and what may be true of the bank afterwards."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.attribute import bundle, exchange
from attrbank.attribute.places import addresses
from attrbank.attribute.transfer import beside, export_attribute, import_attribute
from attrbank.errors import CorruptArtifactError
from attrbank.store import blobs, index
from attrbank.store.bank import Bank
from attrbank.store.layout import Layout
from tests.helpers.artifacts import artifact, numbered, object_path, snapshot, usable
from tests.helpers.measured import a_card, a_matrix, a_pair

LONG_AGO = "2020-01-01T00:00:00.000+00:00"
JPEG = b"\xff\xd8\xff" + bytes(2000)
OUTSIDE = "outside"
"""The folder beside the bank, which is there, for files that come from it or go to it."""

View = Any
"""What users can see of a bank, to be compared; "damaged" where they are told to reindex it."""


class Workload(NamedTuple):
    """One operation, on a bank that was made for it.

    Attributes:
        begin: makes the bank.
        act: the operation.
        view: what is seen of the bank; before and after differ in it, and nothing between them may be seen.
        between: given a view, and those of before and after: whether it may be seen while nobody was told yet.
        mend: what the user is told to do where the view is "damaged"; None does the operation again.
        whole: whether all that is in the bank afterwards must be sound.
    """

    begin: Callable[[Bank], object]
    act: Callable[[Bank], object]
    view: Callable[[Bank], View]
    between: Callable[[View, View, View], bool] = lambda view, before, after: False
    mend: Callable[[Bank], object] | None = None
    whole: bool = True


def seen(bank: Bank, going: str | None = None) -> View:
    """Every version of every name with its tags and score, and the trash; the bytes of all are read but those of one.

    Args:
        bank: what is looked at.
        going: the name of what is deleted for good just now.
    """
    try:
        listed = [version for entry in bank.entries() for version in bank.versions(entry.name)]
        trash = {item.entry.id: item.entry.name for item in bank.trash()}
    except CorruptArtifactError as error:
        if "attrbank reindex" not in (error.hint or ""):
            raise
        return "damaged"
    for entry in listed:
        bank.read(entry)
        bank.annotations.of(entry)
    for identity, name in trash.items():
        if name != going:
            _require_in_trash(Layout(bank.path), identity)
    return frozenset((e.name, e.id, e.current, e.tags, e.score) for e in listed), frozenset(trash)


def _require_in_trash(layout: Layout, identity: str) -> None:
    """As ``restore`` finds it: in the trash, or where it was if its removal was interrupted."""
    with suppress(CorruptArtifactError):
        blobs.get(layout.trashed(identity))
        return
    blobs.get(layout.object(identity))


def fill(bank: Bank) -> None:
    """Two versions of young with a card, old with a tag, and what was removed: gone just now, and lately long ago."""
    bank.add(numbered("young", 1))
    bank.measurements.keep_card(a_card(bank.add(numbered("young", 2), replace=True).id))
    bank.annotations.tag(bank.add(artifact("old")), ["face"])
    for name in ("gone", "lately"):
        entry = bank.add(artifact(name))
        bank.measurements.keep_card(a_card(entry.id))
        bank.remove(name)
    _alter(bank, f"UPDATE versions SET removed = '{LONG_AGO}' WHERE name = 'lately'")


def _alter(bank: Bank, *statements: str) -> None:
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _as_of_the_first_schema(bank: Bank) -> None:
    fill(bank)
    _alter(
        bank,
        "DROP TABLE cards",
        "DROP TABLE annotations",
        "DROP TABLE aliases",
        *(f"ALTER TABLE artifacts DROP COLUMN {column}" for column in ("calibrated_low", "calibrated_high")),
        "DELETE FROM _sqlite_migrations WHERE name NOT LIKE 'm001%'",
        "PRAGMA user_version = 1",
    )


def _migrate(bank: Bank) -> None:
    with index.writing(bank.path / "index.db"):
        pass


def _schema(bank: Bank) -> View:
    with closing(sqlite3.connect(bank.path / "index.db")) as connection:
        bank.count()  # whoever comes first rolls back what was interrupted
        return seen(bank), connection.execute("PRAGMA user_version").fetchone()


def _half(bank: Bank) -> None:
    """Young is damaged and old missing, with sound copies in the trash; bad has none."""
    young, old, bad = (bank.add(artifact(name)) for name in ("young", "old", "bad"))
    trash = Layout(bank.path).trash
    trash.mkdir()
    for entry in (young, old):
        (trash / f"{entry.id}.safetensors").write_bytes(bank.read(entry))
    _spoil(object_path(bank, young.id), b"junk")
    _spoil(object_path(bank, bad.id), b"worse")
    object_path(bank, old.id).unlink()


def _spoil(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def _mended(bank: Bank) -> View:
    """Nothing is deleted, and what was mended reads."""
    kept = {data for name, data in snapshot(bank.path).items() if not name.startswith("index.db")}
    missing = {artifact("young"), artifact("old"), b"junk", b"worse"} - kept
    return missing, {finding.name: finding.state for finding in bank.verify() if finding.name}


def _mending(view: View, before: View, after: View) -> bool:
    """Something is damaged still, and nothing is deleted."""
    return not view[0]


def _without_index(bank: Bank) -> None:
    fill(bank)
    (bank.path / "index.db").write_bytes(bytes(9000))


def _outside(bank: Bank) -> Path:
    return bank.path.parent / OUTSIDE


def _gift(bank: Bank) -> None:
    """A file with all that goes beside one, from another bank."""
    other = Bank(bank.path.parent / "other")
    entry = other.add(usable("smile"))
    other.measurements.keep_card(a_card(entry.id))
    other.annotations.tag(entry, ["mouth"])
    other.previews.keep(entry, JPEG)
    export_attribute(other, entry, _outside(bank))
    fill(bank)


def _import(bank: Bank) -> None:
    (path,) = _outside(bank).glob("*.safetensors")
    import_attribute(bank, path)


def _imported(view: View, before: View, after: View) -> bool:
    """The attribute is there, and its card is not yet."""
    names, trash = after
    return bool(view == (frozenset((n, i, c, t, None if n == "smile" else s) for n, i, c, t, s in names), trash))


def _pack(bank: Bank) -> None:
    folder = _outside(bank) / "pack"
    for file in folder.glob("*"):
        file.unlink()  # as whoever was interrupted has to, before the folder is taken again
    bundle.begin(folder)
    written = [
        file.name for name in ("young", "old") for file in beside(export_attribute(bank, bank.resolve(name), folder))
    ]
    bundle.finish(folder, written)


def _packed(bank: Bank) -> View:
    folder = _outside(bank) / "pack"
    return seen(bank), len(bundle.artifacts(folder)) if bundle.is_bundle(folder) else None


def _back_up(bank: Bank) -> None:
    bank.backup(_outside(bank) / "bank.tar")


def _backed_up(bank: Bank) -> View:
    """What a bank that is filled from the backup shows, if there is one."""
    saved, copy = _outside(bank) / "bank.tar", Bank(bank.path.parent / "copy")
    shutil.rmtree(copy.path, ignore_errors=True)
    if saved.exists():
        copy.restore_backup(saved)
    return seen(bank), seen(copy)


def _saved(bank: Bank) -> None:
    other = Bank(bank.path.parent / "other")
    fill(other)
    other.backup(_outside(bank) / "bank.tar")


def _shelved(bank: Bank) -> None:
    """A folder that was pushed to, and a bank in which something has come since, and something changed."""
    fill(bank)
    _push(bank)
    bank.add(numbered("young", 3), replace=True)
    bank.annotations.tag(bank.resolve("old"), ["kind"])


def _push(bank: Bank) -> None:
    with addresses.target(str(_outside(bank) / "shelf")) as place:
        exchange.push(bank, bank.resolve_all(("young", "old")), place, replace=True)


def _pushed(bank: Bank) -> View:
    """What whoever pulls from the folder gets, and what goes along."""
    into, shelf = _outside(bank) / "pulled", _outside(bank) / "shelf"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    pulled = exchange.pull(addresses.source(str(shelf)), (), into)
    return frozenset(path.read_bytes() for path in pulled), snapshot(into)


def _pushing(view: View, before: View, after: View) -> bool:
    """Nothing is there that was not pushed, and something is."""
    return bool(view[0]) and view[0] <= before[0] | after[0]


WORKLOADS = {
    "the first add": Workload(lambda bank: None, lambda bank: bank.add(artifact("young")), seen),
    "add": Workload(fill, lambda bank: bank.add(artifact("smile")), seen),
    "replace": Workload(fill, lambda bank: bank.add(numbered("young", 3), replace=True), seen),
    "remove": Workload(fill, lambda bank: bank.remove("old"), seen),
    "restore": Workload(fill, lambda bank: bank.restore("gone"), seen),
    "add what was removed": Workload(fill, lambda bank: bank.add(artifact("gone")), seen),
    "tag": Workload(fill, lambda bank: bank.annotations.tag(bank.resolve("young"), ["tag"]), seen),
    "rename": Workload(fill, lambda bank: bank.annotations.rename(bank.resolve("old"), "elder"), seen),
    "keep a card": Workload(fill, lambda bank: bank.measurements.keep_card(a_card(bank.resolve("old").id)), seen),
    "keep a preview": Workload(
        fill,
        lambda bank: bank.previews.keep(bank.resolve("old"), JPEG),
        lambda bank: (seen(bank), bank.previews.read(bank.resolve("old"))),
    ),
    "keep a matrix": Workload(
        fill,
        lambda bank: bank.measurements.keep_matrix(a_matrix(a_pair("0" * 64, "1" * 64, 0.5))),
        lambda bank: (seen(bank), bank.measurements.pairs(["0" * 64, "1" * 64])),
    ),
    "migrate": Workload(_as_of_the_first_schema, _migrate, _schema),
    "repair": Workload(_half, lambda bank: bank.repair(), _mended, _mending, whole=False),
    "reindex": Workload(_without_index, lambda bank: bank.reindex(), seen, mend=lambda bank: bank.reindex()),
    "prune": Workload(fill, lambda bank: bank.prune(), lambda bank: seen(bank, going="lately")),
    "export a bundle": Workload(fill, _pack, _packed),
    "push": Workload(_shelved, _push, _pushed, _pushing),
    "back up": Workload(fill, _back_up, _backed_up),
    "restore a backup": Workload(_saved, lambda bank: bank.restore_backup(_outside(bank) / "bank.tar"), seen),
    "import": Workload(_gift, _import, seen, _imported),
}
"""The last one loads torch, which slows down whatever comes after it in the same process."""
