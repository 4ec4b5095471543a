"""The page with sliders as the documents show it: ``python -m lab.figures.page --out FILE``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from attrbank.errors import NotFoundError
from attrbank.ui.guard import url_of
from lab.ui_bench import KEY, PROMPT, hosting

WIDTH, HEIGHT = 1280, 828
SEED = "12"
SET = {"young": 0.6, "smile": 0.8}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 300_000
"""Milliseconds."""

DRAWN = "#compare[data-drawn^=exact]:not(.busy) #before:not([hidden])"
"""There when an exact picture is shown and nothing more is to come."""
LAST = "the prompt says 'old' against young"
"""What the page says of the picture that is to be shown."""


def main(out: Annotated[Path, typer.Option(metavar="PNG", help="Where to write it.")]) -> None:
    """Open the page in a browser, set two sliders, and take its picture."""
    from playwright.sync_api import sync_playwright  # of the extra [test]

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise NotFoundError("There is no chromium to look at the page with.", hint="apt-get install chromium")
    with hosting() as port, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.set_default_timeout(PATIENCE)
        tab.goto(url_of(port, KEY))
        tab.wait_for_selector(DRAWN)
        tab.get_by_label("Seed", exact=True).fill(SEED)
        tab.get_by_label("Prompt", exact=True).fill(PROMPT)
        tab.keyboard.press("Enter")
        for name, strength in SET.items():
            tab.get_by_label(f"{name}, strength as a number").fill(str(strength))
            tab.keyboard.press("Enter")
        tab.get_by_text(LAST).wait_for()
        tab.wait_for_selector(DRAWN)
        tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        tab.screenshot(path=out)
        opened.close()


if __name__ == "__main__":
    typer.run(main)
