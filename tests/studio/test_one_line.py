"""``attrbank.apply``, ``attrbank.learn`` and ``attrbank.open``, as a user types them, right and wrong."""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import attrbank
from attrbank.cli.app import run
from attrbank.pictures.png_text import read_recipe_text
from attrbank.schema.asked import LearnSpec, PaperOptions
from attrbank.schema.carried import Recipe
from attrbank.studio import arguments, foreign

PROMPTS = ("a photo of a person", "a photo of an old person")


@pytest.fixture(scope="module")
def bank(tiny_pipeline: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("one-line") / "bank"
    attrbank.learn("old", *PROMPTS, seeds=range(2), steps=5, guidance_scale=1, backbone=tiny_pipeline, bank=folder)
    return folder


@pytest.fixture(scope="module")
def studio(tiny_pipeline: Path, bank: Path) -> attrbank.Studio:
    return attrbank.open(tiny_pipeline, bank=bank)


@pytest.fixture(scope="module")
def result(studio) -> attrbank.Result:
    return studio.apply("old:0.7", seed=7, steps=5)


def test_it_has_both_pictures_and_writes_no_file(studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = studio.apply("old:0.7", seed=7, steps=5)
    assert (result.before.size, result.after.size, result.before.mode) == ((32, 32), (32, 32), "RGB")
    assert result.before.tobytes() != result.after.tobytes()
    assert list(tmp_path.iterdir()) == []


def test_jupyter_is_shown_the_sheet_with_the_recipe(result, tmp_path):
    shown = result._repr_png_()
    (tmp_path / "shown.png").write_bytes(shown)
    assert Image.open(io.BytesIO(shown)).width > 2 * 256
    assert Recipe.model_validate_json(read_recipe_text(tmp_path / "shown.png")) == result.recipe
    assert "old 0.7" in repr(result)
    assert "seed 7" in repr(result)


@pytest.mark.parametrize(("option", "only_after"), [([], False), (["--only-after"], True)])
def test_it_saves_what_the_command_line_writes(option, only_after, result, tiny_pipeline, bank, tmp_path):
    where = ["--backbone", str(tiny_pipeline), "--bank", str(bank), "-o", str(tmp_path / "typed.png")]
    assert run(["apply", "old:0.7", "--seed", "7", "--steps", "5", *option, *where]) == 0
    saved = result.save(tmp_path / "saved.png", only_after=only_after)
    assert saved.read_bytes() == (tmp_path / "typed.png").read_bytes()
    assert np.array_equal(np.asarray(Image.open(saved)), np.asarray(result.after)) is only_after


def test_saving_overwrites_nothing_unasked(result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there.png"
    there.write_text("mine")
    with pytest.raises(attrbank.InvalidValueError, match="is there already") as caught:
        result.save(there)
    assert "replace=True" in caught.value.hint
    assert there.read_text() == "mine"
    assert result.save(there, replace=True).stat().st_size > 1000
    assert [result.save().name for _ in range(2)] == ["old_seed7.png", "old_seed7-2.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old_seed7-2.png", "old_seed7.png", "there.png"]


@pytest.mark.parametrize(
    "to", ["out.jpg", "", "a\0.png", "nowhere/out.png", "file/out.png", "x" * 300 + ".png", 5, b"out.png", "/"]
)
def test_a_place_that_cannot_be_written_to_is_refused(result, to, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(attrbank.AttrbankError) as caught:
        result.save(to)
    assert "bug" not in caught.value.message


def test_a_picture_is_never_saved_over_what_it_was_made_of(studio, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((40, 50, 4), 128, dtype=np.uint8)).save(photo)
    edited = studio.apply("old", image=photo, steps=5)
    assert (edited.after.mode, edited.after.size) == ("RGBA", (50, 40))
    with pytest.raises(attrbank.InvalidValueError, match="made of"):
        edited.save(photo, replace=True)


def test_names_of_torch_say_where_to_run():
    assert arguments.placement(torch.device("cuda:1"), torch.float16, offload=True) == arguments.Placement(
        device="cuda:1", dtype="float16", offload=True
    )
    assert arguments.placement(None, None, offload=False) is None


def test_pictures_to_learn_from_are_two_folders_or_two_lists(studio, tmp_path):
    for (side, seed), number in itertools.product((("plain", 0), ("changed", 2)), range(2)):
        (tmp_path / side).mkdir(exist_ok=True)
        pixels = np.random.default_rng(seed + number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / side / f"{number}.png")
    folders = {"source_image": tmp_path / "plain", "target_image": str(tmp_path / "changed")}
    lists = {name: sorted(Path(folder).iterdir()) for name, folder in folders.items()}
    first = studio.learn("dotted", **folders, steps=5, guidance_scale=1)
    second = studio.learn("dotted", **lists, steps=5, guidance_scale=1, replace=True)
    assert first.id == second.id


def test_the_command_lines_warnings_are_warnings(bank, tiny_pipeline):
    with pytest.warns(UserWarning, match="was learned at t = ") as caught:
        attrbank.apply("old", steps=11, backbone=tiny_pipeline, bank=bank)
    assert caught[0].filename == __file__


def test_every_option_of_a_spec_is_an_option_of_learn():
    fields = {*LearnSpec.model_fields, *PaperOptions.model_fields}
    assert fields - {"name", "pairs", "pictures", "paper"} <= set(arguments.LearnOptions.__annotations__)


def test_an_unknown_keyword_is_a_type_error_as_everywhere_in_python(studio):
    for call in (attrbank.apply, studio.apply, lambda *given, **named: attrbank.learn("x", *given, **named)):
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
            call("old", "young", colour="red")
    with pytest.raises(TypeError, match="colour"):
        attrbank.open("portraits", colour="red")


HOSTILE = (
    *(5, -1, 10**400, 1.5, math.nan, math.inf, True, b"old", "", " ", "x" * 100_000, "a\0b", "\ud800", "~nobody"),
    *([], [None], ["a"] * 3, (), {}, {"a": 1}, object(), lambda: 0, Path("/"), Path("nowhere"), Path("/dev/null")),
    *(np.float32("nan"), np.zeros(3), torch.zeros(2), Image.new("RGB", (4, 4)), torch.float16, torch.device("cpu")),
)
"""Nothing of this is good for anything, as long as it does not happen to be."""


def only_ours(call) -> None:
    """Whatever comes, comes as an error of ours, short, and not as one that we did not foresee."""
    message = ""
    try:
        call()
    except attrbank.AttrbankError as error:
        message = error.message
    assert "bug" not in message
    assert len(message) < 5000


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path):
    """What is asked for is looked at, up to where the network would be asked; relative paths are ours."""
    monkeypatch.chdir(tmp_path)

    def stop(*given, **named):
        raise attrbank.InvalidValueError("It would have run.")

    monkeypatch.setattr("attrbank.editing.run.Editor.draw", stop)
    monkeypatch.setattr("attrbank.learning.run.learn_attributes", stop)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("option", [*arguments.ApplyOptions.__annotations__, "attribute"])
def test_apply_raises_our_errors_only(option, studio):
    for value in HOSTILE:
        only_ours(
            lambda value=value: studio.apply(value) if option == "attribute" else studio.apply("old", **{option: value})
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("option", [*arguments.LearnOptions.__annotations__, "name", "source", "target"])
def test_learn_raises_our_errors_only(option, studio):
    prompts = {"name": "fresh", "source": PROMPTS[0], "target": PROMPTS[1], "steps": 5}
    pictures = {"name": "fresh", "source_image": __file__, "target_image": __file__}
    for value in HOSTILE:
        asked = (pictures if option.endswith("_image") else prompts) | {option: value}
        only_ours(lambda asked=asked: studio.learn(**asked))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("option", ["backbone", "bank", "device", "dtype", "offload"])
def test_open_and_the_one_liners_raise_our_errors_only(option, bank, tiny_pipeline, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for value in HOSTILE:
        where = {"backbone": tiny_pipeline, "bank": bank} | {option: value}
        only_ours(lambda where=where: attrbank.open(**where))
        only_ours(lambda where=where: attrbank.apply("old", **where))
        only_ours(lambda where=where: attrbank.learn("fresh", *PROMPTS, **where))


def test_a_folder_that_is_no_model_and_a_model_that_is_none_are_told_apart(tmp_path, bank):
    with pytest.raises(attrbank.NotFoundError):
        attrbank.open(tmp_path)
    with pytest.raises(attrbank.NotFoundError):
        attrbank.open("nobody-has-this")
    with pytest.raises(attrbank.NotFoundError):
        attrbank.apply("young", bank=bank, image="nowhere.png")


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (MemoryError(), attrbank.AttrbankError),
        (torch.OutOfMemoryError("CUDA"), attrbank.AttrbankError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), attrbank.AttrbankError),
        (OSError(28, "No space left"), attrbank.StorageError),
        (ZeroDivisionError("x"), attrbank.AttrbankError),
    ],
    ids=repr,
)
def test_what_goes_wrong_beneath_is_told_in_our_words(raised, ours):
    with pytest.raises(ours) as caught, foreign.only_our_errors():
        raise raised
    assert caught.value.__cause__ is raised
    assert ("memory" in caught.value.message) == (not isinstance(raised, OSError | ZeroDivisionError))


def test_interrupts_and_warnings_pass():
    for passing in (KeyboardInterrupt(), UserWarning("as the caller wants it")):
        with pytest.raises(type(passing)), foreign.only_our_errors():
            raise passing
