"""What a network makes that is no number ends the run with the part's name; no picture is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from attrbank.cli.app import run
from attrbank.errors import NumericError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import Asked

UNET, VAE, TEXT = (
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, tiny_pipeline: Path) -> Path:
    folder, prompts = tmp_path_factory.mktemp("bank"), (["a photo of a person"], ["a photo of an old person"])
    learn(learn_spec("old", *prompts, seeds=(0, 1), steps=5), backbone=str(tiny_pipeline), bank=folder)
    return folder


def poisoned(model: Path, to: Path, weights: str, tensor: str, value: float = float("nan")) -> Path:
    shutil.copytree(model, to)
    tensors = load_file(to / weights)
    tensors[tensor][:] = value
    save_file(tensors, to / weights, metadata={"format": "pt"})
    return to


@pytest.mark.parametrize(
    ("weights", "tensor", "options", "part"),
    [
        (VAE, "decoder.conv_out.bias", [], "vae"),
        (VAE, "decoder.conv_out.bias", ["--only-after"], "vae"),
        (VAE, "decoder.conv_out.bias", ["-i", "in.png"], "vae"),
        (VAE, "encoder.conv_out.bias", ["-i", "in.png"], "vae"),
        (UNET, "up_blocks.0.resnets.0.conv1.bias", [], "unet"),
        (TEXT, "final_layer_norm.bias", [], "text_encoder"),
    ],
)
def test_a_network_that_makes_no_numbers_is_named_and_nothing_is_written(
    weights, tensor, options, part, bank, tiny_pipeline, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32), "grey").save("in.png")
    model = poisoned(tiny_pipeline, tmp_path / "model", weights, tensor)
    common = ["old", "--backbone", str(model), "--bank", str(bank), "--force", "--steps", "5"]
    assert run(["apply", *common, "-o", "out.png", *options]) == 10
    told = capsys.readouterr().err
    assert f"the {part} made holds NaN" in told
    assert "--dtype float32" in told
    assert not (tmp_path / "out.png").exists()


def test_a_batch_keeps_no_picture_of_no_numbers(bank, tiny_pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = poisoned(tiny_pipeline, tmp_path / "model", VAE, "decoder.conv_out.bias")
    common = ["old", "--backbone", str(model), "--bank", str(bank), "--force", "--steps", "5"]
    assert run(["apply", *common, "--seeds", "0-1", "-o", "{seed}.png"]) == 11
    assert not list(tmp_path.glob("*.png"))


def test_numbers_too_large_for_half_precision_are_refused(bank, tiny_pipeline, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = poisoned(tiny_pipeline, tmp_path / "model", UNET, "conv_out.weight", 6e4)
    common = ["old", "--backbone", str(model), "--bank", str(bank), "--force", "--steps", "5", "--dtype", "float16"]
    assert run(["apply", *common, "-o", "out.png"]) == 10
    assert "try --dtype float32" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_a_plugins_backbone_need_not_have_looked(bank, tiny_pipeline, tmp_path, monkeypatch):
    """Whatever decodes."""
    from attrbank.backbones.stable_diffusion.load import StableDiffusion
    from attrbank.editing.request import ApplyRequest
    from attrbank.editing.run import apply

    monkeypatch.setattr(StableDiffusion, "decode", lambda self, latent: torch.full((1, 3, 32, 32), torch.nan))
    asked = {"bank": bank, "backbone": str(tiny_pipeline), "steps": 5, "output": tmp_path / "out.png"}
    with pytest.raises(NumericError, match="decoded"):
        apply(ApplyRequest(references=(Asked("old"),), **asked))
    assert not (tmp_path / "out.png").exists()
