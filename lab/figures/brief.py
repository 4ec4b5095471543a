"""The short account of an edit: its success, and what else it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor

from attrbank.evaluation.judges.readings import Pictures, flips, identity_error
from attrbank.evaluation.numbers.estimates import mean, share
from lab import markdown

Brief: TypeAlias = dict[str, dict[str, float]]
"""Success, flips and identity error, each an ``Estimate``, dumped."""


def brief(success: Tensor, before: Pictures, after: Pictures, *values: str) -> Brief:
    """Sum up pictures.

    Args:
        success: in which of them the edit did what it should, (B,) bool.
        before: without it.
        after: with it.
        values: what it is about, so that their change is no collateral.
    """
    found = {
        "success": share(success.numpy()),
        "flips": mean(flips(before, after, *values).double().numpy()),
        "identity": mean(identity_error(before, after, *values).double().numpy()),
    }
    return {figure: estimate.model_dump() for figure, estimate in found.items()}


def cell(found: Mapping[str, Mapping[str, float]]) -> str:
    """For tables: success [95 % interval] / flips / identity error."""
    return f"{markdown.interval(found['success'])} / {found['flips']['value']:.3f} / {found['identity']['value']:.2f}"
