"""The main job through the command line: learn, apply, show, and the same picture once more."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli

PAIR = ("--source", "a photo of a person", "--target", "a photo of an old person")


@pytest.fixture
def learned(cli: Cli, tiny_pipeline: Path) -> str:
    """What ``learn`` says of the attribute ``old``."""
    outcome = cli("learn", "old", *PAIR, "--backbone", str(tiny_pipeline), "--seeds", "0-3", "--steps", "8")
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_learning_ends_with_what_was_stored_how_long_it_took_and_how_large_it_is(learned: str, bank: Bank) -> None:
    (entry,) = bank.entries()
    lines = [line for line in learned.splitlines() if "left" not in line]  # of how far it is, where it is slow
    *_, stored, seen = lines
    assert re.fullmatch(rf"Stored {entry.reference} in \d+ s, {entry.size_bytes / 1000:.1f} KB\.", stored)
    assert str(bank.previews.path(entry)) in seen


@pytest.mark.parametrize(
    "options", [(), ("--core", "mlp", "--only-after"), ("--sampler", "ddpm", "--raw")], ids=" ".join
)
def test_the_command_in_a_picture_makes_it_again(
    options: tuple[str, ...], learned: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = cli("apply", "old:0.123456789", "--seed", "5", "--steps", "8", *options)
    assert first.out == "old_seed5.png\n", first.err
    _, *command = shlex.split(cli("show", "old_seed5.png").out)
    again = cli(*command)
    assert again.out == "old_seed5-2.png\n", again.err
    with Image.open("old_seed5.png") as one, Image.open("old_seed5-2.png") as other:
        assert ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is None


def test_the_attribute_shows_in_the_picture(
    learned: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for strength in ("0", "1"):
        options = ("--seed", "5", "--steps", "8", "--only-after", "-o", f"{strength}.png")
        assert cli("apply", f"old:{strength}", *options).code == 0
    with Image.open("0.png") as without, Image.open("1.png") as edited:
        assert ImageChops.difference(without, edited).getbbox()


def test_words_that_the_model_does_not_know_are_named_beside_those_that_it_does(
    cli: Cli, learned: str, tiny_pipeline: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    (folder / "attrbank.json").write_text(json.dumps({"words": ["a", "person"]}))
    apply, learn = ("apply", "old", "--plan", "--prompt"), ("learn", "new", "--target", "a person", "--seeds", "0")
    for command in (apply, (*learn, "--steps", "4", "--source")):
        outcome = cli(*command, "a zebra", "--backbone", str(folder))
        assert outcome.code == 0, outcome.err
        assert "does not know zebra; it knows: a, person" in outcome.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--sampler", "nobody"), 3),
        (("--backbone", "nobody"), 3),
        (("--bank", "nowhere"), 3),
        (("-o", "nowhere/out.png"), 7),
        (("-o", "out.jpg"), 4),
        (("--rho", "nan"), 4),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_cannot_be_applied_leaves_nothing(
    options: tuple[str, ...], code: int, learned: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    outcome = cli("apply", "old", "--steps", "8", *options)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("error: ")
    assert "\nhint: " in outcome.err
    assert list((tmp_path / "here").iterdir()) == []
