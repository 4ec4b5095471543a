from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attrbank.backbones.families import describe
from attrbank.backbones.sources import PORTRAITS, resolve_backbone_path
from attrbank.diffusion.protocols import Defaults
from attrbank.errors import IncompatibleError, NotFoundError


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
    assert resolve_backbone_path("portraits") == PORTRAITS


def test_folder_is_itself_even_where_it_reads_like_a_hub_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "owner" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert resolve_backbone_path("owner/model") == Path("owner/model")


def test_hub_id_is_the_folder_of_its_snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def snapshot_download(hub_id: str, *, local_files_only: bool, **_: Any) -> str:
        asked.append((hub_id, local_files_only))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert resolve_backbone_path("owner/model") == tmp_path
    assert resolve_backbone_path("owner/model", download=False) == tmp_path
    assert asked == [("owner/model", False), ("owner/model", True)]


def test_hub_model_that_is_not_in_the_cache_is_not_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFoundError, match="owner/model"):
        resolve_backbone_path("owner/model", download=False)


@pytest.mark.parametrize("reference", ["nothing", "./no/such/folder", "/no/such", "a b", "a/b/c", "x\0y"])
def test_reference_to_nothing_is_not_found(reference: str) -> None:
    with pytest.raises(NotFoundError, match="no backbone"):
        resolve_backbone_path(reference)


def test_file_is_no_backbone(tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.touch()
    with pytest.raises(NotFoundError, match="no backbone"):
        resolve_backbone_path(str(checkpoint))


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
