"""The project's training loop, on any device, with a line now and then that says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lab.portraits.loop import Trainer

REPORT_EVERY, SAVE_EVERY = 50, 100


def layout(device: torch.device) -> torch.memory_format:
    """How tensors of pictures are laid out: channels last on a GPU; on one CPU thread that costs a fifth more."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


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
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = state[name].to(parameter.device)

    def run(self, loss_at: Callable[[int], Tensor], steps: int, max_minutes: float | None, title: str) -> bool:
        """Train up to ``steps``; False if the time ran out first. Either way the state is on disk."""
        began, first = time.monotonic(), self.step
        deadline = float("inf") if max_minutes is None else began + 60 * max_minutes
        losses: list[Tensor] = []
        while self.step < steps and time.monotonic() < deadline:
            losses.append(self._update(loss_at, steps))
            if self.step % REPORT_EVERY == 0:
                left = (steps - self.step) * (time.monotonic() - began) / (self.step - first) / 60
                mean = float(torch.stack(losses).mean())
                print(f"{title}: step {self.step} of {steps}, loss {mean:.4f}, {left:.0f} minutes left", flush=True)
                losses.clear()
            if self.step % SAVE_EVERY == 0:
                self.save()
        self.save()
        return self.step >= steps


@torch.no_grad()
def start_from(network: nn.Module, weights: dict[str, Tensor]) -> int:
    """Copy the weights whose names and shapes fit; how many did."""
    own, copied = network.state_dict(), 0
    for name, tensor in weights.items():
        if name in own and own[name].shape == tensor.shape:
            own[name].copy_(tensor)
            copied += 1
    return copied
