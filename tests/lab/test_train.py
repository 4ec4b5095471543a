"""The training script: what it uses again, what it makes anew, and what it says when it stops."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from attrbank.errors import IncompatibleError
from lab.portraits import codec, train


def test_a_run_out_of_time_says_so_and_the_next_call_finishes_it(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(codec, "psnr", lambda *_: 0.0)  # takes longer than all the rest

    def call(**limit):
        train.main(tmp_path, codec_steps=1, codec_renders=4, steps=0, renders=2, **limit)
        return capsys.readouterr().err

    assert "stopped: autoencoder at step 0 of 1;" in call(max_minutes=0)
    assert not (tmp_path / "vae").exists()
    assert not (tmp_path / "denoiser").exists()
    assert f"finished: {tmp_path / 'model'}\n" in call()
    assert (tmp_path / "model" / "model_index.json").exists()


def test_examples_are_used_again_only_for_the_same_renders_and_autoencoder(tmp_path: Path, capsys):
    torch.manual_seed(0)
    one, other = codec.build(), codec.build()
    first, written = train.encode_examples(one, tmp_path, 2), (tmp_path / "examples.safetensors").stat().st_mtime_ns
    torch.testing.assert_close(train.encode_examples(one, tmp_path, 2).latents, first.latents, rtol=0, atol=0)
    assert (tmp_path / "examples.safetensors").stat().st_mtime_ns == written
    assert capsys.readouterr().err == ""

    more = train.encode_examples(one, tmp_path, 3)
    assert len(more.latents) == 3
    assert "examples: made anew, as those on disk are 2 renders" in capsys.readouterr().err

    assert not torch.equal(train.encode_examples(other, tmp_path, 3).latents, more.latents)
    assert "examples: made anew" in capsys.readouterr().err


def test_a_denoiser_does_not_go_on_with_other_examples(tmp_path: Path):
    vae = codec.build()
    assert train.train_denoiser(vae, tmp_path, 2, 0, None)
    examples = (tmp_path / "examples.safetensors").read_bytes()
    with pytest.raises(IncompatibleError, match="has learned from 2 renders"):
        train.train_denoiser(vae, tmp_path, 3, 0, None)
    assert (tmp_path / "examples.safetensors").read_bytes() == examples


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_drawn(tmp_path: Path, monkeypatch, capsys, out):
    (tmp_path / "file").touch()
    monkeypatch.setattr(train, "render", lambda _: pytest.fail("drawn"))
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / out)])
    with pytest.raises(SystemExit) as stopped:
        train.run()
    assert stopped.value.code == 7
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {tmp_path / out} cannot be used")
    assert lines[1].startswith("hint: ")
