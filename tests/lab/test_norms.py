"""Group norms that leave pictures channels-last give what PyTorch's own give, and the same gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from lab.norms import keep_channels_last


@pytest.mark.parametrize("shape", [(3, 12, 4, 5), (2, 12, 7)])
def test_it_is_a_group_norm(shape: tuple[int, ...]):
    torch.manual_seed(0)
    own = nn.GroupNorm(3, 12)
    nn.init.normal_(own.weight)
    nn.init.normal_(own.bias)
    other = copy.deepcopy(own)
    keep_channels_last(other)
    x = 3 + 2 * torch.randn(shape)
    results = []
    for norm in (own, other):
        given = x.clone().requires_grad_(True)
        out = norm(given)
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        results.append((out, given.grad, norm.weight.grad, norm.bias.grad))
    for mine, theirs in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_pictures_stay_channels_last():
    norm = nn.GroupNorm(2, 8)
    keep_channels_last(norm)
    x = torch.randn(2, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    assert norm(x).is_contiguous(memory_format=torch.channels_last)
