"""The project's training loop, on any device and for a given time, with a line now and then that says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from lab.norms import keep_channels_last
from lab.portraits.loop import Trainer

Network = TypeVar("Network", bound=nn.Module)

REPORT_EVERY, SAVE_EVERY = 50, 90.0
"""In steps and in seconds."""


def layout(device: torch.device) -> torch.memory_format:
    """How tensors of pictures are laid out: channels last on a GPU; on one CPU thread that costs a fifth more."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def put(network: Network, device: torch.device) -> Network:
    """A network on a device, in its layout."""
    moved: Network = network.to(device, memory_format=layout(device))  # type: ignore[call-overload]
    if device.type == "cuda":
        keep_channels_last(moved)
    return moved


def deadline_in(minutes: float | None) -> float:
    """The moment, in seconds of the monotonic clock, at which so many minutes will have passed."""
    return float("inf") if minutes is None else time.monotonic() + 60 * minutes


class ReportingTrainer(Trainer):
    """A ``Trainer`` whose progress can be read in a log file, and whose networks may be on a GPU.

    Args:
        networks: as for ``Trainer``, on their device already.
        folder: as for ``Trainer``.
        learning_rate: as for ``Trainer``.
        ema_decay: as for ``Trainer``.
        data: as for ``Trainer``.

    Raises:
        IncompatibleError: the checkpoint has learned from other data.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        folder: Path,
        learning_rate: float,
        ema_decay: float = 0.999,
        data: str = "",
    ) -> None:
        super().__init__(networks, folder, learning_rate, ema_decay, data)
        for parameter, state in self.optimizer.state.items():  # a checkpoint is read onto the CPU
            for name, tensor in state.items():
                state[name] = tensor.to(parameter.device)

    def train(
        self,
        loss_at: Callable[[int], Tensor],
        steps: int,
        title: str,
        deadline: float = float("inf"),
        on_save: Callable[[], object] = lambda: None,
    ) -> bool:
        """Train up to ``steps`` or to the deadline, whichever comes first; False if it was the deadline.

        The learning rate has decayed at either end. The state is on disk after all, and from time to time before.

        Args:
            loss_at: the loss at step n.
            steps: of all runs together.
            title: what lines begin with.
            deadline: as ``deadline_in`` gives it.
            on_save: called whenever the state has been written.
        """
        began = saved = reported = time.monotonic()
        first, losses = self.step, list[Tensor]()
        while self.step < steps and time.monotonic() < deadline:
            expected = self._expected(steps, first, began, deadline)
            losses.append(self._update(loss_at, expected))
            if self.step % REPORT_EVERY == 0:
                mean = float(torch.stack(losses).mean())  # waits for the device
                self._report(title, expected, mean, (time.monotonic() - reported) / len(losses))
                losses, reported = [], time.monotonic()
            if time.monotonic() > saved + SAVE_EVERY:
                self.save()
                on_save()
                saved = time.monotonic()
        self.save()
        on_save()
        return self.step >= steps

    def _expected(self, steps: int, first: int, began: float, deadline: float) -> int:
        """How many steps there will have been at the end, by the share of the time that has passed."""
        share = (time.monotonic() - began) / max(1e-9, deadline - began)
        done = self.step - first
        return min(steps, first + int((done + 1) / share)) if done and share > 0 else steps

    def _report(self, title: str, expected: int, loss: float, seconds: float) -> None:
        left = (expected - self.step) * seconds / 60
        line = f"{title}: step {self.step} of {expected}, loss {loss:.4f}, {1000 * seconds:.0f} ms a step"
        print(f"{line}, {left:.1f} minutes left", flush=True)
