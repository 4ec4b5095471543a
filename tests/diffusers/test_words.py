"""Text directions in stock pipelines of diffusers: the same picture as ours, or a sentence that says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import encode
from attrbank.diffusers import AttributeCallback
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import run_edits
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.text import Text
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.store.bank import Bank

PROMPT, STEPS, GUIDANCE, SEED = "a photo of a man and a woman", 8, 3.0, 5
KINDS = {"StableDiffusionPipeline": "tiny_pipeline", "StableDiffusionXLPipeline": "tiny_pipeline_xl"}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A pipeline of diffusers, our model of the same folder, an attribute of it, and its bank."""
    import diffusers

    folder = request.getfixturevalue(KINDS[request.param])
    backbone = load_plugins().backbone(str(folder))
    asked = {"method": "text", "core": "mean", "steps": STEPS, "guidance_scale": GUIDANCE}
    spec = complete(learn_spec("old", ["a photo of a woman"], ["a photo of an old woman"], **asked), backbone)
    attribute = learn_attribute(spec, Text(), backbone, DDIM())
    bank = tmp_path_factory.mktemp("words") / "bank"
    Bank(bank).add(encode(attribute))
    pipeline = getattr(diffusers, request.param).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline, backbone, attribute, bank


def theirs(pipeline: Any, callback: Any = None, prompt: str = PROMPT, guidance: float = GUIDANCE) -> Tensor:
    latent: Tensor = pipeline(
        prompt,
        guidance_scale=guidance,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
        callback_on_step_end=callback,
    ).images
    return latent


@pytest.mark.parametrize(("on", "guidance"), [(None, GUIDANCE), ("man", GUIDANCE), (None, 1.0)])
def test_a_pipeline_makes_the_picture_that_apply_makes(made: Any, on: str | None, guidance: float) -> None:
    pipeline, backbone, attribute, bank = made
    callback = AttributeCallback("old:2", bank=bank, prompt=PROMPT, on=on)
    grid = DDIM().grid(STEPS, backbone.schedule)
    trajectory = Trajectory(backbone, DDIM(), grid=grid, guidance_scale=guidance)
    act = ready(attribute, 2.0, words=(on,) if on else ()).on(grid, backbone.schedule)
    ours = run_edits(trajectory, PROMPT, [SEED], [act])
    found = theirs(pipeline, callback, guidance=guidance)
    assert ours.before is not None
    assert float((ours.after - ours.before).abs().max()) > 1e-2, "there is something to see"
    assert torch.allclose(found, ours.after, atol=2e-3)


def test_two_act_at_words_each_at_its_own_time(made: Any, tmp_path: Path) -> None:
    pipeline, backbone, attribute, _ = made
    timestep = backbone.schedule.timestep_of(0.4)
    resolved = {"timestep_x": timestep, "alpha_bar_x": backbone.schedule.alpha_bar(timestep)}
    record = attribute.record
    update = {"name": "older", "t_x": 0.4, "resolved": record.resolved.model_copy(update=resolved)}
    later = replace(attribute, record=record.model_copy(update=update))
    for learned in (attribute, later):
        Bank(tmp_path / "bank").add(encode(learned))
    grid = DDIM().grid(STEPS, backbone.schedule)
    acts = [ready(learned, 2.0).on(grid, backbone.schedule) for learned in (attribute, later)]
    assert acts[0].index < acts[1].index
    trajectory = Trajectory(backbone, DDIM(), grid=grid, guidance_scale=GUIDANCE)
    ours = run_edits(trajectory, PROMPT, [SEED], acts, with_before=False)
    callback = AttributeCallback("old:2", "older:2", bank=tmp_path / "bank", prompt=PROMPT)
    assert torch.allclose(theirs(pipeline, callback), ours.after, atol=2e-3)


def test_strength_zero_changes_no_bit(made: Any) -> None:
    pipeline, _, _, bank = made
    callback = AttributeCallback("old:0", bank=bank, prompt=PROMPT)
    assert torch.equal(theirs(pipeline, callback), theirs(pipeline))


def test_the_prompt_must_be_given_and_be_the_one_that_runs(made: Any) -> None:
    pipeline, _, _, bank = made
    with pytest.raises(InvalidValueError, match="which a pipeline does not hand on") as raised:
        AttributeCallback("old", bank=bank)
    assert "prompt=" in str(raised.value.hint)
    with pytest.raises(InvalidValueError, match="'a photo of a man' does not have the word woman"):
        AttributeCallback("old", bank=bank, prompt="a photo of a man")
    with pytest.raises(InvalidValueError, match="runs another prompt than the callback was given"):
        theirs(pipeline, AttributeCallback("old", bank=bank, prompt="a photo of a woman"))


def test_latents_alone_are_asked_for_where_nothing_acts_at_words() -> None:
    assert AttributeCallback("smile").tensor_inputs == ["latents"]
    with pytest.raises(InvalidValueError, match="None of these attributes acts at words"):
        AttributeCallback("smile", on="man")
