"""``show OUT.png`` prints the command that made the picture, or says why it cannot."""

from __future__ import annotations

import io
import json
import shlex
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact

RECIPE: dict[str, Any] = {
    "steps_applied": [
        {"name": "young", "id": "ab" * 32, "strength": 0.7, "t": 400, "core": "mean"},
        {"name": "smile", "id": "cd" * 32, "strength": -1.0, "t": 200, "core": "mean"},
    ],
    "prompt": 'it\'s a "photo"; rm -rf $HOME',
    "seed": 7,
    "sampler": "ddim",
    "steps": 25,
    "guidance_scale": 3.0,
    "backbone": "portraits",
    "fingerprint": "0123456789abcdef",
}


def picture(path: Path, text: str | None, *, international: bool = False) -> str:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Software", "something else")
    if text is not None:
        (chunks.add_itxt if international else chunks.add_text)("attrbank.recipe", text)
    Image.new("RGB", (4, 4)).save(path, pnginfo=chunks)
    return str(path)


@pytest.mark.parametrize("international", [False, True])
def test_the_command_can_be_pasted_into_a_shell(international: bool, cli: Cli, tmp_path: Path) -> None:
    path = picture(tmp_path / "out.png", json.dumps(RECIPE), international=international)
    words = shlex.split(cli("show", path).out)
    assert words[:4] == ["attrbank", "apply", f"young@{'ab' * 6}:0.7", f"smile@{'cd' * 6}:-1"]
    assert words[4:] == [
        *("--prompt", RECIPE["prompt"], "--seed", "7", "--sampler", "ddim", "--steps", "25"),
        *("--guidance-scale", "3", "--core", "mean", "--backbone", "portraits"),
    ]


@pytest.mark.parametrize(
    "prompt", ["caf\u200bé\u2060 7", "a\u00a0man", "'\u202e\\x' $HOME", "zwj 👩\u200d🎨", "tab\tand\nline"]
)
def test_invisible_characters_of_a_prompt_survive_the_shell(prompt: str, cli: Cli, tmp_path: Path) -> None:
    """They change the picture; a terminal is shown none of them."""
    command = cli("show", picture(tmp_path / "out.png", json.dumps(RECIPE | {"prompt": prompt}))).out.rstrip("\n")
    assert command.isprintable()
    pasted = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True).stdout
    words = pasted.decode().split("\0")
    assert words[words.index("--prompt") + 1] == prompt


def test_json_gives_the_command_and_the_recipe(cli: Cli, tmp_path: Path) -> None:
    shown = json.loads(cli("show", picture(tmp_path / "out.png", json.dumps(RECIPE)), "--json").out)
    assert shown["command"].startswith("attrbank apply young@")
    assert shown["recipe"]["prompt"] == RECIPE["prompt"]


def test_the_bank_of_a_picture_can_be_named_and_is_missed_if_it_is_not(cli: Cli, tmp_path: Path) -> None:
    entry = Bank(tmp_path / "elsewhere").add(artifact())
    step = RECIPE["steps_applied"][0] | {"name": entry.name, "id": entry.id}
    path = picture(tmp_path / "out.png", json.dumps(RECIPE | {"steps_applied": [step]}))
    alone = cli("show", path)
    assert alone.code == 0
    assert entry.name in alone.err
    assert "--bank" in alone.err
    named = cli("show", path, "--bank", str(tmp_path / "elsewhere"))
    assert named.err == ""
    assert shlex.join(["--bank", str(tmp_path / "elsewhere")]) in named.out


@pytest.mark.parametrize("text", ["", "{}", "[" * 10_000, json.dumps(RECIPE | {"seed": -1}), "\x1b[2J"])
def test_a_recipe_that_is_none_is_corrupt(text: str, cli: Cli, tmp_path: Path) -> None:
    outcome = cli("show", picture(tmp_path / "out.png", text))
    assert outcome.code == 5
    assert "verify" not in outcome.err  # which looks at banks


def test_a_picture_without_a_recipe_is_not_found(cli: Cli, tmp_path: Path) -> None:
    assert cli("show", picture(tmp_path / "out.png", None)).code == 3
    assert cli("show", str(tmp_path / "nowhere.png")).code == 3
    assert cli("show", str(tmp_path)).code == 3


def test_another_file_is_no_picture(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"PK\3\4")
    assert cli("show", str(tmp_path / "out.png")).code == 4


def test_every_truncation_and_every_flipped_byte_ends_in_a_sentence(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    whole = Path(picture(path, json.dumps(RECIPE))).read_bytes()
    for position in range(0, len(whole), 7):
        for damaged in (whole[:position], whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :]):
            path.write_bytes(damaged)
            outcome = cli("show", str(path))
            assert outcome.code in {0, 3, 4, 5}
            assert "bug" not in outcome.err


def test_compressed_text_is_refused_unread(cli: Cli, tmp_path: Path) -> None:
    bomb = b"attrbank.recipe\0\1\0\0\0" + zlib.compress(bytes(10_000_000))
    chunk = struct.pack(">I", len(bomb)) + b"iTXt" + bomb + struct.pack(">I", zlib.crc32(b"iTXt" + bomb))
    plain = io.BytesIO()
    Image.new("RGB", (4, 4)).save(plain, "PNG")
    (tmp_path / "out.png").write_bytes(plain.getvalue()[:33] + chunk + plain.getvalue()[33:])
    assert cli("show", str(tmp_path / "out.png")).code == 5
