from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attrbank.backbones import short_names as shortnames
from attrbank.backbones.families import describe
from attrbank.backbones.sources import PORTRAITS, Source, resolve
from attrbank.diffusion.protocols import Defaults
from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError


@pytest.fixture
def folder(tiny_pipeline: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_pipeline, tmp_path / "model")


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_folder_tells_shape_schedule_and_prediction_type(tiny_pipeline: Path, tiny_pipeline_velocity: Path) -> None:
    model = describe(str(tiny_pipeline))
    assert model.name == str(tiny_pipeline)
    assert model.latent_shape == (4, 16, 16)
    assert (model.schedule.train_timesteps, model.schedule.steps_offset) == (1000, 1)
    assert model.prediction_type == "epsilon"
    assert describe(str(tiny_pipeline_velocity)).prediction_type == "v_prediction"


def test_folder_without_settings_has_the_general_defaults(tiny_pipeline: Path) -> None:
    model = describe(str(tiny_pipeline))
    assert model.defaults == Defaults()
    assert model.unknown_words("anything at all 猫") == []


def test_settings_name_the_model_and_recommend(folder: Path) -> None:
    settings = {"name": "tiny", "steps": 12, "guidance_scale": 3, "prompt": "a man", "sampler": "ddpm", "more": 1}
    (folder / "attrbank.json").write_text(json.dumps(settings))
    model = describe(str(folder))
    assert model.name == "tiny"
    assert model.defaults == Defaults(steps=12, guidance_scale=3.0, prompt="a man", sampler="ddpm")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a photo of a man", []),
        ("A Photo, of a man.", []),
        ("a zebra of a photo of a Giraffe and a zebra", ["zebra", "giraffe", "and"]),
        ("a man's photo", ["man's"]),
        ("a close-up photo", ["close-up"]),
        ("a man 😀", ["😀"]),
        ("", []),
    ],
)
def test_words_that_the_model_does_not_know_are_named(folder: Path, prompt: str, expected: list[str]) -> None:
    (folder / "attrbank.json").write_text(json.dumps({"words": ["a", "Photo", "of", "man"]}))
    assert describe(str(folder)).unknown_words(prompt) == expected


@pytest.mark.parametrize("settings", ['{"steps": 0}', '{"words": "man"}', '{"guidance_scale": NaN}', "[]", "{"])
def test_malformed_settings_are_refused(folder: Path, settings: str) -> None:
    (folder / "attrbank.json").write_text(settings)
    with pytest.raises(IncompatibleError, match=r"attrbank\.json"):
        describe(str(folder))


def test_portraits_is_the_model_that_comes_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "portraits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("portraits") == Source(PORTRAITS)


def test_folder_is_itself_even_where_it_reads_like_a_hub_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "owner" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert resolve("owner/model") == Source(Path("owner/model"))


def test_hub_id_is_the_folder_of_its_snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def snapshot_download(hub_id: str, *, local_files_only: bool, **_: Any) -> str:
        asked.append((hub_id, local_files_only))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert resolve("owner/model") == Source(tmp_path)
    assert resolve("owner/model", download=False) == Source(tmp_path)
    assert asked == [("owner/model", False), ("owner/model", True)]


def test_hub_model_that_is_not_in_the_cache_is_not_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFoundError, match="owner/model"):
        resolve("owner/model", download=False)


@pytest.mark.parametrize("reference", ["nothing", "./no/such/folder", "/no/such", "a b", "a/b/c", "x\0y"])
def test_reference_to_nothing_is_not_found(reference: str) -> None:
    with pytest.raises(NotFoundError, match="no backbone"):
        resolve(reference)


def test_checkpoint_file_needs_a_configuration(tmp_path: Path, tiny_pipeline: Path) -> None:
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.touch()
    with pytest.raises(InvalidValueError, match="single file") as caught:
        resolve(str(checkpoint))
    assert "--config" in str(caught.value.hint)
    assert resolve(f"{checkpoint}#config={tiny_pipeline}") == Source(tiny_pipeline, checkpoint)
    assert resolve(f"{checkpoint}#config=portraits") == Source(PORTRAITS, checkpoint)


