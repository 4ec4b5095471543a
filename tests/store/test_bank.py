from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attrbank.errors import (
    CorruptArtifactError,
    IncompatibleError,
    InvalidValueError,
    NotFoundError,
    StorageError,
)
from attrbank.store import _fs, blobs, ledger
from attrbank.store.bank import Bank
from tests.store.artifacts import artifact, numbered, snapshot


def _object(bank: Bank, identity: str) -> Path:
    return bank.path / "objects" / identity[:2] / f"{identity}.safetensors"


def test_bank_that_does_not_exist_is_empty_and_reading_does_not_create_it(bank: Bank) -> None:
    assert bank.entries() == ()
    assert bank.count() == 0
    assert bank.verify() == ()
    assert bank.reindex().kept == ()
    bank.refuse_taken("young")
    with pytest.raises(NotFoundError):
        bank.resolve("young")
    assert not bank.path.exists()


def test_added_attribute_is_read_back_byte_for_byte(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    assert artifact("young") == bank.read(bank.resolve("young"))
    assert entry == bank.resolve("young")
    assert bank.record(entry).name == "young"


def test_entry_tells_what_the_record_says(bank: Bank) -> None:
    pairs = [{"source": "a man", "target": "an old man"}, {"source": "a woman", "target": "an old woman"}]
    values = bank.add(artifact("old", pairs=pairs, seeds=[3, 4, 9])).as_json()
    expected = {"name": "old", "origin": "user", "method": "avi", "vectors": "difference", "core": "mean"}
    expected |= {"solver": None, "k": None, "rank": 4, "unit": 1.25, "source": "a man", "target": "an old man"}
    expected |= {"pairs": pairs, "t_x": 0.4, "delta_tau": -0.2, "seed": 3, "seeds": "3-4,9", "backbone": "portraits"}
    expected |= {"sampler": "ddim", "steps": 50, "guidance_scale": 7.5, "size_bytes": len(artifact("old", pairs=pairs))}
    assert expected | {"size_bytes": values["size_bytes"]} == {name: values[name] for name in expected}
    assert values["created"].endswith("+00:00")


def test_paper_vectors_tell_their_solver_and_head_size(bank: Bank) -> None:
    entry = bank.add(artifact(vectors="paper", core=None, rank=None, units={}, paper={"solver": "mlp", "k": 7}))
    assert (entry.solver, entry.k, entry.unit) == ("mlp", 7, None)


def test_equal_bytes_are_stored_once(bank: Bank) -> None:
    first = bank.add(artifact())
    assert first == bank.add(artifact())
    assert (first,) == bank.entries()


def test_name_in_use_is_refused_and_nothing_is_left_behind(bank: Bank) -> None:
    bank.add(numbered("young", 1))
    before = snapshot(bank.path)
    with pytest.raises(InvalidValueError, match="already"):
        bank.add(numbered("young", 2))
    with pytest.raises(InvalidValueError, match="already"):
        bank.refuse_taken("young")
    assert before == snapshot(bank.path)


def test_replaced_version_stays_reachable_by_its_id(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    new = bank.add(numbered("young", 2), replace=True)
    assert new == bank.resolve("young")
    assert old.id == bank.resolve(old.reference).id == bank.resolve(old.id[:8]).id
    assert [new.id, old.id] == [entry.id for entry in bank.versions("young")]
    assert (new,) == bank.entries()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", artifact("../x"), artifact()[:-1]])
def test_invalid_artifact_is_refused_before_anything_is_written(bank: Bank, data: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        bank.add(data)
    assert not bank.path.exists()


def test_every_single_bit_flip_and_truncation_is_noticed_on_reading(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, good = bank.add(artifact()), artifact()

    def read_back(data: bytes) -> None:
        monkeypatch.setattr(_fs, "read_start", lambda *_: _fs.Chunk(data, len(data), 0.0))
        with pytest.raises(CorruptArtifactError):
            bank.read(entry)

    for bit in range(len(good) * 8):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        read_back(bytes(bad))
    for length in range(len(good)):
        read_back(good[:length])


def test_file_with_a_true_hash_but_a_false_header_is_refused(tmp_path: Path) -> None:
    data = artifact() + b"stowaway"
    path = tmp_path / f"{blobs.identify(data)}.safetensors"
    path.write_bytes(data)
    with pytest.raises(CorruptArtifactError, match="follow the last tensor"):
        blobs.get(path)


def test_adding_the_same_bytes_repairs_a_damaged_file(bank: Bank) -> None:
    entry = bank.add(artifact())
    _object(bank, entry.id).unlink()
    _object(bank, entry.id).write_bytes(b"")
    bank.add(artifact())
    assert artifact() == bank.read(entry)


def test_missing_file_is_told_with_the_way_to_check(bank: Bank) -> None:
    entry = bank.add(artifact())
    _object(bank, entry.id).unlink()
    with pytest.raises(CorruptArtifactError, match="missing"):
        bank.read(entry)


# --- references ---------------------------------------------------------------------------------------------------


def test_name_beats_a_prefix(bank: Bank) -> None:
    other = bank.add(artifact("young"))
    named = bank.add(artifact(other.id[:6]))
    assert named.id == bank.resolve(other.id[:6]).id
    assert other.id == bank.resolve(other.id[:7]).id


def test_ambiguous_prefix_lists_the_candidates(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["abcdef" + "0" * 58, "abcdef" + "1" * 58])
    monkeypatch.setattr("attrbank.store.bank.blobs.identify", lambda _: next(ids))
    bank.add(artifact("young"))
    bank.add(artifact("smile"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("abcdef")
    assert "young@abcdef000000" in (caught.value.hint or "")
    assert "smile@abcdef111111" in (caught.value.hint or "")


def test_misspelt_name_suggests_the_nearest(bank: Bank) -> None:
    bank.add(artifact("young"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("yuong")
    assert caught.value.hint == "Did you mean young?"


def test_wrong_id_of_a_known_name_lists_its_versions(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("young@000000")
    assert entry.reference in (caught.value.hint or "")


@pytest.mark.parametrize("reference", ["../x", "/etc/passwd", "young@../x", "", "Young", "x\0"])
def test_hostile_reference_is_refused(bank: Bank, reference: str) -> None:
    for action in (bank.resolve, bank.remove, bank.restore):
        with pytest.raises(InvalidValueError):
            action(reference)


def test_the_same_attribute_twice_is_an_error_however_it_is_written(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    smile = bank.add(artifact("smile"))
    assert [smile.id, entry.id] == [found.id for found in bank.resolve_all(["smile", "young"])]
    for again in ("young", entry.reference, entry.id[:9]):
        with pytest.raises(InvalidValueError, match="young"):
            bank.resolve_all(["young", "smile", again])


# --- removing -----------------------------------------------------------------------------------------------------


def test_removed_attribute_is_gone_until_it_is_restored(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    bank.remove("young")
    assert bank.entries() == ()
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("young")
    assert "attrbank restore young" in (caught.value.hint or "")
    assert entry == bank.restore("young")
    assert artifact("young") == bank.read(bank.resolve("young"))


def test_restore_brings_back_the_version_removed_last(bank: Bank) -> None:
    for number in (1, 2):
        bank.add(numbered("young", number))
        last = bank.remove("young")
    assert last.id == bank.restore("young").id


def test_restored_attribute_does_not_take_a_name_from_another(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    bank.remove("young")
    new = bank.add(numbered("young", 2))
    assert not bank.restore("young").current
    assert new.id == bank.resolve("young").id
    assert old.id == bank.resolve(old.reference).id


def test_removing_an_old_version_leaves_the_name_alone(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    new = bank.add(numbered("young", 2), replace=True)
    bank.remove(old.reference)
    assert [new.id] == [entry.id for entry in bank.versions("young")]


def test_learning_the_removed_bytes_again_brings_them_back(bank: Bank) -> None:
    bank.add(artifact())
    bank.remove("young")
    entry = bank.add(artifact())
    assert artifact() == bank.read(entry)
    assert os.listdir(bank.path / "trash") == []


def test_damaged_attribute_can_be_removed_but_not_restored(bank: Bank) -> None:
    entry = bank.add(artifact())
    _object(bank, entry.id).unlink()
    _object(bank, entry.id).write_bytes(b"junk")
    bank.remove("young")
    with pytest.raises(CorruptArtifactError):
        bank.restore("young")


def test_nothing_to_restore_is_not_found(bank: Bank) -> None:
    bank.add(artifact())
    with pytest.raises(NotFoundError):
        bank.restore("young")


# --- starter bank -------------------------------------------------------------------------------------------------


def test_starter_attributes_are_readable_at_once(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    assert [entry.name for entry in layered.entries()] == ["glasses", "smile"]
    assert {"starter"} == {entry.origin for entry in layered.entries()}
    assert artifact("smile") == layered.read(layered.resolve("smile"))
    assert layered.resolve("smile").created is None
    assert not bank.path.exists()


def test_user_attribute_hides_the_starter_of_the_same_name(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    hidden = layered.resolve("smile")
    mine = layered.add(numbered("smile", 7))
    assert mine == layered.resolve("smile")
    assert [entry.name for entry in layered.entries()] == ["glasses", "smile"]
    assert layered.count() == 2
    assert layered.resolve(hidden.reference).origin == "starter"
    layered.remove("smile")
    assert hidden == layered.resolve("smile")


def test_user_copy_of_a_starter_attribute_is_one_attribute(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    mine = layered.add(artifact("smile"))
    assert layered.resolve(mine.id).origin == "user"
    assert layered.count() == 2


def test_starter_attribute_is_not_removable(bank: Bank, starter: Path) -> None:
    before = snapshot(starter)
    with pytest.raises(StorageError) as caught:
        Bank(bank.path, starter).remove("smile")
    assert caught.value.hint
    assert before == snapshot(starter)


def test_damaged_starter_artifact_does_not_hide_the_others(bank: Bank, starter: Path) -> None:
    path = next(path for path in starter.rglob("*.safetensors") if b"glasses" in path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(b"PK")
    assert [entry.name for entry in Bank(bank.path, starter).entries()] == ["smile"]


def test_bank_is_not_its_own_starter(bank: Bank) -> None:
    bank.add(artifact())
    assert {"user"} == {entry.origin for entry in Bank(bank.path, bank.path).entries()}


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_bank_that_is_a_file_is_a_storage_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("text")
    bank = Bank(tmp_path / place)
    reads = (bank.entries, bank.verify, bank.reindex, lambda: bank.resolve("x"))
    for action in (*reads, lambda: bank.add(artifact())):
        with pytest.raises(StorageError):
            action()


def test_bank_that_is_a_dangling_link_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError):
        Bank(tmp_path / "link").add(artifact())


@pytest.mark.parametrize("name", ["with space", "per%20cent", "que?ry#", "ü", "x" * 200])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    bank = Bank(tmp_path / name)
    bank.add(artifact())
    assert [name] == os.listdir(tmp_path)
    assert bank.count() == 1


def test_full_disk_leaves_the_bank_as_it_was(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.add(artifact("young"))
    before = snapshot(bank.path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(_fs.os, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        bank.add(artifact("smile"))
    monkeypatch.undo()
    assert before == snapshot(bank.path)
    assert len({bank.add(artifact("smile")).id, bank.resolve("young").id}) == 2


def test_death_between_file_and_index_leaves_the_bank_sound(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    old = bank.add(numbered("young", 1))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "write_version", die)
    with pytest.raises(KeyboardInterrupt):
        bank.add(numbered("young", 2), replace=True)
    monkeypatch.undo()
    assert (old,) == bank.entries()
    assert [finding.state for finding in bank.verify()] == ["ok", "orphan"]
    assert bank.add(numbered("young", 2), replace=True) == bank.resolve("young")
    assert {"ok"} == {finding.state for finding in bank.verify()}


def test_death_on_the_very_first_add_leaves_an_empty_bank(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "admit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.add(artifact())
    monkeypatch.undo()
    assert bank.entries() == ()
    assert len({bank.add(artifact()).id}) == 1


def test_death_in_the_middle_of_a_removal_can_be_finished_or_undone(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bank.add(artifact())
    monkeypatch.setattr(_fs, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.remove("young")
    monkeypatch.undo()
    assert bank.entries() == ()
    bank.reindex()
    assert [f"{entry.id}.safetensors"] == os.listdir(bank.path / "trash")
    assert entry == bank.restore("young")


def test_of_two_writers_with_the_same_name_one_wins(bank: Bank) -> None:
    def write(number: int) -> str | None:
        try:
            return Bank(bank.path).add(numbered("young", number)).id
        except InvalidValueError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [identity for identity in pool.map(write, range(8)) if identity]
    assert winners == [bank.resolve("young").id]


def test_writers_with_distinct_names_all_win(bank: Bank) -> None:
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda number: Bank(bank.path).add(artifact(f"n{number}")), range(16)))
    assert {entry.id for entry in entries} == {entry.id for entry in bank.entries()}
    assert {"ok"} == {finding.state for finding in bank.verify()}


def test_no_operation_leaves_temporary_files(bank: Bank) -> None:
    bank.add(numbered("young", 1))
    bank.add(numbered("young", 2), replace=True)
    bank.remove("young")
    bank.restore("young")
    bank.reindex()
    kinds = {path.suffix for path in bank.path.rglob("*") if path.is_file()}
    assert {".safetensors", ".db"} == kinds


def test_artifact_of_a_newer_format_is_refused(bank: Bank) -> None:
    with pytest.raises(IncompatibleError):
        bank.add(artifact(format_version=2))


def test_unreadable_file_is_a_storage_error_and_verify_says_so(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = bank.add(artifact())
    monkeypatch.setattr(_fs.os, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EACCES, "")))
    with pytest.raises(StorageError, match="permission is denied"):
        bank.read(entry)
    assert [finding.state for finding in bank.verify()] == ["unreadable"]
