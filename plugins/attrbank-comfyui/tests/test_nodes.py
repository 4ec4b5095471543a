"""The same latents as ``apply``; and one sentence where there are none."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from attrbank_comfyui import NODE_CLASS_MAPPINGS
from attrbank_comfyui.nodes import EditLatent, LoadAttribute, PatchModel, Sheet, StepOf, Strip
from standin import SCALE, Sampling, dpmpp_2m, euler, heun
from torch import Tensor

from attrbank.plugin import IncompatibleError, InvalidValueError

CLOSE = 1e-4


def loaded(*texts: str) -> tuple[Any, ...]:
    attributes: tuple[Any, ...] = ()
    for text in texts:
        name, _, strength = text.partition(":")
        (attributes,) = LoadAttribute().load(name, float(strength or 1), others=attributes)
    return attributes


def in_between(made, attributes: Any, sampler: Any = euler) -> Tensor:
    """The clean latent of two samplers with the node between them."""
    (step,) = StepOf().find(made.model, attributes, made.grid)
    first = made.sampled(made.model, made.start, made.grid[: step + 1], sampler)
    wire = {"samples": first / SCALE, "noise_mask": "kept"}
    (latent,) = EditLatent().edit(wire, made.model, attributes, made.grid, step)
    assert latent["noise_mask"] == "kept"
    assert wire["samples"] is not latent["samples"]
    return made.sampled(made.model, latent["samples"] * SCALE, made.grid[step:], sampler)


def patched(made, attributes: Any, way: str, sampler: Any = euler, clip: Any = None) -> Tensor:
    (model,) = PatchModel().patch(made.model, attributes, way, clip)
    return made.sampled(model.clone(), made.start, made.grid, sampler)


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


@pytest.mark.parametrize("text", ["old", "old:-0.7", "older:0.5", "odd"])
def test_two_samplers_with_the_node_between_them_make_our_latent(made, text: str) -> None:
    assert apart(in_between(made, loaded(text)), made.applied(*loaded(text))) < CLOSE


@pytest.mark.parametrize("way", PatchModel.WAYS)
@pytest.mark.parametrize("texts", [("old",), ("odd:0.7",), ("old", "older:0.5")])
def test_a_patched_model_makes_our_latent(made, way: str, texts: tuple[str, ...]) -> None:
    assert apart(patched(made, loaded(*texts), way), made.applied(*loaded(*texts))) < CLOSE


@pytest.mark.parametrize("way", PatchModel.WAYS)
def test_an_attribute_asks_the_model_that_samples(made, way: str) -> None:
    attributes = loaded("onward")
    assert apart(patched(made, attributes, way, clip=made.clip), made.applied(*attributes)) < CLOSE
    assert made.clip.asked == ["a photo of a person", "a photo of an old person"]


def test_a_carried_edit_is_exact_for_samplers_of_a_higher_order(made) -> None:
    plain, exact = made.sampled(made.model, made.start, made.grid, heun), in_between(made, loaded("old"), heun)
    assert apart(patched(made, loaded("old"), "carried", heun), exact) < CLOSE
    assert apart(patched(made, loaded("old"), "at once", heun), exact) > 0.05 * apart(plain, exact)


def test_a_carried_edit_is_exact_where_a_sampler_remembers(made) -> None:
    attributes = loaded("odd")
    (step,) = StepOf().find(made.model, attributes, made.grid)

    def edit(index: int, x: Tensor) -> Tensor:
        if index != step:
            return x
        (latent,) = EditLatent().edit({"samples": x / SCALE}, made.model, attributes, made.grid, step)
        return latent["samples"] * SCALE

    plain = made.sampled(made.model, made.start, made.grid, dpmpp_2m)
    exact = made.sampled(made.model, made.start, made.grid, partial(dpmpp_2m, between=edit))
    assert apart(patched(made, attributes, "carried", dpmpp_2m), exact) < CLOSE
    assert apart(patched(made, attributes, "at once", dpmpp_2m), exact) > 0.05 * apart(plain, exact)


@pytest.mark.parametrize(
    ("sampler", "most"),
    [(euler, (1e-4, 1e-4)), (heun, (0.6, 1e-4)), (dpmpp_2m, (0.4, 0.4))],
    ids=lambda one: str(one)[:20],
)
@pytest.mark.parametrize("text", ["old", "older"])
def test_how_far_a_patched_model_is_from_two_samplers(made, sampler: Any, most: tuple[float, float], text: str) -> None:
    """As a share of the edit; ``-s`` shows it, and the README has it."""
    plain, exact = made.sampled(made.model, made.start, made.grid, sampler), in_between(made, loaded(text), sampler)
    for way, limit in zip(PatchModel.WAYS, most, strict=True):
        share = float((patched(made, loaded(text), way, sampler) - exact).norm() / (exact - plain).norm())
        print(f"{sampler.__name__}, {text}, {way}: {share:.2g}")
        assert share < limit


@pytest.mark.parametrize("way", PatchModel.WAYS)
def test_strength_zero_changes_no_bit(made, way: str) -> None:
    plain = made.sampled(made.model, made.start, made.grid, euler)
    assert torch.equal(patched(made, loaded("old:0"), way), plain)
    samples = made.start / SCALE
    (step,) = StepOf().find(made.model, loaded("old:0"), made.grid)
    (latent,) = EditLatent().edit({"samples": samples}, made.model, loaded("old:0"), made.grid, step)
    assert torch.equal(latent["samples"], samples)


@pytest.mark.parametrize("way", PatchModel.WAYS)
def test_the_model_given_stays_as_it_is_and_a_copy_shares_its_weights(made, way: str) -> None:
    (model,) = PatchModel().patch(made.model, loaded("old"), way)
    assert made.model.model_options == {"transformer_options": {}}
    assert model.clone().model is made.model.model
    one, other = model.model_options, model.clone().model_options
    for name in ("sampler_post_cfg_function", "model_function_wrapper"):
        assert one.get(name) == other.get(name), "ComfyUI copies what a patch holds, and that would be the model"


def test_a_wrapper_that_is_there_goes_on_to_be_asked(made) -> None:
    seen = []

    def theirs(apply: Any, given: Any) -> Tensor:
        seen.append(given["input"])
        return apply(given["input"], given["timestep"], **given["c"])

    made.model.set_model_unet_function_wrapper(theirs)
    assert apart(patched(made, loaded("old"), "carried"), made.applied(*loaded("old"))) < CLOSE
    assert len(seen) == len(made.grid) - 1


@pytest.mark.parametrize("way", PatchModel.WAYS)
def test_a_second_pass_that_begins_behind_its_time_is_left_alone(made, way: str, caplog) -> None:
    (step,) = StepOf().find(made.model, loaded("older"), made.grid)
    late = made.grid[step + 2 :]
    (model,) = PatchModel().patch(made.model, loaded("older"), way)
    assert torch.equal(made.sampled(model, made.start, late, euler), made.sampled(made.model, made.start, late, euler))
    assert "older acts at σ" in caplog.text


def test_each_of_two_runs_in_a_row_is_edited(made) -> None:
    (model,) = PatchModel().patch(made.model, loaded("old"), "carried")
    once, again = (made.sampled(model, made.start, made.grid.clone(), euler) for _ in range(2))
    assert torch.equal(once, again)


def test_a_run_in_two_parts_is_edited_once(made) -> None:
    (step,) = StepOf().find(made.model, loaded("old"), made.grid)
    (model,) = PatchModel().patch(made.model, loaded("old"), "at once")
    for split in (step, step + 1):
        half = made.sampled(model, made.start, made.grid[: split + 1], euler)
        assert apart(made.sampled(model, half, made.grid[split:], euler), made.applied(*loaded("old"))) < CLOSE


def test_a_strip_is_the_latent_at_several_strengths(made) -> None:
    attributes = loaded("old:0.5")
    (step,) = StepOf().find(made.model, attributes, made.grid)
    wire = {"samples": torch.cat([made.start, 2 * made.start]), "noise_mask": "of two"}
    (latent,) = Strip().lay_out(wire, made.model, attributes, made.grid, step, "0,1,-2")
    assert set(latent) == {"samples"}
    strips = latent["samples"].unflatten(0, (2, 3))
    assert torch.equal(strips[:, 0], wire["samples"])
    for number, strength in ((1, 0.5), (2, -1.0)):
        (alone,) = EditLatent().edit(wire, made.model, loaded(f"old:{strength}"), made.grid, step)
        assert apart(strips[:, number], alone["samples"]) < 1e-6


def test_a_sheet_has_a_row_for_each_picture_and_a_caption_for_each_strength(made) -> None:
    images = torch.zeros(6, 128, 128, 3)
    images[[1, 4], ..., 0] = 1
    (drawn,) = Sheet().draw(images, "-1:1:3")
    assert drawn.shape[0] == 1
    assert drawn.shape[3] == 3
    assert drawn.shape[2] > 3 * 128
    assert drawn.shape[1] > 2 * 128
    red = (drawn[0, :, :, 0] > 0.99) & (drawn[0, :, :, 1] < 0.01)
    assert int(red.sum()) == 2 * 128 * 128
    with pytest.raises(InvalidValueError, match="6 pictures cannot be 4 strengths"):
        Sheet().draw(images, "0,1,2,3")


def test_attributes_that_ask_are_sent_to_the_sampler(made) -> None:
    with pytest.raises(IncompatibleError, match="onward asks the model about the picture"):
        EditLatent().edit({"samples": made.start}, made.model, loaded("onward"), made.grid, 0)
    with pytest.raises(IncompatibleError, match="which nobody here can encode") as caught:
        PatchModel().patch(made.model, loaded("onward"), "at once")
    assert "CLIP" in (caught.value.hint or "")


def test_another_step_is_refused_with_the_right_one(made) -> None:
    (step,) = StepOf().find(made.model, loaded("old"), made.grid)
    with pytest.raises(InvalidValueError, match=f"old acts at step {step} of these, not at {step + 1}"):
        EditLatent().edit({"samples": made.start}, made.model, loaded("old"), made.grid, step + 1)


def test_attributes_of_different_steps_are_told_apart(made) -> None:
    with pytest.raises(InvalidValueError, match=r"old at \d+, older at \d+"):
        StepOf().find(made.model, loaded("old", "older"), made.grid)
    with pytest.raises(InvalidValueError, match="No attribute is given"):
        StepOf().find(made.model, (), made.grid)


def test_a_time_may_be_asked_for(made) -> None:
    (attributes,) = LoadAttribute().load("old", 1.0, at=" 0.7 ")
    assert StepOf().find(made.model, attributes, made.grid) == StepOf().find(made.model, loaded("older"), made.grid)


def test_a_first_step_has_no_step_before_it(made) -> None:
    (step,) = StepOf().find(made.model, loaded("old"), made.grid)
    (model,) = PatchModel().patch(made.model, loaded("old"), "at once")
    begins = torch.cat([made.grid[step : step + 1] * 1.05, made.grid[step + 2 :]])
    with pytest.raises(IncompatibleError, match="before this run has taken a step"):
        made.sampled(model, made.start, begins, euler)


def test_a_carried_edit_is_refused_where_noise_is_left(made) -> None:
    (step,) = StepOf().find(made.model, loaded("old"), made.grid)
    (model,) = PatchModel().patch(made.model, loaded("old"), "carried")
    with pytest.raises(IncompatibleError, match="leaves noise"):
        made.sampled(model, made.start, made.grid[: step + 2], euler)


@pytest.mark.parametrize("kind", ["flow", "v_prediction"])
def test_other_kinds_of_models_are_refused(made, kind: str) -> None:
    made.model.model.model_sampling = Sampling(made.backbone.schedule.alphas_cumprod, kind)
    with pytest.raises(IncompatibleError, match="neither ε nor v" if kind == "flow" else "prediction type"):
        PatchModel().patch(made.model, loaded("old"), "at once")


def test_other_sizes_are_refused(made) -> None:
    (step,) = StepOf().find(made.model, loaded("old"), made.grid)
    for samples, reason in (
        (torch.zeros(1, 4, 8, 8), "latent shape 4×16×16"),
        (torch.zeros(1, 4, 2, 8, 8), "have the shape"),
    ):
        with pytest.raises(IncompatibleError, match=reason):
            EditLatent().edit({"samples": samples}, made.model, loaded("old"), made.grid, step)
    with pytest.raises(IncompatibleError, match="latent shape"):
        PatchModel().patch(made.model, loaded("old"), "at once", latent={"samples": torch.zeros(1, 4, 8, 8)})


def test_another_model_is_refused_and_may_be_forced(made, caplog) -> None:
    name, weight = next(iter(made.model.model.state_dict().items()))
    before = weight.clone()
    try:
        weight.add_(0.1)
        with pytest.raises(IncompatibleError, match="fingerprint"):
            PatchModel().patch(made.model, loaded("old"), "at once")
        PatchModel().patch(made.model, loaded("old"), "at once", force=True)
        assert "has other weights" in caplog.text
        made.model.backup[name] = type("Kept", (), {"weight": before})
        made.model.patches[name] = "a LoRA's"
        PatchModel().patch(made.model, loaded("old"), "at once")
        assert "patched, as by a LoRA" in caplog.text
    finally:
        weight.copy_(before)


def test_weights_that_do_not_tell_are_said_to_be_so(made, caplog) -> None:
    made.model.model.model_config.unet_config = {}
    PatchModel().patch(made.model, loaded("old"), "at once")
    assert "do not tell whether old was learned on it" in caplog.text


def test_every_node_can_be_made_without_arguments() -> None:
    assert all(node() for node in NODE_CLASS_MAPPINGS.values())
