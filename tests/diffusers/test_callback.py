"""Attributes in a stock pipeline of diffusers: the same picture as ours, or a sentence that says why not."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import accelerate
import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import decode, encode
from attrbank.diffusers import AttributeCallback, SchedulerSampler, pipelines
from attrbank.diffusion.schedule import nearest_alpha_bar_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError, NumericError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.names import When
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS, GUIDANCE, SEED = 8, 3.0, 5


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, backbone) -> Path:
    """Attributes at .4 and at .8, one of the first step, and two of the paper's."""
    folder = tmp_path_factory.mktemp("callback") / "bank"
    for name, options in {
        "old": {"t_x": 0.4},
        "older": {"t_x": 0.8},
        "oldest": {"t_x": 0.95},
        "grafted": {"t_x": 0.6, "delta_tau": -0.3, "vectors": "paper"},
        "own": {"t_x": 0.6, "delta_tau": -0.3, "vectors": "paper", "z": "own"},
    }.items():
        asked = {"seeds": (0, 1), "steps": STEPS, "guidance_scale": GUIDANCE, **options}
        spec = complete(learn_spec(name, [SOURCE], [TARGET], **asked), backbone)
        Bank(folder).add(encode(learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))))
    return folder


@pytest.fixture
def pipeline(tiny_pipeline: Path):
    from diffusers import StableDiffusionPipeline

    made = StableDiffusionPipeline.from_pretrained(tiny_pipeline)
    made.set_progress_bar_config(disable=True)
    return made


def with_scheduler(pipeline: Any, name: str) -> Any:
    import diffusers

    pipeline.scheduler = getattr(diffusers, name).from_config(pipeline.scheduler.config)
    return pipeline


def their_latent(pipeline: Any, callback: Any = None, **options: Any) -> Tensor:
    options = {"num_inference_steps": STEPS, "output_type": "latent", **options}
    return pipeline(
        SOURCE,
        guidance_scale=GUIDANCE,
        generator=torch.Generator().manual_seed(SEED),
        callback_on_step_end=callback,
        **options,
    ).images


def warnings_of(act: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(each.message) for each in caught if issubclass(each.category, UserWarning)]


def our_latent(backbone, bank: Path, sampler: Any, steps: int = STEPS, **strengths: float) -> Tensor:
    grid = sampler.grid(steps, backbone.schedule)
    acts = []
    for name, strength in strengths.items():
        learned = decode(Bank(bank).read(Bank(bank).resolve(name)))
        index = nearest_alpha_bar_index(grid, backbone.schedule, learned.record.resolved.alpha_bar_x)
        core = "mean" if learned.record.units else None
        acts.append(Act(index, Avi().edit(learned.record, learned.tensors, core), strength))
    trajectory = Trajectory(backbone, sampler, grid=grid, guidance_scale=GUIDANCE)
    return run_edits(trajectory, SOURCE, [SEED], acts).after


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


def test_an_attribute_that_acts_through_the_model_is_refused_before_the_run(bank, monkeypatch):
    class Through:
        until = 0.0

        def through(self, backbone, strength):
            return backbone

    monkeypatch.setattr(Avi, "edit", lambda *_: Through())
    with pytest.raises(IncompatibleError, match="old needs the network"):
        AttributeCallback("old", bank=bank)


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


def test_unipc_is_refused_with_the_reason(pipeline, bank):
    with pytest.raises(IncompatibleError, match="discards an edit"):
        their_latent(with_scheduler(pipeline, "UniPCMultistepScheduler"), AttributeCallback("old", bank=bank))


def test_packed_latents_are_refused(pipeline, bank):
    pipeline.scheduler.set_timesteps(STEPS)
    packed = {"latents": torch.zeros(1, 64, 64)}
    with pytest.raises(IncompatibleError, match="packs its latents"):
        AttributeCallback("old", bank=bank)(pipeline, 0, pipeline.scheduler.timesteps[0], packed)


def test_latents_of_another_size_are_refused(pipeline, bank):
    with pytest.raises(IncompatibleError, match="latent shape 4×16×16"):
        their_latent(pipeline, AttributeCallback("old", bank=bank), height=48, width=32)


def test_another_model_is_refused(pipeline, bank):
    with torch.no_grad():
        pipeline.unet.conv_in.weight += 0.1
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))


def test_other_weights_of_the_attention_are_another_model_unless_it_is_forced(pipeline, bank):
    """As after fuse_lora."""
    with torch.no_grad():
        pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight += 0.1
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))
    with pytest.warns(UserWarning, match="has other weights"):
        forced = their_latent(pipeline, AttributeCallback("old", bank=bank, force=True))
    assert not torch.equal(forced, their_latent(pipeline))


