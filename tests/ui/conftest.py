"""The page's server on a tiny random model, with a bank of two attributes and nothing beneath it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import attrbank
from attrbank.ui.app import Page

PROMPTS = ("a photo of a person", "a photo of an old person")
STEPS = 8
NAMES = ("early", "late")


@pytest.fixture(scope="session")
def learned(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank to copy: ``late`` acts at .4, ``early`` at .6."""
    folder = tmp_path_factory.mktemp("ui") / "bank"
    studio = attrbank.open(tiny_pipeline, bank=folder)
    for name, t_x in zip(NAMES, (0.6, 0.4), strict=True):
        studio.learn(name, *PROMPTS, seeds=range(2), steps=STEPS, guidance_scale=3, t_x=t_x, core="mean")
    return folder


@pytest.fixture
def bank(learned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own copy, over no starter bank."""
    import shutil

    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    return Path(shutil.copytree(learned, tmp_path / "bank"))


@pytest.fixture
def page(bank: Path, tiny_pipeline: Path) -> Iterator[Page]:
    """The page, its model loaded."""
    with Page(str(tiny_pipeline), bank, None) as opened:
        wait_for(lambda: opened._models.of(str(tiny_pipeline)).state == "ready")
        yield opened


@pytest.fixture
def client(page: Page) -> Iterator[TestClient]:
    """Talks to the page's server."""
    with TestClient(page.app()) as talking:
        yield talking


@pytest.fixture
def wish(tiny_pipeline: Path) -> dict[str, Any]:
    """A picture with both attributes."""
    attributes = [{"name": "early", "strength": 0.5}, {"name": "late", "strength": 1}]
    return {"backbone": str(tiny_pipeline), "attributes": attributes, "seed": 3, "steps": STEPS}


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    """Return when something has become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def draw(client: TestClient, wish: dict[str, Any], number: int = 1, tab: str = "a", **more: Any) -> dict[str, Any]:
    """What the page draws."""
    answer = client.post("/api/draw", json={"tab": tab, "number": number, "wish": wish, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
