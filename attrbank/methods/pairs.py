"""What both kinds of vectors learn from: latents of both prompts from the same noise, or of pairs of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Conditioning
from attrbank.diffusion.schedule import nearest_index
from attrbank.errors import InvalidValueError
from attrbank.methods.protocol import LearnContext
from attrbank.schema.asked import PromptPair

BATCH = 16

LEAST_CHANGE = 0.025
"""What a pair must change in one picture of four, in units of what tells pictures apart.

Measured on three models (docs/notes.md): words that ``portraits`` has never seen change .003 to .019, another word for
the same thing .011, and the least of what can be learned, at a branch of .5, .07 (a hat) and .14 (a smile).
"""


class CleanPairs(NamedTuple):
    """Clean latents predicted at T_z under both prompts, one row a seed; or those of pictures, one row a pair.

    Shapes:
        source, target: (M, C, H, W).
    """

    source: Tensor
    target: Tensor


class SeenPairs(NamedTuple):
    """Clean pairs, and what an edit may see of their sources.

    Attributes:
        clean: the pairs.
        views: the source's clean latents as predicted at T_x, at T_z and between, (K, M, C, H, W); of pictures, K = 1.
    """

    clean: CleanPairs
    views: Tensor


def dealt(context: LearnContext) -> Iterator[tuple[PromptPair, tuple[int, ...]]]:
    """Every prompt pair with its share of the seeds, in batches."""
    pairs, seeds = context.spec.pairs, context.spec.seeds
    for number, pair in enumerate(pairs):
        share = seeds[number :: len(pairs)]
        for start in range(0, len(share), BATCH):
            yield pair, share[start : start + BATCH]


def change_of(clean: CleanPairs) -> float:
    """How far the targets lie from their sources, in units of the sources' spread over seeds and places.

    That of the picture at the upper quartile: at a late branch most pictures are past changing, and where words mean
    nothing a single one may tip over all the same.
    """
    source, target = (side.double() for side in clean)
    spread = (source - source.mean(dim=(0, 2, 3), keepdim=True)).square().mean().sqrt()
    changes = (target - source).square().mean(dim=(1, 2, 3)).sqrt()
    return (changes.quantile(0.75) / spread.clamp(min=torch.finfo(source.dtype).tiny)).item()


def require_change(context: LearnContext, clean: CleanPairs) -> None:
    """Refuse what teaches next to nothing; forced, warn of it.

    Of a difference there must be some even then; the paper's vectors are the target's own.

    Raises:
        InvalidValueError: source and target lead to much the same pictures.
    """
    change = change_of(clean)
    if not change < LEAST_CHANGE:
        return
    found = f"source and target lead to almost the same pictures, {100 * change:.2g} % of what tells pictures apart"
    possible = change or context.spec.vectors == "paper"
    if not (context.force and possible):
        hint = "Name or show in the target what the source lacks, in words that the model knows."
        forced = " --force stores it all the same, in Python force=True." if possible else ""
        raise InvalidValueError(f"{found[0].upper()}{found[1:]}: there is no difference to learn.", f"{hint}{forced}")
    context.on_warning(f"{found}: this will hardly show")


def predict_clean_pairs(context: LearnContext) -> CleanPairs:
    """docs/method.md 5.1: run both prompts from the same noise to T_z and predict there; pictures are there.

    Raises:
        InvalidValueError: the pairs teach next to nothing, and ``context.force`` is off.
    """
    return predict_seen_pairs(context).clean


def predict_seen_pairs(context: LearnContext) -> SeenPairs:
    """The same, with what was seen of the sources on the way, which costs no evaluation more."""
    if context.clean is not None:
        clean = CleanPairs(*context.clean)
        require_change(context, clean)
        return SeenPairs(clean, clean.source.unsqueeze(0))
    views: list[Tensor] = []
    targets: list[Tensor] = []
    index = _branch(context)
    on_step = counted(context, (2 * context.index_z - index) * len(context.spec.seeds))
    for pair, seeds in dealt(context):
        seen, target = _run(context, pair, seeds, index, on_step)
        views.append(seen)
        targets.append(target)
    all_views = torch.cat(views, dim=1)
    clean = CleanPairs(all_views[-1], torch.cat(targets))
    require_change(context, clean)
    return SeenPairs(clean, all_views)


def counted(context: LearnContext, total: int) -> Callable[[Position], None]:
    """Counts the steps of single pictures, of ``total``, and reports them as sampling."""
    done = 0

    def count(position: Position) -> None:
        nonlocal done
        done += len(position.latent)
        context.on_progress("sampling", done, total)

    return count


def _branch(context: LearnContext) -> int:
    """The grid index at which the runs part."""
    trajectory = context.trajectory
    return nearest_index(trajectory.grid, trajectory.backbone.schedule, context.spec.branch)


def _run(
    context: LearnContext, pair: PromptPair, seeds: tuple[int, ...], index: int, on_step: Callable[[Position], None]
) -> tuple[Tensor, Tensor]:
    """The source's views (K, B, C, H, W) and the target's clean latents; until the branch their runs are one."""
    trajectory = context.trajectory
    source, target = (trajectory.backbone.encode_prompts([prompt]) for prompt in (pair.source, pair.target))
    branch = trajectory.run(trajectory.start(seeds), source, index, on_step)
    end = trajectory.run(branch.branched(), target, context.index_z, on_step)
    return _views(context, branch, source, on_step), trajectory.predict(end, target).x0


def _views(
    context: LearnContext, position: Position, conditioning: Conditioning, on_step: Callable[[Position], None]
) -> Tensor:
    """Clean latents (K, B, C, H, W) predicted at T_x, half-way and at T_z of a run that goes on from ``position``."""
    trajectory, first, last = context.trajectory, context.index_x, context.index_z
    views = []
    for index in sorted({first, (first + last) // 2, last}):
        position = trajectory.run(position, conditioning, index, on_step)
        prediction = trajectory.predict(position, conditioning)
        views.append(prediction.x0)
        if index < last:
            position = trajectory.step(position, prediction)
            on_step(position)
    return torch.stack(views)
