"""What workers tell of a fleet is trusted as little as a file, and nothing that was finished is lost with them."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.executors.protocol import Ended, Hear, Job, Take, Task
from attrbank.learning.fleet.read import read_fleet
from attrbank.learning.fleet.run import MOST, Run
from attrbank.learning.fleet.work import Group
from attrbank.schema.told import Told, framed, unframed
from attrbank.store.bank import Bank
from tests.learning.fleet.test_run import DEFAULTS, bank, four, learned, sheet

__all__ = ["bank"]


class Workers:
    """Works here as the real ones do, and spoils what they tell; after ``dies`` messages that make something, a worker
    is lost, once.
    """

    def __init__(self, spoil=lambda told, data: (told, data), dies: int | None = None) -> None:
        self._spoil, self._dies, self.groups = spoil, dies, list[list[int]]()

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        work = job.made()
        while (task := take()) is not None:
            self.groups.append([one.number for one in Group.model_validate_json(task.payload).wanted])
            try:
                work(task.payload, lambda message, task=task: self._told(task, message, hear))
            except InterruptedError:
                yield Ended(task, "its worker was lost")
            else:
                yield Ended(task)

    def _told(self, task: Task, message: bytes, hear: Hear) -> None:
        told, data = unframed(message)
        hear(task, framed(*self._spoil(told, data)))
        if told.said == "made" and self._dies is not None:
            self._dies -= 1
            if self._dies == 0:
                raise InterruptedError


def test_a_lost_worker_loses_nothing_that_was_stored_and_nothing_is_learned_twice(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    path, alone = sheet(tmp_path, four(tiny_pipeline)), Bank(tmp_path / "alone")
    Run(bank=alone.path)(read_fleet(path, alone.path))
    workers = Workers(dies=2)
    outcomes = learned(bank, path, executor=workers)
    assert [outcome.status for outcome in outcomes] == ["learned"] * 4
    assert workers.groups == [[0, 1, 2, 3], [2, 3]]
    read = [{entry.id: store.read(entry) for entry in store.entries()} for store in (alone, bank)]
    assert read[0] == read[1]


def test_who_is_lost_every_time_fails_with_its_line(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    class Gone(Workers):
        def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
            while (task := take()) is not None:
                yield Ended(task, "its worker was lost")

    outcomes = learned(bank, sheet(tmp_path, four(tiny_pipeline)), executor=Gone())
    assert [outcome.status for outcome in outcomes] == ["failed"] * 4
    assert outcomes[1].error == "a.toml, line 10, young: its worker was lost, 3 times."


@pytest.mark.parametrize(
    ("spoil", "complaint", "stored"),
    [
        (lambda told, data: (told, data[:-1]), "cut off|damaged", 3),
        (lambda told, data: (told, data[:-1] + bytes([data[-1] ^ 1])), "damaged", 3),
        (lambda told, data: (told.model_copy(update={"of": (told.of + 1) % 4}), data), "something else than", 2),
    ],
    ids=["cut off", "changed", "of another"],
)
def test_an_artifact_of_a_worker_is_checked_as_one_of_a_file(
    spoil, complaint: str, stored: int, bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    def once(told: Told, data: bytes):
        return spoil(told, data) if told.said == "made" and told.of == 1 else (told, data)

    outcomes = learned(bank, sheet(tmp_path, four(tiny_pipeline)), executor=Workers(once))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert re.search(complaint, failed[0].error or ""), failed
    assert len(outcomes) == 4, "nobody is passed over in silence"
    assert all("told nothing of it" in (outcome.error or "") for outcome in failed[1:])
    assert len(list(bank.entries())) == stored


def test_what_no_method_can_use_is_refused(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    def refused(attribute: object) -> None:
        raise CorruptArtifactError("The method cannot use it.")

    outcomes = learned(bank, sheet(tmp_path, four(tiny_pipeline)), require_usable=refused)
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert not list(bank.entries())


def test_a_large_group_is_several_tasks_and_in_one_worker_they_share_all_the_same(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    tables = (f"[attributes.a{n}]\ntarget = 'an old person'\n" for n in range(MOST + 1))
    path = sheet(tmp_path, f"{DEFAULTS}backbone = '{tiny_pipeline}'\n" + "".join(tables))
    workers = Workers()
    learned(bank, path, executor=workers)
    assert list(map(len, workers.groups)) == [MOST, 1]


def test_changed_tags_of_the_file_reach_what_is_there_and_a_note_of_the_users_stays(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    text = f"{DEFAULTS}backbone = '{tiny_pipeline}'\n[attributes.old]\ntarget = 'an old person'\n"
    learned(bank, sheet(tmp_path, text))
    changed = sheet(tmp_path, f"{text}tags = 'age'\nnote = 'of the file'\n")
    assert learned(bank, changed) == []
    assert (bank.annotations.of(bank.resolve("old")).tags, bank.annotations.of(bank.resolve("old")).note) == (
        ("age",),
        "of the file",
    )
    assert not read_fleet(changed, bank.path).unsaid
    bank.annotations.note(bank.resolve("old"), "mine")
    told: list[str] = []
    learned(bank, changed, on_warning=told.append)
    assert told == ["old: the bank has another note of it than the file, and keeps it."]
    assert bank.annotations.of(bank.resolve("old")).note == "mine"
