"""CLIP from a local folder, and what happens if a file is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPModel

from attrbank.errors import IncompatibleError, NotFoundError
from attrbank.evaluation.judges.networks import ALEXNET, INCEPTION, Clip, load
from tests.helpers.small_clip import build_clip


@pytest.fixture(scope="module")
def folder(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIP with the tokenizer of the tiny model."""
    return build_clip(tmp_path_factory.mktemp("clip") / "clip", tiny_pipeline / "tokenizer")


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


@pytest.mark.parametrize("parent", [True, False])
def test_clip_alone_judges_without_the_other_networks(parent: bool, folder: Path):
    found = load(folder.parent if parent else folder)
    assert found.clip_text(["a photo"]).shape == (1, 16)
    assert (found.lpips, found.inception) == (None, None)


def test_a_missing_file_is_named_before_anything_is_loaded(tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"clip/config\.json"):
        load(tmp_path)
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "config.json").write_text("{}")
    (tmp_path / INCEPTION).parent.mkdir(parents=True)
    with pytest.raises(NotFoundError, match=INCEPTION):
        load(tmp_path)
    (tmp_path / INCEPTION).touch()
    with pytest.raises(NotFoundError, match=ALEXNET):
        load(tmp_path)
