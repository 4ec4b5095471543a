"""One resumable training loop for all of the project's networks, on any device."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from attrbank import files
from attrbank.errors import IncompatibleError
from lab.norms import keep_channels_last
from lab.recorded import Recorded

NetworkT = TypeVar("NetworkT", bound=nn.Module)
CHECKPOINT, CHECKPOINT_EVERY = "checkpoint.safetensors", 250
REPORT_EVERY = 50
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


def rate(step: int, steps: int, peak: float, time_left: float = 1.0) -> float:
    """Learning rate: warm-up, plateau, linear decay over the last fifth of the steps, or of the time.

    The plateau does not depend on ``steps``, so a run can be resumed with more or fewer of them.
    """
    decay = max(1, steps // 5)
    return peak * max(0.0, min(1.0, (step + 1) / 100, (steps - step) / decay, 5 * time_left))


def time_left(began: float, deadline: float) -> float:
    """The share that is left of the time from ``began`` to ``deadline``, which may be never; of the monotonic clock."""
    return 1.0 if deadline == float("inf") else (deadline - time.monotonic()) / max(1e-6, deadline - began)


def metadata_of(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself."""
    with safe_open(path, "pt") as file:
        found: dict[str, str] | None = file.metadata()
    return found or {}


class Trainer:
    """Adam with an exponential moving average, checkpointed as one safetensors file.

    It reports in lines that a log file can hold.

    Args:
        networks: what is trained, by the name that its tensors carry in the checkpoint, on the device to train on.
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
        self.networks, self.folder, self.data = networks, folder, data
        self.say, self.stopped, self.final = say, False, False
        self.learning_rate, self.ema_decay = learning_rate, ema_decay
        self.parameters: dict[str, Tensor] = {
            f"{n}/{k}": p for n, net in networks.items() for k, p in net.named_parameters()
        }
        self.ema = {key: p.detach().clone() for key, p in self.parameters.items()}
        self.on_gpu = all(p.is_cuda for p in self.parameters.values())
        self.optimizer = torch.optim.Adam(
            self.parameters.values(), lr=learning_rate, betas=(0.9, 0.99), fused=True if self.on_gpu else None
        )
        self.step, self.time_left = 0, 1.0
        self.left_out = torch.zeros(())
        """How many steps changed nothing, since a gradient was not finite."""
        self._resume()

    def run(
        self,
        loss_at: Callable[[int], Tensor] | Recorded,
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

    def _run(
        self, loss_at: Callable[[int], Tensor] | Recorded, steps: int, max_minutes: float | None, title: str
    ) -> bool:
        began, first, losses = time.monotonic(), self.step, []
        deadline = float("inf") if max_minutes is None else began + 60 * max_minutes
        while self.step < steps and time.monotonic() < deadline and not self.stopped:
            if self.final:
                self.time_left = time_left(began, deadline)
            losses.append(self._update(loss_at, steps))
            if self.step % REPORT_EVERY == 0:
                each = (time.monotonic() - began) / (self.step - first)
                left = each * (steps - self.step) / 60
                mean = float(torch.stack(losses).mean())
                line = f"{title} {self.step}/{steps}: loss {mean:.4f}, {each:.3f} s a step, {left:.0f} minutes left"
                self.say(line + self.warning())
                losses.clear()
            if self.step % CHECKPOINT_EVERY == 0:
                self.save()
        self.save()
        return self.step >= steps or (self.final and not self.stopped)

    def _update(self, loss_at: Callable[[int], Tensor] | Recorded, steps: int) -> Tensor:
        """One step; the loss is left on its device, since waiting for it would keep a GPU idle."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.step, steps, self.learning_rate, self.time_left)
        loss = self._gradients(loss_at)
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        if self.on_gpu:  # where Adam leaves a step out by itself, if it is told in this way
            self.optimizer.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
            self.left_out = self.left_out + self.optimizer.found_inf  # type: ignore[attr-defined]
        self.optimizer.step()
        self.step += 1
        weight = 1 - min(self.ema_decay, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.values()), list(self.parameters.values()), weight)
        return loss

    def _gradients(self, loss_at: Callable[[int], Tensor] | Recorded) -> Tensor:
        """The loss at this step, with its gradients in the parameters."""
        if isinstance(loss_at, Recorded):
            return loss_at.backward(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss = loss_at(self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def warning(self) -> str:
        """What a line ends with if steps had to be left out."""
        count = int(self.left_out)
        return f", {count} steps left out" if count else ""

    def load_average(self) -> None:
        """Put the averaged weights into the networks: training is over."""
        with torch.no_grad():
            for key, parameter in self.parameters.items():
                parameter.copy_(self.ema[key])

    def save(self) -> None:
        """Write the whole state in the place of the old one: a kill leaves the one or the other."""
        files.make_folder(self.folder)
        files.replace(self.folder / CHECKPOINT, save(self._state(), {"step": str(self.step), "data": self.data}))

    def _state(self) -> dict[str, Tensor]:
        moments = {k: self.optimizer.state[p] for k, p in self.parameters.items() if p in self.optimizer.state}
        parts: dict[str, dict[str, Tensor]] = {
            "weights": self.parameters,
            "average": self.ema,
            "first": {key: state["exp_avg"] for key, state in moments.items()},
            "second": {key: state["exp_avg_sq"] for key, state in moments.items()},
        }
        return {f"{part}/{k}": t.detach().contiguous() for part, tensors in parts.items() for k, t in tensors.items()}

    @torch.no_grad()
    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        about, stored = metadata_of(path), load_file(path)
        if about["data"] != self.data:
            raise IncompatibleError(
                f"The checkpoint in {self.folder} has learned from {about['data']}, not from {self.data}.",
                "Remove that folder to train anew, or choose another --out.",
            )
        self.step = int(about["step"])
        for key, parameter in self.parameters.items():
            parameter.copy_(stored[f"weights/{key}"])
            self.ema[key].copy_(stored[f"average/{key}"])
            if f"first/{key}" in stored:
                device = parameter.device  # fused Adam wants its step there, too
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(self.step), device=device),
                    "exp_avg": stored[f"first/{key}"].clone().to(device),
                    "exp_avg_sq": stored[f"second/{key}"].clone().to(device),
                }
