"""Attributes that look at the picture (the core ``live``) in stock pipelines: the latents that ``apply`` makes."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import accelerate
import diffusers
import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.diffusers import AttributeCallback, SchedulerSampler
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.methods.live import LiveEdit
from attrbank.names import parse_asked
from attrbank.plugin.tiny import UNET, build_pipeline, build_xl_pipeline
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import Calibration
from attrbank.store.bank import Bank
from tests.helpers.looking import (
    CLOSE,
    GUIDANCE,
    SEED,
    SOURCE,
    STEPS,
    TARGET,
    Made,
    apart,
    asked_of,
    made_of,
    ours,
    theirs,
)
from tests.helpers.pipelines import warnings_of, with_scheduler


@pytest.mark.parametrize(
    ("texts", "guidance"),
    [
        (("onward",), GUIDANCE),
        (("onward:0.5",), 1.0),
        (("onward:-1", "once:0.7"), GUIDANCE),
        (("onward@0.6..0.2",), GUIDANCE),
    ],
)
def test_a_pipeline_makes_the_latents_that_apply_makes(made: Made, texts: tuple[str, ...], guidance: float) -> None:
    found = theirs(made.pipeline, AttributeCallback(*texts, bank=made.bank), guidance_scale=guidance)
    assert apart(found, ours(made, *texts, guidance=guidance)) < CLOSE


def test_times_that_share_a_step_of_a_coarse_grid_act_there_one_after_the_other(plain: Made) -> None:
    found = theirs(plain.pipeline, AttributeCallback("onward@0.5..0.3", bank=plain.bank), num_inference_steps=4)
    assert apart(found, ours(plain, "onward@0.5..0.3", steps=4)) < CLOSE


def test_attributes_that_share_a_step_act_in_the_order_of_apply(plain: Made, tmp_path: Path) -> None:
    """One that began before goes first, however they were given."""
    asked = ("once@0.6", "onward@0.8..0.6")
    found = theirs(plain.pipeline, AttributeCallback(*asked, bank=plain.bank))
    assert apart(found, ours(plain, *asked)) < CLOSE


@pytest.mark.parametrize(
    ("scheduler", "our_steps"),
    [("EulerDiscreteScheduler", STEPS), ("HeunDiscreteScheduler", 2 * STEPS - 1)],
)
def test_other_schedulers_that_apply_has_make_its_latents_too(own: Made, scheduler: str, our_steps: int) -> None:
    found = theirs(with_scheduler(own.pipeline, scheduler), AttributeCallback("onward", bank=own.bank))
    assert apart(found, ours(own, "onward", sampler=SchedulerSampler("s", scheduler), steps=our_steps)) < 2e-3


def test_a_multistep_scheduler_forgets_at_each_of_the_times(own: Made) -> None:
    pipeline = with_scheduler(own.pipeline, "DPMSolverMultistepScheduler")
    sampler = SchedulerSampler("dpm", "DPMSolverMultistepScheduler")
    timesteps = [t for t, _ in sampler.grid(STEPS, own.backbone.schedule)]
    lay_out = pipeline.scheduler.set_timesteps
    pipeline.scheduler.set_timesteps = lambda count, device=None: lay_out(timesteps=timesteps, device=device)
    found = theirs(pipeline, AttributeCallback("onward", bank=own.bank))
    assert apart(found, ours(own, "onward", sampler=sampler)) < 2e-3


@pytest.mark.parametrize("guidance", [GUIDANCE, 1.0])
def test_each_picture_of_a_batch_has_its_own_difference(made: Made, guidance: float) -> None:
    """Two prompts, two pictures of each, every one as it is alone."""
    prompts, seeds = (SOURCE, "a photo of a woman with a hat"), (5, 6, 7, 8)
    callback = AttributeCallback("onward", bank=made.bank)
    found = theirs(
        made.pipeline, callback, list(prompts), seeds=seeds, num_images_per_prompt=2, guidance_scale=guidance
    )
    assert callback.evaluations == 4 * 2 * 4
    alone = [
        ours(made, "onward", prompt=prompts[place // 2], seed=seed, guidance=guidance)
        for place, seed in enumerate(seeds)
    ]
    assert apart(found, torch.cat(alone)) < CLOSE


def test_no_more_rows_go_through_the_unet_at_once_than_in_the_pipelines_own_steps(own: Made) -> None:
    for guidance, rows in ((GUIDANCE, 6), (1.0, 3)):
        with asked_of(own.pipeline.unet) as calls:
            theirs(
                own.pipeline, AttributeCallback("onward", bank=own.bank), seeds=(1, 2, 3), num_images_per_prompt=3,
                guidance_scale=guidance,
            )  # fmt: skip
        assert {len(call["x"]) for call in calls} == {rows}


def test_picture_and_cost_are_those_of_apply(plain: Made, tiny_pipeline: Path, tmp_path: Path) -> None:
    callback = AttributeCallback("onward:0.5", bank=plain.bank)
    with asked_of(plain.pipeline.unet) as calls:
        found = theirs(plain.pipeline, callback, output_type="pt")
    asked = {"prompt": SOURCE, "seed": SEED, "steps": STEPS, "guidance_scale": GUIDANCE, "bank": plain.bank}
    references = (parse_asked("onward:0.5"),)
    request = ApplyRequest(references=references, backbone=str(tiny_pipeline), output=tmp_path / "out.png", **asked)
    assert apart(found[0], apply(request).after) < 1e-3
    (turn,) = plan(request).turns
    assert callback.evaluations == turn.stop.needs.rows == sum(len(call["x"]) for call in calls) - 2 * STEPS == 8


def test_strength_zero_changes_no_bit_and_asks_nothing(made: Made) -> None:
    callback = AttributeCallback("onward:0", bank=made.bank)
    assert callback.tensor_inputs == ["latents"]
    assert torch.equal(theirs(made.pipeline, callback), theirs(made.pipeline))
    assert callback.evaluations == 0


def test_one_callback_serves_several_runs_and_keeps_nothing_of_a_pipeline(own: Made, tiny_pipeline: Path) -> None:
    callback = AttributeCallback("onward", bank=own.bank)
    first = theirs(own.pipeline, callback)
    theirs(own.pipeline, callback, "a photo of a woman with a hat", seeds=9)
    assert torch.equal(theirs(own.pipeline, callback), first)
    assert callback.evaluations == 8
    other = diffusers.StableDiffusionPipeline.from_pretrained(tiny_pipeline, scheduler=own.pipeline.scheduler)
    other.set_progress_bar_config(disable=True)
    theirs(other, callback)
    gone = weakref.ref(other.unet)
    del other
    gc.collect()
    assert gone() is None


def test_prompts_are_encoded_in_every_run_as_it_has_them(xl: Made) -> None:
    """Here the pipeline's prompt is a target's: so it must be heard alike by all who ask."""
    callback, heard = AttributeCallback("onward", bank=xl.bank), []
    for options in ({}, {"clip_skip": 1}):
        with asked_of(xl.pipeline.unet) as calls:
            theirs(xl.pipeline, callback, TARGET, **options)
        first, *others = (call["encoder_hidden_states"][1] for call in calls)
        assert sum(torch.equal(other, first) for other in others) == STEPS - 1 + 2, "two of four times ask this pair"
        heard.append(first)
    assert not torch.equal(*heard)


def test_a_pipeline_is_left_as_it_was(made: Made) -> None:
    def state() -> dict[str, Any]:
        """Which parts it has, what hangs on its networks, and their weights."""
        unet, names = made.pipeline.unet, sorted(vars(made.pipeline))
        hooks = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in unet.modules()]
        weights = [tensor.sum().item() for tensor in unet.state_dict().values()]
        processors = {name: id(processor) for name, processor in unet.attn_processors.items()}
        parts = {name: id(part) for name, part in made.pipeline.components.items()}
        return {"names": names, "hooks": hooks, "weights": weights, "processors": processors, "parts": parts}

    plain = theirs(made.pipeline)
    before = state()
    theirs(made.pipeline, AttributeCallback("onward", bank=made.bank))
    assert state() == before
    assert torch.equal(theirs(made.pipeline), plain)


def test_callbacks_go_together(made: Made) -> None:
    from diffusers.callbacks import MultiPipelineCallbacks

    both = MultiPipelineCallbacks([AttributeCallback(name, bank=made.bank) for name in ("onward", "once")])
    assert apart(theirs(made.pipeline, both), ours(made, "onward", "once")) < CLOSE


def test_the_unet_of_an_xl_is_told_the_sizes_that_the_pipeline_tells_it_in_this_run(xl: Made) -> None:
    with asked_of(xl.pipeline.unet) as calls:
        theirs(
            xl.pipeline, AttributeCallback("onward", bank=xl.bank), original_size=(64, 48), target_size=(40, 24),
            crops_coords_top_left=(1, 2), seeds=(1, 2), num_images_per_prompt=2,
        )  # fmt: skip
    told = [call["added_cond_kwargs"]["time_ids"] for call in calls]
    assert len(told) == STEPS + 4
    assert all(rows.tolist() == [[64, 48, 1, 2, 40, 24]] * 4 for rows in told)


def test_sizes_that_guidance_leads_away_from_are_not_those_of_the_picture(xl: Made) -> None:
    sizes = {"negative_original_size": (8, 8), "negative_target_size": (16, 16)}
    with asked_of(xl.pipeline.unet) as calls:
        theirs(xl.pipeline, AttributeCallback("onward@0.5..0.3", bank=xl.bank), **sizes)
    told = [call["added_cond_kwargs"]["time_ids"].tolist() for call in calls]
    away, picture = [8, 8, 0, 0, 16, 16], [32, 32, 0, 0, 32, 32]
    assert [told.count([away, picture]), told.count([picture, picture])] == [STEPS, 4]


@pytest.mark.parametrize("zeros", [True, False])
def test_the_empty_prompt_is_the_one_that_guidance_compares_with(zeros: bool, tmp_path: Path) -> None:
    folder = build_xl_pipeline(tmp_path / "model")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("{", f'{{"force_zeros_for_empty_prompt": {str(zeros).lower()},', 1))
    made = made_of(folder, "StableDiffusionXLPipeline", tmp_path / "bank")
    record = made.attributes["onward"].record
    update = {"name": "bare", "pairs": (PromptPair(source="", target=TARGET),)}
    made.attributes["bare"] = LearnedAttribute(record.model_copy(update=update), {})
    Bank(made.bank).add(encode(made.attributes["bare"]))
    assert apart(theirs(made.pipeline, AttributeCallback("bare", bank=made.bank)), ours(made, "bare")) < CLOSE


def test_a_unet_that_waits_in_main_memory_is_called_up(own: Made) -> None:
    callback = AttributeCallback("onward", bank=own.bank)
    expected = theirs(own.pipeline, callback)
    accelerate.cpu_offload(own.pipeline.unet, execution_device=torch.device("cpu"))
    assert own.pipeline.unet.conv_in.weight.is_meta
    assert torch.equal(theirs(own.pipeline, callback), expected)


def test_a_pipeline_in_half_precision_is_asked_in_it(own: Made) -> None:
    expected = theirs(own.pipeline, AttributeCallback("onward", bank=own.bank))
    own.pipeline.to(dtype=torch.bfloat16)
    callback, found = AttributeCallback("onward", bank=own.bank), []
    assert any("do not tell" in told for told in warnings_of(lambda: found.append(theirs(own.pipeline, callback))))
    assert found[0].dtype is torch.bfloat16
    assert apart(found[0].float(), expected) < 0.1 * float(expected.abs().max())


def test_a_network_that_takes_the_guidance_scale_is_told_that_of_the_run(tmp_path: Path) -> None:
    pipeline = own_distilled(tmp_path / "model")
    made = made_of(tmp_path / "model", "StableDiffusionPipeline", tmp_path / "bank")._replace(pipeline=pipeline)
    found = theirs(made.pipeline, AttributeCallback("onward", bank=made.bank), guidance_scale=5.0)
    assert apart(found, ours(made, "onward", guidance=5.0)) < CLOSE
    assert apart(found, theirs(made.pipeline, AttributeCallback("onward", bank=made.bank), guidance_scale=2.0)) > CLOSE


def own_distilled(folder: Path) -> Any:
    """A tiny pipeline whose UNet takes the guidance scale as an input."""
    build_pipeline(folder)
    weights = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet").state_dict()
    unet = diffusers.UNet2DConditionModel(**UNET, cross_attention_dim=32, time_cond_proj_dim=8)
    assert unet.load_state_dict(weights, strict=False).missing_keys == ["time_embedding.cond_proj.weight"]
    unet.save_pretrained(folder / "unet")
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return with_scheduler(pipeline, "DDIMScheduler")


def test_what_goes_the_pictures_own_way_adds_the_difference_at_the_picture_in_a_pipeline(
    plain: Made, tmp_path: Path
) -> None:
    """A pipeline draws no unedited picture; its strength 1 is the full effect of what it has instead."""
    onward = plain.attributes["onward"]
    whole = Calibration(core="path", strengths=(0, 1), raw=(0, 1), low=-1, high=1.3, judge="prompt switch", seeds=(0,))
    own = {"core": "path", "units": {**onward.record.units, "path": 1.0}, "calibration": whole}
    Bank(tmp_path / "bank").add(encode(LearnedAttribute(onward.record.model_copy(update=own), onward.tensors)))
    for text in ("onward", "onward:0.5", "onward@0.6..0.2"):
        found = theirs(plain.pipeline, AttributeCallback(text, bank=tmp_path / "bank"))
        assert torch.equal(found, theirs(plain.pipeline, AttributeCallback(text, bank=plain.bank)))


def test_what_an_edit_keeps_is_there_at_its_next_time_and_not_in_the_next_run(plain: Made, monkeypatch) -> None:
    seen = []

    def counting(self: LiveEdit, x: torch.Tensor, inputs: Any, strength: float) -> torch.Tensor:
        before = inputs.memory.get("count", torch.zeros(()))
        seen.append(int(before))
        inputs.memory["count"] = before + 1
        return x

    monkeypatch.setattr(LiveEdit, "__call__", counting)
    callback = AttributeCallback("onward", bank=plain.bank)
    for _ in range(2):
        theirs(plain.pipeline, callback)
    assert seen == [0, 1, 2, 3] * 2
