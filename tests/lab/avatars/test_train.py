"""Training: all stages in seconds, resumed, and exported as a model that diffusers reads."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from attrbank_avatars.model_folder import FOLDER
from diffusers import AutoencoderKL, DDIMScheduler
from safetensors.torch import load_file

from attrbank.backbones.families import describe
from attrbank.errors import IncompatibleError
from lab.avatars import codec, denoiser, loop, painting, train
from lab.avatars.captions import MAX_TOKENS, build_tokenizer
from lab.avatars.cutouts import Cutouts
from lab.avatars.examples import CAPTIONS, QUESTIONS, encode_examples, encoder_id
from lab.avatars.loop import ReportingTrainer, deadline_in
from lab.avatars.painting import Bank
from lab.avatars.sample import sample
from lab.avatars.scenes import paint_all
from lab.portraits.denoiser import build_text_encoder

UNET = "unet/diffusion_pytorch_model.safetensors"
SMALL = {"figures": 8, "codec_scenes": 8, "codec_steps": 1, "scenes": 8, "batch": 2, "decoder_steps": 1}


@pytest.mark.slow
def test_all_stages_run_stop_and_go_on(no_node: None, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(codec, "psnr", lambda *_: 0.0)  # takes longer than all the rest
    monkeypatch.setattr(loop, "REPORT_EVERY", 1)
    train.main(tmp_path, steps=1, **SMALL)
    told = capsys.readouterr().out
    assert all(line in told for line in ("autoencoder: step 1 of 1", "denoiser: step 1 of 1", "decoder: step 1 of 1"))
    encoder = encoder_id(AutoencoderKL.from_pretrained(tmp_path / "vae"))
    train.main(tmp_path, steps=2, **SMALL)
    told = capsys.readouterr().out
    assert "denoiser: step 2 of 2" in told
    assert "autoencoder: step" not in told
    assert encoder == encoder_id(AutoencoderKL.from_pretrained(tmp_path / "vae"))  # latents mean what they meant
    _check_model(tmp_path / "model")
    other = tmp_path / "other"
    train.main(other, steps=0, stage=train.Stage.DENOISER, start=tmp_path / "model", **SMALL)  # which changes nothing
    was, is_now = (load_file(folder / UNET) for folder in (tmp_path / "model", other / "model"))
    assert all(torch.equal(was[name], is_now[name]) for name in was)
    codec.build().save_pretrained(other / "vae")
    with pytest.raises(IncompatibleError, match="another autoencoder"):
        train.main(other, steps=0, stage=train.Stage.DENOISER, start=tmp_path / "model", **SMALL)


def _check_model(model: Path) -> None:
    assert json.loads((model / "attrbank.json").read_text())["name"] == "avatars"
    assert json.loads((model / "text_encoder" / "config.json").read_text())["dtype"] == "float32"
    assert not any("_name_or_path" in path.read_text() for path in model.rglob("*.json"))
    assert sum(path.stat().st_size for path in model.rglob("*")) < 12_000_000
    assert tuple(describe(str(model)).latent_shape) == (4, 32, 32)  # attrbank takes it as it takes anybody's
    (picture,) = sample(model, ["a comic of a man"], [1], steps=1, guidance=2.0)
    assert picture.size == (128, 128)


def test_a_denoiser_goes_on_from_a_shipped_model() -> None:
    torch.manual_seed(3)
    networks = denoiser.Networks(
        build_text_encoder(build_tokenizer(), MAX_TOKENS), denoiser.build_unet(), denoiser.build_reader()
    )
    train.go_on_from(FOLDER, networks)
    for name, file in (("unet", UNET), ("text_encoder", "text_encoder/model.safetensors")):
        stored, state = load_file(FOLDER / file), getattr(networks, name).state_dict()
        assert all(torch.equal(state[key], tensor.float()) for key, tensor in stored.items())
        assert not set(dict(getattr(networks, name).named_parameters())) - set(stored)


def test_a_checkpoint_goes_on_with_its_moments(tmp_path: Path) -> None:
    def trainer() -> ReportingTrainer:
        torch.manual_seed(0)
        return ReportingTrainer({"net": torch.nn.Linear(2, 1)}, tmp_path, 1e-2)

    first = trainer()
    first.train(lambda _: first.networks["net"](torch.ones(2)).sum(), 3, "test")
    second = trainer()
    assert second.step == 3
    assert all(state["exp_avg"].abs().sum() > 0 for state in second.optimizer.state.values())


def test_a_run_that_time_ends_has_lowered_its_rate(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1)
    trainer = ReportingTrainer({"net": network}, tmp_path, 1e-2)
    saved, rates = [], []

    def loss(_: int) -> torch.Tensor:
        time.sleep(0.002)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        return network(torch.ones(2)).sum()

    done = trainer.train(loss, 10**6, "test", deadline_in(0.8 / 60), on_save=lambda: saved.append(trainer.step))
    assert not done
    assert saved[-1] == trainer.step == len(rates)
    assert max(rates) == 1e-2
    assert rates[-1] < 1e-3


def test_a_deadline_that_has_passed_changes_nothing(tmp_path: Path) -> None:
    trainer = ReportingTrainer({"net": torch.nn.Linear(2, 1)}, tmp_path, 1e-2)
    assert not trainer.train(lambda _: pytest.fail("trained"), 5, "test", deadline_in(0))
    assert trainer.step == 0


def test_the_denoisers_loss_is_a_function_of_the_step(no_node: None, tmp_path: Path) -> None:
    examples = encode_examples(codec.build(), Bank(tmp_path, 8, 1), 6)
    assert examples.latents.shape == (6, 4, 32, 32)
    assert examples.tokens.shape == (6, CAPTIONS, MAX_TOKENS)
    assert examples.said.shape == (6, CAPTIONS, len(QUESTIONS))
    networks = denoiser.Networks(
        build_text_encoder(build_tokenizer(), MAX_TOKENS), denoiser.build_unet(), denoiser.build_reader()
    )
    loss = denoiser.DenoisingLoss(networks, examples, seed=1, batch=3)
    with torch.no_grad():
        assert loss(4) == loss(4)
        assert loss(4) != loss(5)
        clean, faces, *rest = loss.draw(4)
        bare, seen = (loss.of((clean, torch.full_like(faces, value), *rest)) for value in (0, 1))
        assert seen > 2 * bare, "an error in a face is a large one"


def test_processes_paint_what_one_process_paints(cutouts: Cutouts, tmp_path: Path, no_node: None, monkeypatch) -> None:
    bank = Bank(tmp_path, 8, 1)
    drawn = bank.load()
    monkeypatch.setattr(painting, "PART", 3)
    alone = painting.paint(bank, 7, 5, torch.device("cpu"))
    monkeypatch.setattr(painting, "workers_for", lambda _: 2)
    assert torch.equal(painting.paint(bank, 7, 5, torch.device("cpu")), alone)
    assert torch.equal(paint_all(painting.scenes(bank, 7, 5), drawn), alone)
    assert len({picture.numpy().tobytes() for picture in alone}) == 7


def test_pixels_near_edges_count_more() -> None:
    image = torch.zeros(1, 3, 32, 32)
    image[..., 16:] = 1
    weight = codec.weights(image)
    assert weight.mean().item() == pytest.approx(1, abs=1e-4)
    assert weight[0, 0, 0, 15] > 3 * weight[0, 0, 0, 0]


def test_the_schedule_ends_in_noise_alone_and_is_that_of_the_model_that_ships() -> None:
    scheduler, shipped = denoiser.build_scheduler(), DDIMScheduler.from_pretrained(FOLDER / "scheduler")
    assert scheduler.alphas_cumprod[-1].sqrt() < 0.01
    assert scheduler.config.prediction_type == "v_prediction"  # of noise alone, the noise is no question
    assert _settings(scheduler) == _settings(shipped)


def _settings(scheduler: DDIMScheduler) -> dict[str, object]:
    return {name: value for name, value in scheduler.config.items() if not name.startswith("_")}


def test_places_near_edges_count_more_and_all_of_them_1_on_average() -> None:
    latents = torch.zeros(2, 4, 32, 32)
    latents[0, ..., 16:], latents[1, :, :8] = 1, 3
    weight = denoiser.weight_of_place(latents)
    assert weight.shape == (2, 1, 32, 32)
    torch.testing.assert_close(weight.mean(dim=(1, 2, 3)), torch.ones(2))
    assert weight[0, 0, 9, 15] > 3 * weight[0, 0, 9, 0]
    assert weight[1, 0, 7, 9] > 3 * weight[1, 0, 31, 9]
