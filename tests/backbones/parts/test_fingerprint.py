from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attrbank.backbones.families import describe
from attrbank.backbones.parts.digest import tensor_digest
from attrbank.backbones.parts.tensors import read_tensor, to_half
from attrbank.backbones.stable_diffusion.describe import TRAITS
from attrbank.errors import IncompatibleError
from attrbank.plugin.tiny import build_pipeline

WEIGHTS = "diffusion_pytorch_model.safetensors"

Weights = dict[str, torch.Tensor]


def fingerprint_of(folder: Path) -> str:
    return describe(str(folder)).fingerprint


@pytest.fixture
def folder(tiny_pipeline: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_pipeline, tmp_path / "model")


def rewrite(folder: Path, change: Callable[[Weights], Weights]) -> None:
    save_file(change(load_file(folder / "unet" / WEIGHTS)), folder / "unet" / WEIGHTS)


def reconfigure(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_half_precision_copy_is_the_same_model(tiny_pipeline: Path, tiny_pipeline_half: Path) -> None:
    assert fingerprint_of(tiny_pipeline) == fingerprint_of(tiny_pipeline_half)


def test_model_of_the_same_shape_with_other_weights_is_another(tiny_pipeline: Path, tmp_path: Path) -> None:
    assert fingerprint_of(build_pipeline(tmp_path / "model", seed=1)) != fingerprint_of(tiny_pipeline)


@pytest.mark.parametrize("name", TRAITS.tensors)
def test_fine_tune_is_another_model(tiny_pipeline: Path, folder: Path, name: str) -> None:
    rewrite(folder, lambda weights: weights | {name: weights[name] * 1.01})
    assert fingerprint_of(folder) != fingerprint_of(tiny_pipeline)


def test_every_weight_of_the_network_counts(tiny_pipeline: Path, folder: Path) -> None:
    """Attention as well, which a fused LoRA changes alone."""
    original, known = load_file(folder / "unet" / WEIGHTS), fingerprint_of(tiny_pipeline)
    for name in original:
        save_file(original | {name: original[name] + 0.01}, folder / "unet" / WEIGHTS)
        assert fingerprint_of(folder) != known, name


def test_a_lora_of_rank_one_is_seen_in_a_matrix_of_any_size() -> None:
    """It moves all of a matrix, so that blocks of a large one are enough."""

    def digest(matrix: torch.Tensor) -> bytes:
        flat = matrix.half().flatten()
        return tensor_digest(matrix.shape, flat.numel(), lambda span: flat[slice(*span)].numpy().tobytes())

    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(1280, 1280, generator=generator)
    update = torch.outer(*torch.randn(2, 1280, generator=generator)) * 0.01
    assert digest(matrix) != digest(matrix + update)
    assert digest(matrix) == digest(matrix.clone())


@pytest.mark.parametrize(("part", "weights"), [("text", "text_encoder/model"), ("codec", f"vae/{WEIGHTS[:-12]}")])
def test_what_stands_around_the_network_has_fingerprints_of_its_own(
    part: str, weights: str, tiny_pipeline: Path, folder: Path, tiny_pipeline_half: Path
) -> None:
    path = folder / f"{weights}.safetensors"
    before, changed = describe(str(tiny_pipeline)), load_file(path)
    changed = {name: tensor + 0.01 for name, tensor in changed.items()}
    save_file(changed, path, metadata={"format": "pt"})
    after = describe(str(folder))
    assert before.fingerprint == after.fingerprint
    assert {name for name in before.parts if before.parts[name] != after.parts[name]} == {part}
    assert describe(str(tiny_pipeline_half)).parts == before.parts


def test_a_changed_vocabulary_or_schedule_is_seen(tiny_pipeline: Path, folder: Path) -> None:
    before = describe(str(tiny_pipeline)).parts
    with (folder / "tokenizer" / "merges.txt").open("a") as merges:
        merges.write("o l\n")
    reconfigure(folder / "scheduler" / "scheduler_config.json", timestep_spacing="trailing")
    after = describe(str(folder)).parts
    assert {name for name in before if before[name] != after[name]} == {"text", "sampling"}


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("unet/config.json", {"sample_size": 32}),
        ("unet/config.json", {"cross_attention_dim": 64}),
        ("scheduler/scheduler_config.json", {"prediction_type": "v_prediction"}),
        ("scheduler/scheduler_config.json", {"beta_end": 0.02}),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 500}),
        ("scheduler/scheduler_config.json", {"rescale_betas_zero_snr": True}),
    ],
)
def test_change_of_what_training_fixed_is_another_model(
    tiny_pipeline: Path, folder: Path, path: str, changes: dict[str, Any]
) -> None:
    reconfigure(folder / path, **changes)
    assert fingerprint_of(folder) != fingerprint_of(tiny_pipeline)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("unet/config.json", {"_name_or_path": "/home/somebody", "_diffusers_version": "9.9"}),
        ("scheduler/scheduler_config.json", {"timestep_spacing": "trailing", "steps_offset": 0}),
        ("scheduler/scheduler_config.json", {"_class_name": "PNDMScheduler", "prediction_type": "epsilon"}),
    ],
)
def test_change_of_how_it_is_sampled_is_the_same_model(
    tiny_pipeline: Path, folder: Path, path: str, changes: dict[str, Any]
) -> None:
    reconfigure(folder / path, **changes)
    assert fingerprint_of(folder) == fingerprint_of(tiny_pipeline)


