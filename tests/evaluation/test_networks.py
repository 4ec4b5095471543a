"""CLIP from a local folder, and what happens if a file is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from attrbank.errors import IncompatibleError, NotFoundError
from attrbank.evaluation.judges.networks import ALEXNET, INCEPTION, Clip, load

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def folder(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIP with the tokenizer of the tiny model."""
    folder = tmp_path_factory.mktemp("clip") / "clip"
    tokens = {"vocab_size": 1000, "max_position_embeddings": 24, "bos_token_id": 0, "eos_token_id": 1}
    config = CLIPConfig(
        text_config=SMALL | tokens, vision_config=SMALL | {"image_size": 32, "patch_size": 8}, projection_dim=16
    )
    CLIPModel(config).save_pretrained(folder)
    for file in (tiny_pipeline / "tokenizer").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_embeddings_have_unit_length_whatever_the_size_of_the_pictures(folder: Path):
    clip = Clip(folder)
    found = [
        clip.text(["a photo", "a man"]),
        clip.image(torch.rand(2, 3, 64, 64)),
        clip.image(torch.rand(2, 3, 20, 30)),
    ]
    for embeddings in found:
        assert embeddings.shape == (2, 16)
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))


def test_pictures_are_normalised_as_clip_was_trained(folder: Path):
    clip = Clip(folder)
    images = torch.rand(1, 3, 32, 32)
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = (images - mean[:, None, None]) / std[:, None, None]
    expected = CLIPModel.from_pretrained(folder).eval().get_image_features(pixel_values=pixels).pooler_output
    torch.testing.assert_close(clip.image(images), torch.nn.functional.normalize(expected, dim=1))


def test_a_folder_without_clip_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(IncompatibleError, match="CLIP"):
        Clip(tmp_path)


def test_a_missing_file_is_named_before_anything_is_loaded(tmp_path: Path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "config.json").write_text("{}")
    with pytest.raises(NotFoundError, match=INCEPTION):
        load(tmp_path)
    for part in (INCEPTION,):
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).touch()
    with pytest.raises(NotFoundError, match=ALEXNET):
        load(tmp_path)
