from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.files import GRACE
from attrbank.store import index, rebuild
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, object_path, snapshot
from tests.helpers.measured import a_card


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def _filled(bank: Bank) -> Bank:
    """Two versions of one name, the older one current; one name removed; one plain."""
    bank.add(numbered("young", 1))
    bank.add(numbered("young", 2), replace=True)
    bank.add(numbered("young", 1), replace=True)
    bank.add(artifact("smile"))
    bank.add(artifact("beard"))
    bank.remove("beard")
    return bank


def test_each_kind_of_damage_has_its_state(bank: Bank) -> None:
    states = ("ok", "missing", "modified", "corrupt", "misindexed")
    made = {state: bank.add(artifact(state)).id for state in states}
    object_path(bank, made["missing"]).unlink()
    _write(object_path(bank, made["modified"]), artifact("modified", body=b"\1" * 16))
    _write(object_path(bank, made["corrupt"]), b"PK\3\4")
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("UPDATE artifacts SET t_x = 0.9 WHERE name = 'misindexed'")
    (bank.path / "objects" / "ab").mkdir(exist_ok=True)
    (bank.path / "objects" / "ab" / "x.tmp").touch()
    found = {finding.name: finding.state for finding in bank.verify()}
    assert {state: state for state in states} | {None: "leftover"} == found


def test_starter_bank_is_verified_too(bank: Bank, starter: Path) -> None:
    path = next(path for path in starter.rglob("*.safetensors") if b"smile" in path.read_bytes())
    _write(path, artifact("smile", body=b"\1" * 16))
    findings = {finding.name: (finding.state, finding.origin) for finding in Bank(bank.path, starter).verify()}
    assert findings == {"smile": ("modified", "starter"), "glasses": ("ok", "starter")}


def test_reindex_of_a_sound_bank_changes_nothing_that_is_seen(bank: Bank) -> None:
    _filled(bank)
    before = (bank.entries(), bank.versions("young"), sorted(os.listdir(bank.path / "trash")))
    rebuilt = bank.reindex()
    assert before == (bank.entries(), bank.versions("young"), sorted(os.listdir(bank.path / "trash")))
    assert (len(rebuilt.kept), rebuilt.adopted, rebuilt.lost, rebuilt.damaged) == (3, (), (), ())
    bank.restore("beard")


def _foreign_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")


