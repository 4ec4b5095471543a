"""The project's training loop, on any device and for a given time, with a line now and then that says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from lab.norms import keep_channels_last
from lab.portraits.loop import Trainer, time_left
from lab.recorded import Recorded

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
    """A ``Trainer`` whose progress can be read in a log file, and whose networks may be on a GPU."""

    def train(
        self,
        loss_at: Callable[[int], Tensor] | Recorded,
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
        losses = list[Tensor]()
        while self.step < steps and time.monotonic() < deadline:
            self.time_left = time_left(began, deadline)
            losses.append(self._update(loss_at, steps))
            if self.step % REPORT_EVERY == 0:
                mean = float(torch.stack(losses).mean())  # waits for the device
                self._report(title, steps, mean, (time.monotonic() - reported) / len(losses), deadline)
                losses, reported = [], time.monotonic()
            if time.monotonic() > saved + SAVE_EVERY:
                self.save()
                on_save()
                saved = time.monotonic()
        self.save()
        on_save()
        return self.step >= steps

    def _report(self, title: str, steps: int, loss: float, seconds: float, deadline: float) -> None:
        left = min((steps - self.step) * seconds, deadline - time.monotonic()) / 60
        line = f"{title}: step {self.step} of {steps}, loss {loss:.4f}, {1000 * seconds:.0f} ms a step"
        print(f"{line}, {left:.1f} minutes left{self.warning()}", flush=True)
