from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attrbank.avi.difference_net import DifferenceNet, coarse
from attrbank.avi.fit_difference import fit_differences
from attrbank.errors import CorruptArtifactError, NumericError
from tests.helpers.latents import HARD, hard


def quiet(done: int, total: int) -> None:
    """Report to nobody."""


def marked(generator: torch.Generator, n: int, size: int = 16) -> tuple[Tensor, Tensor]:
    """Pictures with a mark somewhere, (1, n, 2, H, W), and differences (n, 2, H, W) that darken each where it is."""
    places = torch.randint(2, size - 2, (n, 2), generator=generator)
    mark = torch.zeros(n, 1, size, size)
    for picture, (row, column) in enumerate(places.tolist()):
        mark[picture, 0, row - 1 : row + 2, column - 1 : column + 2] = 1.0
    noise = 0.1 * torch.randn(n, 2, size, size, generator=generator)
    return (torch.cat([mark, 0 * mark], 1) + noise).unsqueeze(0), torch.cat([-mark, 0.5 * mark], 1)


def fitted(generator: torch.Generator, n: int = 100) -> tuple[DifferenceNet, float, Tensor, Tensor]:
    views, differences = marked(generator, n)
    mean = differences.mean(0)
    return *fit_differences(views, differences, mean, generator=generator, on_step=quiet), views, mean


def trained(generator: torch.Generator) -> DifferenceNet:
    net = DifferenceNet.untrained(4, generator)
    torch.nn.init.normal_(net.last.weight, std=0.1, generator=generator)
    net.freeze()
    return net


def test_it_finds_what_sits_elsewhere_in_every_picture(generator: torch.Generator) -> None:
    net, explained, _, mean = fitted(generator)
    views, differences = marked(generator, 50)
    missed = (mean + net(views[0]) - differences).square().sum()
    assert 1 - missed / (differences - mean).square().sum() > 0.7
    assert 0.6 < explained < 1.0


def test_it_learns_from_every_view(generator: torch.Generator) -> None:
    """A second view that shows the mark with the other sign is no use to a network that has seen the first alone."""
    views, differences = marked(generator, 60)
    mean = differences.mean(0)

    def missed(seen: Tensor) -> float:
        net, _ = fit_differences(seen, differences, mean, generator=torch.Generator().manual_seed(3), on_step=quiet)
        return (mean + net(-views[0]) - differences).square().sum().item()

    assert missed(torch.cat([views, -views])) < 0.5 * missed(views)


def test_what_it_explains_is_what_it_explains_of_the_first_view(generator: torch.Generator) -> None:
    """The first is what an edit sees, at T_x; in the last there is no mark, and so nothing to go by."""
    views, differences = marked(generator, 60)
    both = torch.cat([views, 0.1 * torch.randn(views.shape, generator=generator)])
    _, explained = fit_differences(both, differences, differences.mean(0), generator=generator, on_step=quiet)
    assert explained > 0.3


@pytest.mark.parametrize("seeds", [1, 4, 8, 16, 60])
def test_it_explains_nothing_of_differences_that_have_nothing_to_do_with_the_picture(
    seeds: int, generator: torch.Generator
) -> None:
    views, _ = marked(generator, seeds)
    differences = 1 + torch.randn(seeds, 2, 16, 16, generator=generator)
    _, explained = fit_differences(views, differences, differences.mean(0), generator=generator, on_step=quiet)
    assert explained < 0.01


def test_untrained_it_adds_nothing_to_the_mean(generator: torch.Generator) -> None:
    assert not DifferenceNet.untrained(4, generator)(torch.randn(2, 4, 9, 7, generator=generator)).any()


def test_it_comes_back_from_the_bank_as_it_was_measured(generator: torch.Generator) -> None:
    net, _, views, _ = fitted(generator, 10)
    assert torch.equal(DifferenceNet.from_tensors(net.tensors())(views[0]), net(views[0]))


def test_it_is_stored_in_26_kilobytes(generator: torch.Generator) -> None:
    tensors = DifferenceNet.untrained(4, generator).tensors().values()
    assert sum(tensor.numel() * tensor.element_size() for tensor in tensors) <= 26 * 1024


def test_large_latents_are_answered_as_their_reduction_is(generator: torch.Generator) -> None:
    net = trained(generator)
    small = torch.randn(2, 4, 32, 24, generator=generator)
    large = small.repeat_interleave(2, 2)  # 64 × 24: only what is too long is reduced
    assert torch.equal(coarse(large), small)
    expected = functional.interpolate(net(small), size=(64, 24), mode="bilinear")
    torch.testing.assert_close(net(large), expected)


@pytest.mark.parametrize("name", HARD)
def test_finite_latents_give_finite_answers(name: str, generator: torch.Generator) -> None:
    x = hard(name)
    answer = trained(generator)(x)
    assert answer.shape == x.shape
    assert bool(torch.isfinite(answer).all())


def test_one_seed_is_learned_from_though_nothing_can_be_held_out(generator: torch.Generator) -> None:
    net, explained, views, _ = fitted(generator, 1)
    assert explained == 0.0
    assert bool(torch.isfinite(net(views[0])).all())


def test_the_progress_of_both_runs_is_told_as_one(generator: torch.Generator) -> None:
    views, differences = marked(generator, 12)
    told: list[tuple[int, int]] = []
    fit_differences(
        views, differences, differences.mean(0), generator=generator, on_step=lambda *step: told.append(step)
    )
    total = told[0][1]
    assert told == [(done, total) for done in range(1, total + 1)]


def test_training_repeats_itself(generator: torch.Generator) -> None:
    once, again = (fitted(torch.Generator().manual_seed(3), 10)[0].tensors() for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_nan_is_refused(generator: torch.Generator) -> None:
    views, differences = marked(generator, 6)
    differences[0, 0, 0, 0] = torch.nan
    with pytest.raises(NumericError):
        fit_differences(views, differences, differences[1], generator=generator, on_step=quiet)


def test_a_missing_tensor_is_a_corrupt_artifact(generator: torch.Generator) -> None:
    tensors = DifferenceNet.untrained(4, generator).tensors()
    del tensors["last.bias"]
    with pytest.raises(CorruptArtifactError):
        DifferenceNet.from_tensors(tensors)