class Adapted(torch.nn.Module):
    """A layer as PEFT wraps one: its own weights one level down, those of the adapter beside them."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.base_layer = layer
        self.lora_A = torch.nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base_layer(x)


def test_an_adapter_on_any_layer_makes_another_model_that_can_be_forced(pipeline, bank):
    pipeline.unet.conv_in = Adapted(pipeline.unet.conv_in)
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))
    with pytest.warns(UserWarning, match="has other weights"):
        forced = their_latent(pipeline, AttributeCallback("old", bank=bank, force=True))
    assert not torch.equal(forced, their_latent(pipeline))


def test_the_weights_are_read_once_a_run_for_all_attributes(pipeline, bank, monkeypatch):
    times = Counter()
    read = pipelines.tensor_digest
    monkeypatch.setattr(pipelines, "tensor_digest", lambda *tensor: times.update(["read"]) or read(*tensor))
    callback = AttributeCallback("old", "older", bank=bank)
    their_latent(pipeline, callback)
    assert times["read"] == len(pipeline.unet.state_dict())
    their_latent(pipeline, callback)
    assert times["read"] == 2 * len(pipeline.unet.state_dict())


def compiled(unet: Any) -> Any:
    return torch.compile(unet, backend="eager")


def offloaded(unet: Any) -> Any:
    accelerate.cpu_offload(unet, execution_device=torch.device("cpu"))
    assert unet.conv_in.weight.is_meta
    return unet


def cast_layer_by_layer(unet: Any) -> Any:
    unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    return unet


TOO_COARSE = "do not tell whether"


@pytest.mark.parametrize(("change", "told"), [(compiled, []), (offloaded, []), (cast_layer_by_layer, [TOO_COARSE])])
def test_the_ways_in_which_people_run_a_unet_leave_it_the_same_model(change, told, pipeline, bank):
    pipeline.unet = change(pipeline.unet)
    pipeline.scheduler.set_timesteps(STEPS)
    given = {"latents": torch.zeros(1, 4, 16, 16)}
    callback = AttributeCallback("old", bank=bank)
    warned = warnings_of(lambda: callback(pipeline, 0, pipeline.scheduler.timesteps[0], given))
    assert [TOO_COARSE for text in warned if TOO_COARSE in text] == told


def test_an_offloaded_unet_of_other_weights_is_found_out(pipeline, bank):
    with torch.no_grad():
        pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight += 0.1
    pipeline.unet = offloaded(pipeline.unet)
    pipeline.scheduler.set_timesteps(STEPS)
    given = {"latents": torch.zeros(1, 4, 16, 16)}
    with pytest.raises(IncompatibleError, match="fingerprint"):
        AttributeCallback("old", bank=bank)(pipeline, 0, pipeline.scheduler.timesteps[0], given)


def test_an_attribute_of_xl_acts_in_its_own_pipeline_and_not_in_another(tiny_pipeline_xl, pipeline, tmp_path):
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline

    backbone = load_plugins().backbone(str(tiny_pipeline_xl))
    spec = complete(learn_spec("xl", [SOURCE], [TARGET], seeds=(0, 1), steps=STEPS, guidance_scale=GUIDANCE), backbone)
    Bank(tmp_path).add(encode(learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))))
    theirs = StableDiffusionXLPipeline.from_pretrained(tiny_pipeline_xl, add_watermarker=False)
    theirs.set_progress_bar_config(disable=True)
    theirs.scheduler = DDIMScheduler.from_config(theirs.scheduler.config)
    found = their_latent(theirs, AttributeCallback("xl", bank=tmp_path))
    expected = our_latent(backbone, tmp_path, load_plugins().sampler("ddim"), xl=1.0)
    assert float((found - expected).abs().max()) < 1e-3
    with pytest.raises(IncompatibleError, match="family"):
        their_latent(pipeline, AttributeCallback("xl", bank=tmp_path))


@pytest.mark.filterwarnings(f"ignore:.*{TOO_COARSE}")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_is_the_same_model(pipeline, bank, dtype):
    pipeline.unet.to(dtype)
    pipeline.scheduler.set_timesteps(STEPS)
    latents = torch.randn(1, 4, 16, 16, dtype=dtype)
    callback = AttributeCallback("old", bank=bank)
    for index, t in enumerate(pipeline.scheduler.timesteps):
        given = callback(pipeline, index, t, {"latents": latents})
        assert given["latents"].dtype is dtype


def test_an_attribute_that_must_look_at_the_picture_is_refused_before_the_run(bank):
    with pytest.raises(IncompatibleError, match="own needs the network"):
        AttributeCallback("own", bank=bank)


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
