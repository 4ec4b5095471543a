"""Where networks run, and in which precision.

Only networks move. Latents, pictures and the random numbers stay on the CPU in float32 on both sides of a backbone, so
that samplers, methods and banks know nothing of devices, and the same seed is the same noise everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from accelerate.utils import send_to_device
from torch import Tensor, nn

from attrbank.diffusion.finite import finite
from attrbank.diffusion.placement import Dtype, Placement
from attrbank.errors import InvalidValueError

SMALL_BYTES = 100_000_000
"""A network with fewer bytes of weights stays on the CPU in float32 unless told otherwise: it is as quick there, and
its pictures are the same on every machine."""

CPU = torch.device("cpu")


class Residence:
    """A device, a precision, and which network is at work there.

    Attributes:
        device: where the networks compute.
        dtype: the precision they have.
        offload: whether they wait in main memory for their turn.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, *, offload: bool = False) -> None:
        self.device = device
        self.dtype = dtype
        self.offload = offload
        self._at_work: nn.Module | None = None

    def settle(self, *networks: nn.Module) -> None:
        """Move networks to the device, or let each move there when it is called."""
        for network in networks:
            if self.offload:
                add_hook_to_module(network, _Alone(self))
            else:
                network.to(self.device)

    def call_up(self, network: nn.Module) -> None:
        """Bring one network to the device, and send back the one that was there."""
        if network is self._at_work:
            return
        if self._at_work is not None:
            self._at_work.to(CPU)
        self._at_work = network.to(self.device)

    def enter(self, tensor: Tensor) -> Tensor:
        """A tensor of numbers as the networks take it."""
        return tensor.to(self.device, self.dtype)


def leave(tensor: Tensor, part: str) -> Tensor:
    """What the network in that part of a model made, on the CPU in float32.

    Raises:
        NumericError: it holds NaN or infinity.
    """
    return finite(tensor, f"What the {part} made").to(CPU, torch.float32)


def residence(placement: Placement, weights: Path, half: Dtype = "float16") -> Residence:
    """Decide where a model runs: as asked, else on the accelerator in half precision if it is large.

    Args:
        placement: the user's wishes.
        weights: the folder or file that holds the network that denoises; its size decides what is large.
        half: the half precision that suits the family.

    Raises:
        InvalidValueError: there is no such device here, or nothing to offload from.
    """
    small = _bytes(weights) < SMALL_BYTES
    device = _device(placement.device) if placement.device else CPU if small else _best_device()
    if placement.offload and device.type == "cpu":
        raise InvalidValueError(
            "Networks that run on the CPU are in main memory already.",
            hint="Leave --offload out, or name an accelerator with --device.",
        )
    dtype = placement.dtype or ("float32" if small or device.type == "cpu" else half)
    return Residence(device, getattr(torch, dtype), offload=placement.offload)


class _Alone(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """Calls a network to the device before each of its evaluations, with what it is given."""

    def __init__(self, residence: Residence) -> None:
        self._residence = residence

    def __deepcopy__(self, memo: dict[int, Any]) -> _Alone:
        """A copy of a network shares the device with all the others, and copies none of them."""
        return _Alone(self._residence)

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self._residence.call_up(module)
        return send_to_device(args, self._residence.device), send_to_device(kwargs, self._residence.device)


def _best_device() -> torch.device:
    return _accelerator() or CPU


def _accelerator() -> torch.device | None:
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


def devices_here() -> list[str]:
    """The kinds of devices that this machine has, the CPU first."""
    accelerator = _accelerator()
    return [CPU.type] if accelerator is None else [CPU.type, accelerator.type]


def _device(name: str) -> torch.device:
    here = devices_here()
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    count = 1 if device == CPU else torch.accelerator.device_count()
    if device is None or device.type not in here or (device.index or 0) >= count:
        raise InvalidValueError(f"There is no device {name!r} here.", hint=f"There is: {', '.join(here)}.")
    return device


def _bytes(weights: Path) -> int:
    files = [weights] if weights.is_file() else weights.glob("*.safetensors")
    return sum(path.stat().st_size for path in files)
