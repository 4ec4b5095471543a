"""Attributes in a stock pipeline of diffusers: the same picture as ours, or a sentence that says why not."""

from __future__ import annotations

import pytest
import torch

from attrbank.attribute.artifact import decode
from attrbank.diffusers import AttributeCallback, SchedulerSampler
from attrbank.diffusion.schedule import nearest_alpha_bar_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.errors import IncompatibleError, InvalidValueError, NumericError
from attrbank.methods.avi import Avi
from attrbank.names import When
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from tests.helpers.pipelines import GUIDANCE, SEED, SOURCE, STEPS, our_latent, their_latent, with_scheduler


def test_a_pipeline_with_attributes_makes_our_picture(pipeline, backbone, bank):
    ddim = load_plugins().sampler("ddim")
    callback = AttributeCallback("old:0.7", "older", bank=bank)
    theirs, ours = their_latent(pipeline, callback), our_latent(backbone, bank, ddim, old=0.7, older=1.0)
    assert float((theirs - ours).abs().max()) < 1e-3
    assert float((theirs - their_latent(pipeline)).abs().max()) > 0.05
    picture = their_latent(pipeline, callback, output_type="pt")
    assert float((picture - backbone.decode(ours)).abs().max()) < 1e-3


@pytest.mark.parametrize(
    ("scheduler", "our_steps"),
    [("EulerDiscreteScheduler", STEPS), ("HeunDiscreteScheduler", 2 * STEPS - 1)],
)
def test_latents_that_a_scheduler_scales_are_edited_at_their_true_size(pipeline, backbone, bank, scheduler, our_steps):
    theirs = their_latent(with_scheduler(pipeline, scheduler), AttributeCallback("old", "older", bank=bank))
    ours = our_latent(backbone, bank, SchedulerSampler("ours", scheduler), our_steps, old=1.0, older=1.0)
    assert float((theirs - ours).abs().max()) < 2e-3


def test_a_multistep_scheduler_forgets_what_lies_before_an_edit(pipeline, backbone, bank):
    dpm = with_scheduler(pipeline, "DPMSolverMultistepScheduler")
    sampler = SchedulerSampler("dpm", "DPMSolverMultistepScheduler")
    timesteps = [t for t, _ in sampler.grid(STEPS, backbone.schedule)]
    lay_out = dpm.scheduler.set_timesteps
    dpm.scheduler.set_timesteps = lambda count, device=None: lay_out(timesteps=timesteps, device=device)
    theirs = their_latent(dpm, AttributeCallback("old", bank=bank))
    assert float((theirs - our_latent(backbone, bank, sampler, old=1.0)).abs().max()) < 2e-3


def test_an_attribute_acts_at_the_time_that_was_asked_for(pipeline, backbone, bank):
    theirs = their_latent(pipeline, AttributeCallback("old:0.7@0.6", bank=bank))
    ddim, learned = load_plugins().sampler("ddim"), decode(Bank(bank).read(Bank(bank).resolve("old")))
    record = Avi().moved(learned.record, "mean", When(0.6), backbone.schedule)
    grid = ddim.grid(STEPS, backbone.schedule)
    index = nearest_alpha_bar_index(grid, backbone.schedule, backbone.schedule.alpha_bar(600))
    run = Trajectory(backbone, ddim, grid=grid, guidance_scale=GUIDANCE)
    act = Act(index, Avi().edit(record, learned.tensors, "mean"), 0.7)
    assert float((theirs - run_edits(run, SOURCE, [SEED], [act]).after).abs().max()) < 1e-3
    assert float((theirs - their_latent(pipeline, AttributeCallback("old:0.7", bank=bank))).abs().max()) > 1e-3


def test_a_time_that_an_attribute_cannot_have_is_refused_when_the_pipeline_begins(pipeline, bank):
    for text, reason in (("grafted@0.3", "the paper's vectors"), ("old@0.8..0.2", "acts once")):
        with pytest.raises(InvalidValueError, match=reason):
            their_latent(pipeline, AttributeCallback(text, bank=bank))


