"""What users say of attributes stays with them, whatever happens to the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError, StorageError
from attrbank.schema.annotated import Annotation
from attrbank.store import _fs, ledger, notes
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, snapshot


def states(bank: Bank) -> set[str]:
    return {finding.state for finding in bank.verify()}


@pytest.fixture
def told(bank: Bank) -> Bank:
    """Young, renamed, with all that can be said of it, and an old that has nothing."""
    entry = bank.add(artifact("young"))
    bank.add(artifact("old"))
    bank.annotations.tag(entry, ["face", "age"])
    bank.annotations.note(entry, "Ein schöner Rücken\nkann auch entzücken")
    bank.annotations.alias(entry, ["junior"])
    bank.annotations.rename(entry, "youth")
    return bank


def test_a_renamed_attribute_keeps_its_id_and_answers_to_what_it_was_called_only_with_its_id(told: Bank) -> None:
    youth = told.resolve("youth")
    assert told.resolve(f"young@{youth.id[:12]}") == told.resolve("junior") == youth
    assert told.record(youth).name == "young"
    with pytest.raises(NotFoundError):
        told.resolve("young")
    again = told.add(artifact("young"))
    assert again.name == "youth"  # the same bytes are the same attribute
    assert told.add(numbered("young", 7)).name == "young"  # the name is free


@pytest.mark.parametrize("loss", [Path.unlink, lambda path: path.write_bytes(bytes(9000))], ids=["gone", "spoilt"])
def test_annotations_survive_the_loss_of_the_index(told: Bank, loss: Callable[[Path], None]) -> None:
    before = (told.entries(), told.annotations.of(told.resolve("youth")), told.search(["rucken"]))
    loss(told.path / "index.db")
    told.reindex()
    after = (told.entries(), told.annotations.of(told.resolve("youth")), told.search(["rucken"]))
    assert [entry.name for entry in after[0]] == [entry.name for entry in before[0]] == ["old", "youth"]
    assert after[1] == before[1]
    assert [entry.id for entry in after[2]] == [entry.id for entry in before[2]] == [told.resolve("junior").id]
    assert states(told) == {"ok"}


def test_annotations_survive_removal_and_reindex_in_the_trash(told: Bank) -> None:
    told.remove("youth")
    told.reindex()
    assert told.restore("youth").tags == ("face", "age")
    assert told.resolve("junior").name == "youth"


@pytest.mark.parametrize("step", ["write_annotation", "call"])
def test_a_kill_between_file_and_row_harms_nothing_and_reindex_finishes_it(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    entry = bank.add(artifact("young"))
    bank.annotations.tag(entry, ["face"])
    monkeypatch.setattr(ledger, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.annotations.rename(entry, "youth")
    monkeypatch.undo()
    assert bank.resolve("young").tags == ("face",)
    assert all(finding.harmless for finding in bank.verify())
    assert "misindexed" in states(bank)
    bank.reindex()
    assert bank.resolve("youth").tags == ("face",)
    assert states(bank) == {"ok"}


def test_a_file_that_cannot_be_written_changes_nothing(told: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(told.path)
    monkeypatch.setattr(_fs, "publish", lambda *_: (_ for _ in ()).throw(StorageError("full")))
    for act in (
        lambda: told.annotations.tag(told.resolve("old"), ["x"]),
        lambda: told.annotations.rename(told.resolve("old"), "x"),
    ):
        with pytest.raises(StorageError):
            act()
    assert snapshot(told.path) == before


def test_what_a_name_means_no_other_may_be_called(told: Bank) -> None:
    old = told.resolve("old")
    for name in ("youth", "junior"):
        with pytest.raises(InvalidValueError) as renaming:
            told.annotations.rename(old, name)
        with pytest.raises(InvalidValueError) as giving:
            told.annotations.alias(old, [name])
        for caught in (renaming, giving):  # neither can replace
            assert caught.value.hint == "Choose another name."
    with pytest.raises(InvalidValueError) as caught:
        told.add(artifact("junior"))
    assert "--replace" in (caught.value.hint or "")
    with pytest.raises(InvalidValueError):
        told.refuse_taken("junior")
    told.add(artifact("junior"), replace=True)  # a name beats an alias
    assert told.resolve("junior").name == "junior"


@pytest.mark.parametrize("bad", ["", "../x", "A", "x" * 65, "two words"])
def test_tags_aliases_and_names_are_made_as_names_are(told: Bank, bad: str) -> None:
    entry = told.resolve("old")
    for act in (
        lambda: told.annotations.tag(entry, [bad]),
        lambda: told.annotations.alias(entry, [bad]),
        lambda: told.annotations.rename(entry, bad),
    ):
        with pytest.raises(InvalidValueError):
            act()
    with pytest.raises(InvalidValueError):
        told.annotations.note(entry, "x" * 10_001)
    with pytest.raises(InvalidValueError):
        told.annotations.note(entry, "\ud800")
    assert told.annotations.of(entry).is_empty


def test_starter_attributes_can_be_tagged_and_not_renamed(bank: Bank, starter: Path) -> None:
    before = snapshot(starter)
    over = Bank(bank.path, starter)
    smile = over.resolve("smile")
    over.annotations.tag(smile, ["mouth"])
    over.annotations.alias(smile, ["grin"])
    assert [entry.name for entry in over.entries(["tag=mouth"])] == ["smile"]
    assert over.resolve("grin").id == smile.id
    with pytest.raises(StorageError):
        over.annotations.rename(smile, "grin")
    with pytest.raises(InvalidValueError):
        over.annotations.alias(over.resolve("glasses"), ["smile"])
    assert snapshot(starter) == before
    assert {finding.state for finding in over.verify()} == {"ok"}


def test_tags_filter_and_come_back(told: Bank) -> None:
    assert [entry.name for entry in told.entries(["tag=face"])] == ["youth"]
    assert [entry.name for entry in told.entries(["tag!=face"])] == ["old"]
    told.annotations.tag(told.resolve("youth"), ["new"], ["face"])
    assert told.resolve("youth").tags == ("age", "new")
    assert told.entries(["tag=face"]) == ()


def test_search_finds_words_everywhere_and_takes_nothing_for_syntax(told: Bank) -> None:
    for words in (["youth"], ["JUNI"], ["age"], ["schon"], ["entz", "rücken"], ["young person"]):
        assert "youth" in [entry.name for entry in told.search(words)], words
    assert told.search(["source"]) == told.search(["youth", "old"]) == ()
    for words in (['"'], ["*"], [" "]):
        with pytest.raises(InvalidValueError):
            told.search(words)
    for words in (['face" OR "old'], ["NEAR(old)"], ["name:old"], ["-old", "^x"], ["person'); DROP TABLE texts;--"]):
        told.search(words)
    assert "youth" in [entry.name for entry in told.search(["young\0person"])]


def test_a_name_counts_for_more_than_a_note(told: Bank) -> None:
    told.annotations.note(told.resolve("youth"), "not old, not old, not old")
    assert [entry.name for entry in told.search(["old"])] == ["old", "youth"]


def test_a_damaged_annotation_is_found_and_keeps_nobody_from_the_attribute(told: Bank) -> None:
    youth = told.resolve("youth")
    path = told.path / "annotations" / f"{youth.id}.json"
    path.chmod(0o644)
    for text in (b"", b"{", path.read_bytes().replace(youth.id.encode(), b"f" * 64), b'{"note": 1}'):
        path.write_bytes(text)
        assert "corrupt" in states(told)
        with pytest.raises(CorruptArtifactError) as caught:
            told.annotations.of(youth)
        assert "measure" not in str(caught.value.hint)  # as of a card: nobody can measure a note
        with pytest.raises(CorruptArtifactError):
            told.annotations.note(youth, "over it")
        told.reindex()
        assert told.resolve(youth.id).id == youth.id


@pytest.mark.parametrize(("act", "times"), [(Bank.verify, 1), (Bank.reindex, 2)])
def test_upkeep_reads_every_annotation_once_and_again_only_what_may_have_changed_meanwhile(
    act: Callable[[Bank], object], times: int, told: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, read = notes.get, []
    monkeypatch.setattr(notes, "get", lambda layout, identity: (read.append(identity), get(layout, identity))[1])
    act(told)
    assert set(read) == {told.resolve("youth").id}
    assert len(read) <= times


def test_an_index_from_before_annotations_is_read_and_grows(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("DROP TABLE annotations")
        connection.execute("DROP TABLE aliases")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm003%'")
        connection.execute("PRAGMA user_version = 2")
    assert bank.resolve("young") == entry
    assert bank.search(["young"]) == (entry,)
    bank.annotations.tag(entry, ["face"])
    assert bank.resolve("young").tags == ("face",)


def test_what_comes_along_is_merged_under_what_is_here(told: Bank) -> None:
    youth = told.resolve("youth")
    theirs = Annotation(id=youth.id, name="kid", tags=("face", "theirs"), note="theirs", aliases=("old", "kiddo"))
    told.add(artifact("young"), annotation=theirs)
    said = told.annotations.of(youth)
    assert (said.name, said.tags, said.aliases) == ("youth", ("face", "age", "theirs"), ("junior", "kiddo"))
    assert said.note.startswith("Ein")
    assert states(told) == {"ok"}
