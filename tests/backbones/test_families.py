"""What holds for every family of models alike."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attrbank.backbones.families import describe, load
from attrbank.backbones.flux.describe import TRAITS as FLUX
from attrbank.backbones.parts.fingerprint import Traits
from attrbank.backbones.sd3.describe import TRAITS as STABLE_DIFFUSION_3
from attrbank.backbones.stable_diffusion.describe import TRAITS as STABLE_DIFFUSION
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import guidance_of
from attrbank.errors import IncompatibleError, NotFoundError
from attrbank.pictures.frame import picture_size
from attrbank.plugin.contracts import BackboneContract
from attrbank.plugins.manager import load_plugins
from tests.helpers.tiny_families import build_ddpm, build_flux, build_sd3, change

FAMILIES = ["tiny_sd3", "tiny_flux", "tiny_flux_schnell", "tiny_ddpm", "tiny_ldm"]
TRAITS = [("tiny_sd3", STABLE_DIFFUSION_3), ("tiny_flux", FLUX), ("tiny_ddpm", STABLE_DIFFUSION)]


@pytest.mark.parametrize("model", FAMILIES)
def test_backbone_keeps_the_contract_and_is_what_its_description_says(
    model: str, request: pytest.FixtureRequest
) -> None:
    folder = str(request.getfixturevalue(model))
    described, backbone = describe(folder), load(folder)
    suite = type("Suite", (BackboneContract,), {"make": lambda self: backbone})()
    assert {outcome.promise: outcome.error for outcome in suite.outcomes() if outcome.error} == {}
    for name in ("name", "fingerprint", "latent_shape", "prediction_type", "schedule", "defaults", "words"):
        assert getattr(described, name) == getattr(backbone, name)
    assert guidance_of(described) == guidance_of(backbone)
    backbone.decode = None  # no picture is drawn just to learn its size
    assert min(picture_size(backbone)) > 0


@pytest.mark.parametrize(("on_disk", "asked"), [(True, [False]), (False, [False, True])])
def test_hub_is_asked_only_for_what_is_not_on_disk(
    on_disk: bool, asked: list[bool], tiny_ddpm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is loaded is what a plan has described."""
    downloads = []

    def snapshot_download(hub_id: str, *, local_files_only: bool, **_: object) -> str:
        downloads.append(not local_files_only)
        if local_files_only and not on_disk:
            raise FileNotFoundError
        return str(tiny_ddpm)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert load("owner/model").fingerprint == describe(str(tiny_ddpm)).fingerprint
    assert downloads == asked


def test_a_snapshot_that_holds_one_precision_alone_is_enough(
    tiny_pipeline_half: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's own library calls it incomplete once it has seen the list of all files."""
    snapshot = shutil.copytree(tiny_pipeline_half, tmp_path / "snapshot")
    for path in list(snapshot.rglob("*.safetensors")):
        path.rename(path.with_suffix(".fp16.safetensors"))

    class IncompleteSnapshotError(Exception):
        snapshot_path = str(snapshot)

    def snapshot_download(*_: object, **options: object) -> str:
        raise IncompleteSnapshotError

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert describe("owner/model").fingerprint == describe(str(tiny_pipeline_half)).fingerprint
    next(snapshot.rglob("vae/*.safetensors")).unlink()
    with pytest.raises(NotFoundError):
        describe("owner/model")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("model_index.json", '{"a":' + "[" * 100_000),
        ("unet/config.json", '{"a":' + "[" * 100_000),
        ("attrbank.json", "[" * 100_000),
        ("vae/config.json", '{"block_out_channels": 5, "latent_channels": 4}'),
        ("unet/config.json", '{"sample_size": 16, "in_channels": [4], "addition_embed_type": "text_time"}'),
        ("scheduler/scheduler_config.json", '{"_class_name": ["LCMScheduler"], "beta_start": {}}'),
    ],
)
def test_a_configuration_that_is_nonsense_is_the_models_fault(
    path: str, content: str, tiny_pipeline_xl: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_pipeline_xl, tmp_path / "model")
    (folder / path).write_text(content)
    with pytest.raises(IncompatibleError):
        load_plugins().describe(str(folder))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n"


