"""The classifier of noised latents, where the truth is known: the target has more of one shape in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
import torch
from attrbank_guidance import fitting
from attrbank_guidance.classifier import Classifier, Parameters, Steered
from attrbank_guidance.noise_aware import NoiseAware
from gaussian_model import Gaussian
from torch import Tensor

from attrbank.plugin import (
    DDIM,
    CorruptArtifactError,
    GuideInputs,
    LearnContext,
    Prediction,
    Trajectory,
    learn_spec,
)

M, SHAPE = 24, (3, 16, 16)
LEVELS = Gaussian.schedule.alphas_cumprod


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shape() -> Tensor:
    """What the target has more: a spot in one channel, in the upper left."""
    found = torch.zeros(SHAPE)
    found[1, 2:8, 3:9] = 2.0
    return found


@pytest.fixture(scope="module")
def taught() -> Iterator[fitting.Fitted]:
    source = torch.randn(M, *SHAPE, generator=generator(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "STEPS", 150)
        yield fitting.fit(source, source + shape(), LEVELS, generator=generator(), on_step=lambda done, total: None)


def gradient(net: NoiseAware, x: Tensor, alpha_bar: float) -> Tensor:
    return torch.func.grad(lambda x: net(x, torch.full((len(x),), alpha_bar)).sum())(x)


def test_it_tells_the_sides_of_pairs_apart_that_it_never_saw(taught: fitting.Fitted) -> None:
    assert taught.right is not None
    assert taught.right > 0.75, "of all noises, among them those that leave nothing to be seen"
    unseen = torch.randn(8, *SHAPE, generator=generator(2))
    slight = torch.full((8,), 0.9)
    assert bool((taught.net(unseen + shape(), slight) > 0).all())
    assert bool((taught.net(unseen, slight) < 0).all())


def test_its_gradient_points_at_what_the_target_has(taught: fitting.Fitted) -> None:
    x = torch.randn(16, *SHAPE, generator=generator(3))
    found = gradient(taught.net, x, 0.5).mean(0)
    assert float(torch.cosine_similarity(found.flatten(), shape().flatten(), dim=0)) > 0.5
    within = shape() > 0
    assert float(found[within].mean()) > 5 * float(found[~within].abs().mean())


def test_it_knows_how_noisy_a_latent_is(taught: fitting.Fitted) -> None:
    """The noisier, the less a latent says: the same one makes it less sure."""
    x = torch.randn(8, *SHAPE, generator=generator(4)) + shape()
    sure = [float(taught.net(x, torch.full((8,), level)).mean()) for level in (0.9, 0.1, 0.01)]
    assert sure[0] > sure[1] > sure[2]


def test_who_is_sure_is_not_pushed(taught: fitting.Fitted) -> None:
    """∇ log p is (1 − p) ∇ of the log-odds, so that what is there already is left alone, on either side."""
    source = torch.randn(8, *SHAPE, generator=generator(5))
    steered = Steered(taught.net, 1.0, 0.0)
    pushed = {
        (side, strength): float((steered.guide(strength)(NOTHING, step(x)).eps).norm())
        for side, x in (("source", source), ("target", source + shape()))
        for strength in (1.0, -1.0)
    }
    assert pushed["source", 1.0] > 3 * pushed["target", 1.0]
    assert pushed["target", -1.0] > 3 * pushed["source", -1.0]


NOTHING = Prediction(torch.zeros(8, *SHAPE), torch.zeros(8, *SHAPE))


def step(x: Tensor) -> GuideInputs:
    return GuideInputs(0.3, 0.8, x, 3.0, lambda prompts: NOTHING)


def test_it_is_small_and_comes_back_from_its_tensors(taught: fitting.Fitted) -> None:
    tensors = taught.net.tensors()
    assert sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) < 24 * 1024
    x = torch.randn(2, *SHAPE)
    level = torch.tensor([0.5, 0.2])
    assert torch.equal(NoiseAware.from_tensors(tensors)(x, level), taught.net(x, level))
    with pytest.raises(CorruptArtifactError):
        NoiseAware.from_tensors({name: tensor for name, tensor in tensors.items() if name != "saying.bias"})


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (64, 96)])
def test_latents_of_any_size_will_do(size: tuple[int, int]) -> None:
    clean = torch.randn(4, 2, *size, generator=generator())
    net = NoiseAware.untrained(clean, generator())
    assert net(clean, torch.full((4,), 0.3)).shape == (4,)


def test_it_learns_from_pictures_as_from_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their clean latents are all that it takes; no network is asked."""
    monkeypatch.setattr(fitting, "STEPS", 20)
    source = torch.randn(M, *SHAPE, generator=generator(1))
    spec = learn_spec("spot", ["a"], ["b"], method="classifier", seeds=(0,))
    plan = Trajectory(cast(Any, Gaussian()), DDIM(), grid=((999, -1),), guidance_scale=1.0)
    context = LearnContext(spec, plan, 0, 1, lambda *_: None, clean=(source, source + shape()))
    learned = Classifier(Parameters()).learn(context)
    assert learned.tensors["channel_mean"].shape == (SHAPE[0], 1, 1)
    assert 0 <= learned.fields["measured"]["right"] <= 1
    assert plan.evaluations == 0
