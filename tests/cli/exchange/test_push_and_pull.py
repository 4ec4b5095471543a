"""Attributes are shared: whole, checked, and never over somebody else's by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.attribute import bundle
from attrbank.attribute.places import addresses, folder
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.cli.exchange.conftest import HUB, JPEG, REPOSITORY, files_in
from tests.helpers.artifacts import usable
from tests.helpers.serving import FakeHub, serving_folder


def require_all_of_young(bank: Bank, original: Bank) -> None:
    young = bank.resolve("young")
    assert (young.id, young.tags, young.score) == (original.resolve("young").id, ("face",), 0.9)
    assert bank.previews.read(young) == JPEG


@pytest.mark.parametrize("how", ["folder", "web", "import", "hub"])
def test_what_is_pushed_can_be_pulled_with_all_that_goes_along(
    how: str, cli: Cli, stocked: Bank, shelf: Path, tmp_path: Path, hub: FakeHub
) -> None:
    other = Bank(tmp_path / "other")
    with serving_folder(shelf) as address:
        assert cli("push", HUB, "young", "old").code == 0
        place = {"web": address, "hub": HUB}.get(how, str(shelf))
        command = ("import" if how == "import" else "pull", place, "--bank", str(other.path))
        for _ in range(2):  # the second time is no error
            done = cli(*command)
            assert (done.code, len(done.out.splitlines())) == (0, 2), done.err
    require_all_of_young(other, stocked)
    other.reindex()
    require_all_of_young(other, stocked)
    assert {finding.state for finding in other.verify()} == {"ok"}


def test_to_push_again_changes_nothing(
    place: str, cli: Cli, stocked: Bank, shelf: Path, hub: FakeHub, tmp_path: Path
) -> None:
    before, commits = files_in(shelf), hub.commits
    again = json.loads(cli("push", place, "old", "young", "--json").out)
    assert (again["changed"], files_in(shelf), hub.commits) == (False, before, commits)
    stocked.annotations.note(stocked.resolve("old"), "kind")
    assert json.loads(cli("push", place, "old", "--json").out)["changed"]
    assert cli("pull", place, "--bank", str(tmp_path / "other")).code == 0
    assert Bank(tmp_path / "other").annotations.of(stocked.resolve("old")).note == "kind"


def test_another_of_the_same_name_is_taken_away_only_when_asked(
    place: str, cli: Cli, stocked: Bank, tmp_path: Path
) -> None:
    newer = stocked.add(usable("young", t_x=0.5), replace=True)
    refused = cli("push", place, "young")
    assert (refused.code, "--replace" in refused.err) == (4, True)
    assert cli("push", place, "young", "--replace").code == 0
    assert cli("pull", place, "--bank", str(tmp_path / "other")).code == 0
    assert [entry.id for entry in Bank(tmp_path / "other").versions("young")] == [newer.id]


def test_some_of_a_shelf_can_be_pulled_and_what_is_not_there_is_named(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    missing = cli("pull", str(shelf), "young", "nobody", "--bank", str(other))
    assert (missing.code, "nobody" in missing.err, other.exists()) == (3, True, False)
    identity = next(shelf.glob("old-*.safetensors")).stem.rpartition("-")[2]
    assert cli("pull", str(shelf), f"old@{identity}", "--bank", str(other)).code == 0
    assert [entry.name for entry in Bank(other).entries()] == ["old"]


def test_names_in_use_are_dealt_with_as_an_import_does(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    other = Bank(tmp_path / "other")
    mine = other.add(usable(t_x=0.5))
    command = ("pull", str(shelf), "young", "--bank", str(other.path))
    assert cli(*command).code == 4
    assert cli(*command, "--on-conflict", "skip").code == 0
    assert other.resolve("young").id == mine.id
    assert cli(*command, "--on-conflict", "rename").code == 0
    assert [entry.name for entry in other.entries()] == ["young", "young-2"]
    assert cli(*command, "--on-conflict", "replace").code == 0


def test_a_folder_of_other_things_is_left_alone(cli: Cli, stocked: Bank, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("precious")
    assert cli("push", str(tmp_path / "home"), "young").code == 4
    assert files_in(tmp_path / "home") == {"thesis.tex": b"precious"}
    for strange in ("hf://ann", "hf://../up", "hf://a/b/c", "https://example.org/x", "hf://a/b@"):
        assert cli("push", strange, "young").code == 4, strange
    assert cli("pull", "https://a:b@example.org/").code == 4
    assert cli("push", str(tmp_path / "new"), "young", "--licence", "a b\nc").code == 4
    assert cli("pull", str(tmp_path / "nowhere")).code == 3


def test_two_do_not_write_to_a_folder_at_once(cli: Cli, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 0.1)
    with addresses.target(str(shelf)):
        assert cli("push", str(shelf), "young").code == 6
    assert cli("push", str(shelf), "young").code == 0


def _of_old(shelf: Path) -> Path:
    return next(shelf.glob("old-*.safetensors"))


def _grown(shelf: Path) -> None:
    picture = next(shelf.glob("*.preview.jpg"))
    picture.write_bytes(JPEG + bytes(70_000))
    _sum_up(shelf)


def _renamed(shelf: Path) -> None:
    _of_old(shelf).rename(shelf / "old-000000000000.safetensors")
    _sum_up(shelf)


def _sum_up(shelf: Path) -> None:
    (shelf / "SHA256SUMS").write_bytes(
        bundle.spelled({path.name: bundle.digest_of(path) for path in shelf.iterdir() if bundle.member(path.name)})
    )


SPOILT = {
    "a changed artifact": lambda shelf: _of_old(shelf).write_bytes(_of_old(shelf).read_bytes()[:-1] + b"x"),
    "a changed card": lambda shelf: next(shelf.glob("*.card.json")).write_text("{}"),
    "one is missing": lambda shelf: _of_old(shelf).unlink(),
    "one is larger than it may be": _grown,
    "an index that leads elsewhere": lambda shelf: (shelf / "SHA256SUMS").write_text(
        f"{'0' * 64}  ../old.safetensors\n"
    ),
    "an index that leads to another kind": lambda shelf: (shelf / "SHA256SUMS").write_text(f"{'0' * 64}  a.pkl\n"),
    "an index that is none": lambda shelf: (shelf / "SHA256SUMS").write_bytes(b"<html>\xff"),
}


@pytest.mark.parametrize("how", ["folder", "web", "hub"])
@pytest.mark.parametrize("kind", SPOILT)
def test_of_a_spoilt_shelf_nothing_enters_the_bank(
    kind: str, how: str, cli: Cli, shelf: Path, tmp_path: Path, hub: FakeHub
) -> None:
    SPOILT[kind](shelf)
    hub.repositories[REPOSITORY] = [files_in(shelf)]
    with serving_folder(shelf) as address:
        place = {"web": address, "hub": HUB}.get(how, str(shelf))
        outcome = cli("pull", place, "--bank", str(tmp_path / "other"))
    assert (outcome.code, outcome.out, outcome.err.count("error:")) == (5, "", 1)
    assert not (tmp_path / "other").exists()


def test_a_file_that_is_not_what_its_name_says_is_refused_although_its_sum_is_right(
    cli: Cli, shelf: Path, tmp_path: Path
) -> None:
    _renamed(shelf)
    assert cli("pull", str(shelf), "old", "--bank", str(tmp_path / "other")).code == 5


def test_all_of_a_pull_is_bounded(cli: Cli, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank.attribute.exchange.MAX_PULL", 500)
    refused = cli("pull", str(shelf), "--bank", str(tmp_path / "other"))
    assert (refused.code, "500 bytes" in refused.err, (tmp_path / "other").exists()) == (5, True, False)