@pytest.mark.parametrize(
    ("path", "content", "renamed", "hint"),
    [
        ("unet/diffusion_pytorch_model.safetensors", LFS, None, "git lfs pull"),
        ("vae/diffusion_pytorch_model.safetensors", LFS, None, "git lfs pull"),
        ("text_encoder/model.safetensors", b"", "model.bin", "save_pretrained"),
        ("unet/diffusion_pytorch_model.safetensors", b"", "diffusion_pytorch_model.bin", "save_pretrained"),
        ("tokenizer/vocab.json", b"{}", "words", "Copy it from the model's base"),
    ],
)
def test_what_is_missing_is_named_with_what_helps(
    path: str, content: bytes, renamed: str | None, hint: str, tiny_pipeline: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    (folder / path).write_bytes(content)
    if renamed:
        (folder / path).rename((folder / path).with_name(renamed))
    if path.startswith("tokenizer"):
        (folder / "tokenizer" / "merges.txt").unlink()
    with pytest.raises(IncompatibleError) as raised:
        load(str(folder))
    assert hint in str(raised.value.hint)


@pytest.mark.parametrize("model", FAMILIES)
def test_networks_in_half_precision_say_about_the_same(model: str, request: pytest.FixtureRequest) -> None:
    """Latents and pictures stay in single precision."""
    folder = str(request.getfixturevalue(model))
    half, single = load(folder, Placement(dtype="bfloat16")), load(folder)
    x = torch.randn(1, *single.latent_shape, generator=torch.Generator().manual_seed(0))
    prompt = "" if guidance_of(single) == "none" else "a man"
    predictions = [model.predict(x, 500, model.encode_prompts([prompt])) for model in (half, single)]
    torch.testing.assert_close(predictions[0].x0, predictions[1].x0, atol=0.1, rtol=0)
    assert not torch.equal(predictions[0].x0, predictions[1].x0)
    assert half.decode(x).dtype == half.encode(half.decode(x)).dtype == torch.float32


def test_describing_a_model_loads_neither_torch_nor_diffusers(request: pytest.FixtureRequest) -> None:
    folders = [str(request.getfixturevalue(model)) for model in FAMILIES]
    program = f"""
import sys
from attrbank.backbones.families import describe
for folder in {folders!r}:
    describe(folder)
print(sorted({{"torch", "diffusers", "transformers", "numpy", "huggingface_hub"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(("model", "traits"), TRAITS)
def test_fine_tune_is_another_model_whichever_tensor_it_moved(
    model: str, traits: Traits, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    original = request.getfixturevalue(model)
    folder = shutil.copytree(original, tmp_path / "model")
    path = folder / traits.part / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    prints = {describe(str(original)).fingerprint}
    for name in traits.tensors:
        save_file(weights | {name: weights[name] * 1.01}, path)
        prints.add(describe(str(folder)).fingerprint)
    assert len(prints) == 1 + len(traits.tensors)


@pytest.mark.parametrize(("build", "model"), [(build_sd3, "tiny_sd3"), (build_flux, "tiny_flux")])
def test_half_precision_copy_and_another_shift_are_the_same_model(
    build: Callable[..., Path], model: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The shift says how a model is sampled, and can be chosen anew for every picture's size."""
    copy = build(tmp_path / "model", half=True, shift=1.5, max_shift=2.0)
    assert describe(str(copy)).fingerprint == describe(str(request.getfixturevalue(model))).fingerprint


def test_schedule_that_training_fixed_tells_models_apart(tiny_ddpm: Path, tmp_path: Path) -> None:
    other = build_ddpm(tmp_path / "model", beta_schedule="squaredcos_cap_v2")
    assert describe(str(other)).fingerprint != describe(str(tiny_ddpm)).fingerprint


def test_folders_settings_go_before_the_familys(tiny_flux: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_flux, tmp_path / "flux")
    (folder / "attrbank.json").write_text("{}")
    change(folder / "attrbank.json", name="tiny", steps=5)
    described = describe(str(folder))
    assert (described.name, described.defaults.steps, described.defaults.guidance_scale) == ("tiny", 5, 3.5)
