"""Which models tell where the words of a prompt stand, and that they tell the truth."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

from attrbank.backbones.families import describe, load
from attrbank.backbones.parts.windows import Window, spans_of, window_spans
from attrbank.errors import IncompatibleError, InvalidValueError

PROMPTS = ["a photo of a person", "A  Photo of\tan OLD woman, with GLASSES.", "", "über née", "person " * 40]


@pytest.fixture(scope="module")
def fast_folder(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, whose tokenizer is a tokenizer.json alone."""
    folder = tmp_path_factory.mktemp("fast") / "model"
    shutil.copytree(tiny_pipeline, folder)
    tokenizer = CLIPTokenizer.from_pretrained(tiny_pipeline / "tokenizer")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    for name in ("vocab.json", "merges.txt"):
        (folder / "tokenizer" / name).unlink()
    return folder


@pytest.mark.parametrize("kind", ["slow", "fast"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_spans_spell_what_the_encoder_is_given(kind, prompt, tiny_pipeline: Path, fast_folder: Path) -> None:
    folder = tiny_pipeline if kind == "slow" else fast_folder
    (encoder,) = describe(str(folder)).token_spans(prompt)
    tokenizer = CLIPTokenizer.from_pretrained(tiny_pipeline / "tokenizer")
    ids = tokenizer(prompt, padding="max_length", max_length=24, truncation=True).input_ids
    assert len(encoder.spans) == len(ids) == 24
    for (start, end), token in zip(encoder.spans, ids, strict=True):
        said = "" if token in tokenizer.all_special_ids else tokenizer.convert_ids_to_tokens(token)
        if prompt.isascii():  # the tiny vocabulary knows no other letters
            assert prompt[start:end].lower() == said.removesuffix("</w>")


def test_a_loaded_model_says_what_its_description_says(tiny_pipeline: Path) -> None:
    assert load(str(tiny_pipeline)).token_spans(PROMPTS[1]) == describe(str(tiny_pipeline)).token_spans(PROMPTS[1])


def test_a_loaded_model_says_so_without_its_folder_and_as_before(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    model = load(str(folder))
    shutil.rmtree(folder)
    heard = model.encode_prompts(PROMPTS)["text"]
    assert model.token_spans(PROMPTS[-1]) == describe(str(tiny_pipeline)).token_spans(PROMPTS[-1])
    assert torch.equal(model.encode_prompts(PROMPTS)["text"], heard)


def test_the_two_encoders_of_xl_stand_side_by_side(tiny_pipeline_xl: Path) -> None:
    model = load(str(tiny_pipeline_xl))
    first, second = model.token_spans("a photo of a man")
    assert (first.encoder, first.columns) == ("text_encoder", (0, 32))
    assert (second.encoder, second.columns) == ("text_encoder_2", (32, 80))
    assert model.encode_prompts(["a man"])["text"].shape[1:] == (len(first.spans), 80)


def test_what_is_said_of_a_word_begins_at_its_position(tiny_pipeline: Path) -> None:
    """CLIP reads from left to right: before the word nothing differs, from it on everything does."""
    model = load(str(tiny_pipeline))
    man, hat = (model.encode_prompts([f"a photo of a {word}"])["text"][0] for word in ("man", "hat"))
    (encoder,) = model.token_spans("a photo of a man")
    (position,) = (place for place, span in enumerate(encoder.spans) if span == (13, 16))
    assert torch.equal(man[:position], hat[:position])
    assert not torch.isclose(man[position], hat[position]).all()


@pytest.mark.parametrize("family", ["tiny_sd3", "tiny_flux", "tiny_ddpm"])
def test_other_families_have_no_token_spans(family: str, request: pytest.FixtureRequest) -> None:
    folder = str(request.getfixturevalue(family))
    assert not hasattr(describe(folder), "token_spans")
    assert not hasattr(load(folder), "token_spans")


def test_spaces_that_a_tokenizer_counts_to_a_word_are_left_out() -> None:
    class Encoding:
        offsets, special_tokens_mask = [(0, 0), (0, 1), (1, 5), (0, 0)], [1, 0, 0, 1]

    assert spans_of("a man", Encoding(), 6) == ((0, 0), (0, 1), (2, 5), (0, 0), (0, 0), (0, 0))


def test_a_tokenizer_or_a_prompt_that_cannot_be_read_is_said(tiny_pipeline: Path, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleError, match=r"tokenizer in .* cannot be read"):
        window_spans("a man", Window(tmp_path, 24, 32))
    with pytest.raises(InvalidValueError, match="not valid Unicode"):
        describe(str(tiny_pipeline)).token_spans("a \ud800 man")
