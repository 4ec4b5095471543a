"""Where a user wants a model's networks to run. Torch decides what is possible, later; here are only the wishes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from attrbank.errors import InvalidValueError
from attrbank.text import Dtype, printable

__all__ = ["Dtype", "Placement"]

_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Wishes; None leaves the choice to the backbone.

    Attributes:
        device: as torch names it: "cpu", "cuda", "cuda:1", "mps".
        dtype: the precision of the networks; latents and everything learned stay in float32.
        offload: keep the networks in main memory, and on the device only the one that is at work.

    Raises:
        InvalidValueError: no device is called so, on any machine.
    """

    device: str | None = None
    dtype: Dtype | None = None
    offload: bool = False

    def __post_init__(self) -> None:
        if self.device is not None and not _DEVICE.fullmatch(self.device):
            raise InvalidValueError(
                f"{printable(self.device)!r} is not a device.",
                hint="Write cpu, cuda, cuda:1 for the second, mps or xpu.",
            )
