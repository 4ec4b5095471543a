"""What both kinds of vectors learn from: latents of both prompts from the same noise, or of pairs of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.methods.protocol import LearnContext
from attrbank.schema import PromptPair

BATCH = 16


class CleanPairs(NamedTuple):
    """Clean latents predicted at T_z under both prompts, one row a seed; or those of pictures, one row a pair.

    Shapes:
        source, target: (M, C, H, W).
    """

    source: Tensor
    target: Tensor


def dealt(context: LearnContext) -> Iterator[tuple[PromptPair, tuple[int, ...]]]:
    """Every prompt pair with its share of the seeds, in batches."""
    pairs, seeds = context.spec.pairs, context.spec.seeds
    for number, pair in enumerate(pairs):
        share = seeds[number :: len(pairs)]
        for start in range(0, len(share), BATCH):
            yield pair, share[start : start + BATCH]


def predict_clean_pairs(context: LearnContext) -> CleanPairs:
    """METHOD section 5, step 1: run both prompts from the same noise to T_z and predict there; pictures are there."""
    if context.clean is not None:
        return CleanPairs(*context.clean)
    found: list[tuple[Tensor, Tensor]] = []
    done = 0
    for pair, seeds in dealt(context):
        found.append((_clean(context, pair.source, seeds), _clean(context, pair.target, seeds)))
        done += len(seeds)
        context.on_progress("sampling", done, len(context.spec.seeds))
    sources, targets = zip(*found, strict=True)
    return CleanPairs(torch.cat(sources), torch.cat(targets))


def _clean(context: LearnContext, prompt: str, seeds: tuple[int, ...]) -> Tensor:
    trajectory = context.trajectory
    conditioning = trajectory.backbone.encode_prompts([prompt])
    position = trajectory.run(trajectory.start(seeds), conditioning, context.index_z)
    return trajectory.predict(position, conditioning).x0
