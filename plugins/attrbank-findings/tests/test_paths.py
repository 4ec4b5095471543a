"""The controls are what they are said to be: ways that no model made."""

from __future__ import annotations

import torch
from attrbank_findings.paths import as_large_as, straight, ways

from attrbank.plugin import DDIM, Bench, Prediction


def test_a_model_that_never_changes_its_mind_walks_the_straight_way(bench: Bench) -> None:
    schedule, grid = bench.backbone.schedule, bench.trajectory.grid
    x, clean = torch.randn(2, 2, 4, 8, 8, dtype=torch.float64)
    alpha_bars = [bench.trajectory.alpha_bar(index) for index in range(len(grid) + 1)]
    expected = straight(x, clean, alpha_bars)
    eps = (x - alpha_bars[0] ** 0.5 * clean) / (1 - alpha_bars[0]) ** 0.5
    for index, (t, t_prev) in enumerate(grid):
        torch.testing.assert_close(expected[index], x)
        x, _ = DDIM().step(x, Prediction(eps, clean), t, t_prev, schedule, None, None)
    torch.testing.assert_close(expected[-1], x)


def test_all_ways_share_their_noise_and_the_straight_one_the_picture(bench: Bench) -> None:
    sampled, shortest, noise = ways(bench, lambda stage, done, total: None).values()
    torch.testing.assert_close(sampled[-1], bench.unedited)
    for control in (shortest, noise):
        torch.testing.assert_close(control[0], sampled[0])
    assert torch.cosine_similarity(shortest[-1].flatten(), sampled[-1].flatten(), dim=0) > 0.98
    assert torch.cosine_similarity(noise[-1].flatten(), sampled[-1].flatten(), dim=0).abs() < 0.2


def test_noise_in_place_of_a_picture_is_as_large_in_every_channel() -> None:
    model = torch.tensor([1.0, 3.0, 0.0])[None, :, None, None] * torch.randn(2, 3, 4, 5)
    other = as_large_as(model, torch.randn(2, 3, 4, 5))
    torch.testing.assert_close(other.flatten(2).norm(dim=2), model.flatten(2).norm(dim=2))
