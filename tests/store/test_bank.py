"""What goes into a bank comes out of it, and nothing else goes in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attrbank.errors import (
    CorruptArtifactError,
    InvalidValueError,
    NotFoundError,
)
from attrbank.store import _fs, blobs
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, object_path, snapshot


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


def test_several_come_in_together_or_not_at_all(bank: Bank) -> None:
    bank.add(numbered("mouth-2", 1))
    before = snapshot(bank.path)
    coming = [numbered(f"mouth-{number}", 1 + number) for number in (1, 2, 3)]
    with pytest.raises(InvalidValueError, match="already"):
        bank.add_all(coming)
    assert before == snapshot(bank.path)
    added = bank.add_all(coming, replace=True)
    assert [entry.name for entry in added] == ["mouth-1", "mouth-2", "mouth-3"]
    assert [bank.resolve(entry.name) for entry in added] == list(added)


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
    object_path(bank, entry.id).unlink()
    object_path(bank, entry.id).write_bytes(b"")
    bank.add(artifact())
    assert artifact() == bank.read(entry)


def test_missing_file_is_told_with_the_way_to_check(bank: Bank) -> None:
    entry = bank.add(artifact())
    object_path(bank, entry.id).unlink()
    with pytest.raises(CorruptArtifactError, match="missing"):
        bank.read(entry)


def test_a_file_that_another_process_published_is_durable_before_it_is_acknowledged(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synced, fsync = object_path(bank, bank.add(artifact()).id).parent, [], os.fsync

    def spy(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr("attrbank.store._fs.os.fsync", spy)
    bank.add(artifact())
    assert str(folder) in synced
