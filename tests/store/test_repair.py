"""What can be mended is mended, and nothing is deleted."""

from __future__ import annotations

from pathlib import Path

from attrbank.errors import CorruptArtifactError
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, object_path, snapshot


def spoil(path: Path, data: bytes = b"junk") -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def states(bank: Bank) -> set[str]:
    return {finding.state for finding in bank.verify()}


def half(bank: Bank) -> None:
    """Young is damaged and old missing, with sound copies in the trash; lost and bad have none."""
    young, old, lost, bad = (bank.add(artifact(name)) for name in ("young", "old", "lost", "bad"))
    (bank.path / "trash").mkdir(exist_ok=True)
    for entry in (young, old):
        (bank.path / "trash" / f"{entry.id}.safetensors").write_bytes(bank.read(entry))
    spoil(object_path(bank, young.id))
    spoil(object_path(bank, bad.id), b"worse")
    for entry in (old, lost):
        object_path(bank, entry.id).unlink()


def contents(bank: Bank) -> set[bytes]:
    return {data for name, data in snapshot(bank.path).items() if not name.startswith("index.db")}


def test_what_has_a_sound_copy_is_mended_and_the_rest_is_told(bank: Bank) -> None:
    half(bank)
    before = contents(bank)
    assert {(m.name, m.action) for m in bank.repair()} == {
        ("young", "taken from the trash"),
        ("old", "taken from the trash"),
    }
    found = {finding.name: finding.state for finding in bank.verify()}
    assert found == {"young": "ok", "old": "ok", "lost": "missing", "bad": "corrupt"}
    assert bank.read(bank.resolve("young")) == artifact("young")
    assert before <= contents(bank)
    assert bank.repair() == ()


def test_a_starter_attribute_that_was_learned_again_is_mended_from_the_starter_bank(bank: Bank, starter: Path) -> None:
    over = Bank(bank.path, starter)
    entry = over.add(artifact("smile"))
    spoil(object_path(bank, entry.id))
    assert [m.action for m in over.repair()] == ["taken from the starter bank"]
    assert states(over) == {"ok"}


def test_orphans_are_entered_and_a_damaged_index_is_rebuilt(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    spoil(bank.path / "index.db", bytes(5000))
    assert [m.item for m in bank.repair()] == ["index.db", entry.id]
    assert bank.resolve("young").id == entry.id
    assert states(bank) == {"ok"}
    assert (bank.path / "trash" / "index.damaged.db").read_bytes() == bytes(5000)


def test_a_bank_that_is_sound_or_not_there_stays_as_it_is(bank: Bank, tmp_path: Path) -> None:
    assert Bank(tmp_path / "none").repair() == ()
    assert not (tmp_path / "none").exists()
    bank.add(artifact("young"))
    bank.add(artifact("old"))
    bank.remove("old")
    before, entries = contents(bank), bank.entries()
    assert bank.repair() == ()
    assert (contents(bank), bank.entries()) == (before, entries)
    assert bank.restore("old").name == "old"


def test_deep_tries_every_sound_artifact(bank: Bank, starter: Path) -> None:
    over = Bank(bank.path, starter)
    over.add(artifact("young"))
    spoil(object_path(bank, over.add(artifact("bad")).id))
    tried: list[bytes] = []

    def use(data: bytes) -> None:
        tried.append(data)
        if data == artifact("young"):
            raise CorruptArtifactError("It cannot act.")

    found = {finding.name: finding for finding in over.verify(use)}
    assert {name: f.state for name, f in found.items()} == {
        "young": "unusable",
        "bad": "corrupt",
        "glasses": "ok",
        "smile": "ok",
    }
    assert not found["young"].harmless
    assert set(tried) == {artifact(name) for name in ("young", "glasses", "smile")}
