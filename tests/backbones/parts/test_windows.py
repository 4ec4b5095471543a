"""What a model does not read of a long prompt is what its encoders cut off, and whoever gives it is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from attrbank.backbones.families import describe, load
from attrbank.cli.app import run
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn

LONG = "a photo of a person " + "with glasses " * 12  # 5 words and 24, of 22 that the tiny models read
END = "with glasses " * 2


@pytest.fixture(params=["tiny_pipeline", "tiny_pipeline_xl", "tiny_sd3_without_t5"])
def model(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.mark.parametrize(
    "prompt",
    [
        LONG + "man",
        LONG,
        "an old  PHOTO, of O'Neil's hat. " * 4,
        "ÀÉ " * 30,
        "x" * 90,
        "don’t 12345 " * 9,
        "\n a\tb " * 40,
    ],
)
def test_what_is_named_is_what_makes_no_difference(prompt: str, model: Path) -> None:
    """The rest of the prompt gives the same conditioning; without its last word it does not."""
    backbone = load(str(model))
    cut = backbone.unread(prompt)
    assert cut
    assert prompt.endswith(cut)
    assert describe(str(model)).unread(prompt) == cut
    encoder = backbone._text_encoder if hasattr(backbone, "_text_encoder") else backbone._clip
    tokens = lambda text: encoder._tokenizer(text, truncation=False).input_ids  # noqa: E731
    read = prompt.removesuffix(cut)
    assert len(tokens(read)) <= 24
    if " " in cut.strip() or len(read) > 0:
        following = read + cut[: len(cut) - len(cut.lstrip())] + cut.split()[0]
        assert len(tokens(following)) > 24  # that word no longer fits


def test_two_prompts_that_read_alike_are_alike(tiny_pipeline: Path) -> None:
    backbone = load(str(tiny_pipeline))
    man, woman = (backbone.encode_prompts([LONG + end])["text"] for end in ("man", "woman with a hat"))
    assert torch.equal(man, woman)


@pytest.mark.parametrize("prompt", ["", "a photo of a person", "with " * 22])
def test_a_prompt_that_fits_is_read(prompt: str, model: Path) -> None:
    assert describe(str(model)).unread(prompt) == ""


def test_the_longest_window_counts(tiny_sd3: Path, tiny_flux: Path) -> None:
    """T5 reads what CLIP cuts off."""
    for folder in (tiny_sd3, tiny_flux):
        assert describe(str(folder)).unread(LONG) == ""
        assert describe(str(folder)).unread(LONG * 30).endswith("with glasses ")


def test_a_tokenizer_in_one_file_reads_alike(tiny_pipeline: Path, tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    CLIPTokenizer.from_pretrained(folder / "tokenizer").save_pretrained(folder / "tokenizer")
    (folder / "tokenizer" / "vocab.json").unlink(missing_ok=True)
    assert describe(str(folder)).unread(LONG + "man") == describe(str(tiny_pipeline)).unread(LONG + "man")


def test_those_who_apply_and_learn_are_told(
    tiny_pipeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    on = ["--backbone", str(tiny_pipeline), "--bank", str(tmp_path / "bank"), "--steps", "4"]
    pair = ["--source", LONG + "hat", "--target", f"an old {LONG}"]
    assert run(["learn", "old", *pair, "--seeds", "0-1", *on]) == 0
    assert "does not read: glasses with glasses with glasses with glasses hat" in capsys.readouterr().err
    for options in (["--plan"], ["--plan", "--json"], ["-o", "out.png"]):
        assert run(["apply", "old", "--prompt", LONG + "man", *options, *on]) == 0
        told = capsys.readouterr()
        assert "glasses man" in told.err
        if "--json" in options:
            assert "glasses man" in json.loads(told.out)["warnings"][0]


def test_a_pair_that_differs_only_behind_the_cut_is_refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    prompts = ["a man", LONG + "young"], ["an old man", LONG + "old"]
    with pytest.raises(InvalidValueError, match=r"does not read, .* glasses young' and"):
        learn(learn_spec("old", *prompts, seeds=(0, 1), steps=4), backbone=str(tiny_pipeline), bank=tmp_path)
