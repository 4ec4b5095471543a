from __future__ import annotations

import pytest
import torch

from attrbank.avi.network import CoreNet, SingularValueNet, StoredNetwork, core_hidden, paper_width
from attrbank.errors import CorruptArtifactError, NumericError
from tests.helpers.latents import HARD, hard


def trained(net: StoredNetwork, generator: torch.Generator) -> StoredNetwork:
    """The net with arbitrary weights and statistics, as training might leave them."""
    with torch.no_grad():
        for value in (*net.parameters(), *net.buffers()):
            value.add_(0.1 * torch.randn(value.shape, generator=generator))
    net.freeze()
    return net


def stored_bytes(net: StoredNetwork) -> int:
    return sum(value.numel() * value.element_size() for value in net.tensors().values())


def nets(generator: torch.Generator) -> tuple[SingularValueNet, CoreNet]:
    return (
        SingularValueNet.untrained((4, 12, 10), generator, width=16),
        CoreNet.untrained((4, 12, 10), 3, generator),
    )


@pytest.mark.parametrize("which", [0, 1])
def test_a_network_comes_back_from_its_tensors_bit_for_bit(which: int, generator: torch.Generator) -> None:
    net = trained(nets(generator)[which], generator)
    again = type(net).from_tensors(net.tensors())
    x = torch.randn(3, 4, 12, 10, generator=generator)
    for expected, actual in zip(net(x), again(x), strict=True):
        assert torch.equal(expected, actual)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("damage", ["missing", "unknown", "misshapen", "flat"])
def test_tensors_that_do_not_fit_are_a_corrupt_artifact(which: int, damage: str, generator: torch.Generator) -> None:
    net = nets(generator)[which]
    for name in net.tensors():
        tensors = net.tensors()
        if damage == "missing":
            del tensors[name]
        elif damage == "unknown":
            tensors["stray"] = torch.zeros(1)
        else:
            tensors[name] = torch.zeros(7, 5, 3) if damage == "misshapen" else torch.tensor(1.0)
        if damage == "flat" and net.tensors()[name].dim() == 0:
            continue
        with pytest.raises(CorruptArtifactError):
            type(net).from_tensors(tensors)


@pytest.mark.parametrize("which", [0, 1])
def test_tensors_that_are_not_finite_are_refused(which: int, generator: torch.Generator) -> None:
    net = nets(generator)[which]
    for name in net.tensors():
        tensors = net.tensors()
        tensors[name] = torch.full_like(tensors[name], float("nan"))
        with pytest.raises(NumericError, match=name):
            type(net).from_tensors(tensors)


def test_weights_that_half_precision_cannot_hold_are_refused(generator: torch.Generator) -> None:
    net, _ = nets(generator)
    with torch.no_grad():
        net.head_s.weight.fill_(1e6)
    with pytest.raises(NumericError):
        net.freeze()


def test_networks_leave_the_global_generator_alone(generator: torch.Generator) -> None:
    before = torch.get_rng_state()
    for net in nets(generator):
        type(net).from_tensors(net.tensors())
    assert torch.equal(before, torch.get_rng_state())


def test_the_same_generator_gives_the_same_network() -> None:
    one, other = (nets(torch.Generator().manual_seed(5)) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        assert all(torch.equal(value, second.tensors()[name]) for name, value in first.tensors().items())


def test_the_paper_s_network_has_fifty_one_million_parameters() -> None:
    net = SingularValueNet(4, 64 * 64, 64, paper_width(64, 64))
    assert sum(value.numel() for value in net.parameters()) == 50_868_352


def test_the_paper_s_network_answers_in_proportion_to_its_input(generator: torch.Generator) -> None:
    net = trained(nets(generator)[0], generator)
    x = torch.randn(2, 4, 12, 10, generator=generator)
    for once, tenfold in zip(net(x), net(10 * x), strict=True):
        torch.testing.assert_close(tenfold, 10 * once, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", HARD)
def test_finite_latents_give_finite_answers(name: str, generator: torch.Generator) -> None:
    x = hard(name)
    shape = (4, x.shape[2], x.shape[3])
    s, delta_s = trained(SingularValueNet.untrained(shape, generator), generator)(x)
    core = trained(CoreNet.untrained(shape, 3, generator), generator)(x)
    assert ((1, 4, min(shape[1:])), (1, 4, 3, 3)) == (s.shape, core.shape)
    assert all(bool(torch.isfinite(result).all()) for result in (s, delta_s, core))


@pytest.mark.parametrize("r", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("shape", [(4, 32, 32), (4, 64, 64), (4, 96, 64), (16, 64, 64)])
def test_a_core_network_is_stored_in_its_allowance(
    shape: tuple[int, int, int], r: int, generator: torch.Generator
) -> None:
    if shape[0] * r * r <= 1024:
        assert stored_bytes(CoreNet.untrained(shape, r, generator)) <= 20 * 1024


def test_a_core_network_is_as_wide_as_it_may_be() -> None:
    assert core_hidden(64, 64) == 32
    assert 1 <= core_hidden(1024, 4096) < core_hidden(256, 1024) <= 32


def test_an_untrained_core_network_answers_the_mean(generator: torch.Generator) -> None:
    _, net = nets(generator)
    net.mean_core.copy_(torch.randn(4, 3, 3, generator=generator))
    answer = net(torch.randn(2, 4, 12, 10, generator=generator))
    assert torch.equal(net.mean_core.expand(2, 4, 3, 3), answer)
