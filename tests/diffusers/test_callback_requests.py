"""What is asked of a callback: refused before any pipeline runs, or told."""

from __future__ import annotations

import pytest

from attrbank.diffusers import AttributeCallback
from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError
from attrbank.methods.avi import Avi
from attrbank.methods.needs import Needs
from tests.helpers.pipelines import SOURCE, STEPS, their_latent, warnings_of


class Through:
    until = 0.0

    def through(self, backbone, strength):
        return backbone


class Guides:
    until = 0.0

    def guide(self, strength):
        return lambda prediction, inputs: prediction


@pytest.mark.parametrize("edit", [Through(), Guides()])
def test_an_attribute_that_acts_through_the_model_is_refused_before_the_run(bank, monkeypatch, edit):
    """Also one that asks nothing more of the network, as a guide with a classifier of its own."""
    monkeypatch.setattr(Avi, "edit", lambda *_: edit)
    with pytest.raises(IncompatibleError, match="old needs the network"):
        AttributeCallback("old", bank=bank)


def test_an_attribute_that_must_look_at_the_picture_is_refused_before_the_run(bank):
    with pytest.raises(IncompatibleError, match="own needs the network"):
        AttributeCallback("own", bank=bank)


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (Needs(prompt=True), "changes the whole of what is heard of a prompt"),
        (Needs(prompt=True, beside=0.0), "looks at the unedited picture at every step"),
    ],
)
def test_what_acts_on_the_whole_prompt_or_beside_the_picture_is_refused_with_that_reason(
    bank, monkeypatch, needs, reason
):
    monkeypatch.setattr(Avi, "needs", lambda *_: needs)
    with pytest.raises(IncompatibleError, match=f"old {reason}"):
        AttributeCallback("old", bank=bank)


@pytest.mark.parametrize(
    ("references", "error"),
    [
        ((), InvalidValueError),
        (("old", "old"), InvalidValueError),
        (("old:much",), InvalidValueError),
        (("grafted:1.5",), InvalidValueError),
        (("nobody",), NotFoundError),
    ],
)
def test_a_bad_request_is_refused_before_the_run(bank, references, error):
    with pytest.raises(error):
        AttributeCallback(*references, bank=bank)


def test_what_a_prompt_says_against_an_attribute_is_told_where_the_prompt_is(bank):
    def told(reference: str, prompt: str | None) -> list[str]:
        return warnings_of(lambda: AttributeCallback(reference, bank=bank, prompt=prompt))

    assert told("old:-1", "a photo of an old man") == [
        "the prompt says 'old' against old, and the pipeline goes on under that; attrbank apply would leave it out"
    ]
    assert told("old:1", "a photo of an old man") == told("old:0", "an old man") == told("old:-1", None) == []


def test_what_a_model_does_not_read_of_the_prompt_is_told_when_the_pipeline_begins(pipeline, bank):
    long = f"{SOURCE} {'with glasses ' * 60}and a hat"
    callback = AttributeCallback("old", bank=bank, prompt=long)
    told = warnings_of(lambda: pipeline(long, num_inference_steps=STEPS, callback_on_step_end=callback))
    (cut,) = [each for each in told if "does not read" in each]
    assert cut.startswith("the prompt is too long for this pipeline")
    assert cut.endswith("with glasses and a hat")
    assert f"{SOURCE} with" not in cut
    assert warnings_of(lambda: their_latent(pipeline, AttributeCallback("old", bank=bank, prompt=SOURCE))) == []


def test_another_prompt_than_the_one_that_was_said_is_refused(pipeline, bank):
    with pytest.raises(InvalidValueError, match="another prompt"):
        their_latent(pipeline, AttributeCallback("old", bank=bank, prompt="an old man in the garden"))


def test_a_callback_warns_as_apply_does_of_attributes_that_do_not_go_together():
    told = warnings_of(lambda: AttributeCallback("young", "old"))
    assert "young and old are opposites, and take each other back" in told
    assert warnings_of(lambda: AttributeCallback("smile")) == []
