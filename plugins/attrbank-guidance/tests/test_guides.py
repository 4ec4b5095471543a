"""Each guide does to a prediction what its equation says, where what the prompts say is known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from attrbank_guidance import METHODS
from attrbank_guidance.along import difference, prompts_of
from attrbank_guidance.free_slider import FreeSlider, Parameters as OfFreeSlider
from attrbank_guidance.ledits import Ledits, Parameters as OfLedits
from attrbank_guidance.sega import Parameters as OfSega, Sega
from known import PAIR, PLAIN, SHAPE, belongs_together, drawn, leading, said, step
from torch import Tensor

from attrbank.plugin import Guide, PromptPair

CHANGE = drawn(3)
BARE = {"quantile": 0.0, "warm_up": 0.0, "momentum": 0.0, "scale": 1.0}


def added(guide: Guide, change: Tensor = CHANGE, **settings: float) -> Tensor:
    """What a guide adds to ε; x̂0 must follow."""
    found = guide(said(PLAIN), leading(change, **settings))
    assert belongs_together(found)
    return found.eps - PLAIN


def free_slider(strength: float, **given: float) -> Guide:
    return FreeSlider(OfFreeSlider(**given)).guide([PAIR], strength)


def sega(strength: float, **given: float) -> Guide:
    return Sega(OfSega(**{**BARE, **given})).guide([PAIR], strength)


def ledits(strength: float, **given: float) -> Guide:
    return Ledits(OfLedits(**given)).guide([PAIR], strength)


@pytest.mark.parametrize("strength", [-2.0, -0.5, 1.0])
def test_the_free_slider_adds_so_much_of_the_difference_as_guidance_would(strength: float) -> None:
    torch.testing.assert_close(added(free_slider(strength), scale=3.0), 3 * strength * CHANGE)
    torch.testing.assert_close(added(free_slider(strength, scale=2.0), scale=1.0), 2 * strength * CHANGE)


def test_of_several_pairs_the_mean_difference_is_meant_and_no_prompt_is_asked_for_twice() -> None:
    other = PromptPair(source=PAIR.source, target="an old man")
    assert prompts_of([PAIR, other]) == ("an old person", "a person", "an old man")
    eps = {prompt: drawn(seed) for seed, prompt in enumerate(prompts_of([PAIR, other]), 10)}
    expected = (eps[PAIR.target] + eps[other.target]) / 2 - eps[PAIR.source]
    torch.testing.assert_close(difference(step(eps), [PAIR, other]).eps, expected)


def test_semantic_guidance_without_what_is_its_own_is_the_free_slider() -> None:
    torch.testing.assert_close(added(sega(-1.5)), added(free_slider(-1.5)))


def test_semantic_guidance_keeps_the_largest_numbers_of_every_channel_of_every_picture() -> None:
    kept = added(sega(1.0, quantile=0.8)) / 3
    count = SHAPE[2] * SHAPE[3]
    assert (kept.abs() > 1e-4).flatten(2).sum(2).tolist() == [[count // 5] * SHAPE[1]] * SHAPE[0]
    for found, change in zip(kept.flatten(0, 1), CHANGE.flatten(0, 1), strict=True):
        largest = change.abs() >= change.abs().flatten().sort().values[-(count // 5)]
        torch.testing.assert_close(found, change * largest, atol=1e-4, rtol=1e-4)


def test_its_momentum_gathers_what_was_added_before() -> None:
    """γ = g + m ν, ν ← b ν + (1 − b) γ, from ν = 0."""
    m, b = 0.5, 0.25
    guide, nu = sega(1.0, momentum=m, decay=b), torch.zeros(())
    for seed in range(3):
        change = drawn(20 + seed)
        gamma = 3 * change + m * nu
        nu = b * nu + (1 - b) * gamma
        torch.testing.assert_close(added(guide, change), gamma, atol=1e-5, rtol=1e-4)


def test_it_gathers_while_it_warms_up_and_adds_nothing() -> None:
    guide = sega(1.0, momentum=0.5, decay=0.25, warm_up=0.2)
    assert torch.equal(added(guide, time=0.81), torch.zeros(SHAPE))
    torch.testing.assert_close(added(guide, time=0.79), 3 * CHANGE * (1 + 0.5 * 0.75), atol=1e-5, rtol=1e-4)


def test_every_run_gathers_afresh() -> None:
    method = Sega(OfSega(**{**BARE, "momentum": 0.5}))
    first, second = (method.guide([PAIR], 1.0) for _ in range(2))
    once = added(first)
    assert not torch.allclose(added(first), once)
    torch.testing.assert_close(added(second), once)


def test_the_mask_of_ledits_is_the_cells_where_all_channels_together_change_most() -> None:
    kept = added(ledits(1.0, quantile=0.75)) / 3
    cells = CHANGE.abs().sum(1)
    for found, change, size in zip(kept, CHANGE, cells, strict=True):
        most = size >= size.flatten().sort().values[-5]
        assert int(most.sum()) == 5
        torch.testing.assert_close(found, change * most, atol=1e-4, rtol=1e-4)


def test_outside_the_mask_of_ledits_not_a_bit_changes() -> None:
    before = said(PLAIN)
    after = ledits(2.0, quantile=0.75)(before, leading(CHANGE))
    cells = CHANGE.abs().sum(1, keepdim=True)
    outside = (cells < cells.flatten(1).quantile(0.75, dim=1)[:, None, None, None]).expand(SHAPE)
    assert torch.equal(after.eps[outside], before.eps[outside])
    assert torch.equal(after.x0[outside], before.x0[outside])
    assert not torch.equal(after.x0, before.x0)


def test_who_lists_methods_does_not_wait_for_torch() -> None:
    modules = ", ".join(f"attrbank_guidance.{name.replace('-', '_')}" for name in METHODS)
    code = f"import sys, {modules}; assert not {{'torch', 'numpy', 'diffusers'}} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
