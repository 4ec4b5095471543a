"""The model's own opinion, where the right answer is known: every prompt has a mean, with Gaussian variation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Conditioning, Prediction
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.judge import Case
from attrbank.evaluation.judges.self_judge import SelfJudge
from tests.helpers.tiny_bench import SOURCE, TARGET

MEANS = {SOURCE: -0.5, TARGET: 0.5, "a photo of a hat": 2.0}


class Means:
    """Its latents are its pictures."""

    name, fingerprint, latent_shape = "means", "0123456789abcdef", (3, 8, 8)
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})

    def __init__(self) -> None:
        self.asked: list[tuple[int, Tensor]] = []

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        return {"mean": torch.tensor([MEANS[prompt] for prompt in prompts])[:, None, None, None]}

    def encode(self, images: Tensor) -> Tensor:
        return images

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        self.asked.append((timestep, latent.clone()))
        alpha_bar = self.schedule.alpha_bar(timestep)
        variance = alpha_bar * 0.25 + 1 - alpha_bar
        eps = (1 - alpha_bar) ** 0.5 * (latent - alpha_bar**0.5 * conditioning["mean"]) / variance
        return from_epsilon(latent, eps, alpha_bar)


@pytest.fixture
def model() -> Any:
    return Means()


@pytest.fixture
def judge(model: Any) -> SelfJudge:
    return SelfJudge(Case(backbone=model, prompt=SOURCE), draws=16)


def pictures(mean: float, count: int = 40, seed: int = 1) -> Tensor:
    return mean + 0.5 * torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_it_sees_what_the_target_prompt_explains_better(judge: SelfJudge, subject: Subject) -> None:
    effects = [judge.effect(subject, judge.look(pictures(MEANS[prompt]))) for prompt in (SOURCE, TARGET)]
    assert (effects[0] < 0).all()
    assert (effects[1] > 0).all()
    between = judge.effect(subject, judge.look(pictures(0.0, count=400)))
    assert abs(between.mean()) < 0.05 * effects[1].mean()


def test_the_same_draws_serve_both_prompts_and_every_picture(model: Any, judge: SelfJudge, subject: Subject) -> None:
    before, after = judge.look(pictures(-0.5, 1)), judge.look(pictures(0.5, 1, seed=2))
    judge.effect(subject, before)
    judge.effect(subject, after)
    timesteps = [timestep for timestep, _ in model.asked]
    assert timesteps == timesteps[:16] * 4
    assert len(set(timesteps)) == 16
    assert max(timesteps) < 1000
    noises = []
    for call in (0, 16, 32, 48):  # the first draw: source and target before, source and target after
        timestep, noisy = model.asked[call]
        clean = (before if call < 32 else after).latents
        alpha_bar = model.schedule.alpha_bar(timestep)
        noises.append((noisy - alpha_bar**0.5 * clean) / (1 - alpha_bar) ** 0.5)
    for noise in noises[1:]:
        torch.testing.assert_close(noise, noises[0], rtol=0, atol=1e-4)


def test_a_picture_is_asked_after_once_for_each_prompt(model: Any, judge: SelfJudge, subject: Subject) -> None:
    view, hat = judge.look(pictures(0.5, 4)), replace(subject, target="a photo of a hat")
    whole = judge.effect(subject, view)
    judge.effect(hat, view)
    assert len(model.asked) == 3 * 16
    rows = torch.tensor([True, False, False, True])
    assert torch.equal(judge.effect(subject, view[rows]), whole[rows])
    assert len(model.asked) == 3 * 16


def test_it_judges_pictures_that_it_does_not_see_it_in(judge: SelfJudge, subject: Subject) -> None:
    view = judge.look(torch.cat([pictures(-0.5, 2), pictures(0.5, 2)]))
    assert judge.lacking(subject, view).tolist() == [True, True, False, False]


def test_a_model_without_prompts_has_no_opinion(model: Any) -> None:
    model.guidance = "none"
    with pytest.raises(InvalidValueError, match="knows no prompts"):
        SelfJudge(Case(backbone=model, prompt=""))