def test_spelled_out_default_is_the_same_model(tiny_pipeline: Path, folder: Path) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text())
    del config["prediction_type"]
    path.write_text(json.dumps(config))
    assert fingerprint_of(folder) == fingerprint_of(tiny_pipeline)


def test_sharded_weights_are_the_same_model(tiny_pipeline: Path, folder: Path) -> None:
    weights = load_file(folder / "unet" / WEIGHTS)
    (folder / "unet" / WEIGHTS).unlink()
    shard_of = {name: f"shard-{number % 2}.safetensors" for number, name in enumerate(sorted(weights))}
    for shard in set(shard_of.values()):
        save_file({name: weights[name] for name in weights if shard_of[name] == shard}, folder / "unet" / shard)
    (folder / "unet" / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": shard_of}))
    assert fingerprint_of(folder) == fingerprint_of(tiny_pipeline)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_bytes_are_rounded_as_torch_rounds(dtype: torch.dtype, tmp_path: Path) -> None:
    values = torch.randn(257, generator=torch.Generator().manual_seed(0)) * torch.logspace(-9, 6, 257)
    if dtype == torch.float16:
        values = values.clamp(-65504, 65504)
    tensor = torch.cat([values, torch.tensor([0.0, -0.0, 1 + 2**-11, 1 + 3 * 2**-11, 6e-8])]).to(dtype)
    save_file({"x": tensor.reshape(2, -1)}, tmp_path / "x.safetensors")
    stored = read_tensor(tmp_path / "x.safetensors", "x")
    assert stored.shape == (2, 131)
    assert to_half(stored) == tensor.half().numpy().tobytes()


def test_weights_of_another_type_are_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {name: tensor.double() for name, tensor in weights.items()})
    with pytest.raises(IncompatibleError, match="F64"):
        fingerprint_of(folder)


def test_network_of_another_kind_is_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {name: weights[name] for name in weights if not name.startswith("time")})
    with pytest.raises(IncompatibleError, match=r"no tensor time_embedding\.linear_1\.weight"):
        fingerprint_of(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 100,
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x02\0\0\0\0\0\0\0[]",
        b"\x01\0\0\0\0\0\0\x007",
        b'\x16\0\0\0\0\0\0\0{"conv_in.weight": 1  }',
        b'\x18\0\0\0\0\0\0\0{"conv_in.weight": "  " }',
    ],
)
def test_file_that_is_no_safetensors_file_is_refused(folder: Path, content: bytes) -> None:
    (folder / "unet" / WEIGHTS).write_bytes(content)
    with pytest.raises(IncompatibleError, match="cannot be read"):
        fingerprint_of(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    path = folder / "unet" / WEIGHTS
    header = int.from_bytes(path.read_bytes()[:8], "little")
    path.write_bytes(path.read_bytes()[: header + 100])
    with pytest.raises(IncompatibleError, match="cannot be read"):
        fingerprint_of(folder)


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / "unet" / WEIGHTS).unlink()
    with pytest.raises(IncompatibleError, match="cannot be read"):
        fingerprint_of(folder)
