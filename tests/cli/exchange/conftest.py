"""A bank to push from, a folder that was pushed to, and a hub on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.artifacts import usable
from tests.helpers.measured import a_card
from tests.helpers.serving import FakeHub

JPEG = b"\xff\xd8\xff small"
REPOSITORY = "/".join(("ann", "faces"))
HUB = f"hf://{REPOSITORY}"


@pytest.fixture(autouse=True)
def on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no token, and no cache of the user's."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def stocked(bank: Bank) -> Bank:
    """Two attributes, one of them with all that can go along."""
    for name in ("young", "old"):
        bank.add(usable(name))
    young = bank.resolve("young")
    bank.measurements.keep_card(a_card(young.id))
    bank.annotations.tag(young, ["face"])
    bank.previews.keep(young, JPEG)
    return bank


@pytest.fixture
def shelf(cli: Cli, stocked: Bank, tmp_path: Path) -> Path:
    """A folder to which both were pushed."""
    pushed = cli("push", str(tmp_path / "shelf"), "young", "old", "--licence", "cc-by-4.0")
    assert (pushed.code, pushed.out) == (0, f"{tmp_path / 'shelf'}\n"), pushed.err
    return tmp_path / "shelf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that nobody has pushed to yet."""
    fake = FakeHub()
    with fake.serving() as address:
        monkeypatch.setattr(huggingface_hub, "HfApi", partial(huggingface_hub.HfApi, endpoint=address, token=False))
        yield fake


@pytest.fixture(params=["folder", "hub"])
def place(request: pytest.FixtureRequest, cli: Cli, shelf: Path, hub: FakeHub) -> str:
    """A folder, or a repository of the hub, to which both were pushed."""
    if request.param == "folder":
        return str(shelf)
    assert cli("push", HUB, "young", "old").code == 0
    return HUB


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
