"""Group norms that leave pictures channels-last: PyTorch's own bring each one into another order and back on a GPU."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn


class _GroupNorm(torch.autograd.Function):
    """y = x · scale + shift, where both are numbers of a channel of a picture.

    Shapes:
        x: (B, N, C), positions before channels.
        weight, bias: (C,).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        """The normalised x, in its own type; sums are taken in float32."""
        mean = _of_groups(x.mean(1, dtype=torch.float32), groups)
        square = torch.linalg.vector_norm(x, dim=1, dtype=torch.float32).square() / x.shape[1]
        rate = (_of_groups(square, groups) - mean.square()).clamp(min=0).add(eps).rsqrt()
        scale = rate * weight
        ctx.save_for_backward(x, weight, mean, rate)
        ctx.groups = groups
        return torch.addcmul(_flat(bias - mean * scale, x), x, _flat(scale, x))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """The gradients of x, weight and bias."""
        x, weight, mean, rate = ctx.saved_tensors
        grad = grad.to(x.dtype).contiguous()
        summed = grad.sum(1, dtype=torch.float32)
        along = ((grad * x).sum(1, dtype=torch.float32) - mean * summed) * rate  # Σ grad · x̂
        count = x.shape[1]
        one = _of_groups(weight * summed, ctx.groups) / count
        two = _of_groups(weight * along, ctx.groups) / count * rate.square()
        rest = torch.addcmul(_flat(two * mean - rate * one, x), x, _flat(-two, x))
        return torch.addcmul(rest, grad, _flat(rate * weight, x)), along.sum(0), summed.sum(0), None, None


def _of_groups(values: Tensor, groups: int) -> Tensor:
    """Averages over each group's channels, (B, C) to (B, C)."""
    size = values.shape[1] // groups
    return values.view(-1, groups, size).mean(2).repeat_interleave(size, dim=1)


def _flat(values: Tensor, x: Tensor) -> Tensor:
    """(B, C) so that they meet (B, N, C)."""
    return values.to(x.dtype)[:, None]


def _forward(norm: nn.GroupNorm, images: Tensor) -> Tensor:
    kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else images.dtype
    positions = images.to(kind).movedim(1, -1).contiguous()
    with torch.autocast("cuda", enabled=False):
        flat = positions.flatten(1, -2)
        normed: Tensor = _GroupNorm.apply(  # type: ignore[no-untyped-call]
            flat, norm.weight, norm.bias, norm.num_groups, norm.eps
        )
    return normed.view_as(positions).movedim(-1, 1)


def keep_channels_last(network: nn.Module) -> None:
    """Exchange how the group norms of a network on a GPU are computed; their weights stay where they are."""
    for norm in network.modules():
        if isinstance(norm, nn.GroupNorm):
            norm.forward = MethodType(_forward, norm)  # type: ignore[method-assign]
