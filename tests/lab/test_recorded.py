"""Steps whose gradients may come from a recording: on a CPU nothing is recorded, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lab import recorded
from lab.portraits.loop import Trainer
from lab.recorded import Batch, Recorded


class Line:
    """The squared error of a line through random points."""

    def __init__(self, network: nn.Linear) -> None:
        self.network = network

    def draw(self, step: int) -> Batch:
        points = torch.rand(4, 1, generator=torch.Generator().manual_seed(step))
        return points, 3 * points - 1

    def of(self, batch: Batch) -> Tensor:
        points, wanted = batch
        return (self.network(points) - wanted).square().mean()

    def __call__(self, step: int) -> Tensor:
        return self.of(self.draw(step))


def taught(folder: Path, through_recorded: bool) -> list[Tensor]:
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    trainer, loss = Trainer({"line": network}, folder, 1e-2, say=lambda _: None), Line(network)
    trainer.run(Recorded(loss, list(network.parameters())) if through_recorded else loss, 10, None, "line")
    return [parameter.detach() for parameter in network.parameters()]


def test_a_step_learns_the_same_through_a_recording_and_without(tmp_path: Path):
    assert all(map(torch.equal, taught(tmp_path / "one", True), taught(tmp_path / "two", False)))


def test_gradients_of_one_step_do_not_add_to_those_of_the_step_before():
    network = nn.Linear(1, 1)
    step = Recorded(Line(network), list(network.parameters()))
    step.backward(1)
    first = network.weight.grad.clone()
    step.backward(1)
    assert torch.equal(network.weight.grad, first)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recording_gives_the_gradients_of_each_batch():
    network = nn.Linear(1, 1).cuda()

    class OnGpu(Line):
        def draw(self, step: int) -> Batch:
            return tuple(tensor.cuda() for tensor in super().draw(step))

    step, wanted = Recorded(OnGpu(network), list(network.parameters())), nn.Linear(1, 1).cuda()
    wanted.load_state_dict(network.state_dict())
    for number in range(recorded.WARM_UP + 3):
        step.backward(number)
        wanted.zero_grad()
        OnGpu(wanted)(number).backward()
        torch.testing.assert_close(network.weight.grad, wanted.weight.grad)
    assert step._graph is not None
