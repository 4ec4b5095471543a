"""Models in one file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attrbank.attribute.compatibility import mismatch
from attrbank.backbones.families import describe, load
from attrbank.diffusion.protocols import family_of
from attrbank.errors import IncompatibleError
from attrbank.schema.stored import Binding
from tests.helpers.original_format import save_checkpoint

PROMPT = "a photo of a smiling woman"


def configuration_of(folder: Path, target: Path) -> Path:
    """A folder without its weights."""
    return shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.safetensors"))


def reference(checkpoint: Path, configuration: Path) -> str:
    return f"{checkpoint}#config={configuration}"


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_velocity", "tiny_pipeline_xl"])
def test_single_file_is_the_model_of_its_folder(variant: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(variant)
    checkpoint = save_checkpoint(folder, tmp_path / "model.safetensors")
    single = load(reference(checkpoint, configuration_of(folder, tmp_path / "configuration")))
    whole = load(str(folder))
    assert (single.fingerprint, single.latent_shape) == (whole.fingerprint, whole.latent_shape)
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    found, expected = (model.predict(latent, 500, model.encode_prompts([PROMPT])) for model in (single, whole))
    torch.testing.assert_close(found.eps, expected.eps, atol=1e-5, rtol=0)
    torch.testing.assert_close(single.decode(latent), whole.decode(latent), atol=1e-5, rtol=0)


def test_describing_a_single_file_reads_its_weights_and_not_the_folders(tiny_pipeline: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    described = describe(reference(checkpoint, tiny_pipeline))
    assert described.name == reference(checkpoint, tiny_pipeline)
    weights = load_file(checkpoint)
    weights["model.diffusion_model.out.2.weight"] *= 1.01
    save_file(weights, checkpoint)
    assert describe(reference(checkpoint, tiny_pipeline)).fingerprint != described.fingerprint


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_xl"])
def test_attributes_that_depend_on_parts_fit_a_folder_and_its_single_file(
    variant: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(variant)
    checkpoint = save_checkpoint(folder, tmp_path / "model.safetensors")
    whole, single = describe(str(folder)), describe(reference(checkpoint, folder))
    for here, there in ((whole, single), (single, whole)):
        learned_on = Binding(
            name=here.name,
            fingerprint=here.fingerprint,
            latent_shape=here.latent_shape,
            prediction_type=here.prediction_type,
            family=family_of(here),
            parts=dict(here.parts),
        )
        assert mismatch(learned_on, there, ("text", "codec")) is None
    assert whole.parts["codec"] == single.parts["codec"]


def test_other_encoders_in_a_single_file_are_seen(tiny_pipeline: Path, tmp_path: Path) -> None:
    """By a recipe, so that a batch makes its pictures again."""
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    before, weights = describe(reference(checkpoint, tiny_pipeline)).parts, load_file(checkpoint)
    weights["cond_stage_model.transformer.text_model.final_layer_norm.bias"] += 0.1
    save_file(weights, checkpoint)
    after = describe(reference(checkpoint, tiny_pipeline)).parts
    assert [name for name in before if before[name] != after[name]] == ["text in a single file"]


SAYS_V = {"v_pred": torch.tensor([])}
SAYS_ZERO = {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}


@pytest.mark.parametrize(
    ("tensors", "metadata", "prediction", "noisiest"),
    [
        ({}, {}, "epsilon", 0.0047),
        (SAYS_V, {}, "v_prediction", 0.0047),
        (SAYS_ZERO, {}, "v_prediction", 0.0),
        ({}, {"modelspec.prediction_type": "v"}, "v_prediction", 0.0047),
    ],
)
def test_what_a_file_says_of_itself_beats_the_configuration(
    tensors: dict[str, torch.Tensor],
    metadata: dict[str, str],
    prediction: str,
    noisiest: float,
    tiny_pipeline: Path,
    tmp_path: Path,
) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    save_file({**load_file(checkpoint), **tensors}, checkpoint, metadata={"format": "pt", **metadata})
    for model in (describe(reference(checkpoint, tiny_pipeline)), load(reference(checkpoint, tiny_pipeline))):
        assert model.prediction_type == prediction
        assert model.schedule.alpha_bar(999) == pytest.approx(noisiest, abs=1e-4)


def test_a_file_that_predicts_what_nobody_knows_is_refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    save_file(load_file(checkpoint), checkpoint, metadata={"modelspec.prediction_type": "sample"})
    with pytest.raises(IncompatibleError, match="predicts 'sample'"):
        describe(reference(checkpoint, tiny_pipeline))


@pytest.mark.parametrize(
    "name",
    [
        "model.diffusion_model.middle_block.0.in_layers.0.weight",
        "first_stage_model.decoder.norm_out.bias",
        "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    ],
)
def test_file_that_lacks_a_weight_is_refused(name: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    weights = load_file(checkpoint)
    del weights[name]
    save_file(weights, checkpoint)
    with pytest.raises(IncompatibleError, match=r"model\.safetensors (lacks weights|cannot be loaded)"):
        load(reference(checkpoint, tiny_pipeline))


def test_loading_prints_nothing(tiny_pipeline: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    program = f"from attrbank.backbones.families import load; load({reference(checkpoint, tiny_pipeline)!r})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize("content", [b"", b"\xff" * 64])
def test_file_that_is_damaged_is_refused(content: bytes, tiny_pipeline: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.write_bytes(content)
    with pytest.raises(IncompatibleError, match="cannot be read"):
        load(reference(checkpoint, tiny_pipeline))


def test_file_of_another_kind_of_model_than_the_configuration_is_refused(
    tiny_pipeline: Path, tiny_pipeline_xl: Path, tmp_path: Path
) -> None:
    checkpoint = save_checkpoint(tiny_pipeline, tmp_path / "model.safetensors")
    with pytest.raises(IncompatibleError, match="cannot be loaded"):
        load(reference(checkpoint, tiny_pipeline_xl))


@pytest.mark.parametrize("model", ["tiny_sd3", "tiny_flux", "tiny_ddpm"])
def test_families_without_single_files_say_so(model: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.touch()
    with pytest.raises(IncompatibleError, match="Single files of the family"):
        describe(reference(checkpoint, request.getfixturevalue(model)))
