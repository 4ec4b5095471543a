from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from attrbank.backbones.families import load
from attrbank.backbones.parts.devices import SMALL_BYTES, Residence, residence
from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError

CPU = torch.device("cpu")
GPU = torch.device("cuda")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """The weights of a large network, as far as their size tells."""
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(SMALL_BYTES)
    return tmp_path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    return tmp_path


def accelerated(monkeypatch: pytest.MonkeyPatch, device: torch.device | None, count: int = 1) -> None:
    """Pretend that the machine has these accelerators."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: device is not None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: device)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)


def where(placement: Placement, weights: Path) -> tuple[torch.device, torch.dtype]:
    found = residence(placement, weights)
    return found.device, found.dtype


@pytest.mark.parametrize(
    ("device", "wishes", "expected"),
    [
        (None, Placement(), (CPU, torch.float32)),
        (GPU, Placement(), (GPU, torch.float16)),
        (torch.device("mps"), Placement(), (torch.device("mps"), torch.float16)),
        (GPU, Placement(device="cpu"), (CPU, torch.float32)),
        (GPU, Placement(dtype="bfloat16"), (GPU, torch.bfloat16)),
        (GPU, Placement(device="cuda:0", dtype="float32"), (torch.device("cuda:0"), torch.float32)),
    ],
)
def test_large_network_goes_to_the_accelerator_in_half_precision_unless_told_otherwise(
    device: torch.device | None,
    wishes: Placement,
    expected: tuple[torch.device, torch.dtype],
    large: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accelerated(monkeypatch, device)
    assert where(wishes, large) == expected


def test_small_network_stays_on_the_cpu_in_single_precision(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerated(monkeypatch, GPU)
    assert where(Placement(), small) == (CPU, torch.float32)
    assert where(Placement(device="cuda"), small) == (GPU, torch.float32)


@pytest.mark.parametrize("name", ["cuda:1", "mps", "cuda", "tpu", "", "cuda:x", "cpu:1"])
def test_device_that_is_not_there_is_refused(name: str, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerated(monkeypatch, GPU if name.startswith("cuda:") else None)
    with pytest.raises(InvalidValueError, match=r"no device|is not a device"):
        residence(Placement(device=name or " "), small)


def test_there_is_nothing_to_offload_from_the_cpu(small: Path) -> None:
    with pytest.raises(InvalidValueError, match="main memory"):
        residence(Placement(device="cpu", offload=True), small)


class Wanderer(nn.Module):
    """A network that remembers where it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[torch.device] = []

    def to(self, device: torch.device) -> Wanderer:  # type: ignore[override]
        self.sent.append(device)
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_offloaded_networks_are_on_the_device_one_at_a_time() -> None:
    """The device is one that allocates nothing and computes nothing; who goes where does not depend on it."""
    meta = torch.device("meta")
    first, second = Wanderer(), Wanderer()
    Residence(meta, torch.float32, offload=True).settle(first, second)
    assert first.sent == second.sent == []
    for network in (first, first, second, second, first):
        assert network(torch.zeros(1)).device == meta
    assert first.sent == [meta, CPU, meta]
    assert second.sent == [meta, CPU]


def test_copy_of_an_offloaded_network_takes_turns_with_the_others() -> None:
    meta, network = torch.device("meta"), Wanderer()
    Residence(meta, torch.float32, offload=True).settle(network)
    network(torch.zeros(1))
    other = copy.deepcopy(network)
    other(torch.zeros(1))
    assert network.sent == [meta, CPU]
    network(torch.zeros(1))
    assert network.sent == [meta, CPU, meta]


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_xl"])
def test_offloading_changes_no_bit(
    variant: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(request.getfixturevalue(variant))
    plain = load(folder)
    taking_turns = Residence(CPU, torch.float32, offload=True)
    monkeypatch.setattr("attrbank.backbones.stable_diffusion.load.residence", lambda *_: taking_turns)
    offloaded = load(folder)
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    found, expected = (model.predict(latent, 500, model.encode_prompts(["a man"])) for model in (offloaded, plain))
    assert torch.equal(found.eps, expected.eps)
    assert torch.equal(offloaded.encode(offloaded.decode(latent)), plain.encode(plain.decode(latent)))


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_xl"])
def test_reduced_precision_stays_inside_the_backbone(variant: str, request: pytest.FixtureRequest) -> None:
    folder = str(request.getfixturevalue(variant))
    reduced, exact = load(folder, Placement(dtype="bfloat16")), load(folder)
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    found, expected = (model.predict(latent, 500, model.encode_prompts(["a man"])) for model in (reduced, exact))
    assert found.eps.dtype == found.x0.dtype == reduced.decode(latent).dtype == torch.float32
    assert not torch.equal(found.eps, expected.eps)
    torch.testing.assert_close(found.eps, expected.eps, atol=0.05, rtol=0.05)
    assert reduced.encode(reduced.decode(latent)).dtype == torch.float32
