"""A training step recorded once as a CUDA graph: small networks wait for the CPU otherwise, not for the GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

Batch = tuple[Tensor, ...]
WARM_UP = 4
"""Steps before the recording, in which libraries choose their kernels."""


class BatchLoss(Protocol):
    """A loss in two parts: what is drawn at a step, and what is computed from it."""

    def draw(self, step: int) -> Batch:
        """The step's batch, always of the same shapes, on one device."""

    def of(self, batch: Batch) -> Tensor:
        """The loss of a batch."""


class Recorded:
    """The loss and its gradients of a batch, recorded on a GPU and replayed for each further batch.

    Args:
        loss: what is computed, without waiting for the device.
        parameters: what gradients are wanted of.
        say: takes the line that tells why nothing could be recorded.
    """

    def __init__(self, loss: BatchLoss, parameters: Sequence[Tensor], say: Callable[[str], None] = print) -> None:
        self.loss, self.parameters, self.say = loss, parameters, say
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: Batch = ()
        self._result = torch.empty(())
        self._calls, self._refused = 0, False

    def backward(self, step: int) -> Tensor:
        """The loss at a step; its gradients are in the parameters, in the place of those of the step before."""
        batch = self.loss.draw(step)
        self._calls += 1
        if self._graph is None and self._calls > WARM_UP and batch[0].is_cuda and not self._refused:
            self._record(batch)
        if self._graph is None:
            return self._computed(batch)
        for kept, new in zip(self._batch, batch, strict=True):
            kept.copy_(new)
        self._graph.replay()
        return self._result.clone()

    def _computed(self, batch: Batch) -> Tensor:
        for parameter in self.parameters:
            parameter.grad = None
        loss = self.loss.of(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _record(self, batch: Batch) -> None:
        self._batch = tuple(tensor.clone() for tensor in batch)
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            with torch.cuda.graph(graph):
                self._result = self._computed(self._batch)
        except RuntimeError as error:
            self._refused = True
            self.say(f"steps are not recorded: {str(error).splitlines()[0]}")
        else:
            self._graph = graph
