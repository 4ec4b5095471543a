"""Text directions: how they are learned, and that they change what is heard of a word and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.spelling import Place, places_of
from attrbank.editing.usable import require_usable
from attrbank.errors import CorruptArtifactError, IncompatibleError, InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods import distilling
from attrbank.methods.directions import DirectionEdit
from attrbank.methods.text import Text
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM

SOURCES, TARGETS = ["a photo of a man", "a photo of a woman"], ["a photo of an old man", "a photo of an old woman"]


def learned(model, sources=SOURCES, targets=TARGETS, **options) -> LearnedAttribute:
    asked = {"steps": 6, "guidance_scale": 2.0, "method": "text", "core": "mean", **options}
    return learn_attribute(complete(learn_spec("old", sources, targets, **asked), model), Text(), model, DDIM())


def positions(model, prompt: str, word: str) -> list[int]:
    """Of the last occurrence of a word, which ends the prompt."""
    (encoder,) = model.token_spans(prompt)
    return [p for p, (start, end) in enumerate(encoder.spans) if start < end and start >= len(prompt) - len(word)]


def test_the_mean_is_the_difference_at_the_subjects_tokens(backbone) -> None:
    attribute = learned(backbone)
    differences = []
    for source, target, word in zip(SOURCES, TARGETS, ("man", "woman"), strict=True):
        before, after = (
            backbone.encode_prompts([prompt])["text"][0, positions(backbone, prompt, word)].mean(0)
            for prompt in (source, target)
        )
        differences.append(after - before)
    assert torch.allclose(attribute.tensors["text_encoder"], torch.stack(differences).mean(0), atol=1e-6)
    assert attribute.record.words == ("man", "woman")
    assert attribute.record.core == "mean"


def test_xl_has_a_vector_for_each_encoder(tiny_pipeline_xl: Path) -> None:
    attribute = learned(load_plugins().backbone(str(tiny_pipeline_xl)))
    assert {name: tuple(t.shape) for name, t in attribute.tensors.items()} == {
        "text_encoder": (32,),
        "text_encoder_2": (48,),
    }


def test_a_mean_of_what_comes_behind_the_word_is_refused_with_a_way_out(backbone) -> None:
    with pytest.raises(InvalidValueError, match="says the same of person in source and target") as raised:
        learned(backbone, ["a photo of a person"], ["a photo of a person with glasses"])
    assert "'a smiling person'" in str(raised.value.hint)


def test_distilling_brings_predictions_nearer_to_the_target_prompts(backbone, monkeypatch) -> None:
    monkeypatch.setattr(distilling, "STEPS", 40)
    attribute = learned(backbone, core="distil", seeds=range(8))
    assert attribute.record.measured["explained_share"] > 0.2
    assert attribute.record.core == "distil"


def test_distilling_hears_what_comes_behind_the_word(backbone, monkeypatch) -> None:
    monkeypatch.setattr(distilling, "STEPS", 3)
    attribute = learned(backbone, ["a photo of a man"], ["a photo of a man with glasses"], core="distil", seeds=(0, 1))
    assert float(attribute.tensors["text_encoder"].norm()) > 0
    assert "explained_share" not in attribute.record.measured, "two seeds leave none to tell by"


def test_from_a_mean_that_is_rounding_training_takes_large_steps(backbone, monkeypatch) -> None:
    """Small ones find no way from nothing, and the mean explains some rounding more than nothing."""
    rates: list[float] = []
    found = {"text_encoder": torch.ones(32)}
    monkeypatch.setattr(distilling, "_trained", lambda *given: rates.append(given[-1]) or found)
    spec = complete(
        learn_spec("old", ["a man"], ["a man with a hat"], method="text", seeds=(0, 1), steps=6, guidance_scale=2.0),
        backbone,
    )
    learn_attribute(spec, Text(), backbone, DDIM(), force=True)
    assert rates == [distilling.FAR]


def test_a_word_that_moves_nothing_is_refused_unless_forced(backbone, monkeypatch) -> None:
    monkeypatch.setattr(distilling, "STEPS", 1)
    monkeypatch.setattr(distilling, "_explained", lambda *anything: -0.1)
    with pytest.raises(InvalidValueError, match="Nothing that is added at man, woman brings"):
        learned(backbone, core="distil", seeds=(0, 1))
    warned: list[str] = []
    spec = complete(learn_spec("old", SOURCES, TARGETS, method="text", seeds=(0, 1), steps=6), backbone)
    forced = learn_attribute(spec, Text(), backbone, DDIM(), force=True, on_warning=warned.append)
    assert float(forced.tensors["text_encoder"].norm()) > 0
    assert "nothing that is added" in warned[0]


def test_on_names_the_word_and_must_be_in_both_prompts(backbone) -> None:
    assert learned(backbone, on="photo", targets=["an old photo of a man", "an old photo of a woman"]).record.words == (
        "photo",
    )
    with pytest.raises(InvalidValueError, match="does not have the word person"):
        learned(backbone, on="person")
    with pytest.raises(InvalidValueError, match="could be found") as raised:
        learned(backbone, ["a man"], ["a woman"])
    assert "--on" in str(raised.value.hint)


def test_a_model_without_token_spans_is_refused(tiny_sd3: Path) -> None:
    with pytest.raises(IncompatibleError, match=r"method 'text' .* has no token_spans"):
        learned(load_plugins().backbone(str(tiny_sd3)))


def test_the_edit_adds_at_the_word_and_nowhere_else(backbone) -> None:
    prompt, direction = "a man and a woman", torch.arange(32.0)
    conditioning = backbone.encode_prompts([prompt, prompt])
    before = {name: tensor.clone() for name, tensor in conditioning.items()}
    places = places_of(backbone.token_spans(prompt), prompt, ["woman"], "hat")
    at = positions(backbone, prompt, "woman")
    assert len(at) > 1, "the tiny tokenizer takes it apart"
    edit = DirectionEdit({"text_encoder": direction})
    for strength in (2.0, -0.5):
        change = edit.heard(conditioning, places, strength)["text"] - before["text"]
        assert torch.allclose(change[:, at], strength * direction.expand(2, len(at), -1), atol=1e-4)
        assert not change[:, [p for p in range(24) if p not in at]].any()
    assert torch.equal(conditioning["text"], before["text"])


def test_a_direction_of_another_encoder_does_not_fit(backbone) -> None:
    prompt = "a man"
    conditioning = backbone.encode_prompts([prompt])
    places = places_of(backbone.token_spans(prompt), prompt, ["man"], "hat")
    with pytest.raises(IncompatibleError, match="31 numbers does not fit the text_encoder, which has 32"):
        DirectionEdit({"text_encoder": torch.ones(31)}).heard(conditioning, places, 1.0)
    with pytest.raises(IncompatibleError, match="fits none of this model's text encoders"):
        DirectionEdit({"text_encoder_3": torch.ones(32)}).heard(conditioning, places, 1.0)


@pytest.mark.parametrize("tensors", [{}, {"text_encoder": torch.ones(2, 2)}])
def test_an_artifact_that_is_no_direction_is_refused_at_import(backbone, tensors) -> None:
    with pytest.raises(CorruptArtifactError, match="no text direction"):
        require_usable(LearnedAttribute(learned(backbone).record, tensors))


def test_other_methods_refuse_its_options_and_it_refuses_theirs(backbone) -> None:
    with pytest.raises(InvalidValueError, match="on: nothing that the method 'avi' understands"):
        learn_spec("old", SOURCES, TARGETS, on="man")
    with pytest.raises(InvalidValueError, match="no core 'distil'"):
        learn_spec("old", SOURCES, TARGETS, core="distil")
    with pytest.raises(InvalidValueError, match="no core 'conv'"):
        learn_spec("old", SOURCES, TARGETS, method="text", core="conv")
    with pytest.raises(InvalidValueError, match=r"word .* is empty"):
        learn_spec("old", SOURCES, TARGETS, method="text", on=" , ")


def test_each_encoder_is_changed_in_its_own_features() -> None:
    places = (Place("text_encoder", "text", (0, 2), (1,)), Place("text_encoder_2", "text", (2, 5), (1,)))
    directions = {"text_encoder": torch.tensor([1.0, 2.0]), "text_encoder_2": torch.tensor([3.0, 4.0, 5.0])}
    found = DirectionEdit(directions).heard({"text": torch.zeros(1, 3, 5)}, places, 2.0)["text"][0]
    assert found.tolist() == [[0.0] * 5, [2.0, 4.0, 6.0, 8.0, 10.0], [0.0] * 5]
