"""``apply``: generate a picture, and the same picture with attributes of a bank."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from attrbank import picture
from attrbank.artifact import decode
from attrbank.composition import Act, Edited, run_edits
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Position, Trajectory
from attrbank.planning import Plan, plan
from attrbank.plugin_manager import load_plugins
from attrbank.requests import ApplyRequest
from attrbank.schema import Recipe, Step

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Applied:
    """What ``apply`` did.

    Attributes:
        plan: what it set out to do.
        output: the PNG that it wrote.
        before: the unedited picture (3, h, w) in [0, 1]; None with ``only_after``.
        after: the edited one.
        unet_evaluations: rows that the network predicted.
        seconds: wall-clock time, model loading included.
    """

    plan: Plan
    output: Path
    before: Tensor | None
    after: Tensor
    unet_evaluations: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        planned = self.plan.as_dict()
        return {
            **planned,
            "output": str(self.output),
            "unet_evaluations": self.unet_evaluations,
            "seconds": round(self.seconds, 3),
        }


def apply(request: ApplyRequest, *, on_step: OnStep = lambda done, total: None) -> Applied:
    """Apply attributes as requested and write the PNG.

    Args:
        request: what to do; ``None`` fields take the attribute's or the backbone's own.
        on_step: called with the denoising steps done and their total.

    Raises:
        NotFoundError, InvalidValueError, IncompatibleError, CorruptArtifactError: see ``planning.plan``.
        StorageError: the picture cannot be written; asked before anything is computed.
        NumericError: a latent is no longer finite.
    """
    started = time.monotonic()
    planned = plan(request)
    picture.require_writable(request.output)
    plugins = load_plugins()
    plugins.notify("before_apply", recipe=recipe(planned))
    backbone: Backbone = plugins.backbone(planned.backbone_reference, request.placement)
    trajectory = Trajectory(backbone, planned.sampler, grid=planned.grid, guidance_scale=planned.guidance_scale)
    edited = _run(planned, trajectory, with_before=not request.only_after, on_step=on_step)
    before = None if edited.before is None else backbone.decode(edited.before)[0]
    after = backbone.decode(edited.after)[0]
    output = picture.write(request.output, before, after, _captions(planned), recipe(planned))
    plugins.notify("after_apply", recipe=recipe(planned), output=output)
    return Applied(planned, output, before, after, trajectory.evaluations, time.monotonic() - started)


def _run(planned: Plan, trajectory: Trajectory, *, with_before: bool, on_step: OnStep) -> Edited:
    acts = [
        Act(
            step.index,
            step.method.edit(step.record, decode(planned.bank.read(step.entry)).tensors, step.core),
            step.strength,
        )
        for step in planned.steps_applied
    ]
    steps = len(planned.grid)
    total = 2 * steps - planned.steps_applied[0].index
    done = 0

    def count(position: Position) -> None:
        nonlocal done
        done += 1
        on_step(min(done, total), total)

    return run_edits(trajectory, planned.prompt, [planned.seed], acts, with_before=with_before, on_step=count)


def recipe(planned: Plan) -> Recipe:
    """What repeats this picture."""
    return Recipe(
        steps_applied=tuple(Step(**step.as_dict()) for step in planned.steps_applied),
        prompt=planned.prompt,
        seed=planned.seed,
        sampler=planned.sampler.name,
        steps=planned.steps,
        guidance_scale=planned.guidance_scale,
        backbone=planned.backbone_reference,
        fingerprint=planned.backbone.fingerprint,
        forced=planned.forced,
    )


def _captions(planned: Plan) -> tuple[str, str]:
    edits = " + ".join(f"{step.entry.name} {step.strength:g}" for step in planned.steps_applied)
    return ", ".join(filter(None, [planned.prompt, f"seed {planned.seed}"])), edits
