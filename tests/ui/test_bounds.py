"""What the page remembers is bounded, and of a tab's wishes the newest counts."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.schema.carried import PictureFile
from attrbank.ui import dropped as dropping, models as modelling, tabs as tabbing
from attrbank.ui.dropped import Dropped
from attrbank.ui.models import Models
from attrbank.ui.tabs import SupersededError, Tabs


def png(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(data, format="PNG")
    return data.getvalue()


def test_a_later_wish_of_the_same_tab_takes_the_place_of_an_earlier_one() -> None:
    tabs = Tabs()
    tabs.asks("a", 1)
    watch = tabs.watching("a", 1, once=False)
    watch(1, 9)
    tabs.asks("b", 7)
    watch(2, 9)
    tabs.asks("a", 2)
    with pytest.raises(SupersededError):
        watch(3, 9)
    with pytest.raises(SupersededError):
        tabs.asks("a", 1)


def test_a_draft_that_has_begun_is_finished_and_one_that_has_not_is_given_up() -> None:
    tabs = Tabs()
    tabs.asks("a", 1)
    begun, waiting = (tabs.watching("a", 1, once=True) for _ in range(2))
    begun(1, 2)
    tabs.asks("a", 2)
    begun(2, 2)
    with pytest.raises(SupersededError):
        waiting(1, 2)


def test_tabs_that_have_long_been_silent_are_forgotten() -> None:
    tabs = Tabs()
    for number in range(3 * tabbing.MOST):
        tabs.asks(f"tab {number}", number)
    assert len(tabs._newest) == tabbing.MOST


def test_pictures_that_were_dropped_long_ago_are_forgotten_and_so_are_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "MOST", 2)
    dropped = Dropped(tmp_path)
    first, second, third = (dropped.keep("a.png", png(shade)) for shade in range(3))
    with pytest.raises(NotFoundError, match="no longer"):
        dropped.path(first)
    assert [dropped.path(key).read_bytes() for key in (second, third)] == [png(1), png(2)]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize(
    "name", ["../../up.png", "/etc/passwd", "..", ".hidden", "C:\\up.png", "", "a" * 300, "\0", "a\0\nb", "象" * 99]
)
def test_whatever_a_picture_is_called_it_lies_in_the_pages_own_folder(tmp_path: Path, name: str) -> None:
    dropped = Dropped(tmp_path / "pictures")
    (tmp_path / "pictures").mkdir()
    path = dropped.path(dropped.keep(name, png(1)))
    assert path.resolve().is_relative_to(tmp_path / "pictures")
    assert path.is_file()
    assert path.name.isprintable()


def test_what_is_no_picture_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"^a\.png is not a picture"):
        Dropped(tmp_path).keep("a.png", b"MZ")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_another_was_made_of_is_found_by_what_is_in_it(tmp_path: Path) -> None:
    dropped = Dropped(tmp_path)
    file = PictureFile(name="me.png", sha256=hashlib.sha256(png(4)).hexdigest())
    with pytest.raises(NotFoundError, match=r"made of me\.png"):
        dropped.again(file)
    assert dropped.keep("renamed.png", png(4)) == dropped.again(file)
    assert dropped.again(None) is None


def test_only_the_last_few_models_stay_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelling.Model, "_load", lambda self: self._done.set())
    models = Models(None, None)
    first = models.of("first")
    for name in ("second", "first", "third"):
        models.of(name)
    assert models.of("first") is first
    assert len(models._known) == modelling.MOST


def test_models_that_cannot_be_had_take_no_place_from_those_that_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(model: modelling.Model) -> None:
        model.error = NotFoundError("None.") if model.name.startswith("typo") else None
        model._done.set()

    monkeypatch.setattr(modelling.Model, "_load", load)
    models = Models(None, None)
    first = models.of("first")
    for name in ("typo", "typo-2", "typo-3"):
        assert models.of(name).name == name
    assert models.of("first") is first
    assert len(models._known) == modelling.MOST
