"""The page in a real browser: what is seen, moved, dropped, learned, saved, and there again after a reload."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Locator, Page as Tab, expect, sync_playwright

import attrbank
from attrbank.ui.app import Page
from attrbank.ui.command import QUIETLY, listen
from attrbank.ui.guard import url_of
from tests.ui.conftest import STEPS, wait_for
from tests.ui.test_server import image, photo

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60_000
"""Milliseconds: of a machine that is busy with other things."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install -y chromium"),
]
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def address(page: Page) -> Iterator[str]:
    """Of the page, served as ``attrbank ui`` serves it."""
    with listen(0) as listening:
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(page.guarded(port, "key"), **QUIETLY))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        wait_for(lambda: server.started)
        yield url_of(port, "key")
        server.should_exit = True
        thread.join()


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Tab]:
    """The page in a tab that tolerates no error of a script's, and asks nobody else."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened, errors = context.new_page(), list[str]()
    opened.set_default_timeout(PATIENCE)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if "Security" in message.text else None)
    origin = address.partition("/?")[0]
    opened.on(
        "request", lambda sent: None if sent.url.startswith((origin, "data:", "blob:")) else errors.append(sent.url)
    )
    enter(opened, address)
    yield opened
    context.close()
    assert errors == []


def enter(tab: Tab, address: str) -> None:
    tab.goto(address)
    drawn(tab)
    tab.evaluate("steps => { const field = document.getElementById('steps'); field.value = steps; }", STEPS)
    doing(tab, lambda: tab.dispatch_event("#steps", "change"))


def drawn(tab: Tab) -> None:
    """Return when an exact picture is shown and nothing more is to come."""
    tab.wait_for_selector("#compare[data-drawn^=exact]:not(.busy) #before:not([hidden])")


def doing(tab: Tab, act: Any) -> None:
    """Do something, and return when its picture is there."""
    before = tab.get_attribute("#compare", "data-drawn")
    act()
    tab.wait_for_function(
        "before => { const it = document.getElementById('compare'); const now = it.dataset.drawn;"
        " return now !== before && now.startsWith('exact') && !it.classList.contains('busy'); }",
        arg=before,
    )


def turn(tab: Tab, name: str, strength: float) -> None:
    doing(
        tab,
        lambda: (tab.get_by_label(f"{name}, strength as a number").fill(str(strength)), tab.keyboard.press("Enter")),
    )


def seen(tab: Tab, which: str = "after") -> np.ndarray:
    return image(str(tab.get_attribute(f"#{which}", "src")))


def applied(page: Page, bank: Path, *attributes: str, **options: Any) -> np.ndarray:
    result = attrbank.apply(*attributes, backbone=page._begins_with, bank=bank, steps=STEPS, **options)
    return np.asarray(result.after)


def test_a_slider_that_is_moved_by_keys_ends_at_the_exact_picture(tab: Tab, page: Page, bank: Path) -> None:
    slider = tab.get_by_role("slider", name="late", exact=True)
    slider.focus()
    doing(tab, lambda: [tab.keyboard.press("ArrowRight") for _ in range(7)])
    assert slider.input_value() == "0.07"
    wait_for(lambda: np.array_equal(seen(tab), applied(page, bank, "late:0.07")))


def filled(slider: Locator) -> tuple[bool, bool]:
    """Whether a slider from −1 to 1 is seen to be filled halfway between 0 and its left end, and its right end."""
    line = np.asarray(Image.open(io.BytesIO(slider.screenshot())).convert("RGB")).astype(int)
    row = line[len(line) // 2]
    left, right, end = (row[round(len(row) * share)] for share in (0.25, 0.75, 0.99))
    return bool((left != end).any()), bool((right != end).any())


def test_a_slider_is_filled_from_0_and_not_from_its_left_end(tab: Tab) -> None:
    slider = tab.get_by_role("slider", name="late", exact=True)
    tab.evaluate("document.getElementById('slider-late').min = -1")
    seen_at = {}
    for strength in (-0.9, 0, 0.9):
        turn(tab, "late", strength)
        seen_at[strength] = filled(slider)
    assert seen_at == {-0.9: (True, False), 0: (False, False), 0.9: (False, True)}


def test_a_tab_that_is_duplicated_leaves_the_first_its_pictures(tab: Tab) -> None:
    with tab.context.expect_page() as opening:
        tab.evaluate("window.open(location.href)")  # takes along what the tab keeps, as duplicating does
    drawn(opening.value)
    turn(tab, "late", 0.5)


def test_several_attributes_compose_and_number_fields_go_beyond_the_range(tab: Tab, page: Page, bank: Path) -> None:
    turn(tab, "late", 1.5)
    turn(tab, "early", 0.5)
    assert np.array_equal(seen(tab), applied(page, bank, "early:0.5", "late:1.5"))
    doing(tab, lambda: tab.click("#reset"))
    assert np.array_equal(seen(tab), seen(tab, "before"))


def test_of_a_slider_that_is_dragged_only_what_can_be_drawn_is_asked_for(tab: Tab, page: Page, bank: Path) -> None:
    asked = list[str]()
    tab.on("request", lambda sent: asked.append(sent.url) if sent.url.endswith("/api/draw") else None)
    drag = """() => { const slider = document.getElementById('slider-late');
        for (let n = 1; n <= 50; n++) { slider.value = n / 100; slider.dispatchEvent(new Event('input')); }
        slider.dispatchEvent(new Event('change')); }"""
    doing(tab, lambda: tab.evaluate(drag))
    assert len(asked) <= 3
    assert np.array_equal(seen(tab), applied(page, bank, "late:0.5"))


def test_the_handle_between_before_and_after_is_moved_by_keys(tab: Tab) -> None:
    handle = tab.get_by_label("Before and after: where the two pictures meet")
    handle.focus()
    tab.keyboard.press("Home")
    assert tab.evaluate("getComputedStyle(document.getElementById('after')).clipPath") == "inset(0px 0px 0px 0%)"
    assert handle.get_attribute("aria-valuetext") == "0 % before"


def test_what_is_saved_is_what_python_saves_and_dropped_elsewhere_it_puts_the_controls_back(
    tab: Tab, page: Page, bank: Path, address: str, tmp_path: Path
) -> None:
    tab.fill("#seed", "5")
    doing(tab, lambda: tab.keyboard.press("Enter"))
    turn(tab, "late", 0.8)
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "late_seed5.png"
    download.value.save_as(tmp_path / "saved.png")
    result = attrbank.apply("late:0.8", seed=5, steps=STEPS, backbone=page._begins_with, bank=bank)
    assert (tmp_path / "saved.png").read_bytes() == result.png(only_after=True)

    other = tab.context.new_page()
    other.goto(address)
    drawn(other)
    doing(other, lambda: other.set_input_files("#file", tmp_path / "saved.png"))
    assert (other.input_value("#seed"), other.input_value("#slider-late")) == ("5", "0.8")
    assert np.array_equal(seen(other), seen(tab))


def test_after_a_reload_all_is_as_it_was(tab: Tab) -> None:
    turn(tab, "late", 0.4)
    was = seen(tab)
    tab.reload()
    drawn(tab)
    assert tab.input_value("#slider-late") == "0.4"
    assert np.array_equal(seen(tab), was)


def test_two_tabs_do_not_disturb_each_other(tab: Tab, page: Page, bank: Path, address: str) -> None:
    other = tab.context.new_page()
    enter(other, address)
    turn(tab, "late", 0.3)
    turn(other, "early", 0.9)
    turn(tab, "late", 0.6)
    assert np.array_equal(seen(tab), applied(page, bank, "late:0.6"))
    assert np.array_equal(seen(other), applied(page, bank, "early:0.9"))


def test_a_photograph_is_dropped_and_edited_where_it_is_painted(tab: Tab) -> None:
    given = {"name": "me.png", "mimeType": "image/png", "buffer": photo((64, 64))}
    doing(tab, lambda: tab.set_input_files("#file", given))
    expect(tab.locator("#photo")).to_contain_text("Editing me.png")
    turn(tab, "late", 1)
    assert np.array_equal(seen(tab, "before"), np.asarray(Image.open(io.BytesIO(given["buffer"]))))
    everywhere = seen(tab)
    tab.click("#mask-tools summary")
    tab.click("#paint")
    box = tab.locator("#brush").bounding_box()
    assert box is not None

    def paint() -> None:
        tab.mouse.move(box["x"] + 20, box["y"] + 20)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 20, box["y"] + box["height"] - 20, steps=5)
        tab.mouse.up()

    doing(tab, paint)
    changed = (seen(tab).astype(int) != seen(tab, "before")).any(-1)
    assert changed[:, :12].any()
    assert not changed[:, 48:].any()
    doing(tab, lambda: tab.click("#clear-mask"))
    assert np.array_equal(seen(tab), everywhere)

    Image.new("L", (64, 64), 255).save(white := io.BytesIO(), format="PNG")
    given = {"name": "mask.png", "mimeType": "image/png", "buffer": white.getvalue()}
    doing(tab, lambda: tab.set_input_files("#mask-file", given))
    assert np.array_equal(seen(tab), everywhere)


def test_strips_and_grids_are_drawn_of_what_is_set(tab: Tab) -> None:
    turn(tab, "late", 0.5)
    tab.click("#sheet-tools summary")
    tab.select_option("#sheet-y", "seeds")
    tab.click("#sheet-form button")
    expect(tab.get_by_alt_text("A grid of late=-1:1:5 and seed=0-2")).to_be_visible()


def test_an_attribute_is_learned_with_progress_and_a_cancelled_one_leaves_nothing(tab: Tab, bank: Path) -> None:
    before = sorted(path.name for path in bank.rglob("*.safetensors"))
    tab.click("text=Learn")
    tab.fill("#learn-name", "grin")
    tab.fill("#learn-source", "a photo of a person")
    tab.fill("#learn-target", "a photo of a man")
    seeds(tab, "0-1023")  # more than a busy machine learns from while a page is loaded
    tab.click("#learn-form [type=submit]")
    tab.wait_for_function("() => document.querySelector('#learn-progress progress').value > 0")
    tab.reload()  # a learning outlives the page
    tab.click("#learn-cancel")
    expect(tab.locator("#learn-done")).to_contain_text("nothing is kept of it")
    assert sorted(path.name for path in bank.rglob("*.safetensors")) == before

    tab.fill("#learn-name", "grin")
    tab.fill("#learn-source", "a photo of a person")
    tab.fill("#learn-target", "a photo of a man")
    seeds(tab, "0-3")
    tab.click("#learn-form [type=submit]")
    expect(tab.locator("#learn-done")).to_contain_text("grin is learned")
    tab.click("text=Try it")
    turn(tab, "grin", 1)
    assert not np.array_equal(seen(tab), seen(tab, "before"))


def seeds(tab: Tab, wanted: str) -> None:
    tab.evaluate(f"document.getElementById('learn-seeds').options[0].value = '{wanted}'")
    tab.select_option("#learn-seeds", index=0)


def test_the_gallery_is_searched_and_tagged_and_gives_back_what_it_threw_away(tab: Tab) -> None:
    tab.click("nav >> text=Gallery")
    expect(tab.locator("#exhibits article")).to_have_count(2)
    tab.fill("#gallery-search", "late")
    expect(tab.locator("#exhibits article")).to_have_count(1)
    tab.click("text=Rename and tag")
    tab.fill("[name=tags]", "age")
    tab.click("text=Keep tags")
    expect(tab.locator(".tags").first).to_have_text("#age")
    tab.click("text=Rename and tag")
    tab.fill("[name=name]", "aged")
    tab.fill("#gallery-search", "")
    tab.click("button >> text=Rename")
    expect(tab.locator("#exhibits h3").first).to_have_text("aged")
    tab.click("#exhibits .remove >> nth=0")
    expect(tab.locator("#exhibits article")).to_have_count(1)
    tab.click("#show-trash")
    tab.click("text=Restore")
    expect(tab.locator("#trash")).to_have_text("The trash is empty.")
    tab.click("#show-trash")
    expect(tab.locator("#exhibits article")).to_have_count(2)
    doing(tab, lambda: tab.click("#exhibits .use >> nth=0"))
    assert tab.input_value("#slider-aged") == "0.7"


def test_what_goes_wrong_is_said_and_the_page_goes_on(tab: Tab, page: Page) -> None:
    tab.fill("#model", "./nowhere")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("nowhere")
    tab.fill("#model", page._begins_with)
    doing(tab, lambda: tab.keyboard.press("Enter"))
    expect(tab.locator("#trouble")).to_be_hidden()


def test_everything_that_can_be_used_has_a_name_for_who_does_not_see_it(tab: Tab) -> None:
    nameless = """() => [...document.querySelectorAll('input, select, button, a, progress')].filter(it =>
        !(it.labels?.length || it.ariaLabel || it.textContent.trim() || it.placeholder)).map(it => it.outerHTML)"""
    for room in ("Studio", "Learn", "Gallery"):
        tab.click(f"nav >> text={room}")
        assert tab.evaluate(nameless) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_sticks_out_of_a_narrow_or_a_wide_window(tab: Tab, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    for room in ("Studio", "Learn", "Gallery"):
        tab.click(f"nav >> text={room}")
        tab.wait_for_timeout(100)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