DAMAGE = {
    "deleted": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(random.Random(0).randbytes(9000)),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "newer by a bit flip": lambda path: path.write_bytes(path.read_bytes()[:60] + b"\x7f" + path.read_bytes()[61:]),
    "another database": _foreign_database,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_index_says_how_to_mend_it_and_reindex_does(bank: Bank, damage: str) -> None:
    _filled(bank)
    artifacts = {name: data for name, data in snapshot(bank.path).items() if name != "index.db"}
    DAMAGE[damage](bank.path / "index.db")
    for action in (bank.entries, bank.verify, lambda: bank.resolve("young"), lambda: bank.add(artifact("new"))):
        with pytest.raises(CorruptArtifactError) as caught:
            action()
        assert "attrbank reindex" in (caught.value.hint or "")
    bank.reindex()
    assert [entry.name for entry in bank.entries()] == ["smile", "young"]
    assert len(bank.versions("young")) == 2
    assert {"ok"} == {finding.state for finding in bank.verify()}
    assert artifacts.items() <= snapshot(bank.path).items()
    assert bank.restore("beard").name == "beard"


def test_every_flipped_byte_of_the_index_is_survived(bank: Bank, tmp_path: Path) -> None:
    _filled(bank)
    index, chooser = bank.path / "index.db", random.Random(1)
    good = index.read_bytes()
    for _ in range(40):
        bad, place = bytearray(good), chooser.randrange(len(good))
        bad[place] ^= 1 << chooser.randrange(8)
        index.write_bytes(bad)
        bank.reindex()
        names = {entry.name for entry in bank.entries()}
        assert {"smile", "young"} <= names, place


def test_rot_in_any_copy_of_a_name_is_found_and_mended(bank: Bank) -> None:
    """SQLite's own indices hold it, too, and a look-up goes by those alone."""
    _filled(bank)
    index, wanted = bank.path / "index.db", bank.resolve("smile")
    good = index.read_bytes()
    places = [found.start() for found in re.finditer(b"smile", good)]
    assert len(places) > 4
    for place in places:
        index.write_bytes(good[:place] + b"t" + good[place + 1 :])
        try:
            silent = all(finding.harmless for finding in bank.verify())
        except CorruptArtifactError:
            silent = False
        assert not silent or bank.resolve("smile") == wanted, place
        bank.reindex()
        assert bank.resolve("smile") == wanted, place
        assert all(finding.harmless for finding in bank.verify()), place


def test_what_the_index_tells_of_what_was_removed_is_verified_too(bank: Bank) -> None:
    _filled(bank)
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("UPDATE artifacts SET steps = steps + 1 WHERE name = 'beard'")
    (finding,) = (finding for finding in bank.verify() if finding.state != "ok")
    assert (finding.state, finding.name, "attrbank reindex" in finding.detail) == ("misindexed", "beard", True)
    bank.reindex()
    assert all(finding.state == "ok" for finding in bank.verify())


def test_lost_index_gives_a_name_to_its_newest_version(bank: Bank) -> None:
    ids = [bank.add(numbered("young", number), replace=True).id for number in range(4)]
    for age, identity in enumerate((ids[2], ids[0], ids[3], ids[1])):
        os.utime(object_path(bank, identity), (1e9 - age, 1e9 - age))
    (bank.path / "index.db").unlink()
    assert len(bank.reindex().adopted) == 4
    assert ids[2] == bank.resolve("young").id
    assert "2001-09-09" in (bank.resolve("young").created or "")


def test_dates_and_current_versions_are_taken_from_a_partly_readable_index(bank: Bank) -> None:
    _filled(bank)
    before = (bank.entries(), bank.versions("young"))
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("DROP TABLE artifacts")
    bank.reindex()
    assert before == (bank.entries(), bank.versions("young"))


def test_reindex_forgets_what_is_gone_and_keeps_what_is_damaged(bank: Bank) -> None:
    gone, damaged = bank.add(artifact("gone")).id, bank.add(artifact("damaged")).id
    object_path(bank, gone).unlink()
    _write(object_path(bank, damaged), b"junk")
    rebuilt = bank.reindex()
    assert ((gone,), (damaged,)) == (rebuilt.lost, rebuilt.damaged)
    assert [entry.name for entry in bank.entries()] == ["damaged"]
    assert bank.remove("damaged").name == "damaged"


def test_reindex_adopts_files_that_were_put_there_by_hand(bank: Bank, tmp_path: Path) -> None:
    other = Bank(tmp_path / "other")
    bank.add(artifact("young"))
    entry = other.add(artifact("smile"))
    target = object_path(bank, entry.id)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(other.read(entry))
    assert (entry.id,) == bank.reindex().adopted
    assert entry.id == bank.resolve("smile").id


def test_reindex_sweeps_only_temporary_files_of_ours_that_are_old(bank: Bank) -> None:
    shard = object_path(bank, bank.add(artifact()).id).parent
    (bank.path / "mine.tmp").mkdir()  # nor does a folder stop it
    past = time.time() - GRACE - 10
    for folder in (shard, bank.path):
        for name in (".attrbank-old.tmp", ".attrbank-new.tmp", "notes.tmp"):
            (folder / name).touch()
        for name in (".attrbank-old.tmp", "notes.tmp"):
            os.utime(folder / name, (past, past))
    bank.reindex()
    for folder in (shard, bank.path):
        left = {path.name for path in folder.glob("*.tmp") if path.is_file()}
        assert left == {".attrbank-new.tmp", "notes.tmp"}


def test_interrupted_reindex_loses_nothing(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    _filled(bank)
    before = bank.entries()
    monkeypatch.setattr("attrbank.store.rebuild._enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.reindex()
    monkeypatch.undo()
    assert before == bank.entries()
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("DROP TABLE artifacts")
    monkeypatch.setattr("attrbank.store.rebuild._enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.reindex()
    monkeypatch.undo()
    bank.reindex()
    assert before == bank.entries()


def test_rot_in_the_trash_is_found_and_what_is_sound_there_is_no_item(bank: Bank) -> None:
    sound, rotten = (bank.add(artifact(name)) for name in ("sound", "rotten"))
    for name in ("sound", "rotten"):
        bank.remove(name)
    assert bank.verify() == ()
    path = bank.path / "trash" / f"{rotten.id}.safetensors"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    (found,) = bank.verify()
    assert (found.state, found.item, found.name, found.harmless) == ("modified", f"trash/{path.name}", "rotten", False)
    assert sound.id not in found.item


def test_others_can_write_while_a_rebuild_reads_and_lose_nothing(
    bank: Bank, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Add, remove, restore, rename and annotate while files are hashed: a lock in the way would say that it is busy."""
    for name in ("young", "smile", "old"):
        bank.add(artifact(name))
    bank.remove("old")
    scanned, calls = rebuild._scanned, list[Path]()

    def interrupted(path: Path) -> object:
        found = scanned(path)
        calls.append(path)
        if len(calls) == 1:
            bank.add(artifact("hat"))
            bank.remove("smile")
            bank.restore("old")
            bank.annotations.rename(bank.resolve("young"), "youth")
            bank.annotations.tag(bank.resolve("hat"), ["head"])
            bank.measurements.keep_card(a_card(bank.resolve("hat").id))
        return found

    monkeypatch.setattr(rebuild, "_scanned", interrupted)
    rebuilt = bank.reindex()
    assert [entry.name for entry in bank.entries()] == ["hat", "old", "youth"]
    assert [item.entry.name for item in bank.trash()] == ["smile"]
    assert (bank.resolve("hat").tags, bank.resolve("hat").score) == (("head",), 0.9)
    assert (rebuilt.lost, rebuilt.damaged) == ((), ())
    assert {finding.state for finding in bank.verify()} == {"ok"}


def test_under_the_lock_only_what_changed_is_read_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        bank.add(artifact(f"n{number}"))
    for path in (*bank.path.rglob("*.safetensors"), *(bank.path / "objects").iterdir()):
        os.utime(path, (1e9, 1e9))
    scanned, calls, held = rebuild._scanned, list[Path](), list[int]()
    monkeypatch.setattr(rebuild, "_scanned", lambda path: (calls.append(path), scanned(path))[1])
    writing = index.writing

    @contextmanager
    def late(path: Path) -> Iterator[sqlite3.Connection]:
        if not held:
            held.append(len(calls))
            bank.add(artifact("late"))
        with writing(path) as connection:
            yield connection

    monkeypatch.setattr(index, "writing", late)
    assert len(bank.reindex().kept) == 31
    assert held == [30]
    assert calls[30:] == [object_path(bank, bank.resolve("late").id)]
