"""A picture's recipe draws it again, bit for bit, or with what is asked to be otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.cli.conftest import Cli

RUN = ("--steps", "8")


@pytest.fixture(scope="module")
def stocked(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank with ``old`` and ``odd``, learned once."""
    from attrbank import open as open_model  # a studio learns quicker than two processes

    folder = tmp_path_factory.mktemp("stocked") / "bank"
    studio = open_model(tiny_pipeline, bank=folder)
    for name, target in (("old", "a photo of an old person"), ("odd", "a photo of a man")):
        studio.learn(name, "a photo of a person", target, seeds=range(2), steps=8, core="mean", preview=False)
    return folder


@pytest.fixture
def picture(cli: Cli, stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """``one.png``, of *old* at a strength and a time of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTRBANK_BANK", str(shutil.copytree(stocked, tmp_path / "copy")))
    outcome = cli("apply", "old:0.123456789@0.5", "--seed", "5", *RUN, "-o", "one.png")
    assert outcome.code == 0, outcome.err
    return "one.png"


def alike(one: str, other: str) -> bool:
    with Image.open(one) as first, Image.open(other) as second:
        return ImageChops.difference(first.convert("RGB"), second.convert("RGB")).getbbox() is None


def turns(cli: Cli, *arguments: str) -> dict[str, float]:
    outcome = cli("replay", *arguments, "--plan", "--json")
    assert outcome.code == 0, outcome.err
    return {attribute["name"]: attribute["strength"] for attribute in json.loads(outcome.out)["attributes"]}


def test_a_picture_comes_again_bit_for_bit_under_a_name_of_its_own(cli: Cli, picture: str) -> None:
    outcome = cli("replay", picture)
    assert (outcome.code, outcome.out) == (0, "old_seed5.png\n"), outcome.err
    assert alike(picture, "old_seed5.png")


def test_what_is_said_changes_and_the_rest_stays(cli: Cli, picture: str) -> None:
    assert cli("replay", picture, "--seed", "6", "-o", "other.png").code == 0
    assert cli("apply", "old:0.123456789@0.5", "--seed", "6", *RUN, "-o", "asked.png").code == 0
    assert alike("other.png", "asked.png")
    assert not alike("other.png", picture)


def test_attributes_come_go_and_change(cli: Cli, picture: str) -> None:
    assert turns(cli, picture, "old:0.9", "odd") == {"old": 0.9, "odd": 1.0}
    assert turns(cli, picture, "odd:-1", "--without", "old") == {"odd": -1.0}
    gone = cli("replay", picture, "--without", "hat")
    assert gone.code == 3
    assert "It has old" in gone.err


def test_a_strength_keeps_its_time_and_a_time_its_strength(cli: Cli, picture: str) -> None:
    def when(reference: str) -> tuple[float, int]:
        (turn,) = json.loads(cli("replay", picture, reference, "--plan", "--json").out)["attributes"]
        return turn["strength"], turn["t"]

    (asked,) = json.loads(cli("apply", "old@0.5", *RUN, "--plan", "--json").out)["attributes"]
    assert when("old:0.9") == (0.9, asked["t"])
    assert when("old@0.25")[0] == 0.123456789
    assert when("old@0.25")[1] < asked["t"]


def test_the_photograph_that_was_edited_is_found_by_its_content(cli: Cli, picture: str, tmp_path: Path) -> None:
    Image.linear_gradient("L").convert("RGB").resize((64, 64)).save("photo.png")
    assert cli("apply", "old", "-i", "photo.png", *RUN, "-o", "edited.png").code == 0
    assert cli("replay", "edited.png", "-o", "again.png").code == 0
    assert alike("edited.png", "again.png")
    Path("elsewhere").mkdir()
    Path("photo.png").rename("elsewhere/photo.png")
    Image.radial_gradient("L").convert("RGB").save("photo.png")
    lost = cli("replay", "edited.png")
    assert lost.code == 3
    assert "name it with -i" in lost.err
    assert cli("replay", "edited.png", "-i", "elsewhere/photo.png", "-o", "again.png").code == 0
    assert alike("edited.png", "again.png")


def test_a_model_that_is_another_by_now_is_told(cli: Cli, picture: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(tiny_pipeline, tmp_path / "other")
    weights = next((other / "vae").glob("*.safetensors"))
    save_file({name: tensor * 1.01 for name, tensor in load_file(weights).items()}, weights)
    outcome = cli("replay", picture, "--backbone", str(other), "--plan")
    assert outcome.code == 0, outcome.err
    assert "is another than when this picture was made" in outcome.err


def test_what_carries_no_recipe_is_refused(cli: Cli, picture: str) -> None:
    Image.new("RGB", (8, 8)).save("plain.png")
    assert cli("replay", "plain.png").code == 3
    assert cli("replay", "nowhere.png").code == 3