def test_the_papers_vectors_act_in_a_pipeline_too(pipeline, backbone, bank):
    theirs = their_latent(pipeline, AttributeCallback("grafted:0.8", bank=bank))
    ours = our_latent(backbone, bank, load_plugins().sampler("ddim"), grafted=0.8)
    assert float((theirs - ours).abs().max()) < 1e-3


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "EulerDiscreteScheduler"])
def test_strength_zero_is_the_identity_bit_for_bit(pipeline, bank, scheduler):
    pipeline = with_scheduler(pipeline, scheduler)
    assert torch.equal(their_latent(pipeline, AttributeCallback("old:0", bank=bank)), their_latent(pipeline))


def test_rho_is_the_strength_of_those_without_their_own(pipeline, bank):
    filled = their_latent(pipeline, AttributeCallback("old", "older:0.5", bank=bank, rho=0.3))
    assert torch.equal(filled, their_latent(pipeline, AttributeCallback("old:0.3", "older:0.5", bank=bank)))


def test_callbacks_go_together(pipeline, bank):
    from diffusers.callbacks import MultiPipelineCallbacks

    both = MultiPipelineCallbacks([AttributeCallback("old", bank=bank), AttributeCallback("older", bank=bank)])
    assert torch.equal(
        their_latent(pipeline, both), their_latent(pipeline, AttributeCallback("old", "older", bank=bank))
    )


def test_one_callback_serves_several_runs(pipeline, bank):
    callback = AttributeCallback("old", bank=bank)
    assert torch.equal(their_latent(pipeline, callback), their_latent(pipeline, callback))


def test_all_pictures_of_a_batch_are_edited(pipeline, bank):
    callback = AttributeCallback("old", bank=bank)
    changed = their_latent(pipeline, callback, num_images_per_prompt=2) - their_latent(
        pipeline, num_images_per_prompt=2
    )
    assert changed.shape[0] == 2
    assert bool((changed.abs().amax(dim=(1, 2, 3)) > 0.05).all())


def test_an_attribute_of_the_first_step_comes_too_late(pipeline, bank):
    with pytest.raises(IncompatibleError, match=r"oldest acts at t = 876, before .* a callback is called"):
        their_latent(pipeline, AttributeCallback("oldest", bank=bank))


def test_an_attribute_whose_turn_comes_after_the_last_step_of_the_run_is_refused(pipeline, bank):
    """As with denoising_end: the pipeline walks a part of its scheduler's grid."""
    lay_out = pipeline.scheduler.set_timesteps
    callback = AttributeCallback("old", bank=bank)

    def progress(steps):
        lay_out(STEPS)
        pipeline._num_timesteps = steps
        latents = {"latents": torch.zeros(1, 4, 16, 16)}
        for index in range(steps):
            callback(pipeline, index, pipeline.scheduler.timesteps[index], latents)

    acts_at = 4  # the fifth of eight steps, at t = 376
    progress(acts_at)
    with pytest.raises(IncompatibleError, match="after the last step of this run"):
        progress(acts_at - 1)


@pytest.mark.parametrize(
    ("reference", "latents", "named"),
    [
        ("old", torch.full((1, 4, 16, 16), torch.nan), "What the pipeline has denoised so far"),
        ("old:100000", torch.full((1, 4, 16, 16), 65504.0, dtype=torch.float16), "The edited latent"),
    ],
)
def test_latents_that_are_no_numbers_are_refused(reference, latents, named, pipeline, bank):
    callback = AttributeCallback(reference, bank=bank)
    pipeline.scheduler.set_timesteps(STEPS)

    def run() -> None:
        for index, t in enumerate(pipeline.scheduler.timesteps):
            callback(pipeline, index, t, {"latents": latents})

    with pytest.raises(NumericError, match=f"{named} holds NaN") as raised:
        run()
    assert raised.value.exit_code == 10
