"""The project's training loop, on any device, with a line about the loss and the time left every so often."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from lab.norms import keep_channels_last
from lab.portraits import loop

NetworkT = TypeVar("NetworkT", bound=nn.Module)
EVERY = 50
"""Steps between two lines."""


def place(device: str, threads: int | None) -> torch.device:
    """Where to compute, by name, with so many threads of the CPU, or all cores."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    torch.backends.cudnn.benchmark = True  # batches are all of one size
    return torch.device(device)


def on(device: torch.device, network: NetworkT) -> NetworkT:
    """A network where it is to learn, in the order of memory that is fast there."""
    network = network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cuda":
        keep_channels_last(network)
    return network


class Trainer(loop.Trainer):
    """``loop.Trainer`` for networks that may be on a GPU, which reports in lines that a log file can hold.

    Args:
        networks: what is trained, by name, on the device that they are trained on.
        folder: where the checkpoint lives; an existing one is resumed.
        learning_rate: at the plateau.
        ema_decay: of the averaged weights, which are the result.
        data: what is learned from, in words; the checkpoint remembers it.
        say: takes each line.

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
        say: Callable[[str], None] = print,
    ) -> None:
        super().__init__(networks, folder, learning_rate, ema_decay, data)
        self.say, self.stopped, self.final = say, False, False

    def run(
        self,
        loss_at: Callable[[int], Tensor],
        steps: int,
        max_minutes: float | None,
        title: str,
        final: bool = False,
    ) -> bool:
        """Train up to ``steps``; False if the time ran out, or SIGTERM came, first. The state is on disk after all.

        Args:
            loss_at: the loss at a step.
            steps: where to end.
            max_minutes: when to end at the latest.
            title: of the lines.
            final: the learning rate falls towards the end of the time, which then counts as the end of the training.
        """
        self.final = final
        before = signal.signal(signal.SIGTERM, self._stop)
        try:
            return self._run(loss_at, steps, max_minutes, title)
        finally:
            signal.signal(signal.SIGTERM, before)

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _run(self, loss_at: Callable[[int], Tensor], steps: int, max_minutes: float | None, title: str) -> bool:
        began, first, losses = time.monotonic(), self.step, []
        deadline = float("inf") if max_minutes is None else began + 60 * max_minutes
        while self.step < steps and time.monotonic() < deadline and not self.stopped:
            if self.final:
                self.time_left = loop.time_left(began, deadline)
            losses.append(self._update(loss_at, steps))
            if self.step % EVERY == 0:
                each = (time.monotonic() - began) / (self.step - first)
                left = each * (steps - self.step) / 60
                mean = float(torch.stack(losses).mean())
                self.say(f"{title} {self.step}/{steps}: loss {mean:.4f}, {each:.3f} s a step, {left:.0f} minutes left")
                losses.clear()
            if self.step % loop.CHECKPOINT_EVERY == 0:
                self.save()
        self.save()
        return self.step >= steps or (self.final and not self.stopped)
