"""Prompt-to-prompt as the paper has it, on a random UNet, and on ``portraits`` where pictures have to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from attrbank_prompt import blending, paired
from attrbank_prompt.method import PromptToPrompt
from attrbank_prompt.paired import Paired
from attrbank_prompt.parameters import Parameters
from torch import Tensor

from attrbank.plugin import (
    DDIM,
    Act,
    Backbone,
    IncompatibleError,
    InvalidValueError,
    Layer,
    MethodContract,
    Prediction,
    Trajectory,
    attention_of,
    learn_attribute,
    learn_spec,
    load_plugins,
    run_edits,
)

SOURCE, TARGET, STEPS = "a photo of a person", "a photo of an old person", 8
SEEDS = (7, 8)


class Contract(MethodContract):
    __test__ = False

    def make(self) -> PromptToPrompt:
        return PromptToPrompt()


@pytest.fixture(scope="module")
def model() -> Backbone:
    return Contract().make_backbone()


def edit_of(model: Backbone, source: str = SOURCE, target: str = TARGET, **settings) -> Paired:
    method = PromptToPrompt(Parameters(**settings))
    asked = learn_spec("old", [source], [target], method="prompt-to-prompt", steps=STEPS, guidance_scale=3.0)
    attribute = learn_attribute(asked, method, model, DDIM())
    edit = method.edit(attribute.record, attribute.tensors)
    assert isinstance(edit, Paired)
    return edit


def drawn(model: Backbone, *edits, strength: float = 1.0, prompt: str = SOURCE, batch: int = 16, steps: int = STEPS):
    plan = Trajectory(model, DDIM(), grid=DDIM().grid(steps, model.schedule), guidance_scale=3.0, batch_size=batch)
    acts = [Act(0, edit, strength) for edit in edits]
    return run_edits(plan, prompt, SEEDS, acts), plan


class Followed(NamedTuple):
    """Attention of the edited picture, and what becomes of it."""

    given: Tensor
    made: Tensor
    layer: Layer
    t: int


def watched(monkeypatch: pytest.MonkeyPatch, wanted: Callable[[Layer], bool]) -> list[Followed]:
    """What attention the edited picture is given, and what becomes of it, from now on."""
    found, follow = [], paired._Looking.follow

    def spy(self, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        after = follow(self, probabilities, layer, timestep)
        if wanted(layer):
            found.append(Followed(probabilities, after, layer, timestep))
        return after

    monkeypatch.setattr(paired._Looking, "follow", spy)
    return found


def place_of(model: Backbone, prompt: str, word: str) -> int:
    """The position whose token spells a word."""
    return [prompt[first:last] for first, last in model.token_spans(prompt)[0].spans].index(word)


@pytest.mark.parametrize("settings", [{}, {"cross": 1, "own": 1}, {"edit": "replace"}, {"blend": "person"}])
def test_with_one_prompt_and_all_attention_replaced_it_is_the_source_bit_for_bit(model, settings) -> None:
    """The words of a reweighted prompt weigh 1, and those of the others are what they were."""
    edit = edit_of(model, SOURCE, "a photo of a person", edit="reweight", word="person", cross=1, own=1)
    tensors = {**edit.tensors, "weighted": torch.zeros_like(edit.tensors["weighted"])}
    if "blend" in settings:
        tensors |= {"blend.source": edit.tensors["weighted"], "blend.target": edit.tensors["weighted"]}
    pictures, plan = drawn(model, replace(edit, asked=Parameters(**settings), tensors=tensors))
    assert torch.equal(pictures.before, pictures.after)
    assert plan.evaluations == 2 * len(SEEDS) * 2 * STEPS


def test_without_any_attention_replaced_it_is_the_target_prompt(model: Backbone) -> None:
    pictures, plan = drawn(model, edit_of(model, cross=0, own=0))
    target = plan.run(plan.start(SEEDS), plan.conditioning(TARGET)).latent
    torch.testing.assert_close(pictures.after, target, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("settings", [{"cross": 1, "own": 0}, {"cross": 0, "own": 1}])
def test_attention_of_either_kind_makes_a_difference(model: Backbone, settings) -> None:
    after = drawn(model, edit_of(model, **settings))[0].after
    assert not torch.allclose(after, drawn(model, edit_of(model, cross=0, own=0))[0].after, atol=1e-3)


def test_the_first_steps_are_counted_by_shares(model: Backbone, monkeypatch) -> None:
    edit = edit_of(model, cross=0.75, own=0.25)
    found = watched(monkeypatch, lambda layer: True)
    _, plan = drawn(model, edit)
    timesteps = [t for t, _ in plan.grid]
    replaced = {
        cross: {t for p, after, layer, t in found if layer.cross == cross and after is not p} for cross in (0, 1)
    }
    assert replaced[0] == set(timesteps[: STEPS // 4])
    changed = {t for p, after, layer, t in found if layer.cross and not torch.equal(p, after)}
    assert changed == set(timesteps[: STEPS * 3 // 4])


def test_words_that_both_have_are_looked_at_as_before_and_new_ones_as_they_are(model: Backbone, monkeypatch) -> None:
    edit = edit_of(model, cross=1, own=0)
    found = watched(monkeypatch, lambda layer: layer.cross)
    _, plan = drawn(model, edit)
    x = plan.start(SEEDS).latent  # in the first step, both have the same latent
    t = plan.grid[0][0]
    conditioning = {
        name: tensor.expand(len(x), *tensor.shape[1:]) for name, tensor in plan.conditioning(SOURCE).items()
    }
    source = attention_of(model, "a test").attention(x, t, conditioning)
    (own, after, layer, _), *_ = [one for one in found if one[3] == t]
    old, person = place_of(model, TARGET, "old"), place_of(model, TARGET, "person")
    before = source[layer][..., place_of(model, SOURCE, "person")]
    torch.testing.assert_close(after[..., old], own[..., old], atol=0, rtol=0)
    torch.testing.assert_close(after[..., person], before, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(own[..., person], before, atol=1e-4)


@pytest.mark.parametrize(("word", "strength", "weight"), [("old", 3.0, 3.0), ("person", -0.5, 0.5)])
def test_a_word_weighs_what_it_did_in_the_source_and_the_strength(model, monkeypatch, word, strength, weight) -> None:
    """0 where the source lacks it, 1 where it has it."""
    edit = edit_of(model, edit="reweight", word=word, cross=0, own=0)
    found = watched(monkeypatch, lambda layer: layer.cross)
    drawn(model, edit, strength=strength)
    place = place_of(model, TARGET, word)
    before, after = found[0][:2]
    torch.testing.assert_close(after[..., place], weight * before[..., place])
    others = [n for n in range(before.shape[-1]) if n != place]
    torch.testing.assert_close(after[..., others], before[..., others], atol=0, rtol=0)


def test_what_is_heard_goes_as_far_as_strength_except_where_that_scales_attention(model: Backbone) -> None:
    source, target = (model.encode_prompts([prompt])["text"] for prompt in (SOURCE, TARGET))
    for kind, share in (("refine", -0.5), ("reweight", 1.0)):
        heard = edit_of(model, edit=kind).heard({"text": source}, (), -0.5)["text"]
        torch.testing.assert_close(heard, source + share * (target - source))


def test_a_batch_in_several_calls_is_one_in_one(model: Backbone) -> None:
    edit = edit_of(model, blend="person")
    together, apart = (drawn(model, edit, batch=batch)[0].after for batch in (16, 1))
    torch.testing.assert_close(together, apart, atol=1e-4, rtol=1e-3)


def test_where_the_word_is_not_looked_at_the_picture_stays(model: Backbone, monkeypatch) -> None:
    regions, region = [], blending.Blend._region
    monkeypatch.setattr(
        blending.Blend, "_region", lambda self, total: regions.append(region(self, total)) or regions[-1]
    )
    pictures, _ = drawn(model, edit_of(model, blend="old", threshold=0.99))
    inside = regions[-1].expand_as(pictures.after)
    assert 0.05 < float(inside.float().mean()) < 0.95
    assert torch.equal(pictures.after[~inside], pictures.before[~inside])
    assert not torch.equal(pictures.after[inside], pictures.before[inside])
    assert len(regions) == STEPS - 1, "the first fifth of the steps, which are less than two, are left alone"


def test_it_goes_together_with_what_adds_to_the_latent(model: Backbone) -> None:
    shift = Act(3, lambda x, inputs, strength: x + strength, 0.5)
    plan = Trajectory(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=3.0)
    both = run_edits(plan, SOURCE, SEEDS, [Act(0, edit_of(model), 1.0), shift]).after
    assert not torch.equal(both, drawn(model, edit_of(model))[0].after)
    assert not torch.equal(both, run_edits(plan, SOURCE, SEEDS, [shift]).after)


class Says:
    """A model edit that changes what the model says, and one that asks it twice."""

    until = 0.0

    def __init__(self, wrap: Callable[[Backbone], object]) -> None:
        self.through = lambda backbone, strength: wrap(backbone)


class Wrapped:
    def __init__(self, inner: Backbone, times: int) -> None:
        self._inner, self._times = inner, times

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def predict(self, latent: Tensor, timestep: int, conditioning) -> Prediction:
        return [self._inner.predict(latent, timestep, conditioning) for _ in range(self._times)][-1]


def test_what_changes_the_models_words_before_it_is_refused(model: Backbone) -> None:
    other = Says(lambda backbone: Wrapped(backbone, 1))
    with pytest.raises(IncompatibleError, match="cannot act together with an edit that changes what the model says"):
        drawn(model, other, edit_of(model))


def test_what_asks_the_model_twice_is_refused(model: Backbone) -> None:
    other = Says(lambda backbone: Wrapped(backbone, 2))
    with pytest.raises(InvalidValueError, match="more often than once a step"):
        drawn(model, edit_of(model), other)


def test_with_all_attention_to_the_picture_replaced_the_layout_stays() -> None:
    """Of ``portraits``: a hat alone changes the person less than the target prompt does."""
    model = load_plugins().backbone("portraits")
    hat = "a photo of a person with a hat"
    free, held = (
        drawn(model, edit_of(model, SOURCE, hat, cross=share, own=share), steps=12)[0] for share in (0.0, 1.0)
    )
    changed = [float((model.decode(one.after) - model.decode(one.before)).abs().mean()) for one in (free, held)]
    assert changed[1] < 0.7 * changed[0]


def test_it_is_registered_under_its_name() -> None:
    assert type(load_plugins().method("prompt-to-prompt")) is PromptToPrompt
