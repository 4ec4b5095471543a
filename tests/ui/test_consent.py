"""What the command line refuses with a hint of ``--force`` is had on the page by one button; and where models run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page as Tab, expect
from starlette.testclient import TestClient

from attrbank.errors import InvalidValueError
from attrbank.plugin.tiny import build_pipeline
from attrbank.store.entry import Entry
from attrbank.studio.studio import Studio
from attrbank.ui import app
from attrbank.ui.app import Page
from attrbank.ui.asked import LearnOrder
from attrbank.ui.learnings import Learning
from tests.ui.conftest import NAMES, PROMPTS, draw, wait_for
from tests.ui.test_browser import address, browser, doing, drawn, pytestmark as in_browser
from tests.ui.test_walk import screen

__all__ = ["address", "browser", "screen"]


@pytest.fixture(scope="module")
def relative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other weights than those that the attributes were learned on."""
    return build_pipeline(tmp_path_factory.mktemp("relative") / "model", seed=1)


@pytest.fixture
def page(bank: Path, relative: Path) -> Iterator[Page]:
    with Page(str(relative), bank, None) as opened:
        wait_for(lambda: opened._models.of(str(relative)).state == "ready")
        yield opened


def test_an_attribute_of_a_related_model_acts_once_that_is_agreed_to(
    client: TestClient, wish: dict[str, Any], relative: Path
) -> None:
    wish = wish | {"backbone": str(relative)}
    known = client.get("/api/model", params={"backbone": str(relative)}).json()["attributes"]
    assert [(one["name"], one["related"]) for one in known] == [(name, True) for name in NAMES]
    refused = client.post("/api/draw", json={"tab": "a", "number": 1, "wish": wish})
    assert (refused.status_code, refused.json()["error"]["force"]) == (400, True)
    answer = draw(client, wish | {"force": True}, number=2)
    assert answer["after"] != answer["before"]
    assert "--force" in shlex.split(answer["command"])
    assert any("learned on" in warning for warning in answer["warnings"])


def test_what_no_consent_helps_offers_none(client: TestClient, wish: dict[str, Any], relative: Path) -> None:
    wrong = wish | {"backbone": str(relative), "force": True, "sampler": "nonsense"}
    refused = client.post("/api/draw", json={"tab": "a", "number": 1, "wish": wrong})
    assert refused.json()["error"]["force"] is False


class Refusing:
    """Learns what it is forced to."""

    def learn(self, name: str, source: str, target: str, **options: Any) -> Entry:
        if not options["force"]:
            raise InvalidValueError("There is next to nothing to learn.", "--force stores it all the same.")
        return cast(Entry, SimpleNamespace(id="0" * 64, reference=name))


def test_next_to_nothing_is_learned_once_that_is_agreed_to() -> None:
    order = LearnOrder(backbone="any", name="same", source=PROMPTS[0], target=PROMPTS[0])
    for forced, state in ((False, "failed"), (True, "done")):
        learning = Learning(order.model_copy(update={"force": forced}), cast(Studio, Refusing()))
        wait_for(lambda learning=learning: not learning.running)
        told = learning.as_json()
        assert (told["state"], told.get("error", {}).get("force", False)) == (state, not forced)


def test_a_device_is_chosen_among_those_that_there_are(
    client: TestClient, page: Page, wish: dict[str, Any], relative: Path
) -> None:
    assert "cpu" in client.get("/api/start").json()["devices"]
    wait_for(lambda: page._models.of(str(relative), "cpu").state == "ready")
    answer = draw(client, wish | {"backbone": str(relative), "force": True, "device": "cpu"})
    words = shlex.split(answer["command"])
    assert words[words.index("--device") + 1] == "cpu"
    refused = client.get("/api/model", params={"backbone": str(relative), "device": "gpu"})
    assert (refused.status_code, "not a device" in refused.json()["error"]["message"]) == (400, True)


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "devices", lambda: ["cpu", "cuda"])


@pytest.mark.usefixtures("two_devices")
def test_consent_and_the_choice_of_a_device_are_a_button_and_a_list(
    browser: Browser, address: str, screen: Callable[[Tab, str], None]
) -> None:
    tab: Tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(address)
    button = tab.get_by_role("button", name="Try 2 learned on a related model")
    expect(button).to_be_visible()
    button.click()
    drawn(tab)
    expect(tab.get_by_role("slider", name="late", exact=True)).to_be_visible()
    expect(button).to_be_hidden()
    tab.click("text=Sampling")
    doing(tab, lambda: tab.get_by_label("Device").select_option("cpu"))
    tab.reload()
    drawn(tab)
    tab.click("text=Sampling")
    assert tab.get_by_label("Device").input_value() == "cpu"
    tab.evaluate("import('/page/state.js').then(it => { delete it.state.picture.force; })")
    tab.get_by_label("late, strength as a number").fill("0.5")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("They are relatives")
    expect(tab.get_by_role("button", name="Try again")).to_be_hidden()
    screen(tab, "consent")
    expect(tab.get_by_role("alert")).to_be_in_viewport()
    doing(tab, lambda: tab.get_by_role("button", name="Do it all the same").click())
    expect(tab.get_by_role("alert")).to_be_hidden()
    tab.close()


test_consent_and_the_choice_of_a_device_are_a_button_and_a_list.pytestmark += in_browser
