"""Derivatives that go forwards through a network, along with what it computes.

Going backwards, as gradients do, every kernel knows how. Forwards, the fused kernels of attention do not, and torch has
no plain one take their place by itself.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from torch.nn.attention import SDPBackend, sdpa_kernel


def carries_tangent(tensor: Tensor) -> bool:
    """Whether a derivative is to come along with what is made of a tensor."""
    return unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]  # torch has no types for it


def kernels_for(tensor: Tensor) -> AbstractContextManager[None]:
    """Let attention be computed so that a tangent can come along, where there is one.

    That takes memory for all pairs of positions, which the fused kernels spare.
    """
    return sdpa_kernel(SDPBackend.MATH) if carries_tangent(tensor) else nullcontext()
