"""Pipelines in which an attribute cannot look at the picture: refused when a run begins, in a sentence."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from attrbank.diffusers import AttributeCallback
from attrbank.errors import IncompatibleError, InvalidValueError, NumericError
from tests.helpers.looking import SOURCE, STEPS, Made, asked_of, theirs
from tests.helpers.pipelines import with_scheduler


def test_what_a_pipeline_does_not_hand_over_is_named(xl: Made) -> None:
    callback = AttributeCallback("onward", bank=xl.bank)

    def between(*given: Any) -> dict[str, Any]:
        return callback(*given)

    with pytest.raises(IncompatibleError, match="does not hand over add_time_ids") as raised:
        theirs(xl.pipeline, between)
    assert "callback.tensor_inputs" in str(raised.value.hint)


def test_an_attribute_of_another_family_is_refused(xl: Made, own: Made) -> None:
    with pytest.raises(IncompatibleError, match="family"):
        theirs(xl.pipeline, AttributeCallback("onward", bank=own.bank))
    with pytest.raises(ValueError, match="add_time_ids"):  # diffusers refuses, before the run
        theirs(own.pipeline, AttributeCallback("onward", bank=xl.bank))


def without_encoder(pipeline: Any) -> None:
    pipeline.text_encoder = None


def with_ip_adapter(pipeline: Any) -> None:
    pipeline.unet.register_to_config(encoder_hid_dim_type="ip_image_proj")


def with_perturbed_attention(pipeline: Any) -> None:
    pipeline.do_perturbed_attention_guidance = True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_encoder, "has no text encoder at hand"),
        (with_ip_adapter, "has a UNet that wants to be told another encoder's output"),
        (with_perturbed_attention, "perturbs its attention"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused_when_the_run_begins(own: Made, change: Any, reason: str) -> None:
    embeds, empty = own.pipeline.encode_prompt(SOURCE, torch.device("cpu"), 1, do_classifier_free_guidance=True)
    change(own.pipeline)
    for reference, acts in (("onward", True), ("onward:0", False), ("once", False)):
        callback = AttributeCallback(reference, bank=own.bank)
        given = {"prompt_embeds": embeds, "negative_prompt_embeds": empty}
        with asked_of(own.pipeline.unet) as calls:
            if not acts:
                theirs(own.pipeline, callback, None, **given)
                continue
            with pytest.raises(IncompatibleError, match=f"onward asks .* but StableDiffusionPipeline {reason}"):
                theirs(own.pipeline, callback, None, **given)
        assert len(calls) == 1


def test_a_time_before_the_first_steps_end_or_after_the_last_is_refused_when_the_run_begins(own: Made) -> None:
    for texts, reason in (("onward@0.95..0.3", "before the first step"), ("onward@0.2", "cannot begin")):
        with pytest.raises((IncompatibleError, InvalidValueError), match=reason):
            theirs(own.pipeline, AttributeCallback(texts, bank=own.bank))
    img2img = diffusers.StableDiffusionImg2ImgPipeline(**own.pipeline.components, requires_safety_checker=False)
    img2img.set_progress_bar_config(disable=True)
    callback = AttributeCallback("onward", bank=own.bank)
    with pytest.raises(IncompatibleError, match="before the first step"):
        img2img(SOURCE, image=torch.zeros(1, 3, 32, 32), strength=0.5, num_inference_steps=STEPS,
                callback_on_step_end=callback)  # fmt: skip


def test_an_attribute_that_ends_after_the_run_does_is_refused(xl: Made) -> None:
    callback = AttributeCallback("onward", bank=xl.bank)
    with pytest.raises(IncompatibleError, match="after the last step of this run"):
        theirs(xl.pipeline, callback, denoising_end=0.6)


def test_schedulers_that_drop_edits_are_refused_when_the_run_begins(own: Made) -> None:
    for scheduler, reason in (("UniPCMultistepScheduler", "discards an edit"), ("PNDMScheduler", "forget")):
        with pytest.raises(IncompatibleError, match=reason):
            theirs(with_scheduler(own.pipeline, scheduler), AttributeCallback("onward", bank=own.bank))


def test_a_model_that_says_no_numbers_is_refused(own: Made) -> None:
    """Where it is asked, which is after the first step here; its own steps are the pipeline's affair."""

    def spoil(*given: Any) -> tuple[Tensor]:
        return (given[-1][0] * (torch.nan if len(calls) == 2 else 1),)

    own.pipeline.unet.register_forward_hook(spoil)
    with asked_of(own.pipeline.unet) as calls, pytest.raises(NumericError, match="What the unet made"):
        theirs(own.pipeline, AttributeCallback("onward", bank=own.bank))
    assert len(calls) == 2