@pytest.mark.parametrize("suffix", [".ckpt", ".bin", ".pt"])
def test_file_that_may_hold_code_is_refused(suffix: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / f"model{suffix}"
    checkpoint.touch()
    for reference in (str(checkpoint), f"{checkpoint}#config=portraits"):
        with pytest.raises(InvalidValueError, match="not a safetensors file"):
            resolve(reference)


def test_short_name_stands_for_its_model(tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    shortnames.add("tiny", str(tiny_pipeline))
    assert resolve("tiny") == Source(tiny_pipeline)
    described = describe("tiny")
    assert (described.name, described.path) == ("tiny", tiny_pipeline)


@pytest.mark.parametrize(("whole", "asked"), [(True, [False]), (False, [False, True])])
def test_hub_copies_in_half_precision_are_fetched_only_where_there_is_nothing_else(
    whole: bool, asked: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, halves = tmp_path / "unet", []
    network.mkdir()

    def snapshot_download(hub_id: str, *, ignore_patterns: list[str], **_: Any) -> str:
        halves.append("*.fp16.safetensors*" not in ignore_patterns)
        if whole or halves[-1]:
            (network / "diffusion_pytorch_model.safetensors").touch()
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert resolve("owner/model") == Source(tmp_path)
    assert halves == asked


def test_offline_nothing_is_asked_of_the_hub(tmp_path: Path) -> None:
    program = """
import socket
def refuse(*_, **__): raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from attrbank.backbones.sources import resolve
from attrbank.errors import NotFoundError
try:
    resolve("owner/model")
except NotFoundError as error:
    print(error.message, error.hint)
"""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "no such model of the hub is on this disk" in run.stdout
    assert "attrbank backbones add NAME owner/model" in run.stdout


@pytest.mark.parametrize("part", ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"])
def test_folder_of_another_format_is_not_found(folder: Path, part: str) -> None:
    (folder / part).unlink()
    with pytest.raises(NotFoundError, match="not a model in the format of diffusers"):
        describe(str(folder))


@pytest.mark.parametrize("content", ["", "{", "[]", "\udcff"])
def test_damaged_configuration_is_refused(folder: Path, content: str) -> None:
    (folder / "unet" / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(IncompatibleError, match=r"unet.config\.json"):
        describe(str(folder))


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("model_index.json", {"_class_name": "KandinskyPipeline"}, "KandinskyPipeline"),
        ("model_index.json", {"text_encoder": ["transformers", "T5EncoderModel"]}, "T5EncoderModel"),
        ("model_index.json", {"unet": None}, "unet"),
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "sample"),
        ("scheduler/scheduler_config.json", {"beta_schedule": "sigmoid"}, "sigmoid"),
        ("scheduler/scheduler_config.json", {"_class_name": "EDMEulerScheduler"}, "EDMEulerScheduler"),
        ("unet/config.json", {"in_channels": 9}, "9 channels"),
        ("unet/config.json", {"sample_size": None}, "no shape"),
        ("unet/config.json", {"sample_size": "16"}, "no shape"),
    ],
)
def test_model_of_another_kind_is_refused(folder: Path, path: str, changes: dict[str, Any], message: str) -> None:
    change(folder / path, **changes)
    with pytest.raises(IncompatibleError, match=message):
        describe(str(folder))


def test_latents_need_not_be_square(folder: Path) -> None:
    change(folder / "unet" / "config.json", sample_size=[16, 24])
    assert describe(str(folder)).latent_shape == (4, 16, 24)


def test_describing_a_model_loads_neither_torch_nor_diffusers(tiny_pipeline: Path) -> None:
    program = f"""
import sys
from attrbank.backbones.families import describe
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.schedule import timestep_grid
model = describe({str(tiny_pipeline)!r})
timestep_grid(50, model.schedule)
print(sorted({{"torch", "diffusers", "transformers", "numpy", "huggingface_hub"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
