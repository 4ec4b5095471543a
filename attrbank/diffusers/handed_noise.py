"""Schedulers that draw noise themselves, made to use the noise that they are handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from attrbank.errors import InvalidValueError


class HandedNoise(TorchFunctionMode):
    """While active, and in this thread alone, ``torch.randn`` returns the noise given here.

    Some schedulers of diffusers have no argument for noise. They all draw it through ``torch.randn``, so that
    nothing of theirs has to be replaced.

    Args:
        noise: standard normal, (B, C, H, W); None where none should be drawn.
    """

    def __init__(self, noise: Tensor | None) -> None:
        super().__init__()
        self.noise = noise

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answer ``torch.randn``; let everything else be.

        Raises:
            InvalidValueError: noise is drawn, but none was given.
        """
        if func is not torch.randn:
            return func(*args, **(kwargs or {}))
        if self.noise is None:
            raise InvalidValueError("This sampler needs noise.")
        return self.noise
