"""Derivatives that go forwards through a network, along with what it computes.

Going backwards, as gradients do, every kernel knows how. Forwards, the fused kernels of attention do not, and torch has
no plain one take their place by itself; nor does normalisation by groups of what does not lie in one piece of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import group_norm
from torch.overrides import TorchFunctionMode


def carries_tangent(tensor: Tensor) -> bool:
    """Whether a derivative is to come along with what is made of a tensor."""
    return unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]  # torch has no types for it


@contextmanager
def kernels_for(tensor: Tensor) -> Iterator[None]:
    """Let a network be computed so that a tangent can come along, where there is one.

    Plain attention takes memory for all pairs of positions, which the fused kernels spare.
    """
    if not carries_tangent(tensor):
        yield
        return
    with sdpa_kernel(SDPBackend.MATH), _InOnePiece():
        yield


class _InOnePiece(TorchFunctionMode):
    """Hands to ``group_norm`` copies that lie in one piece of memory, tangents included."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is group_norm:
            args = (args[0].clone(memory_format=torch.contiguous_format), *args[1:])
        return func(*args, **(kwargs or {}))
