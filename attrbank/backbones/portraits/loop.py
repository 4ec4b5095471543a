"""One resumable training loop for all of the project's networks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

CHECKPOINT_EVERY = 250


def rate(step: int, steps: int, peak: float) -> float:
    """Learning rate: warm-up, plateau, linear decay over the last fifth.

    The plateau does not depend on ``steps``, so a run can be resumed with more or fewer of them.
    """
    decay = max(1, steps // 5)
    return peak * min(1.0, (step + 1) / 100, (steps - step) / decay)


class Trainer:
    """Adam with an exponential moving average, checkpointed as one safetensors file a part.

    Args:
        networks: what is trained, by the name that its checkpoint files carry.
        folder: where the checkpoints live; an existing one is resumed.
        learning_rate: at the plateau.
        ema_decay: of the averaged weights, which are the result.
    """

    def __init__(
        self, networks: dict[str, nn.Module], folder: Path, learning_rate: float, ema_decay: float = 0.999
    ) -> None:
        self.networks, self.folder = networks, folder
        self.learning_rate, self.ema_decay = learning_rate, ema_decay
        self.parameters: dict[str, Tensor] = {
            f"{n}/{k}": p for n, net in networks.items() for k, p in net.named_parameters()
        }
        self.ema = {key: p.detach().clone() for key, p in self.parameters.items()}
        self.optimizer = torch.optim.Adam(self.parameters.values(), lr=learning_rate, betas=(0.9, 0.99))
        self.step = 0
        self._resume()

    def run(self, loss_at: Callable[[int], Tensor], steps: int, max_minutes: float | None, title: str) -> bool:
        """Train up to ``steps``; False if the time ran out first. Either way the state is on disk."""
        deadline = float("inf") if max_minutes is None else time.monotonic() + 60 * max_minutes
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            task = progress.add_task(title, total=steps, completed=self.step)
            while self.step < steps and time.monotonic() < deadline:
                loss = self._update(loss_at, steps)
                progress.update(task, completed=self.step, description=f"{title}  loss {loss:.4f}")
                if self.step % CHECKPOINT_EVERY == 0:
                    self.save()
        self.save()
        return self.step >= steps

    def _update(self, loss_at: Callable[[int], Tensor], steps: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.step, steps, self.learning_rate)
        loss = loss_at(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        self.step += 1
        weight = 1 - min(self.ema_decay, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.values()), list(self.parameters.values()), weight)
        return loss.item()

    def load_average(self) -> None:
        """Put the averaged weights into the networks: training is over."""
        with torch.no_grad():
            for key, parameter in self.parameters.items():
                parameter.copy_(self.ema[key])

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        state = self.optimizer.state
        found: dict[str, dict[str, Tensor]] = {
            "weights": dict(self.parameters),
            "average": self.ema,
            "first": {k: state[p]["exp_avg"] for k, p in self.parameters.items() if p in state},
            "second": {k: state[p]["exp_avg_sq"] for k, p in self.parameters.items() if p in state},
        }
        return {
            f"{network}.{part}": {k: t.detach() for k, t in tensors.items() if k.startswith(f"{network}/")}
            for part, tensors in found.items()
            for network in self.networks
        }

    def save(self) -> None:
        """Write every part beside its old version, then swap: a kill leaves a usable checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, tensors in self._parts().items():
            contiguous = {k: t.contiguous() for k, t in tensors.items()}
            save_file(contiguous, self.folder / f"{name}.new", metadata={"step": str(self.step)})
        for name in self._parts():
            os.replace(self.folder / f"{name}.new", self.folder / f"{name}.safetensors")
        (self.folder / "step").write_text(str(self.step))

    @torch.no_grad()
    def _resume(self) -> None:
        if not (self.folder / "step").exists():
            return
        self.step = int((self.folder / "step").read_text())
        stored = {
            part: {k: t for n in self.networks for k, t in load_file(self.folder / f"{n}.{part}.safetensors").items()}
            for part in ("weights", "average", "first", "second")
        }
        for key, parameter in self.parameters.items():
            parameter.copy_(stored["weights"][key])
            self.ema[key].copy_(stored["average"][key])
            if key in stored["first"]:
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": stored["first"][key].clone(memory_format=torch.preserve_format),
                    "exp_avg_sq": stored["second"][key].clone(memory_format=torch.preserve_format),
                }
