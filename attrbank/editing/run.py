"""``apply``: generate or read a picture, and give it attributes of a bank."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from attrbank.attribute.artifact import opened
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone, parts_of, precision_of
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act
from attrbank.editing.plan import Plan, plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.retouching import Drawn, GivenFiles, GivenPictures, draw
from attrbank.editing.turns import Turn
from attrbank.names import from_home
from attrbank.pictures import write as picture
from attrbank.pictures.read import InputImage, PictureData
from attrbank.plugins.manager import load_plugins
from attrbank.schema.carried import PictureFile, Recipe, RecipeTurn

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


def apply(request: ApplyRequest, *, planned: Plan | None = None, on_step: OnStep = lambda done, total: None) -> Applied:
    """Apply attributes as requested and write the PNG.

    Args:
        request: what to do; ``None`` fields take the attribute's or the backbone's own.
        planned: what ``plan`` says of this very request, if it was asked already.
        on_step: called with the denoising steps done and their total.

    Raises:
        NotFoundError, InvalidValueError, IncompatibleError, CorruptArtifactError: see ``plan.plan``; a picture or a
            mask cannot be read, see ``pictures.read.read_image``.
        StorageError: the picture cannot be written; asked before anything is computed.
        NumericError: a latent is no longer finite.
    """
    started = time.monotonic()
    planned = planned or plan(request)
    picture.require_writable(request.output, (request.image, request.mask))
    given = GivenFiles.read(planned).decoded()
    editor = Editor(planned, request.placement)
    return replace(editor.apply(planned, given, request.output, on_step), seconds=time.monotonic() - started)


class Editor:
    """A loaded backbone, and attributes ready to act on any number of pictures.

    Args:
        planned: which; of several pictures, the plan of any.
        placement: where the backbone is to run.
        backbone: the one that the plan names, if it is loaded already.
        memory: of what that has predicted before; None predicts everything.
        acting: what becomes of each attribute's turn.

    Raises:
        IncompatibleError: the backbone cannot be loaded.
        CorruptArtifactError: an attribute is damaged.
    """

    def __init__(
        self,
        planned: Plan,
        placement: Placement | None,
        *,
        backbone: Backbone | None = None,
        memory: Memory | None = None,
        acting: Callable[[Act], Act] = lambda act: act,
    ) -> None:
        self._memory = memory
        self._backbone: Backbone = backbone or load_plugins().backbone(planned.backbone_reference, placement)
        self._acts = [
            acting(
                ready(
                    replace(opened(turn.artifact), record=turn.record),
                    turn.strength,
                    turn.core,
                    raw=turn.raw,
                    words=turn.words,
                ).at(turn.indices)
            )
            for turn in planned.turns
        ]

    def apply(
        self, planned: Plan, given: GivenPictures, output: Path | None, on_step: OnStep, *, numbered: bool = False
    ) -> Applied:
        """One picture; ``numbered`` leaves alone what is there already. Other arguments and errors as ``apply``."""
        started, made_by = time.monotonic(), recipe(planned, given)
        drawn, evaluations = self.draw(planned, given, on_step)
        before = None if planned.only_after else drawn.before
        output = picture.write(output, before, drawn.after, captions(planned), made_by, given.image, numbered=numbered)
        return Applied(planned, output, before, drawn.after, evaluations, time.monotonic() - started)

    def draw(self, planned: Plan, given: GivenPictures, on_step: OnStep) -> tuple[Drawn, int]:
        """One picture and the rows that the network predicted for it; nothing is written. Raises as ``draw``."""
        trajectory = self._trajectory(planned)
        drawn = draw(planned, trajectory, self._acts, given, _counter(planned, on_step))
        return drawn, trajectory.evaluations

    def _trajectory(self, planned: Plan) -> Trajectory:
        kind = Trajectory if self._memory is None else partial(RememberingTrajectory, memory=self._memory)
        return kind(
            self._backbone,
            planned.sampler,
            grid=planned.grid,
            guidance_scale=planned.guidance_scale,
            negative_prompt=planned.negative_prompt,
        )


def _counter(planned: Plan, on_step: OnStep) -> Callable[[Position], None]:
    """Counts positions reached against those to expect."""
    total, done = planned.steps_shown, itertools.count(1)
    return lambda position: on_step(min(next(done), total), total)


def recipe(planned: Plan, given: GivenPictures | GivenFiles) -> Recipe:
    """What repeats this picture."""
    return Recipe(
        steps_applied=tuple(RecipeTurn(**turn.as_dict()) for turn in planned.turns),
        prompt=planned.prompt,
        seed=planned.seed,
        sampler=planned.sampler.name,
        steps=planned.steps,
        guidance_scale=planned.guidance_scale,
        backbone=from_home(planned.backbone_reference),
        fingerprint=planned.backbone.fingerprint,
        forced=planned.forced,
        image=_file(given.image),
        inversion=planned.inversion,
        mask=_file(given.mask),
        only_after=planned.only_after,
        dtype=precision_of(planned.backbone, planned.placement),
        parts=dict(parts_of(planned.backbone)),
        plugins=dict(planned.plugins),
        negative_prompt=planned.negative_prompt,
    )


def _file(image: InputImage | PictureData | None) -> PictureFile | None:
    return None if image is None else PictureFile(name=image.name, sha256=image.sha256)


def _behind(turn: Turn) -> str:
    return "" if turn.when is None else f" @{turn.when}"


def captions(planned: Plan) -> tuple[str, str]:
    """What stands under the pictures before and after."""
    edits = " + ".join(f"{turn.entry.name} {turn.strength:g}{_behind(turn)}" for turn in planned.turns)
    begun = [planned.prompt, f"seed {planned.seed}"] if planned.image is None else [planned.image.name]
    return ", ".join(filter(None, begun)), edits
