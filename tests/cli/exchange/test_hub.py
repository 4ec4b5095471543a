"""A repository of the hub has revisions, takes a push whole or not at all, and refuses in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.cli.exchange.conftest import HUB, REPOSITORY, files_in
from tests.helpers.serving import FakeHub


def test_a_place_that_was_pulled_from_is_remembered_here_and_told_to_nobody(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path
) -> None:
    pushed = cli("push", HUB, "young").out.strip()
    other = str(tmp_path / "other")
    pulled = cli("pull", f"{HUB}@main", "--bank", other)
    assert pushed == f"{HUB}@{hub.sha(REPOSITORY, 1)}"
    assert pushed in pulled.err
    assert json.loads(cli("show", "young", "--json", "--bank", other).out)["pulled_from"] == pushed
    assert pushed in cli("show", "young", "--bank", other).out
    assert cli("push", str(tmp_path / "further"), "young", "--bank", other).code == 0
    assert all(b"hf://" not in data for data in files_in(tmp_path / "further").values())


def test_an_old_revision_can_be_pulled(cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path) -> None:
    first = cli("push", HUB, "young").out.strip()
    assert cli("push", HUB, "old").code == 0
    assert cli("pull", first, "--bank", str(tmp_path / "other")).code == 0
    assert [entry.name for entry in Bank(tmp_path / "other").entries()] == ["young"]


def test_a_hub_is_asked_how_large_a_file_is_before_it_is_fetched(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path
) -> None:
    assert cli("push", HUB, "young").code == 0
    hub.sizes = {"SHA256SUMS": 2**40}
    assert cli("pull", HUB, "--bank", str(tmp_path / "other")).code == 5


def test_what_the_hub_refuses_is_one_sentence(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = cli("pull", HUB)
    assert (missing.code, "hf auth login" in missing.err) == (3, True)
    assert cli("push", HUB, "young").code == 0
    assert cli("pull", f"{HUB}@nowhere").code == 3
    for status, code in ((412, 6), (403, 7), (500, 3)):
        hub.status = status
        refused = cli("push", HUB, "old")
        assert (refused.code, refused.err.count("error:"), hub.commits) == (code, 1, 1), refused.err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for command in ("pull", "push"):
        offline = cli(command, HUB, "old")
        assert (offline.code, "HF_HUB_OFFLINE" in offline.err) == (3, True)


def test_a_branch_that_moves_while_one_pushes_loses_nothing(
    cli: Cli, stocked: Bank, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("push", HUB, "young").code == 0
    commit = hub.commit

    def overtaken(repository: str, lines: list[dict[str, object]]) -> object:
        hub.repositories[repository].append({**hub.repositories[repository][-1], "other.txt": b""})
        return commit(repository, lines)

    monkeypatch.setattr(hub, "commit", overtaken)
    assert cli("push", HUB, "old").code == 6
    monkeypatch.undo()
