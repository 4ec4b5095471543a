"""The methods under the contract of all methods, and what each of them says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from attrbank_prompt.hearing import HEARD
from attrbank_prompt.method import Interpolation, Mixing, PromptToPrompt
from attrbank_prompt.parameters import Parameters

from attrbank.plugin import (
    DDIM,
    Act,
    AttrbankError,
    Backbone,
    CorruptArtifactError,
    IncompatibleError,
    InvalidValueError,
    LearnedAttribute,
    LearnSpec,
    Method,
    MethodContract,
    Position,
    PromptPair,
    Trajectory,
    When,
    learn_attribute,
    learn_spec,
    load_plugins,
    run_edits,
)

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


class TestInterpolation(MethodContract):
    def make(self) -> Interpolation:
        return Interpolation()


class TestMixing(MethodContract):
    def make(self) -> Mixing:
        return Mixing()

    def spec(self) -> LearnSpec:
        return super().spec().model_copy(update={"delta_tau": 0.0})


class TestRefine(MethodContract):
    def make(self) -> PromptToPrompt:
        return PromptToPrompt()


class TestReweightWithBlend(MethodContract):
    def make(self) -> PromptToPrompt:
        return PromptToPrompt(Parameters(edit="reweight", word="person", blend="person"))


class TestReplace(MethodContract):
    def make(self) -> PromptToPrompt:
        return PromptToPrompt(Parameters(edit="replace", own=1, cross=0.5))

    def spec(self) -> LearnSpec:
        pair = PromptPair(source="a photo of a man", target="a photo of a person")
        return super().spec().model_copy(update={"pairs": (pair,)})


@pytest.fixture(scope="module")
def model() -> Backbone:
    return TestRefine().make_backbone()


def learned(model: Backbone, name: str, source: str = SOURCE, target: str = TARGET, **options) -> LearnedAttribute:
    spec = learn_spec("old", [source], [target], method=name, steps=8, guidance_scale=3.0, **options)
    return learn_attribute(spec, load_plugins().method(name), model, DDIM())


def trajectory_of(model: Backbone) -> Trajectory:
    return Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=3.0)


def edited(model: Backbone, method: Method, attribute: LearnedAttribute, strength: float, index: int = 0):
    act = Act(index, method.edit(attribute.record, attribute.tensors), strength)
    return run_edits(trajectory_of(model), SOURCE, [7], [act])


def test_a_whole_interpolation_is_the_target_prompt_and_half_of_it_lies_between(model: Backbone) -> None:
    plan, attribute = trajectory_of(model), learned(model, "prompt-interpolation")
    expected = plan.run(plan.start([7]), plan.conditioning(TARGET)).latent
    torch.testing.assert_close(edited(model, Interpolation(), attribute, 1.0).after, expected, atol=1e-3, rtol=1e-3)
    source, target = (plan.conditioning(prompt)["text"] for prompt in (SOURCE, TARGET))
    edit = Interpolation().edit(attribute.record, attribute.tensors)
    for strength in (0.5, -1.0):
        heard = edit.heard({"text": source, "guidance_scale": torch.ones(1)}, (), strength)
        torch.testing.assert_close(heard["text"], source + strength * (target - source))
        assert torch.equal(heard["guidance_scale"], torch.ones(1))


def test_a_whole_mixture_is_the_target_prompt_half_way_and_the_source_from_there(model: Backbone) -> None:
    plan, attribute = trajectory_of(model), learned(model, "prompt-mixing")
    half = min(range(8), key=lambda index: abs(plan.grid[index][0] - 500))
    there = plan.run(plan.start([7]), plan.conditioning(TARGET), half).branched()
    expected = plan.run(there, plan.conditioning(SOURCE)).latent
    torch.testing.assert_close(edited(model, Mixing(), attribute, 1.0, half).after, expected, atol=1e-4, rtol=1e-4)


def test_on_another_grid_both_latents_of_a_mixture_are_of_one_step(model: Backbone) -> None:
    """Learned at t = 481 it acts there in 50 steps as well, of which another, 501, is nearer to half of the time."""
    record = learned(model, "prompt-mixing").record
    grid = DDIM().grid(50, replace(model.schedule, steps_offset=1))
    plan = Trajectory(model, DDIM(), grid=grid, guidance_scale=1.0)
    index = [t for t, _ in grid].index(481)
    seen, act = list[Position](), Act(index, Mixing().edit(record, {}), 1.0)
    run_edits(plan, SOURCE, [7], [act], with_before=False, on_step=seen.append)
    there = plan.run(plan.start([7]), plan.conditioning(TARGET), index)
    expected = plan.run(there, plan.conditioning(SOURCE), index + 1)
    assert torch.equal(next(one for one in seen if one.index == index + 1).latent, expected.latent)


def test_all_keep_the_same_difference_of_what_is_heard(model: Backbone) -> None:
    """So that ``similar`` compares what they are about."""
    heard = [
        learned(model, name).tensors[f"{HEARD}text"]
        for name in ("prompt-interpolation", "prompt-mixing", "prompt-to-prompt")
    ]
    assert all(torch.equal(one, heard[0]) for one in heard)
    arrays = {name: tensor.numpy() for name, tensor in learned(model, "prompt-to-prompt").tensors.items()}
    assert PromptToPrompt().direction(None, arrays).shape == (heard[0].numel(),)


def test_times_are_the_way_from_the_noise_to_the_end_or_half_of_it_and_can_be_moved(model: Backbone) -> None:
    whole, half = (learned(model, name).record for name in ("prompt-to-prompt", "prompt-mixing"))
    assert (whole.t_x, whole.delta_tau, half.t_x, half.delta_tau) == (1.0, -1.0, 0.5, 0.0)
    moved = PromptToPrompt().moved(whole, None, When(0.8, 0.2), model.schedule)
    assert (moved.t_x, round(moved.t_x + moved.delta_tau, 9)) == (0.8, 0.2)
    assert PromptToPrompt().edit(moved, learned(model, "prompt-to-prompt").tensors).until == 0.2
    late = whole.model_copy(update={"t_x": 0.9, "delta_tau": -0.6})
    assert PromptToPrompt().moved(late, None, When(0.5), model.schedule).delta_tau == -0.2, "it ends where it did"
    with pytest.raises(InvalidValueError, match=r"acts until 0\.3, so it cannot begin at 0\.2") as raised:
        PromptToPrompt().moved(late, None, When(0.2), model.schedule)
    assert raised.value.hint == "Say when it ends as well, as in old@0.2..0.1."
    at = Mixing().moved(half, None, When(0.3), model.schedule)
    assert (at.t_x, at.delta_tau, at.resolved.timestep_x) == (0.3, 0.0, 300)
    with pytest.raises(InvalidValueError, match="acts once"):
        Mixing().moved(half, None, When(0.3, 0.1), model.schedule)


@pytest.mark.parametrize(
    ("ask", "source", "target", "complaint"),
    [
        ("prompt-to-prompt:edit=replace", SOURCE, TARGET, "5 and 6 words"),
        ("prompt-to-prompt", SOURCE, SOURCE, "Both prompts say the same"),
        ("prompt-to-prompt:edit=reweight", SOURCE, SOURCE, "Both prompts say the same"),
        ("prompt-to-prompt:edit=reweight,word=hat", SOURCE, SOURCE, "no word 'hat'"),
        ("prompt-to-prompt:edit=reweight", TARGET, SOURCE, "no word that the source lacks"),
        ("prompt-to-prompt:blend=hat", SOURCE, TARGET, "Neither prompt has the word 'hat'"),
        ("prompt-to-prompt:cross=2", SOURCE, TARGET, "cross: Input should be less than or equal to 1"),
        ("prompt-to-prompt:edit=swap", SOURCE, TARGET, "edit: Input should be 'replace', 'refine' or 'reweight'"),
        ("prompt-to-prompt:tau=1", SOURCE, TARGET, "has no parameter 'tau'"),
        ("prompt-to-prompt:word=old", SOURCE, TARGET, "word=old has no effect"),
        ("prompt-to-prompt:edit=replace,word=old", SOURCE, TARGET, "word=old has no effect"),
        ("prompt-to-prompt:threshold=0.5", SOURCE, TARGET, "threshold= has no effect"),
        ("prompt-to-prompt:start=0", SOURCE, TARGET, "start= has no effect"),
        ("prompt-interpolation", SOURCE, SOURCE, "hears no difference"),
        ("prompt-interpolation:s=1", SOURCE, TARGET, "has no parameters"),
    ],
)
def test_what_cannot_be_is_refused_in_words(ask: str, source: str, target: str, complaint: str, model) -> None:
    with pytest.raises(AttrbankError, match=complaint):
        learned(model, ask, source, target)


@pytest.mark.parametrize(
    ("ask", "name", "shape"),
    [
        ("prompt-interpolation", "heard.text", None),
        ("prompt-interpolation", "heard.text", (2, 77, 32)),
        ("prompt-to-prompt", "carried", None),
        ("prompt-to-prompt", "carried", (76, 77)),
        ("prompt-to-prompt", "carried", ()),
        ("prompt-to-prompt", "new", (1,)),
        ("prompt-to-prompt", "weighted", None),
        ("prompt-to-prompt", "heard.text", (1, 76, 32)),
        ("prompt-to-prompt:blend=person", "blend.source", None),
        ("prompt-to-prompt:blend=person", "blend.target", (76,)),
    ],
)
def test_damaged_tensors_are_seen_before_the_edit_acts(ask: str, name: str, shape, model: Backbone) -> None:
    attribute = learned(model, ask)
    tensors = {key: tensor for key, tensor in attribute.tensors.items() if key != name}
    if shape is not None:
        tensors[name] = torch.ones(shape)
    with pytest.raises(CorruptArtifactError, match="what is heard" if "heard" in name and not shape else f"'{name}'"):
        load_plugins().method(ask).edit(attribute.record, tensors)


def test_what_other_text_encoders_make_is_refused(model: Backbone) -> None:
    edit = Interpolation().edit(learned(model, "prompt-interpolation").record, {f"{HEARD}text": torch.ones(1, 5, 3)})
    with pytest.raises(IncompatibleError, match="nothing like what was learned of 'text'"):
        edit.heard(model.encode_prompts([SOURCE]), (), 1.0)


def test_more_than_one_pair_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="one pair of prompts"):
        learn_spec("old", [SOURCE, "a man"], [TARGET, "an old man"], method="prompt-to-prompt")


def test_an_interval_of_what_acts_once_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="Δτ has no effect") as raised:
        learn_spec("old", [SOURCE], [TARGET], method="prompt-mixing", delta_tau=-0.2)
    assert raised.value.hint == "Leave --delta-tau out."


def test_an_interval_without_length_is_refused(model: Backbone) -> None:
    with pytest.raises(InvalidValueError, match="over an interval"):
        learned(model, "prompt-to-prompt", t_x=0.5, delta_tau=0.0)


def test_a_transformer_is_refused_with_the_name_of_what_it_lacks() -> None:
    class Transformer:
        name = "a transformer"

    spec = learn_spec("old", [SOURCE], [TARGET], method="prompt-to-prompt")
    with pytest.raises(IncompatibleError, match=r"'prompt-to-prompt' acts on a UNet's attention.*no attention"):
        PromptToPrompt().check(spec, Transformer())


def test_parameters_are_recorded_with_the_attribute(model: Backbone) -> None:
    method = learned(model, "prompt-to-prompt:own=0.6").record.method
    assert method.startswith("prompt-to-prompt:edit=refine,cross=0.8,own=0.6")
    assert load_plugins().method(method).parameters == Parameters(own=0.6)
