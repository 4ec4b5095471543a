from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.avi.difference import DifferenceVectors, difference_from, least_squares_cores
from attrbank.avi.fit import CoreReport, fit_cores, fit_singular_values, optimality_gap, renoised_pairs
from attrbank.avi.network import CoreNet, SingularValueNet
from attrbank.avi.objective import objective, pose
from attrbank.errors import InvalidValueError, NumericError
from attrbank.schema.choices import Tail
from tests.helpers.latents import HARD, hard, smooth


def training_pair(generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
    x0 = smooth(generator, 1, 4, 16, 16)
    z0 = x0 + 0.5 * smooth(generator, 1, 4, 16, 16)
    return renoised_pairs(x0, z0, alpha_bar_x=0.04, alpha_bar_z=0.28, n=n, generator=generator)


@pytest.mark.parametrize("tail", ["text", "alg1"])
def test_the_trained_network_comes_within_five_percent_of_the_exact_optimum(
    tail: Tail, generator: torch.Generator, record_property: pytest.RecordProperty
) -> None:
    x, z = training_pair(generator, 300)
    net = SingularValueNet.untrained((4, 16, 16), generator)
    report = fit_singular_values(net, x, z, k=None, tail=tail, epochs=20, batch_size=64, generator=generator)
    for name, gap in report._asdict().items():
        record_property(name, gap)
    assert 0 <= report.optimality_gap <= 0.05
    assert report.optimality_gap < report.optimality_gap_untrained
    assert 0 <= report.optimality_gap_held_out <= 0.10


def test_the_trained_network_beats_the_singular_values_of_z_on_new_noise(generator: torch.Generator) -> None:
    x, z = training_pair(generator, 400)
    net = SingularValueNet.untrained((4, 16, 16), generator)
    fit_singular_values(net, x[:300], z[:300], k=None, tail="text", generator=generator)
    fresh = pose(x[300:], z[300:], None, "text")
    control = objective(fresh, fresh.s_z, fresh.s_x - fresh.s_z).sum()
    assert objective(fresh, *net(fresh.x)).sum() < control


def test_the_reported_gaps_are_those_of_the_network_as_stored(generator: torch.Generator) -> None:
    x, z = training_pair(generator, 40)
    net = SingularValueNet.untrained((4, 16, 16), generator)
    report = fit_singular_values(net, x, z, k=5, tail="alg1", generator=generator)
    stored = SingularValueNet.from_tensors(net.tensors())
    assert report.optimality_gap == optimality_gap(stored, pose(x[4:], z[4:], 5, "alg1"))
    assert report.optimality_gap_held_out == optimality_gap(stored, pose(x[:4], z[:4], 5, "alg1"))


def test_latents_are_decomposed_once_however_long_the_training(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, real = [], torch.linalg.svd
    monkeypatch.setattr(torch.linalg, "svd", lambda *a, **kw: calls.append(1) or real(*a, **kw))
    x, z = training_pair(generator, 20)
    net = SingularValueNet.untrained((4, 16, 16), generator)
    fit_singular_values(net, x, z, k=None, tail="text", epochs=7, batch_size=8, generator=generator)
    assert len(calls) == 2


@pytest.mark.parametrize("name", HARD)
def test_training_on_hard_latents_stays_finite(name: str, generator: torch.Generator) -> None:
    x = hard(name).repeat(4, 1, 1, 1)
    net = SingularValueNet.untrained((4, x.shape[2], x.shape[3]), generator, width=8)
    report = fit_singular_values(net, x, x.flip(-1), k=None, tail="text", epochs=2, generator=generator)
    assert all(abs(gap) < 1e-2 for gap in report)


def test_training_tells_its_progress(generator: torch.Generator) -> None:
    x, z = training_pair(generator, 20)
    steps: list[tuple[int, int]] = []
    net = SingularValueNet.untrained((4, 16, 16), generator)
    fit_singular_values(
        net,
        x,
        z,
        k=None,
        tail="text",
        epochs=2,
        batch_size=6,
        generator=generator,
        on_step=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(done, 6) for done in range(1, 7)]


def test_training_twice_from_one_seed_gives_the_same_network() -> None:
    def train() -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(11)
        x, z = training_pair(generator, 20)
        net = SingularValueNet.untrained((4, 16, 16), generator)
        fit_singular_values(net, x, z, k=None, tail="text", batch_size=8, generator=generator)
        return net.tensors()

    one, other = train(), train()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_training_refuses_too_few_samples_and_latents_that_are_not_finite(generator: torch.Generator) -> None:
    x, z = training_pair(generator, 3)
    net = SingularValueNet.untrained((4, 16, 16), generator)
    with pytest.raises(InvalidValueError):
        fit_singular_values(net, x[:1], z[:1], k=None, tail="text", generator=generator)
    x[1, 2, 3, 4] = float("nan")
    with pytest.raises(NumericError):
        fit_singular_values(net, x, z, k=None, tail="text", generator=generator)


def test_renoised_pairs_share_their_noise_and_keep_the_levels(generator: torch.Generator) -> None:
    x0, z0 = smooth(generator, 2, 4, 16, 16).split(1)
    x, z = renoised_pairs(x0, z0, alpha_bar_x=0.36, alpha_bar_z=0.64, n=50, generator=generator)
    noise_of_x, noise_of_z = (x - 0.6 * x0) / 0.8, (z - 0.8 * z0) / 0.6
    torch.testing.assert_close(noise_of_x, noise_of_z, atol=1e-5, rtol=0)
    assert noise_of_x.std().item() == pytest.approx(1, abs=0.02)
    assert not torch.equal(noise_of_x[0], noise_of_x[1])


def synthetic(
    generator: torch.Generator, seeds: int, *, signal: float, noise: float, modes: int = 6, r: int = 3
) -> tuple[Tensor, Tensor, DifferenceVectors]:
    """Latents made of a few patterns, and differences whose cores are a linear function of the latent."""
    patterns = smooth(generator, modes, 4, 16, 16)
    amounts = torch.randn(seeds, modes, generator=generator)
    x0 = torch.einsum("nm,mchw->nchw", amounts, patterns) + 0.1 * torch.randn(seeds, 4, 16, 16, generator=generator)
    effect = signal * torch.randn(modes, 4 * r * r, generator=generator)
    cores = 2 + amounts @ effect + noise * torch.randn(seeds, 4 * r * r, generator=generator)
    u = torch.linalg.qr(torch.randn(4, 16, r, generator=generator)).Q
    v = torch.linalg.qr(torch.randn(4, 16, r, generator=generator)).Q
    vectors = DifferenceVectors(u, v.mT)
    return x0, difference_from(vectors, cores.unflatten(1, (4, r, r))), vectors


def explained(net: CoreNet, x0: Tensor, differences: Tensor, vectors: DifferenceVectors, mean: Tensor) -> float:
    left = (differences - difference_from(vectors, net(x0))).square().sum()
    return 1 - (left / (differences - mean).square().sum()).item()


def fit(generator: torch.Generator, signal: float, noise: float) -> tuple[CoreReport, float]:
    """Fit on 64 seeds; also what the net explains of 200 others, beyond the mean of the 64."""
    x0, differences, vectors = synthetic(generator, 264, signal=signal, noise=noise)
    net, report = fit_cores(x0[:64], differences[:64], vectors, generator=generator)
    mean = differences[:64].mean(0)
    return report, explained(net, x0[64:], differences[64:], vectors, mean)


def test_cores_that_depend_on_the_latent_are_predicted_better_than_by_the_mean(generator: torch.Generator) -> None:
    report, on_new_seeds = fit(generator, signal=1.0, noise=0.5)
    assert report.net > 0.7
    assert on_new_seeds > 0.7
    assert report.mean < 0.05
    assert report.net == pytest.approx(on_new_seeds, abs=0.1)


def test_on_pure_noise_the_network_stays_with_the_mean(generator: torch.Generator) -> None:
    report, on_new_seeds = fit(generator, signal=0.0, noise=1.0)
    assert report.mean <= report.net < 0.03
    assert on_new_seeds > -0.03


def test_the_core_network_survives_storage(generator: torch.Generator) -> None:
    x0, differences, vectors = synthetic(generator, 16, signal=1.0, noise=0.1)
    net, _ = fit_cores(x0, differences, vectors, generator=generator)
    assert torch.equal(net(x0), CoreNet.from_tensors(net.tensors())(x0))


def test_fitting_twice_from_one_seed_gives_the_same_core_network(generator: torch.Generator) -> None:
    x0, differences, vectors = synthetic(generator, 12, signal=1.0, noise=0.1)
    one, other = (
        fit_cores(x0, differences, vectors, generator=torch.Generator().manual_seed(2))[0].tensors() for _ in range(2)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_one_seed_is_its_own_mean(generator: torch.Generator) -> None:
    x0, differences, vectors = synthetic(generator, 1, signal=1.0, noise=0.1)
    net, report = fit_cores(x0, differences, vectors, generator=generator)
    assert report == CoreReport(report.net, report.net, 0)
    torch.testing.assert_close(net(x0), least_squares_cores(differences, vectors))


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_few_seeds_are_enough_to_fit(seeds: int, generator: torch.Generator) -> None:
    x0, differences, vectors = synthetic(generator, seeds, signal=1.0, noise=0.1)
    net, report = fit_cores(x0, differences, vectors, generator=generator)
    assert report.mean <= report.net <= 1
    assert bool(torch.isfinite(net(x0)).all())


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_cores_of_any_size_are_learned_alike(scale: float) -> None:
    def share(factor: float) -> float:
        generator = torch.Generator().manual_seed(4)
        x0, differences, vectors = synthetic(generator, 24, signal=1.0, noise=0.1)
        return fit_cores(factor * x0, factor * differences, vectors, generator=generator)[1].net

    assert share(scale) == pytest.approx(share(1.0), abs=0.01)


@pytest.mark.parametrize("side", ["latent", "difference"])
def test_fitting_refuses_what_is_not_finite(side: str, generator: torch.Generator) -> None:
    x0, differences, vectors = synthetic(generator, 8, signal=1.0, noise=0.1)
    (x0 if side == "latent" else differences)[1, 2, 3, 4] = float("inf")
    with pytest.raises(NumericError):
        fit_cores(x0, differences, vectors, generator=generator)
