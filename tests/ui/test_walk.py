"""Somebody who has never seen the project: an old man is made young and smiling, a grin is learned, and found again.

With ``ATTRBANK_SCREENS=DIR`` the screens of the walk are kept there, to look at.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page as Tab, expect

from attrbank.cli.app import run
from attrbank.ui.app import Page
from tests.ui.conftest import wait_for
from tests.ui.test_browser import PATIENCE, address, browser, doing, drawn, pytestmark, seeds, seen

__all__ = ["address", "browser", "pytestmark"]


@pytest.fixture
def page(tmp_path: Path):
    """The page on ``portraits``, with a bank of the test's own over the starter bank."""
    with Page(None, tmp_path / "bank", None) as opened:
        wait_for(lambda: opened._models.of("portraits").state == "ready", seconds=300)
        yield opened


@pytest.fixture
def screen(tmp_path: Path) -> Callable[[Tab, str], None]:
    """Keeps what is seen, wide and narrow."""
    folder = Path(os.environ.get("ATTRBANK_SCREENS", tmp_path))

    def take(tab: Tab, name: str) -> None:
        for width, height in ((390, 844), (1440, 900)):
            tab.set_viewport_size({"width": width, "height": height})
            tab.wait_for_timeout(300)
            tab.screenshot(path=folder / f"{name}-{width}.png")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width

    return take


def test_the_walk(browser: Browser, address: str, screen: Callable[[Tab, str], None], capsys) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.set_default_timeout(5 * PATIENCE)
    tab.goto(address)
    drawn(tab)
    screen(tab, "1-opened")

    tab.get_by_label("Prompt", exact=True).fill("a photo of an old man")
    doing(tab, lambda: tab.keyboard.press("Enter"))
    for name, presses in (("young", 5), ("smile", 5)):
        tab.get_by_role("slider", name=name, exact=True).focus()
        doing(tab, lambda presses=presses: [tab.keyboard.press("PageUp") for _ in range(presses)])
    assert (seen(tab) != seen(tab, "before")).any()
    screen(tab, "2-young-and-smiling")

    tab.get_by_role("link", name="Learn", exact=True).click()
    tab.get_by_role("textbox", name="Name", exact=True).fill("grin")
    tab.get_by_label("Without it", exact=True).fill("a photo of a person")
    tab.get_by_label("With it", exact=True).fill("a photo of a person, smiling")
    seeds(tab, "0-3")
    tab.get_by_role("button", name="Learn", exact=True).click()
    tab.wait_for_function("() => document.querySelector('#learn-progress progress').value > 0")
    screen(tab, "3-learning")
    expect(tab.locator("#learn-done")).to_contain_text("grin is learned", timeout=5 * PATIENCE)
    screen(tab, "4-learned")

    tab.get_by_role("link", name="See it in the gallery").click()
    tab.get_by_label("Search names, tags, prompts and notes").fill("grin")
    expect(tab.locator("#exhibits article")).to_have_count(1)
    expect(tab.get_by_alt_text("grin at strengths 0, 0.5 and 1")).to_be_visible()
    tab.get_by_role("button", name="Copy command").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    screen(tab, "5-found")
    command = tab.evaluate("navigator.clipboard.readText()")
    assert shlex.split(command)[:3] == ["attrbank", "apply", "grin:0.7"]
    assert run([*shlex.split(command)[1:], "--plan"]) == 0, capsys.readouterr().err
    context.close()
