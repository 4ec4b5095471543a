"""Training: all stages in seconds, resumed, and exported as a model that diffusers reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from attrbank.backbones.families import describe
from lab.avatars import codec, loop, train
from lab.avatars.examples import encoder_id
from lab.avatars.loop import ReportingTrainer, start_from
from lab.avatars.sample import sample

SMALL = {"figures": 8, "codec_scenes": 8, "codec_steps": 1, "scenes": 8, "batch": 2, "decoder_steps": 1}


@pytest.mark.slow
def test_all_stages_run_stop_and_go_on(no_node: None, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(codec, "psnr", lambda *_: 0.0)  # takes longer than all the rest
    monkeypatch.setattr(loop, "REPORT_EVERY", 1)
    train.main(tmp_path, steps=1, **SMALL)
    told = capsys.readouterr().out
    assert all(stage in told for stage in ("autoencoder: step 1 of 1", "denoiser: step 1 of 1", "decoder: step 1 of 1"))
    encoder = encoder_id(AutoencoderKL.from_pretrained(tmp_path / "vae"))
    train.main(tmp_path, steps=2, **SMALL)
    told = capsys.readouterr().out
    assert "denoiser: step 2 of 2" in told
    assert "autoencoder: step" not in told
    assert encoder == encoder_id(AutoencoderKL.from_pretrained(tmp_path / "vae"))  # latents mean what they meant
    _check_model(tmp_path / "model")


def _check_model(model: Path) -> None:
    assert json.loads((model / "attrbank.json").read_text())["name"] == "avatars"
    assert json.loads((model / "text_encoder" / "config.json").read_text())["dtype"] == "float32"
    assert not any("_name_or_path" in path.read_text() for path in model.rglob("*.json"))
    assert sum(path.stat().st_size for path in model.rglob("*")) < 12_000_000
    assert tuple(describe(str(model)).latent_shape) == (4, 32, 32)  # attrbank takes it as it takes anybody's
    (picture,) = sample(model, ["a comic of a man"], [1], steps=1, guidance=2.0)
    assert picture.size == (128, 128)


def test_a_checkpoint_goes_on_with_its_moments(tmp_path: Path) -> None:
    def trainer() -> ReportingTrainer:
        torch.manual_seed(0)
        return ReportingTrainer({"net": torch.nn.Linear(2, 1)}, tmp_path, 1e-2)

    first = trainer()
    first.run(lambda _: first.networks["net"](torch.ones(2)).sum(), 3, None, "test")
    second = trainer()
    assert second.step == 3
    assert all(state["exp_avg"].abs().sum() > 0 for state in second.optimizer.state.values())


def test_only_weights_that_fit_are_taken_over() -> None:
    network = torch.nn.Linear(2, 3)
    assert start_from(network, {"weight": torch.zeros(3, 2), "bias": torch.zeros(9), "other": torch.zeros(1)}) == 1
    assert torch.equal(network.weight, torch.zeros(3, 2))
