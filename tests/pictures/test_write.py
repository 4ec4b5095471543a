"""Where pictures go when nobody says so."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image

from attrbank.errors import InvalidValueError, StorageError
from attrbank.pictures import write as picture
from attrbank.pictures.parameters import parameters_of
from attrbank.pictures.png_text import read_recipe_text
from attrbank.pictures.read import PictureData
from attrbank.schema.carried import Recipe, RecipeTurn


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(prompt: str = "a person", asked: Path | None = None) -> Path:
    names = ("young", "smile")
    recipe = Recipe(
        steps_applied=tuple(RecipeTurn(name=name, id="0" * 64, strength=1, t=400) for name in names),
        prompt=prompt,
        seed=3,
        sampler="ddim",
        steps=5,
        guidance_scale=1,
        backbone="tiny",
        fingerprint="0123456789abcdef",
    )
    return picture.write(asked, None, torch.zeros(3, 16, 16), ("before", "after"), recipe)


def test_a_picture_is_named_after_its_attributes_and_seed_and_numbered_when_that_is_taken(folder: Path) -> None:
    Path("young+smile_seed3-3.png").mkdir()
    expected = ["young+smile_seed3.png", "young+smile_seed3-2.png", "young+smile_seed3-4.png"]
    assert [str(write()) for _ in range(3)] == expected


def test_parallel_runs_never_write_over_each_others_pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)  # each looks before any of the others has written
    barrier = threading.Barrier(6)

    def run(number: int) -> tuple[Path, str]:
        barrier.wait()
        return write(f"prompt {number}"), f"prompt {number}"

    with ThreadPoolExecutor(6) as pool:
        written = dict(pool.map(run, range(6)))
    assert sorted(os.listdir()) == sorted(map(str, written))
    assert {path: Recipe.model_validate_json(read_recipe_text(path)).prompt for path in written} == written


def test_before_and_after_are_known_by_the_bytes_that_were_read(folder: Path) -> None:
    sheet = write()
    read = PictureData.read(sheet)
    sheet.unlink()
    with pytest.raises(InvalidValueError, match="sheet"):
        read.decoded()


def test_the_folder_of_many_pictures_need_not_be_there(folder: Path) -> None:
    picture.require_writable(Path("a/b/{seed}.png"), makes_folder=True)
    assert not Path("a").exists()
    Path("file").touch()
    with pytest.raises(StorageError):
        picture.require_writable(Path("file/b/{seed}.png"), makes_folder=True)


@pytest.mark.parametrize("asked", ["nowhere/out.png", "file/out.png", "file/a/out.png", "folder"])
def test_a_place_where_no_picture_can_be_is_refused(asked: str, folder: Path) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    with pytest.raises(StorageError, match=asked):
        picture.require_writable(Path(asked))
    picture.require_writable(Path("folder/out.png"))
    picture.require_writable(None)


def test_other_programs_are_told_what_they_know_how_to_show() -> None:
    with Image.open(write("a person, smiling")) as shown:
        prompt, fields = shown.info["parameters"].splitlines()
    assert prompt == "a person, smiling"
    assert fields == (
        'Steps: 5, Sampler: DDIM, CFG scale: 1, Seed: 3, Size: 16x16, Model: tiny, Attributes: "young:1, smile:1"'
    )


def test_a_negative_prompt_has_a_line_and_what_would_be_taken_for_fields_is_quoted() -> None:
    recipe = Recipe.model_validate_json(read_recipe_text(write("ünï 老")))
    changed = recipe.model_copy(update={"negative_prompt": "a hat", "backbone": "/m: x, Seed: 9"})
    _, against, fields = parameters_of(changed, (16, 24)).splitlines()
    assert against == "Negative prompt: a hat"
    assert 'Size: 16x24, Model: "/m: x, Seed: 9", Attributes' in fields
