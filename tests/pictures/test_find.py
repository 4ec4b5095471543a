"""Which pictures belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.pictures.find import matched, pictures_in


def folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).write_bytes(b"")
    return path


def test_folders_are_matched_by_name_whatever_the_ending(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", "2.png", "1.JPG", "notes.txt"), folder(tmp_path / "b", "1.png", "2.webp")
    assert [(pair.source.name, pair.target.name) for pair in matched(a, b)] == [("1.JPG", "1.png"), ("2.png", "2.webp")]


@pytest.mark.parametrize("others", [("1.png",), ("1.png", "2.png", "3.png"), ("1.png", "2.png", "2.jpg"), ("x.png",)])
def test_a_picture_without_one_partner_is_named(others: tuple[str, ...], tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", "1.png", "2.png"), folder(tmp_path / "b", *others)
    for source, target in ((a, b), (b, a)):
        with pytest.raises(InvalidValueError, match=r"partner"):
            matched(source, target)


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", "1.png", "._1.png", ".2.jpg"), folder(tmp_path / "b", "1.png", "._1.png")
    assert [path.name for path in pictures_in(a)] == ["1.png"]
    assert [(pair.source.name, pair.target.name) for pair in matched(a, b)] == [("1.png", "1.png")]


def test_a_picture_and_a_folder_do_not_belong_together(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", "1.png")
    with pytest.raises(InvalidValueError, match="two folders"):
        matched(a, a / "1.png")
    assert len(matched(a / "1.png", a / "1.png")) == 1


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        matched(tmp_path, tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match="no pictures"):
        pictures_in(folder(tmp_path / "empty", "notes.txt"))
